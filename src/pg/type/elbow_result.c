/*-------------------------------------------------------------------------
 *
 * src/pg/type/elbow_result.c
 *	  The SQL type elbow_result: what it holds, its making and its parts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/type/elbow_result.h"

/* head: n, chosen; x: inertia (n). */
static size_t
count(const int32 *head)
{
	return head[0] < 1 || head[1] < 0 || head[1] > head[0] ? 0 : (size_t) head[0];
}

static bool
valid(const scpg_numbers *value)
{
	for (int i = 0; i < value->head[0]; i++)
		if (value->x[i] < 0)
			return false;
	return true;
}

const scpg_numbers_form scpg_elbow_result_form = {"elbow_result", 2, count, valid};

scpg_numbers *
scpg_elbow_result_make(int n, const double *inertia, int chosen)
{
	int32 head[NUMBERS_HEAD] = {n, chosen};
	scpg_numbers *result = scpg_numbers_new(&scpg_elbow_result_form, head);

	Assert(chosen >= 0 && chosen <= n);
	memcpy(result->x, inertia, n * sizeof(double));
	return result;
}

scpg_elbow_result
scpg_elbow_result_open(const scpg_numbers *value)
{
	Assert(count(value->head) > 0);
	return (scpg_elbow_result){value->head[0], value->head[1], value->x};
}
