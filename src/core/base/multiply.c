/*-------------------------------------------------------------------------
 *
 * src/core/base/multiply.c
 *	  Matrix products on every lane.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/multiply.h"

#include "core/base/gemm.h"

sc_status
sc_multiply_run(const sc_lane *lane, void *job)
{
	sc_multiply *m = job;
	size_t nn = (size_t) m->n * m->n;
	float *a = m->memory + (size_t) lane->index * 3 * nn;
	float *b = a + nn;
	float *c = b + nn;

	SC_ASSERT(m->n > 0 && m->memory != NULL);
	for (size_t i = 0; i < nn; i++)
	{
		a[i] = (float) (i % 7) * 0.1f;
		b[i] = (float) (i % 5) * 0.1f;
	}
	for (long r = 0; r < m->rounds; r++)
	{
		SC_TRY(sc_lane_barrier(lane));
		sc_sgemm(false, false, m->n, m->n, m->n, 1.0f, a, m->n, b, m->n, 0.0f, c, m->n);
	}
	return SC_OK;
}
