/*-------------------------------------------------------------------------
 *
 * src/core/analytics/pca.c
 *	  Principal component analysis by the covariance matrix, in double.
 *
 * The first row is taken from all rows before they are multiplied. Of rows far
 * from zero the products would be large and nearly equal, and the variances,
 * which are differences of them, would have few digits left.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/pca.h"

#include <math.h>
#include <string.h>

#include "core/analytics/centring.h"
#include "core/analytics/pca_parts.h"
#include "core/base/distance.h"
#include "core/base/gemm.h"

/*
 * A shard keeps products of its own, d by d. To add them to those of the
 * others is as much work as the products of one row: of 256 rows and more that
 * is nothing. 16 are as many lanes as have something to do; SHARD_BYTES is
 * what their products may take, beyond those of the first.
 */
#define MAX_SHARDS 16
#define SHARD_ROWS 256
#define SHARD_BYTES ((size_t) 64 << 20)

/*
 * Rows of a block of a shard: a product of about 2^25 multiplications, some
 * milliseconds, so that a stop is seen soon. Of fewer than 8 rows a product
 * would read and write its d by d numbers more often than it multiplies; more
 * than 256 make it no better.
 */
static size_t
block_rows(int d)
{
	size_t rows = ((size_t) 1 << 25) / ((size_t) d * d);

	return SC_MIN(SC_MAX(rows, 8), 256);
}

static int
shard_count(const sc_pca *pca)
{
	size_t shards = SC_MIN((pca->n + SHARD_ROWS - 1) / SHARD_ROWS, MAX_SHARDS);
	size_t room = SHARD_BYTES / ((size_t) pca->d * pca->d * sizeof(double));

	return pca->rows == NULL ? 1 : (int) SC_MAX(SC_MIN(shards, room), 1);
}

/*
 * What the rounding of products in float leaves of a variance that is none, as
 * a share of the total, at most: a product of 256 rows is off by about 2^-24
 * of the square root of 256 terms of it (and blocks by chance this way or
 * that), spread over all directions.
 */
#define NO_VARIANCE 0x1p-23

/* Were the products of the rows, or of some of them, in float? */
static bool
in_float(const sc_pca *pca)
{
	return pca->given != NULL && pca->given->count > 0 && pca->d >= SC_PCA_FLOAT;
}

/* Eigenvectors to compute: all of them where a share decides how many stay. */
static int
computed(const sc_pca *pca)
{
	return pca->wanted >= 1 ? (int) pca->wanted : pca->d;
}

sc_status
sc_pca_check(size_t n, int d, double wanted, sc_error *err)
{
	size_t most = SC_MIN(n, (size_t) d);

	if (!(wanted > 0) || (wanted >= 1 && wanted != floor(wanted)))
	{
		sc_fail(err, SC_INVALID, "number of components must be a whole number, or a share of the variance below 1");
		sc_detail(err, "The number of components is %g.", wanted);
		sc_hint(err, "Give 1, 2, 3 and so on, or a share such as 0.95.");
		return SC_INVALID;
	}
	if (wanted > (double) most)
	{
		sc_fail(err, SC_INVALID, "number of components must be at most %zu", most);
		sc_detail(err, "There are %zu rows of %d dimensions, and the number of components is %.0f.", n, d, wanted);
		sc_hint(err, "Give a smaller number, or a share of the variance such as 0.95.");
		return SC_INVALID;
	}
	return SC_OK;
}

void
sc_pca_layout(sc_pca *pca, sc_arena *arena)
{
	size_t d = (size_t) pca->d;
	int count = computed(pca);

	SC_ASSERT(pca->n >= 1 && pca->d >= 1 && pca->wanted > 0 && count <= pca->d);
	SC_ASSERT((pca->rows != NULL) != (pca->given != NULL));
	pca->shards = shard_count(pca);
	pca->mean = SC_TAKE(arena, double, d);
	pca->components = SC_TAKE(arena, double, sc_mul(count, d));
	pca->variance = SC_TAKE(arena, double, d);
	pca->ratio = SC_TAKE(arena, double, d);
	pca->blocks =
		SC_TAKE(arena, double,
				sc_mul(pca->rows ? sc_mul(pca->shards, block_rows(pca->d)) : (size_t) sc_pca_block(pca->d), d));
	pca->sums = SC_TAKE(arena, double, sc_mul(pca->shards, d));
	pca->products = SC_TAKE(arena, double, sc_mul(pca->shards, sc_mul(d, d)));
	pca->work = SC_TAKE(arena, char, sc_dsyev_bytes(pca->d, count));
}

