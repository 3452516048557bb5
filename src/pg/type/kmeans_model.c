/*-------------------------------------------------------------------------
 *
 * src/pg/type/kmeans_model.c
 *	  The SQL type kmeans_model: what it holds, its making and its parts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "pg/type/embedding.h"
#include "pg/type/kmeans_model.h"

/* head: k, d, iterations, converged; x: inertia, sizes (k), centroids (k, d). */
static size_t
count(const int32 *head)
{
	if (head[0] < 1 || head[1] < 1 || head[1] > EMBEDDING_MAX_DIM || head[2] < 0 || head[3] < 0 || head[3] > 1)
		return 0;
	return 1 + (size_t) head[0] + (size_t) head[0] * head[1];
}

static bool
valid(const scpg_numbers *value)
{
	scpg_kmeans_model m = scpg_kmeans_model_open(value);

	if (m.inertia < 0)
		return false;
	for (int c = 0; c < m.k; c++)
		if (m.sizes[c] < 0 || m.sizes[c] != floor(m.sizes[c]) || m.sizes[c] > 9007199254740992.0)
			return false;
	for (size_t i = 0; i < (size_t) m.k * m.d; i++)
		if (fabs(m.centroids[i]) > FLT_MAX)
			return false;
	return true;
}

const scpg_numbers_form scpg_kmeans_model_form = {"kmeans_model", 4, 0, count, valid};

scpg_numbers *
scpg_kmeans_model_make(int k, int d, const float *centroids, const int64_t *sizes, double inertia, int iterations,
					   bool converged)
{
	int32 head[NUMBERS_HEAD] = {k, d, iterations, converged};
	scpg_numbers *result = scpg_numbers_new(&scpg_kmeans_model_form, head);

	result->x[0] = inertia;
	for (int c = 0; c < k; c++)
		result->x[1 + c] = (double) sizes[c];
	for (size_t i = 0; i < (size_t) k * d; i++)
		result->x[1 + k + i] = centroids[i];
	return result;
}

scpg_kmeans_model
scpg_kmeans_model_open(const scpg_numbers *value)
{
	scpg_kmeans_model m = {.k = value->head[0],
						   .d = value->head[1],
						   .iterations = value->head[2],
						   .converged = value->head[3] != 0};

	Assert(count(value->head) > 0);
	m.inertia = value->x[0];
	m.sizes = value->x + 1;
	m.centroids = m.sizes + m.k;
	return m;
}
