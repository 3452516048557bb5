/*-------------------------------------------------------------------------
 *
 * src/core/analytics/row_order.h
 *	  Rows in an order that nothing but their values decides.
 *
 * By a hash of the contents, then by the contents. What goes through the rows
 * in this order has the same bits however the rows come; and any part of it,
 * the first thousand rows say, is a fair sample.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_ROW_ORDER_H
#define SC_ROW_ORDER_H

#include "core/base/arena.h"
#include "core/base/pool.h"

typedef struct sc_row_order
{
	/* set by the caller before sc_row_order_layout */
	size_t n; /* at most 2^32 - 1 */
	int d;
	const float *rows; /* (n, d) */

	/* the result */
	uint32_t *row;	 /* (n), the rows in order */
	uint32_t *group; /* (n): of row[i], the number of the group of equal rows, from 0 on in order */
	size_t distinct; /* groups */

	/* scratch */
	uint64_t *hash;	 /* (n) */
	uint32_t *merge; /* (n) */
} sc_row_order;

extern void sc_row_order_layout(sc_row_order *o, sc_arena *arena);

/* A part of a job: all lanes call it, and it ends with a barrier. */
extern sc_status sc_row_order_find(const sc_lane *lane, sc_row_order *o);

#endif /* SC_ROW_ORDER_H */