/* Add m rows (m, d), less shift (d), to sums (d) and to the upper triangle of products (d, d). */
static void
add_rows(double *sums, double *products, double *block, const float *rows, size_t m, const double *shift, int d)
{
	for (size_t i = 0; i < m; i++)
		for (int j = 0; j < d; j++)
		{
			double x = (double) rows[i * d + j] - shift[j];

			block[i * d + j] = x;
			sums[j] += x;
		}
	sc_dsyrk_upper(d, (int) m, 1.0, block, d, 1.0, products, d);
}

/*
 * What a flush works in. Products of a block in float are a strip at a time,
 * so that the second cache keeps them until they are added up.
 */
typedef struct flush_memory
{
	double *mean;	 /* (d), of the block */
	double *sums;	 /* (d), of the block less that, which rounding leaves */
	double *apart;	 /* (d), between the means of the block and of what was before */
	double *centred; /* (block rows, d), where products are in double */
	float *row;		 /* (d), ... */
	float *strip;	 /* (STRIP, d), where they are in float */
} flush_memory;

static flush_memory
lay_out_flush(int d, sc_arena *arena)
{
	flush_memory m;
	bool narrow = d >= SC_PCA_FLOAT;

	m.mean = SC_TAKE(arena, double, d);
	m.sums = SC_TAKE(arena, double, d);
	m.apart = SC_TAKE(arena, double, d);
	m.centred = SC_TAKE(arena, double, narrow ? 0 : (size_t) sc_pca_block(d) * d);
	m.row = SC_TAKE(arena, float, narrow ? d : 0);
	m.strip = SC_TAKE(arena, float, narrow ? (size_t) SC_PCA_STRIP *d : 0);
	return m;
}

size_t
sc_pca_flush_bytes(int d)
{
	sc_arena arena = sc_arena_counter();

	(void) lay_out_flush(d, &arena);
	return sc_arena_need(&arena);
}

/* mean (d) of m rows (m, d); returns their largest magnitude. */
static float
block_mean(double *mean, const float *rows, int m, int d)
{
	float largest = 0;

	memset(mean, 0, d * sizeof(double));
	for (int i = 0; i < m; i++)
	{
		const float *x = rows + (size_t) i * d;

		sc_distance()->add_row(mean, x, d);
		largest = SC_MAX(largest, sc_distance()->largest(x, d));
	}
	for (int j = 0; j < d; j++)
		mean[j] /= m;
	return largest;
}

/*
 * The waiting rows less their mean, in float, where they lie, times a power of
 * two that keeps the products from overflow; their sums. Returns the power.
 */
static double
centre_narrow(const sc_pca_sums *s, const flush_memory *m, float largest, int d)
{
	/* A row differs from the mean by no more than twice the largest. */
	double scale = sc_centring_scale(2 * (double) largest);

	for (int i = 0; i < s->waiting; i++)
	{
		float *x = s->block + (size_t) i * d;

		memcpy(m->row, x, d * sizeof(float));
		(void) sc_distance()->centre_row(x, m->row, m->mean, scale, d);
		sc_distance()->add_row(m->sums, x, d);
	}
	for (int j = 0; j < d; j++)
		m->sums[j] /= scale;
	return scale;
}

/* The same in double. */
static void
centre_wide(const sc_pca_sums *s, const flush_memory *m, int d)
{
	for (int i = 0; i < s->waiting; i++)
		for (int j = 0; j < d; j++)
		{
			double x = (double) s->block[(size_t) i * d + j] - m->mean[j];

			m->centred[(size_t) i * d + j] = x;
			m->sums[j] += x;
		}
}

