/*-------------------------------------------------------------------------
 *
 * src/core/pca.h
 *	  Principal component analysis, exact: the eigenvectors of the covariance.
 *
 * Jolliffe, "Principal component analysis", 2nd edition (2002), chapter 3.
 * Variances are divided by n - 1, as scikit-learn does. The sign of a
 * component, which the data leave open, is the one that makes its entry of
 * largest magnitude positive (the first of several).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_PCA_H
#define SC_PCA_H

#include "arena.h"
#include "pool.h"

/* A direction whose variance is below this share of the largest carries none. */
#define SC_PCA_NO_VARIANCE 1e-12

typedef struct sc_pca
{
	/* set by the caller before sc_pca_layout */
	size_t		n;				/* rows, at least 1 */
	int			d;
	const float *rows;			/* (n, d) */
	double		wanted;			/* >= 1: number of components; below: share of the variance */

	/* the result */
	int			q;				/* components found */
	double	   *mean;			/* (d) */
	double	   *components;		/* (q, d), rows are unit vectors, largest variance first */
	double	   *variance;		/* (q) */
	double	   *ratio;			/* (q), of the total variance; 0 where there is none */

	/* scratch */
	int			shards;
	double	   *blocks;			/* (shards, block rows, d) */
	double	   *sums;			/* (shards, d) */
	double	   *products;		/* (shards, d, d), upper triangles */
	void	   *work;
} sc_pca;

/* SC_INVALID where so many components cannot be had from n rows of d numbers. */
extern sc_status sc_pca_check(size_t n, int d, double wanted, sc_error *err);

/* Count or take the memory of the result and of the work. */
extern void sc_pca_layout(sc_pca *pca, sc_arena *arena);

/* The job; arg is a sc_pca. */
extern sc_status sc_pca_run(const sc_lane *lane, void *arg);

/*
 * For sums kept elsewhere (the aggregate): add m rows (m, d), less shift (d),
 * to sums (d) and to the upper triangle of products (d, d). block: (m, d).
 */
extern void sc_pca_add(double *sums, double *products, double *block,
					   const float *rows, size_t m, const double *shift, int d);

/*
 * The result from such sums over pca->n rows; mean enters as the shift, and
 * products[0 ... d * d) are destroyed. sc_pca_layout has taken the memory.
 */
extern sc_status sc_pca_solve(sc_pca *pca, sc_error *err);

/* Coordinates of rows in the space of the components. */
typedef struct sc_pca_project
{
	/* set by the caller */
	size_t		n;
	int			d,
				q;
	const float *rows;			/* (n, d) */
	const double *mean;			/* (d) */
	const double *components;	/* (q, d) */
	const double *variance;		/* (q) */
	bool		whiten;			/* every coordinate to variance 1 */
	float	   *out;			/* (n, q) */

	/* scratch */
	int			shards;
	double	   *blocks;			/* (shards, block rows, d + q) */
} sc_pca_project;

extern void sc_pca_project_layout(sc_pca_project *p, sc_arena *arena);

/* The job; arg is a sc_pca_project. */
extern sc_status sc_pca_project_run(const sc_lane *lane, void *arg);

#endif							/* SC_PCA_H */
