/*-------------------------------------------------------------------------
 *
 * src/core/analytics/pca.h
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

#include "core/base/arena.h"
#include "core/base/pool.h"

/*
 * Sums of rows that come one by one (the aggregate). Of the products, a
 * symmetric matrix (d, d), little more than the upper triangle is kept: it is
 * cut into strips of SC_PCA_STRIP of its rows, and a strip that starts at row r
 * has the columns r ... d - 1, row by row, so that one matrix product fills it.
 * Half of a square of 64 by 64 is too much in each strip: at 512 dimensions a
 * ninth of all. Rows wait in a block, as they came, until there are enough of
 * them for one product a strip.
 *
 * A block is taken less its own mean, then joined to what was there before, as
 * two samples are (Chan, Golub and LeVeque, "Updating formulae and a pairwise
 * algorithm for computing sample variances", 1979, formula 2.1). So neither a
 * mean far from zero nor an order of the rows by their groups costs digits, and
 * from SC_PCA_FLOAT dimensions on the products of a block are in float, which
 * takes half the time. Blocks are added up in double. What is then too small to
 * be told from rounding is no variance, 0.
 */
#define SC_PCA_STRIP 64
#define SC_PCA_FLOAT 128

typedef struct sc_pca_sums
{
	double count;	/* rows in mean and packed */
	double *mean;	/* (d), of those; zeros where there are none */
	double *packed; /* (sc_pca_packed(d)), the sum of their products, each row less the mean */
	float *block;	/* (sc_pca_block(d), d) */
	int waiting;	/* rows in block */
} sc_pca_sums;

/* Where the strip of products begins whose first row is row, a multiple of SC_PCA_STRIP. */
static inline size_t
sc_pca_strip_at(int d, int row)
{
	return (size_t) row * d - (size_t) row * (row - SC_PCA_STRIP) / 2;
}

/* Numbers in the packed products. */
static inline size_t
sc_pca_packed(int d)
{
	size_t whole = (size_t) d / SC_PCA_STRIP;
	size_t rest = (size_t) d % SC_PCA_STRIP;

	/* The strips, from the last one up: rest, rest + STRIP, ... columns wide. */
	return rest * rest + SC_PCA_STRIP * (whole * rest + SC_PCA_STRIP * (whole * (whole + 1) / 2));
}

/*
 * Rows of a block: half a megabyte, which goes with the aggregate's state; more
 * than 256 rows make its products no faster, and with fewer than 8 they would
 * read and write the strips more often than they multiply.
 */
static inline int
sc_pca_block(int d)
{
	return SC_MIN(SC_MAX(131072 / d, 8), 256);
}

/*
 * Take the waiting rows into the sums, in steps of some milliseconds between
 * which the caller can break off: with thousands of dimensions the sums are
 * hundreds of megabytes. work: sc_pca_flush_bytes(d) bytes; the block is
 * overwritten. Sums that were broken off are of no use.
 */
typedef struct sc_pca_flush
{
	sc_pca_sums *sums;
	void *work;
	int d;
	int row;		/* the first that is not done */
	double unscale; /* what undoes the scale of rows in float */
} sc_pca_flush;

extern size_t sc_pca_flush_bytes(int d);
extern sc_pca_flush sc_pca_flush_begin(sc_pca_sums *s, int d, void *work);
/* false: that was the last step. */
extern bool sc_pca_flush_step(sc_pca_flush *flush);

/*
 * Add what b has in its sums; its waiting rows are the caller's to add. A step
 * of some milliseconds: from row 0 on, then from where it says; d: that was
 * the last.
 */
extern int sc_pca_merge(sc_pca_sums *a, const sc_pca_sums *b, int d, int row);

typedef struct sc_pca
{
	/* set by the caller before sc_pca_layout */
	size_t n; /* rows, at least 1 */
	int d;
	const float *rows;		  /* (n, d), or NULL: ... */
	const sc_pca_sums *given; /* ... the sums of n rows; not changed */
	double wanted;			  /* >= 1: number of components; below: share of the variance */

	/* the result */
	int q;				/* components found */
	double *mean;		/* (d) */
	double *components; /* (q, d), rows are unit vectors, largest variance first */
	double *variance;	/* (q) */
	double *ratio;		/* (q), of the total variance; 0 where there is none */

	/* scratch */
	int shards;
	double *blocks;	  /* (shards, block rows, d) */
	double *sums;	  /* (shards, d) */
	double *products; /* (shards, d, d), upper triangles */
	void *work;
} sc_pca;

/* SC_INVALID where so many components cannot be had from n rows of d numbers. */
extern sc_status sc_pca_check(size_t n, int d, double wanted, sc_error *err);

/* Count or take the memory of the result and of the work. */
extern void sc_pca_layout(sc_pca *pca, sc_arena *arena);

/* The job; arg is a sc_pca. */
extern sc_status sc_pca_run(const sc_lane *lane, void *arg);

#endif /* SC_PCA_H */