void
sc_pca_flush(sc_pca_sums *s, int d, void *work)
{
	sc_arena arena = sc_arena_over(work, sc_pca_flush_bytes(d));
	flush_memory m = lay_out_flush(d, &arena);
	double n = s->waiting;
	double joined = s->count * n / (s->count + n);
	double unscale = 1;
	double *to = s->packed;
	float largest;

	SC_ASSERT(s->waiting >= 1 && s->waiting <= sc_pca_block(d));
	largest = block_mean(m.mean, s->block, s->waiting, d);
	memset(m.sums, 0, d * sizeof(double));
	if (d >= SC_PCA_FLOAT)
		unscale = 1 / centre_narrow(s, &m, largest, d);
	else
		centre_wide(s, &m, d);
	for (int j = 0; j < d; j++)
		m.apart[j] = m.mean[j] - s->mean[j];
	for (int r = 0; r < d; r += SC_PCA_STRIP)
	{
		int rows = SC_MIN(SC_PCA_STRIP, d - r);
		int columns = d - r;

		if (d >= SC_PCA_FLOAT)
			sc_sgemm(true, false, rows, columns, s->waiting, 1, s->block + r, d, s->block + r, d, 0, m.strip, columns);
		else
			sc_dgemm(true, false, rows, columns, s->waiting, 1, m.centred + r, d, m.centred + r, d, 1, to, columns);
		for (int i = 0; i < rows; i++, to += columns)
		{
			double over = m.sums[r + i] / n;
			double apart = joined * m.apart[r + i];

			if (d >= SC_PCA_FLOAT)
				SC_SIMD_CALL(sc_pca_join)
			(to, m.strip + (size_t) i * columns, unscale * unscale, apart, m.apart + r, over, m.sums + r, columns);
			else for (int j = 0; j < columns; j++) to[j] += apart * m.apart[r + j] - over * m.sums[r + j];
		}
	}
	for (int j = 0; j < d; j++)
		s->mean[j] += m.apart[j] * (n / (s->count + n));
	s->count += n;
	s->waiting = 0;
}

void
sc_pca_merge(sc_pca_sums *a, const sc_pca_sums *b, int d)
{
	double *to = a->packed;
	const double *from = b->packed;
	double share = b->count > 0 ? b->count / (a->count + b->count) : 0;

	for (int r = 0; r < d; r += SC_PCA_STRIP)
		for (int i = r; i < SC_MIN(r + SC_PCA_STRIP, d); i++)
		{
			double apart = a->count * share * (b->mean[i] - a->mean[i]);

			for (int j = r; j < d; j++)
				*to++ += *from++ + apart * (b->mean[j] - a->mean[j]);
		}
	for (int j = 0; j < d; j++)
		a->mean[j] += share * (b->mean[j] - a->mean[j]);
	a->count += b->count;
}

/* mean, sums and products from the sums that the caller gave, its waiting rows included. */
static void
unpack(sc_pca *pca)
{
	const sc_pca_sums *s = pca->given;
	const double *strip = s->packed;
	size_t d = (size_t) pca->d;

	if (s->count > 0)
		memcpy(pca->mean, s->mean, d * sizeof(double));
	else
		(void) block_mean(pca->mean, s->block, s->waiting, pca->d);
	memset(pca->sums, 0, d * sizeof(double));
	for (size_t r = 0; r < d; r += SC_PCA_STRIP)
		for (size_t i = r; i < SC_MIN(r + SC_PCA_STRIP, d); i++)
		{
			memcpy(pca->products + i * d + r, strip, (d - r) * sizeof(double));
			strip += d - r;
		}
	add_rows(pca->sums, pca->products, pca->blocks, s->block, (size_t) s->waiting, pca->mean, pca->d);
}

/*
 * products, which are over rows less mean, to the covariance, and mean to the
 * mean. Returns the trace, which is the total variance; where any of these
 * numbers is not finite, a number that isn't.
 */
