/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/window.h
 *	  Window functions that label the rows of a partition by their embeddings:
 *	  kmeans, leiden.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_WINDOW_H
#define SCPG_WINDOW_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"
#include "windowapi.h"

#include "pg/table/rows.h"

/*
 * The labels, (rows->n) in cxt, of the rows of a partition that have an
 * embedding; of none of them, after a look at the other arguments, NULL.
 */
typedef const int32 *(*scpg_window_fn)(WindowObject winobj, FunctionCallInfo fcinfo, const scpg_rows *rows,
									   MemoryContext cxt);

/* The label of the current row, whose first argument is the embedding; NULL where that is. name: of the function. */
extern Datum scpg_window_label(FunctionCallInfo fcinfo, const char *name, scpg_window_fn label);

/* Argument n (not the first) of the current row, which must not be NULL. what: its name. */
extern Datum scpg_window_argument(WindowObject winobj, int n, const char *what);

/* Argument n of the current row, options, likewise; NULL where it is NULL, or where this form has none. */
extern Jsonb *scpg_window_options(WindowObject winobj, FunctionCallInfo fcinfo, int n);

#endif /* SCPG_WINDOW_H */
