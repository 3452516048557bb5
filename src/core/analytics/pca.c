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

/*
 * Eigenvectors to compute: all where a share decides how many stay; of
 * thousands of dimensions those alone that can have a variance.
 */
#define MANY_DIM 2048

static int
computed(const sc_pca *pca)
{
	if (pca->wanted >= 1)
		return (int) pca->wanted;
	return pca->d > MANY_DIM ? (int) SC_MIN((size_t) pca->d, pca->n) : pca->d;
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

/*
 * From so many dimensions on (a gigabyte of products) the products of a block
 * are done in strips, with a look at the stop flag before each.
 */
#define LOOK_DIM 8192
#define LOOK_STRIP 256

/* products (d, d), upper triangle, of m rows of block (m, d), added up. */
static sc_status
add_products(double *products, const double *block, int m, int d, const sc_lane *lane)
{
	if (d < LOOK_DIM)
	{
		sc_dsyrk_upper(d, m, 1.0, block, d, 1.0, products, d);
		return SC_OK;
	}
	for (int r = 0; r < d; r += LOOK_STRIP)
	{
		int rows = SC_MIN(LOOK_STRIP, d - r);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		/* Of the square on the diagonal the lower half too: nobody reads it. */
		sc_dgemm(true, false, rows, d - r, m, 1.0, block + r, d, block + r, d, 1.0, products + (size_t) r * d + r, d);
	}
	return SC_OK;
}

/* Add m rows (m, d), less shift (d), to sums (d) and to the upper triangle of products (d, d). */
static sc_status
add_rows(double *sums, double *products, double *block, const float *rows, size_t m, const double *shift, int d,
		 const sc_lane *lane)
{
	for (size_t i = 0; i < m; i++)
		for (int j = 0; j < d; j++)
		{
			double x = (double) rows[i * d + j] - shift[j];

			block[i * d + j] = x;
			sums[j] += x;
		}
	return add_products(products, block, (int) m, d, lane);
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

/* Numbers of the sums that a step goes through: 32 MB. */
#define STEP_NUMBERS ((size_t) 1 << 22)

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

sc_pca_flush
sc_pca_flush_begin(sc_pca_sums *s, int d, void *work)
{
	sc_pca_flush flush = {.sums = s, .work = work, .d = d, .unscale = 1};
	sc_arena arena = sc_arena_over(work, sc_pca_flush_bytes(d));
	flush_memory m = lay_out_flush(d, &arena);
	float largest;

	SC_ASSERT(s->waiting >= 1 && s->waiting <= sc_pca_block(d));
	largest = block_mean(m.mean, s->block, s->waiting, d);
	memset(m.sums, 0, d * sizeof(double));
	if (d >= SC_PCA_FLOAT)
		flush.unscale = 1 / centre_narrow(s, &m, largest, d);
	else
		centre_wide(s, &m, d);
	for (int j = 0; j < d; j++)
		m.apart[j] = m.mean[j] - s->mean[j];
	return flush;
}

/* The products of the waiting rows for the strip that begins at row r. */
static void
flush_strip(const sc_pca_flush *flush, const flush_memory *m, int r)
{
	sc_pca_sums *s = flush->sums;
	int d = flush->d;
	int rows = SC_MIN(SC_PCA_STRIP, d - r);
	int columns = d - r;
	double n = s->waiting;
	double joined = s->count * n / (s->count + n);
	double *to = s->packed + sc_pca_strip_at(d, r);

	if (d >= SC_PCA_FLOAT)
		sc_sgemm(true, false, rows, columns, s->waiting, 1, s->block + r, d, s->block + r, d, 0, m->strip, columns);
	else
		sc_dgemm(true, false, rows, columns, s->waiting, 1, m->centred + r, d, m->centred + r, d, 1, to, columns);
	for (int i = 0; i < rows; i++, to += columns)
	{
		double over = m->sums[r + i] / n;
		double apart = joined * m->apart[r + i];

		if (d >= SC_PCA_FLOAT)
			SC_SIMD_CALL(sc_pca_join)
		(to, m->strip + (size_t) i * columns, flush->unscale * flush->unscale, apart, m->apart + r, over, m->sums + r,
		 columns);
		else for (int j = 0; j < columns; j++) to[j] += apart * m->apart[r + j] - over * m->sums[r + j];
	}
}

bool
sc_pca_flush_step(sc_pca_flush *flush)
{
	sc_pca_sums *s = flush->sums;
	int d = flush->d;
	sc_arena arena = sc_arena_over(flush->work, sc_pca_flush_bytes(d));
	flush_memory m = lay_out_flush(d, &arena);
	double n = s->waiting;

	for (size_t done = 0; flush->row < d && done < STEP_NUMBERS; flush->row += SC_PCA_STRIP)
	{
		flush_strip(flush, &m, flush->row);
		done += (size_t) SC_PCA_STRIP * (d - flush->row);
	}
	if (flush->row < d)
		return true;
	for (int j = 0; j < d; j++)
		s->mean[j] += m.apart[j] * (n / (s->count + n));
	s->count += n;
	s->waiting = 0;
	return false;
}

int
sc_pca_merge(sc_pca_sums *a, const sc_pca_sums *b, int d, int row)
{
	double share = b->count > 0 ? b->count / (a->count + b->count) : 0;

	for (size_t done = 0; row < d && done < STEP_NUMBERS; row += SC_PCA_STRIP)
	{
		double *to = a->packed + sc_pca_strip_at(d, row);
		const double *from = b->packed + sc_pca_strip_at(d, row);

		for (int i = row; i < SC_MIN(row + SC_PCA_STRIP, d); i++)
		{
			double apart = a->count * share * (b->mean[i] - a->mean[i]);

			for (int j = row; j < d; j++)
				*to++ += *from++ + apart * (b->mean[j] - a->mean[j]);
		}
		done += (size_t) SC_PCA_STRIP * (d - row);
	}
	if (row < d)
		return row;
	for (int j = 0; j < d; j++)
		a->mean[j] += share * (b->mean[j] - a->mean[j]);
	a->count += b->count;
	return d;
}

/* mean, sums and products from the sums that the caller gave, its waiting rows included. */
static sc_status
unpack(sc_pca *pca, const sc_lane *lane)
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
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (size_t i = r; i < SC_MIN(r + SC_PCA_STRIP, d); i++)
		{
			memcpy(pca->products + i * d + r, strip, (d - r) * sizeof(double));
			strip += d - r;
		}
	}
	return add_rows(pca->sums, pca->products, pca->blocks, s->block, (size_t) s->waiting, pca->mean, pca->d, lane);
}

