/*-------------------------------------------------------------------------
 *
 * src/pg/server/result.h
 *	  Rows of a function that returns a set, and has called InitMaterializedSRF.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_RESULT_H
#define SCPG_RESULT_H

#include "postgres.h"

#include "fmgr.h"

/* One row, by columns; nulls NULL: none is. A query that was cancelled ends here. */
extern void scpg_put_row(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls);

#endif /* SCPG_RESULT_H */
