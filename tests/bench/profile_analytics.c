/*-------------------------------------------------------------------------
 *
 * tests/bench/profile_analytics.c
 *	  Where the time of k-means, PCA and k-NN goes, on one lane, once the rows
 *	  are in memory:
 *
 *	  profile_analytics [ROWS]
 *
 * ROWS (50,000) of 512 dimensions in 64 blobs, as tests/bench/blobs.c makes
 * them: the share of each stage in the lane's own CPU time, with GFLOP/s of the
 * products beside the machine's own peak; SELFCLASS_ISA plays lesser CPUs.
 * Reading and copying rows out of a table is what tests/bench/analytics.sh
 * prints.
 *
 * The program is linked with --wrap for what it times (Makefile), so what runs
 * is the code of the functions in its own order.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/analytics/candidates_parts.h"
#include "core/analytics/kmeans_parts.h"
#include "core/analytics/knn.h"
#include "core/analytics/pca.h"
#include "core/base/gemm.h"
#include "core/base/rng.h"

#define D 512
#define BLOBS 64
#define QUERIES 1000

typedef struct stage
{
	const char *name;
	double seconds;
	double flop;
} stage;

static stage stages[16];
static double peak[2]; /* of products in float, in bf16; GFLOP/s */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* ---- what is timed ------------------------------------------------------------- */

/* A call of what is timed: of its own time that of such calls within it is none. */
typedef struct call
{
	double begun;
	double outer; /* what the calls before it in the same one took */
} call;

static double within; /* what such calls took in the one that runs */

static call
begin(void)
{
	call c = {now(), within};

	within = 0;
	return c;
}

static void
end(call c, const char *name, double flop)
{
	double seconds = now() - c.begun;
	stage *s = stages;

	while (s->name != NULL && strcmp(s->name, name) != 0)
		s++;
	s->name = name;
	s->seconds += seconds - within;
	s->flop += flop;
	within = c.outer + seconds;
}

/* sc_NAME, timed as TITLE. */
#define TIMED_VOID(name, title, flop, parameters, arguments) \
	void __real_sc_##name parameters; \
	void __wrap_sc_##name parameters; \
	void __wrap_sc_##name parameters \
	{ \
		call c = begin(); \
\
		__real_sc_##name arguments; \
		end(c, title, flop); \
	}

#define TIMED_JOB(name, title, parameters, arguments) \
	sc_status __real_sc_##name parameters; \
	sc_status __wrap_sc_##name parameters; \
	sc_status __wrap_sc_##name parameters \
	{ \
		call c = begin(); \
		sc_status status = __real_sc_##name arguments; \
\
		end(c, title, 0); \
		return status; \
	}

TIMED_VOID(sgemm, "products in float", 2.0 * m * n * k,
		   (bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
			float beta, float *out, int ldc),
		   (ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, out, ldc))
TIMED_VOID(bf16_multiply, "products in bf16", 2.0 * m * n * d,
		   (float *out, int ld, const uint32_t *left, int m, const uint32_t *right, int n, int d),
		   (out, ld, left, m, right, n, d))
TIMED_VOID(bf16_pack_right, "rows narrowed to bf16", 0, (uint32_t * panel, const float *x, int m, int d),
		   (panel, x, m, d))
TIMED_VOID(candidates_load, "rows centred", 0,
		   (const sc_candidates *all, const float *x, int m, float *out, double *norm), (all, x, m, out, norm))
TIMED_VOID(reduction_apply, "rows reduced, but for products", 0,
		   (const sc_reduction *r, float *out, const float *x, const double *norm, int m), (r, out, x, norm, m))
TIMED_VOID(kmeans_bound, "bounds of distances to centres", 0,
		   (const sc_kmeans_centres *centres, const sc_kmeans_points *p, int m, const uint32_t *at, float *tile,
			float *dots),
		   (centres, p, m, at, tile, dots))
TIMED_JOB(centring_find, "mean and largest",
		  (const sc_lane *lane, sc_centring *centring, const float *rows, const uint32_t *order, size_t n, int d,
		   int reach),
		  (lane, centring, rows, order, n, d, reach))
TIMED_JOB(kmeans_order_rows, "rows sorted out, centred, copied", (const sc_lane *lane, sc_kmeans *km), (lane, km))
TIMED_JOB(kmeans_seed, "k-means++", (const sc_lane *lane, sc_kmeans *km, int k, int run), (lane, km, k, run))
TIMED_JOB(dsyev_top, "eigenvectors",
		  (double *values, double *vectors, double *a, int n, int wanted, void *work, const sc_lane *lane, sc_error *err),
		  (values, vectors, a, n, wanted, work, lane, err))

/* ---- what runs ----------------------------------------------------------------- */

static void
print(const char *what, double total)
{
	double known = 0;

	printf("\n%s: %.1f ms\n", what, 1e3 * total);
	for (const stage *s = stages; s->name != NULL; s++)
	{
		double flops = 1e-9 * s->flop / s->seconds;

		known += s->seconds;
		printf("  %-44s %5.1f %% %8.1f ms", s->name, 100 * s->seconds / total, 1e3 * s->seconds);
		if (s->flop > 0)
			printf(" %6.0f GFLOP/s (%.0f %% of the peak)", flops,
				   100 * flops / peak[strcmp(s->name, "products in bf16") == 0]);
		printf("\n");
	}
	printf("  %-44s %5.1f %% %8.1f ms\n", "the rest", 100 * (total - known) / total, 1e3 * (total - known));
	memset(stages, 0, sizeof(stages));
}

