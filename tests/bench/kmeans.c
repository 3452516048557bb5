/*-------------------------------------------------------------------------
 *
 * tests/bench/kmeans.c
 *	  CPU seconds and inertia of k-means++ and 20 iterations on one lane, by
 *	  seed, on rows of several kinds:
 *
 *	  kmeans KIND ROWS DIMENSIONS K [SEEDS [n_init [max_iter]]]
 *
 * KIND: blobs (those of blobs.c), uneven (blobs of very different size, some
 * of a few rows far away), smooth (no groups: products of few hidden numbers
 * and noise), uniform.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/analytics/kmeans.h"
#include "core/base/rng.h"

#define HIDDEN 16

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* A blob of k: the i-th holds a share of about 0.8^i of the rows where they are uneven. */
static size_t
draw_blob(sc_rng *rng, size_t k, bool uneven)
{
	size_t c = (size_t) sc_rng_below(rng, k);

	if (uneven)
		for (c = 0; c < k - 1 && sc_rng_uniform(rng) > 0.2f; c++)
			;
	return c;
}

/* rows (n, d) around k centres, or of HIDDEN numbers each that `centres` (HIDDEN, d) turns into d. */
static void
fill(float *rows, size_t n, size_t d, size_t k, const char *kind)
{
	sc_rng rng = sc_rng_stream(1, 0, 0, 0);
	bool smooth = strcmp(kind, "smooth") == 0, uniform = strcmp(kind, "uniform") == 0;
	size_t axes = smooth ? HIDDEN : k;
	float *centres = malloc(axes * d * sizeof(float));

	for (size_t i = 0; i < axes * d; i++)
		centres[i] = (smooth ? 1 : 2) * sc_rng_normal(&rng);
	for (size_t i = 0; i < n; i++)
	{
		float *x = rows + i * d;
		size_t c = smooth || uniform ? 0 : draw_blob(&rng, k, strcmp(kind, "uneven") == 0);
		float hidden[HIDDEN];

		for (int h = 0; h < HIDDEN; h++)
			hidden[h] = sc_rng_normal(&rng);
		for (size_t j = 0; j < d; j++)
		{
			x[j] = uniform ? sc_rng_uniform(&rng) : sc_rng_normal(&rng);
			for (int h = 0; smooth && h < HIDDEN; h++)
				x[j] += hidden[h] * centres[h * d + j];
			if (!smooth && !uniform)
				x[j] += centres[c * d + j];
		}
	}
	free(centres);
}

int
main(int argc, char **argv)
{
	sc_kmeans km = {.init = SC_KMEANS_PLUS_PLUS, .n_init = argc > 6 ? atoi(argv[6]) : 1};
	int seeds = argc > 5 ? atoi(argv[5]) : 5;
	float *rows;

	if (argc < 5)
	{
		fprintf(stderr, "usage: kmeans blobs|uneven|smooth|uniform ROWS DIMENSIONS K [SEEDS [n_init [max_iter]]]\n");
		return 2;
	}
	km.n = (size_t) atol(argv[2]);
	km.d = atoi(argv[3]);
	km.k = atoi(argv[4]);
	km.max_iter = argc > 7 ? atoi(argv[7]) : 20;
	rows = malloc(km.n * (size_t) km.d * sizeof(float));
	fill(rows, km.n, (size_t) km.d, (size_t) km.k, argv[1]);
	km.rows = rows;
	for (int seed = 1; seed <= seeds; seed++)
	{
		sc_kmeans run = km;
		sc_arena arena = sc_arena_counter();
		sc_error err = {SC_OK};
		void *memory;
		double began = cpu_seconds();

		run.seed = (uint64_t) seed;
		sc_kmeans_layout(&run, &arena);
		memory = malloc(sc_arena_need(&arena));
		arena = sc_arena_over(memory, sc_arena_need(&arena));
		sc_kmeans_layout(&run, &arena);
		if (sc_pool_run(1, sc_kmeans_run, &run, &err) != SC_OK)
			return 1;
		printf("seed %d: %.3f s, inertia %.6g, %d iterations\n", seed, cpu_seconds() - began, run.inertia,
			   run.iterations);
		free(memory);
	}
	free(rows);
	return 0;
}
