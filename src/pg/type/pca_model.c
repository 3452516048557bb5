/*-------------------------------------------------------------------------
 *
 * src/pg/type/pca_model.c
 *	  The SQL type pca_model: what it holds, its making and its parts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/type/embedding.h"
#include "pg/type/pca_model.h"

/* head: d, q, whiten; x: mean (d), components (q, d), variance (q), ratio (q). */
static size_t
count(const int32 *head)
{
	if (head[0] < 1 || head[0] > EMBEDDING_MAX_DIM || head[1] < 1 || head[1] > head[0] || head[2] < 0 || head[2] > 1)
		return 0;
	return head[0] + (size_t) head[1] * head[0] + 2 * (size_t) head[1];
}

static bool
valid(const scpg_numbers *value)
{
	scpg_pca_model m = scpg_pca_model_open(value);

	for (int i = 0; i < m.q; i++)
		if (m.variance[i] < 0 || m.ratio[i] < 0 || (i > 0 && m.variance[i] > m.variance[i - 1]))
			return false;
	return true;
}

const scpg_numbers_form scpg_pca_model_form = {"pca_model", 3, 0, count, valid};

scpg_numbers *
scpg_pca_model_make(const sc_pca *pca, bool whiten)
{
	int32 head[NUMBERS_HEAD] = {pca->d, pca->q, whiten};
	scpg_numbers *result = scpg_numbers_new(&scpg_pca_model_form, head);
	double *x = result->x;

	memcpy(x, pca->mean, pca->d * sizeof(double));
	x += pca->d;
	memcpy(x, pca->components, (size_t) pca->q * pca->d * sizeof(double));
	x += (size_t) pca->q * pca->d;
	memcpy(x, pca->variance, pca->q * sizeof(double));
	memcpy(x + pca->q, pca->ratio, pca->q * sizeof(double));
	return result;
}

scpg_pca_model
scpg_pca_model_open(const scpg_numbers *value)
{
	scpg_pca_model m = {.d = value->head[0], .q = value->head[1], .whiten = value->head[2] != 0};

	Assert(count(value->head) > 0);
	m.mean = value->x;
	m.components = m.mean + m.d;
	m.variance = m.components + (size_t) m.q * m.d;
	m.ratio = m.variance + m.q;
	return m;
}

sc_space
scpg_pca_model_space(const scpg_pca_model *m)
{
	return (sc_space){.d = m->d,
					  .q = m->q,
					  .mean = m->mean,
					  .components = m->components,
					  .variance = m->variance,
					  .whiten = m->whiten};
}