static void *
memory(const sc_arena *arena, size_t *bytes)
{
	*bytes = sc_arena_need(arena);
	return malloc(*bytes);
}

/* The job on one lane, in this thread. */
static double
run(sc_status (*job)(const sc_lane *, void *), void *arg)
{
	sc_lane lane = {0, 1};
	double begun = now();

	if (job(&lane, arg) != SC_OK)
		exit(1);
	return now() - begun;
}

#define LAYOUT(layout, what) \
	sc_arena arena = sc_arena_counter(); \
	size_t bytes; \
	void *taken; \
\
	layout(what, &arena); \
	taken = memory(&arena, &bytes); \
	arena = sc_arena_over(taken, bytes); \
	layout(what, &arena)

static void
profile_kmeans(const float *rows, size_t n)
{
	sc_kmeans km = {.n = n, .d = D, .k = BLOBS, .rows = rows, .n_init = 1, .max_iter = 20, .seed = 1};

	LAYOUT(sc_kmeans_layout, &km);
	print("k-means++ and 20 iterations at most, k 64", run(sc_kmeans_run, &km));
	free(taken);
}

static void
profile_knn(const float *rows, size_t n)
{
	sc_knn knn = {.n = n, .d = D, .rows = rows, .k = 10, .most = QUERIES, .lanes = 1, .m = QUERIES, .queries = rows};

	LAYOUT(sc_knn_layout, &knn);
	print("10 nearest of 1,000", run(sc_knn_run, &knn));
	free(taken);
}

/* As the aggregate does it: rows into a block, blocks into the sums. */
static void
profile_pca(const float *rows, size_t n)
{
	int block = sc_pca_block(D);
	sc_pca_sums sums = {.mean = calloc(D, sizeof(double)),
						.packed = calloc(sc_pca_packed(D), sizeof(double)),
						.block = malloc(sizeof(float) * (size_t) block * D)};
	sc_pca pca = {.n = n / (size_t) block * (size_t) block, .d = D, .given = &sums, .wanted = 2};
	void *work = malloc(sc_pca_flush_bytes(D));
	double begun = now(), seconds;

	for (size_t i = 0; i < pca.n; i += (size_t) block)
	{
		sc_pca_flush flush;
		call copy = begin();

		memcpy(sums.block, rows + i * D, sizeof(float) * (size_t) block * D);
		sums.waiting = block;
		end(copy, "rows copied", 0);
		flush = sc_pca_flush_begin(&sums, D, work);
		while (sc_pca_flush_step(&flush))
			;
	}
	seconds = now() - begun;
	{
		LAYOUT(sc_pca_layout, &pca);
		seconds += run(sc_pca_run, &pca);
		free(taken);
	}
	print("PCA to 2", seconds);
	free(work);
	free(sums.mean);
	free(sums.packed);
	free(sums.block);
}

static void
fill(float *rows, size_t n)
{
	sc_rng rng = sc_rng_stream(1, 0, 0, 0);
	float *centres = malloc(sizeof(float) * BLOBS * D);

	for (int i = 0; i < BLOBS * D; i++)
		centres[i] = 2 * sc_rng_normal(&rng);
	for (size_t i = 0; i < n; i++)
	{
		const float *centre = centres + sc_rng_below(&rng, BLOBS) * D;

		for (int j = 0; j < D; j++)
			rows[i * D + j] = centre[j] + sc_rng_normal(&rng);
	}
	free(centres);
}

/* GFLOP/s of one lane, by the best of a few. */
static void
find_peaks(void)
{
	enum
	{
		side = 960
	};
	float *x = calloc((size_t) 3 * side * side, sizeof(float)), *out = x + 2 * side * side;

	for (int i = 0; i < 8; i++)
	{
		double begun = now();

		__real_sc_sgemm(false, false, side, side, side, 1, x, side, x + side * side, side, 0, out, side);
		peak[0] = SC_MAX(peak[0], 2e-9 * side * side * side / (now() - begun));
		begun = now();
		if (sc_bf16_fast())
			__real_sc_bf16_multiply(out, side, (uint32_t *) x, side, (uint32_t *) x, side, side);
		peak[1] = SC_MAX(peak[1], 2e-9 * side * side * side / (now() - begun));
	}
	free(x);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? (size_t) atol(argv[1]) : 50000;
	float *rows;
	bool serial;

	if (argc > 2 || n < 1000 || n > 10000000)
	{
		fprintf(stderr, "usage: profile_analytics [ROWS]\n");
		return 2;
	}
	if (!sc_blas_open(&serial) || (rows = malloc(sizeof(float) * n * D)) == NULL)
		return 1;
	find_peaks();
	printf("%zu rows of %d dimensions; peaks of one lane: f32 %.0f GFLOP/s", n, D, peak[0]);
	if (sc_bf16_fast())
		printf(", bf16 %.0f", peak[1]);
	printf("\n");
	fill(rows, n);
	profile_kmeans(rows, n);
	profile_pca(rows, n);
	profile_knn(rows, n);
	free(rows);
	return 0;
}