static double
covariance(sc_pca *pca)
{
	int d = pca->d;
	double n = (double) pca->n;
	double divisor = pca->n > 1 ? n - 1 : 1;
	double trace = 0, size = 0;

	for (int i = 0; i < d; i++)
	{
		double *row = pca->products + (size_t) i * d;

		for (int j = i; j < d; j++)
		{
			row[j] = (row[j] - pca->sums[i] * (pca->sums[j] / n)) / divisor;
			size += fabs(row[j]);
		}
		trace += row[i] = SC_MAX(row[i], 0);
	}
	for (int j = 0; j < d; j++)
	{
		pca->mean[j] += pca->sums[j] / n;
		size += fabs(pca->mean[j]);
	}
	return isfinite(size) ? trace : size;
}

/* The result from sums and products over the rows, less mean. products are destroyed. */
static sc_status
solve(sc_pca *pca, const sc_lane *lane, sc_error *err)
{
	int d = pca->d;
	int count = computed(pca);
	double total = covariance(pca);
	double least = in_float(pca) ? NO_VARIANCE * total : 0;
	double share = 0;

	if (!isfinite(total))
		return sc_fail(err, SC_RANGE, "variance of the embeddings is out of range");
	SC_TRY(sc_dsyev_top(pca->variance, pca->components, pca->products, d, count, pca->work, lane, err));
	pca->q = count;
	for (int c = 0; c < count; c++)
	{
		double *v = pca->components + (size_t) c * d;
		int largest = 0;

		pca->variance[c] = pca->variance[c] > least ? pca->variance[c] : 0;
		pca->ratio[c] = total > 0 ? pca->variance[c] / total : 0;
		for (int j = 1; j < d; j++)
			if (fabs(v[j]) > fabs(v[largest]))
				largest = j;
		if (v[largest] < 0)
			for (int j = 0; j < d; j++)
				v[j] = -v[j];
	}
	if (pca->wanted >= 1)
		return SC_OK;

	/* The fewest components that explain the share; never more than the rows allow. */
	pca->q = 0;
	do
		share += pca->ratio[pca->q++];
	while (share < pca->wanted && pca->q < (int) SC_MIN((size_t) d, pca->n));
	if (total == 0)
		pca->q = 1;
	return SC_OK;
}

/* solve(), by one lane for all. */
static sc_status
finish(const sc_lane *lane, sc_pca *pca)
{
	sc_error err = {SC_OK};
	sc_status status = solve(pca, lane, &err);

	return status == SC_OK || status == SC_ABORTED ? status : sc_lane_fail(lane, &err);
}

/* mean, sums and products from rows. */
static sc_status
sum_rows(const sc_lane *lane, sc_pca *pca)
{
	size_t d = (size_t) pca->d;
	size_t each = block_rows(pca->d);
	size_t begin, end;

	if (lane->index == 0)
		for (size_t j = 0; j < d; j++)
			pca->mean[j] = pca->rows[j];
	SC_TRY(sc_lane_barrier(lane));

	for (int s = lane->index; s < pca->shards; s += lane->count)
	{
		double *sums = pca->sums + (size_t) s * d;
		double *products = pca->products + (size_t) s * d * d;
		double *block = pca->blocks + (size_t) s * each * d;

		memset(sums, 0, d * sizeof(double));
		memset(products, 0, d * d * sizeof(double));
		sc_shard_range(pca->n, pca->shards, s, &begin, &end);
		for (; begin < end; begin += each)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			add_rows(sums, products, block, pca->rows + begin * d, SC_MIN(each, end - begin), pca->mean, pca->d);
		}
	}
	SC_TRY(sc_lane_barrier(lane));

	/* Shard 0 takes the sum of all, in their order; lanes share the entries. */
	sc_shard_range(d * d, lane->count, lane->index, &begin, &end);
	for (int s = 1; s < pca->shards; s++)
		for (size_t i = begin; i < end; i++)
			pca->products[i] += pca->products[(size_t) s * d * d + i];
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		for (int s = 1; s < pca->shards; s++)
			for (size_t j = 0; j < d; j++)
				pca->sums[j] += pca->sums[(size_t) s * d + j];
	return SC_OK;
}

sc_status
sc_pca_run(const sc_lane *lane, void *arg)
{
	sc_pca *pca = arg;

	if (pca->rows != NULL)
		SC_TRY(sum_rows(lane, pca));
	else if (lane->index == 0)
		unpack(pca);
	return lane->index == 0 ? finish(lane, pca) : SC_OK;
}
