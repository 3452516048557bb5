/*-------------------------------------------------------------------------
 *
 * src/core/analytics/measures.c
 *	  Purity, accuracy under the best matching, mutual information, Rand index.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/measures.h"

#include <math.h>
#include <string.h>

size_t
sc_hungarian_bytes(int n)
{
	size_t m = (size_t) n + 1;

	return sc_mul(m, 3 * sizeof(double) + 2 * sizeof(int) + sizeof(bool));
}

/*
 * Kuhn, "The Hungarian method for the assignment problem" (1955), as shortest
 * augmenting paths with potentials: O(n^3). Row and column 0 stand for "none".
 * lane: whose stop flag ends it, or NULL.
 */
static sc_status
hungarian(int *assign, const double *cost, int n, void *work, const sc_lane *lane)
{
	size_t m = (size_t) n + 1;
	double *u = work, *v = u + m, *least = v + m;
	int *row = (int *) (least + m), /* row matched to a column */
		*way = row + m;
	bool *used = (bool *) (way + m);

	for (size_t j = 0; j < m; j++)
	{
		u[j] = v[j] = 0;
		row[j] = way[j] = 0;
	}
	for (int i = 1; i <= n; i++)
	{
		int column = 0;

		row[0] = i;
		for (size_t j = 0; j < m; j++)
		{
			least[j] = INFINITY;
			used[j] = false;
		}
		do
		{
			int from = row[column], next = 0;
			double delta = INFINITY;

			if (lane != NULL && sc_lane_stopped(lane))
				return SC_ABORTED;
			used[column] = true;
			for (int j = 1; j <= n; j++)
			{
				double reduced;

				if (used[j])
					continue;
				reduced = cost[(size_t) (from - 1) * n + j - 1] - u[from] - v[j];
				if (reduced < least[j])
				{
					least[j] = reduced;
					way[j] = column;
				}
				if (least[j] < delta || next == 0)
				{
					delta = least[j];
					next = j;
				}
			}
			for (int j = 0; j <= n; j++)
				if (used[j])
				{
					u[row[j]] += delta;
					v[j] -= delta;
				}
				else
					least[j] -= delta;
			column = next;
		} while (row[column] != 0);
		while (column != 0)
		{
			row[column] = row[way[column]];
			column = way[column];
		}
	}
	for (int j = 1; j <= n; j++)
		assign[row[j] - 1] = j - 1;
	return SC_OK;
}

void
sc_hungarian(int *assign, const double *cost, int n, void *work)
{
	(void) hungarian(assign, cost, n, work, NULL);
}

static int64_t
sum_row(const int64_t *contingency, int classes, int c)
{
	int64_t sum = 0;

	for (int j = 0; j < classes; j++)
		sum += contingency[(size_t) c * classes + j];
	return sum;
}

static int64_t
sum_column(const int64_t *contingency, int clusters, int classes, int j)
{
	int64_t sum = 0;

	for (int c = 0; c < clusters; c++)
		sum += contingency[(size_t) c * classes + j];
	return sum;
}

static int64_t
sum_all(const int64_t *contingency, int clusters, int classes)
{
	int64_t sum = 0;

	for (int c = 0; c < clusters; c++)
		sum += sum_row(contingency, classes, c);
	return sum;
}

double
sc_purity(const int64_t *contingency, int clusters, int classes, int64_t missing)
{
	int64_t rows = sum_all(contingency, clusters, classes) + missing;
	int64_t right = 0;

	for (int c = 0; c < clusters; c++)
	{
		int64_t most = 0;

		for (int j = 0; j < classes; j++)
			most = SC_MAX(most, contingency[(size_t) c * classes + j]);
		right += most;
	}
	return rows > 0 ? (double) right / (double) rows : 0;
}

size_t
sc_accuracy_bytes(int clusters, int classes)
{
	size_t n = (size_t) SC_MAX(clusters, classes);

	return sc_add(sc_mul(sc_mul(n, n), sizeof(double)), sc_add(sc_mul(n, sizeof(double)), sc_hungarian_bytes((int) n)));
}

static sc_status
accuracy(sc_accuracy *a, const sc_lane *lane)
{
	int n = SC_MAX(a->clusters, a->classes);
	double *cost = a->work;
	int *match = (int *) (cost + (size_t) n * n);
	int64_t rows = sum_all(a->contingency, a->clusters, a->classes) + a->missing;
	int64_t right = 0;

	SC_ASSERT(a->clusters >= 0 && a->classes >= 0 && a->missing >= 0);
	a->accuracy = 0;
	if (rows == 0)
		return SC_OK;
	memset(cost, 0, (size_t) n * n * sizeof(double));
	for (int c = 0; c < a->clusters; c++)
		for (int j = 0; j < a->classes; j++)
			cost[(size_t) c * n + j] = -(double) a->contingency[(size_t) c * a->classes + j];
	SC_TRY(hungarian(match, cost, n, cost + (size_t) n * n + n, lane));
	for (int c = 0; c < a->clusters; c++)
		if (match[c] < a->classes)
			right += a->contingency[(size_t) c * a->classes + match[c]];
	a->accuracy = (double) right / (double) rows;
	return SC_OK;
}

sc_status
sc_accuracy_run(const sc_lane *lane, void *arg)
{
	return lane->index == 0 ? accuracy(arg, lane) : SC_OK;
}

static double
entropy(double part, double all)
{
	return part > 0 ? -part / all * log(part / all) : 0;
}

double
sc_normalized_mutual_info(const int64_t *contingency, int clusters, int classes)
{
	double n = (double) sum_all(contingency, clusters, classes);
	double hc = 0, ht = 0, both = 0;

	if (n == 0)
		return 0;
	for (int c = 0; c < clusters; c++)
		hc += entropy((double) sum_row(contingency, classes, c), n);
	for (int j = 0; j < classes; j++)
		ht += entropy((double) sum_column(contingency, clusters, classes, j), n);
	for (size_t i = 0; i < (size_t) clusters * classes; i++)
		both += entropy((double) contingency[i], n);
	if (hc + ht == 0)
		return 1;
	return SC_MIN(SC_MAX(2 * (hc + ht - both) / (hc + ht), 0), 1);
}

double
sc_adjusted_rand(const sc_rand_pairs *pairs)
{
	double expected;

	if (pairs->all == 0)
		return 1;
	expected = pairs->rows * pairs->columns / pairs->all;
	if ((pairs->rows + pairs->columns) / 2 == expected)
		return 1;
	return (pairs->together - expected) / ((pairs->rows + pairs->columns) / 2 - expected);
}

double
sc_adjusted_rand_index(const int64_t *contingency, int clusters, int classes)
{
	sc_rand_pairs pairs = {.all = sc_pairs(sum_all(contingency, clusters, classes))};

	if (sum_all(contingency, clusters, classes) == 0)
		return 0;
	for (size_t i = 0; i < (size_t) clusters * classes; i++)
		pairs.together += sc_pairs(contingency[i]);
	for (int c = 0; c < clusters; c++)
		pairs.rows += sc_pairs(sum_row(contingency, classes, c));
	for (int j = 0; j < classes; j++)
		pairs.columns += sc_pairs(sum_column(contingency, clusters, classes, j));
	return sc_adjusted_rand(&pairs);
}
