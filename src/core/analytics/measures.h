/*-------------------------------------------------------------------------
 *
 * src/core/analytics/measures.h
 *	  How well clusters agree with known classes, from their contingency table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_MEASURES_H
#define SC_MEASURES_H

#include "core/base/pool.h"

/*
 * The assignment of rows to columns of the least sum: assign[i] is the column
 * of row i. cost: (n, n), finite. work: sc_hungarian_bytes(n) bytes.
 */
extern size_t sc_hungarian_bytes(int n);
extern void sc_hungarian(int *assign, const double *cost, int n, void *work);

/*
 * contingency: (clusters, classes), how many rows have that cluster and that
 * class; missing: rows without a cluster, which count as wrong in purity and
 * accuracy. All are 0 ... 1 (ARI: up to 1), and 0 where there are no rows.
 */
extern double sc_purity(const int64_t *contingency, int clusters, int classes, int64_t missing);

/* Accuracy under the best matching: a job, for that of thousands takes a while. */
typedef struct sc_accuracy
{
	const int64_t *contingency; /* (clusters, classes) */
	int clusters, classes;
	int64_t missing;
	void *work;		 /* sc_accuracy_bytes */
	double accuracy; /* the result */
} sc_accuracy;

extern size_t sc_accuracy_bytes(int clusters, int classes);

/* The job; arg is a sc_accuracy. */
extern sc_status sc_accuracy_run(const sc_lane *lane, void *arg);

/* Normalised by the arithmetic mean of the entropies; 1 where both are 0. */
extern double sc_normalized_mutual_info(const int64_t *contingency, int clusters, int classes);
/* Hubert and Arabie, "Comparing partitions", Journal of Classification 2 (1985). */
extern double sc_adjusted_rand_index(const int64_t *contingency, int clusters, int classes);

/* The same from pairs of items, for who has no table of them: pairs that are alike in rows, in columns, in both, and all. */
typedef struct sc_rand_pairs
{
	double together, rows, columns, all;
} sc_rand_pairs;

static inline double
sc_pairs(int64_t items)
{
	return (double) items * ((double) items - 1) / 2;
}

extern double sc_adjusted_rand(const sc_rand_pairs *pairs);

#endif /* SC_MEASURES_H */
