/*-------------------------------------------------------------------------
 *
 * src/pg/server/progress_test_sql.c
 *	  scpg_test_progress(n int): tell rows that a reader knows for whole ones, n
 *	  times: the phase is the number of images. The tests alone declare it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "pg/server/progress.h"

PG_FUNCTION_INFO_V1(scpg_test_progress);

Datum
scpg_test_progress(PG_FUNCTION_ARGS)
{
	int n = PG_GETARG_INT32(0);

	scpg_progress_begin("test", InvalidOid, NULL);
	PG_TRY();
	{
		for (int i = 0; i < n; i++)
		{
			char phase[12];

			CHECK_FOR_INTERRUPTS();
			snprintf(phase, sizeof(phase), "%d", i);
			scpg_progress_phase(phase, i);
		}
	}
	PG_FINALLY();
	{
		scpg_progress_end();
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}