/*
 * products, which are over rows less mean, to the covariance, and mean to the
 * mean. *total is the trace, which is the total variance; where any of these
 * numbers is not finite, a number that isn't.
 */
static sc_status
covariance(sc_pca *pca, double *total, const sc_lane *lane)
{
	int d = pca->d;
	double n = (double) pca->n;
	double divisor = pca->n > 1 ? n - 1 : 1;
	double trace = 0, size = 0;

	for (int i = 0; i < d; i++)
	{
		double *row = pca->products + (size_t) i * d;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
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
	*total = isfinite(size) ? trace : size;
	return SC_OK;
}

/* The result from sums and products over the rows, less mean. products are destroyed. */
static sc_status
solve(sc_pca *pca, const sc_lane *lane, sc_error *err)
{
	int d = pca->d;
	int count = computed(pca);
	double total, least;
	double share = 0;

	SC_TRY(covariance(pca, &total, lane));
	least = in_float(pca) ? NO_VARIANCE * total : 0;
	if (!isfinite(total))
		return sc_fail(err, SC_RANGE, "variance of the embeddings is out of range");
	SC_TRY(sc_dsyev_top(pca->variance, pca->components, pca->products, d, count, pca->work, lane, err));
	pca->q = count;
	for (int c = 0; c < count; c++)
	{
		double *v = pca->components + (size_t) c * d;
		int largest = 0;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
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
		for (size_t i = 0; i < d; i++)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			memset(products + i * d, 0, d * sizeof(double));
		}
		sc_shard_range(pca->n, pca->shards, s, &begin, &end);
		for (; begin < end; begin += each)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			SC_TRY(add_rows(sums, products, block, pca->rows + begin * d, SC_MIN(each, end - begin), pca->mean, pca->d,
							lane));
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
		SC_TRY(unpack(pca, lane));
	return lane->index == 0 ? finish(lane, pca) : SC_OK;
}
