/*-------------------------------------------------------------------------
 *
 * tests/unit/test_kmeans.c
 *	  k-means against scikit-learn; lanes, permuted rows, degenerate data.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/kmeans.h"
#include "core/base/distance.h"
#include "core/base/rng.h"
#include "points.h"

#include "../fixtures/sklearn.h"

static sc_kmeans
fit(sc_kmeans km, int lanes)
{
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	if (km.n_init == 0)
		km.n_init = 10;
	if (km.max_iter == 0)
		km.max_iter = 300;
	if (km.seed == 0)
		km.seed = 1;
	sc_kmeans_layout(&km, &arena);
	arena = points_arena(&arena);
	sc_kmeans_layout(&km, &arena);
	CHECK(sc_arena_ok(&arena), "layout");
	CHECK(sc_pool_run(lanes, sc_kmeans_run, &km, &err) == SC_OK, "%s", err.message);
	return km;
}

static void
test_sklearn(const float *x)
{
	for (int k = 1; k <= 5; k++)
	{
		sc_kmeans km = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = k, .rows = x}, 1);

		CLOSE(km.inertia / sk_inertia[k - 1], 1, 1e-6);
		CHECK(km.converged && km.iterations > 0, "k %d", k);
		for (int c = 1; c < k; c++)
			CHECK(km.sizes[c] <= km.sizes[c - 1], "sizes of k %d", k);
	}
	for (int k = 6; k <= 8; k++)
		CHECK(fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = k, .rows = x}, 1).inertia < 1.01 * sk_inertia[k - 1],
			  "inertia of k %d", k);
}

static void
test_order(const float *x)
{
	static float y[POINTS_N * POINTS_D];
	sc_kmeans one = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = 7, .rows = x}, 1);

	/* 7 and 600 have no common divisor: a permutation. */
	for (int i = 0; i < POINTS_N; i++)
		memcpy(y + i * POINTS_D, x + (i * 7 + 3) % POINTS_N * POINTS_D, POINTS_D * sizeof(float));
	for (int lanes = 1; lanes <= 3; lanes++)
	{
		sc_kmeans same = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = 7, .rows = x}, lanes);
		sc_kmeans other = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = 7, .rows = y}, lanes);
		int wrong = 0;

		CHECK(memcmp(one.centroids, same.centroids, 7 * POINTS_D * sizeof(float)) == 0, "%d lanes", lanes);
		CHECK(memcmp(one.labels, same.labels, sizeof(int32_t) * POINTS_N) == 0, "%d lanes", lanes);
		CHECK(memcmp(one.centroids, other.centroids, 7 * POINTS_D * sizeof(float)) == 0, "permuted, %d lanes", lanes);
		CHECK(one.inertia == same.inertia && one.inertia == other.inertia, "inertia, %d lanes", lanes);
		for (int i = 0; i < POINTS_N; i++)
			wrong += other.labels[i] != one.labels[(i * 7 + 3) % POINTS_N];
		CHECK(wrong == 0, "%d labels differ", wrong);
	}
}

static void
test_curve(const float *x)
{
	sc_kmeans km = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .curve_max = 8, .rows = x}, 2);
	float few[5] = {1, 1, 2, 2, 5};
	sc_kmeans low = fit((sc_kmeans){.n = 5, .d = 1, .curve_max = 4, .rows = few}, 1);

	for (int k = 1; k <= 5; k++)
		CLOSE(km.curve[k - 1] / sk_inertia[k - 1], 1, 1e-6);
	for (int k = 2; k <= 8; k++)
		CHECK(km.curve[k - 1] <= km.curve[k - 2], "the curve rises at %d", k);
	CLOSE(low.curve[1], 1, 1e-6);
	CLOSE(low.curve[2], 0, 0);
	CLOSE(low.curve[3], 0, 0);
}

static void
test_degenerate(void)
{
	float same[6] = {3, 4, 3, 4, 3, 4};
	float few[8] = {0.0f, -0.0f, 1, 1, 1, 5, 5, 9};
	float huge[4] = {-3e38f, -2.9e38f, 2.9e38f, 3e38f};
	float far[6] = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 50, 1e6f + 51, 1e6f + 52};
	float start[2] = {100, 200};
	sc_kmeans km = fit((sc_kmeans){.n = 3, .d = 2, .k = 3, .rows = same}, 2);

	CHECK(km.k == 1 && km.distinct == 1, "k %d of one point", km.k);
	CLOSE(km.inertia, 0, 0);
	CLOSE(km.centroids[1], 4, 0);
	for (int init = SC_KMEANS_PLUS_PLUS; init <= SC_KMEANS_RANDOM; init++)
	{
		km = fit((sc_kmeans){.n = 8, .d = 1, .k = 8, .rows = few, .init = init}, 1);
		CHECK(km.k == 4 && km.distinct == 4, "k %d of 4 points", km.k);
		CLOSE(km.inertia, 0, 0);
		CHECK(km.centroids[0] == 1 && km.centroids[1] == 0 && km.centroids[2] == 5 && km.centroids[3] == 9,
			  "%g %g %g %g", km.centroids[0], km.centroids[1], km.centroids[2], km.centroids[3]);
	}
	km = fit((sc_kmeans){.n = 4, .d = 1, .k = 2, .rows = huge}, 1);
	CHECK(km.labels[0] == km.labels[1] && km.labels[2] == km.labels[3] && km.labels[1] != km.labels[2], "huge");
	CHECK(km.labels[0] == 0, "ties by centroid");
	km = fit((sc_kmeans){.n = 6, .d = 1, .k = 2, .rows = far}, 1);
	CLOSE(km.inertia, 4, 1e-6);

	/* Both start beside the data: the second is empty at first. */
	km = fit((sc_kmeans){.n = 8, .d = 1, .k = 2, .rows = few, .init = SC_KMEANS_GIVEN, .start = start}, 1);
	CHECK(km.sizes[0] > 0 && km.sizes[1] > 0 && km.sizes[0] + km.sizes[1] == 8, "sizes");
	CLOSE(km.inertia, 12.0 / 10 + 32.0 / 3, 1e-5);
}

/*
 * Labels and distances are those of the centroids that come out, on numbers
 * that the product in float cannot tell apart or hold.
 */
static void
test_nearest(const float *x)
{
	const double offset[5] = {0, 1e6, 0, -10, 0};
	const double factor[5] = {1, 1, 1e-38, 2e37, 1e18};
	static float y[POINTS_N * POINTS_D];

	for (int form = 0; form < 5; form++)
	{
		sc_kmeans km;
		int wrong = 0;

		for (int i = 0; i < POINTS_N * POINTS_D; i++)
			y[i] = (float) ((x[i] + offset[form]) * factor[form]);
		km = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = 14, .rows = y, .n_init = 1}, 2);
		for (int i = 0; i < POINTS_N; i++)
		{
			double own = 0, least = INFINITY;

			for (int c = 0; c < km.k; c++)
			{
				double sum = 0;

				for (int j = 0; j < POINTS_D; j++)
				{
					double step = (double) y[i * POINTS_D + j] - km.centroids[c * POINTS_D + j];

					sum += step * step;
				}
				least = fmin(least, sum);
				own = c == km.labels[i] ? sum : own;
			}
			wrong += !(own <= (1 + 1e-13) * least) || !(fabs(km.distance[i] - sqrt(own)) <= 1e-13 * sqrt(own));
		}
		CHECK(wrong == 0, "form %d: %d labels are wrong", form, wrong);
	}
}

/* The sum of the squared distances to the own centroid, from the rows. */
static double
spread(const sc_kmeans *km)
{
	double sum = 0;

	for (size_t i = 0; i < km->n; i++)
		for (int j = 0; j < km->d; j++)
		{
			double step = (double) km->rows[i * km->d + j] - km->centroids[(size_t) km->labels[i] * km->d + j];

			sum += step * step;
		}
	return sum;
}

/* A centroid is the mean of its rows, rounded once: of equal rows, that row. */
static void
test_means(const float *x)
{
	float equal[20] = {26, 110, 26, 110, 26, 110, 26, 110, 0.1f, 7, 0.2f, 7, 0.1f, 8, -31, 5, -31, 6, -30, 5};
	sc_kmeans km = fit((sc_kmeans){.n = 10, .d = 2, .k = 3, .rows = equal}, 1);
	double sum[POINTS_CENTRES * POINTS_D] = {0};

	CHECK(km.centroids[0] == 26 && km.centroids[1] == 110, "%.9g, %.9g", km.centroids[0], km.centroids[1]);
	CLOSE(km.distance[0], 0, 0);
	km = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = POINTS_CENTRES, .rows = x}, 2);
	for (int i = 0; i < POINTS_N; i++)
		for (int j = 0; j < POINTS_D; j++)
			sum[km.labels[i] * POINTS_D + j] += x[i * POINTS_D + j];
	for (int i = 0; i < POINTS_CENTRES * POINTS_D; i++)
		CHECK(km.centroids[i] == (float) (sum[i] / (double) km.sizes[i / POINTS_D]), "%d: %.9g", i, km.centroids[i]);
}

/* A few rows that are far from all others do not blur these. */
static void
test_outliers(const float *x)
{
	static float y[(POINTS_N + 2) * POINTS_D];
	double without = fit((sc_kmeans){.n = POINTS_N, .d = POINTS_D, .k = POINTS_CENTRES, .rows = x}, 1).inertia;

	for (double far = 1e4; far < 1e20; far *= 1e3)
	{
		float few[5] = {(float) far, 0, 0.001f, 1, 1.001f};
		sc_kmeans km = fit((sc_kmeans){.n = 5, .d = 1, .k = 3, .rows = few}, 1);
		sc_kmeans curve;

		CHECK(km.labels[1] == km.labels[2] && km.labels[3] == km.labels[4] && km.labels[1] != km.labels[3] &&
				  km.labels[0] == 2,
			  "labels with one at %g", far);
		CLOSE(km.inertia, 1e-6, 1e-9);

		memcpy(y, x, sizeof(float) * POINTS_N * POINTS_D);
		for (int j = 0; j < 2 * POINTS_D; j++)
			y[POINTS_N * POINTS_D + j] = (float) (j % 5 < 2 ? far : -2 * far);
		km = fit((sc_kmeans){.n = POINTS_N + 2, .d = POINTS_D, .k = POINTS_CENTRES + 2, .rows = y}, 2);
		CLOSE(km.inertia / without, 1, 1e-6);
		CLOSE(spread(&km) / without, 1, 1e-6);
		curve = fit((sc_kmeans){.n = POINTS_N + 2, .d = POINTS_D, .curve_max = 8, .rows = y}, 2);
		CLOSE(curve.curve[POINTS_CENTRES + 1] / without, 1, 1e-6);
	}
}

/* ---- as plain Lloyd ------------------------------------------------------------ */

typedef struct shape
{
	const char *name;
	int n, d, k, max_iter;
	int largest; /* of the numbers, which are whole: few of them, and many rows are as near to two centres */
	int groups;	 /* rows are near one of so many points; 0: anywhere */
	float outlier;
} shape;

/* Rows of whole numbers, each with its opposite, so that their mean is 0 and all sums are exact. */
static float *
whole_rows(const shape *s)
{
	float *x = unit_keep((size_t) s->n * s->d * sizeof(float));
	sc_rng rng = sc_rng_stream(7, (uint64_t) s->n, (uint64_t) s->d, (uint64_t) s->k);

	for (int i = 0; i + 1 < s->n; i += 2)
		for (int j = 0; j < s->d; j++)
		{
			int place = s->groups > 0 ? (i / 2 % s->groups * 31 + j * 7) % 23 * s->largest : 0;
			float v = (float) (place + (int) sc_rng_below(&rng, (uint64_t) (2 * s->largest + 1)) - s->largest);

			if (i == 0 && s->outlier > 0)
				v = s->outlier;
			x[i * s->d + j] = v;
			x[(i + 1) * s->d + j] = -v;
		}
	return x;
}

/* Lloyd's iteration as a textbook has it, from the first k rows: every row against every centre, in double, each time. */
static double
plain_lloyd(const shape *s, const float *x, double *centre, int32_t *own, int *iterations, bool *empty)
{
	int n = s->n, d = s->d, k = s->k;
	double *sum = unit_keep((size_t) k * d * sizeof(double));
	int *count = unit_keep((size_t) k * sizeof(int));
	double inertia = 0;
	bool done = false;

	for (int i = 0; i < k * d; i++)
		centre[i] = x[i];
	for (int i = 0; i < n; i++)
		own[i] = -1;
	*iterations = 0;
	*empty = false;
	for (;;)
	{
		int changed = 0;
		double moved = 0;

		inertia = 0;
		memset(sum, 0, (size_t) k * d * sizeof(double));
		memset(count, 0, (size_t) k * sizeof(int));
		for (int i = 0; i < n; i++)
		{
			int nearest = 0;
			double least = INFINITY;

			for (int c = 0; c < k; c++)
			{
				double a = sc_distance()->distance2_centre(x + i * d, centre + c * d, d);

				if (a < least)
				{
					least = a;
					nearest = c;
				}
			}
			changed += own[i] != nearest;
			own[i] = nearest;
			inertia += least;
			count[nearest]++;
			for (int j = 0; j < d; j++)
				sum[nearest * d + j] += x[i * d + j];
		}
		if (done || *iterations == s->max_iter)
			return inertia;
		for (int c = 0; c < k; c++)
			for (int j = 0; j < d; j++)
			{
				double to = count[c] > 0 ? sum[c * d + j] / count[c] : centre[c * d + j];

				*empty |= count[c] == 0;
				moved += (to - centre[c * d + j]) * (to - centre[c * d + j]);
				centre[c * d + j] = to;
			}
		done = changed == 0 || moved == 0;
		++*iterations;
	}
}

static void
test_plain(const shape *s)
{
	float *x = whole_rows(s);
	double *centre = unit_keep((size_t) s->k * s->d * sizeof(double));
	int32_t *own = unit_keep((size_t) s->n * sizeof(int32_t));
	int iterations, missing = 0;
	bool empty;
	double inertia = plain_lloyd(s, x, centre, own, &iterations, &empty);

	CHECK(!empty, "the shape leaves a cluster empty");
	for (int lanes = 1; lanes <= 3; lanes += 2)
	{
		sc_kmeans km = fit((sc_kmeans){.n = (size_t) s->n,
									   .d = s->d,
									   .k = s->k,
									   .rows = x,
									   .init = SC_KMEANS_GIVEN,
									   .start = x,
									   .max_iter = s->max_iter},
						   lanes);

		CHECK(km.k == s->k && km.iterations == iterations, "k %d, %d iterations and %d", km.k, km.iterations,
			  iterations);
		/* Centroids are rounded to float, which moves some rows that are as near to two. */
		CLOSE(km.inertia, inertia, 1e-6 * inertia);
		for (int c = 0; c < s->k; c++)
		{
			bool found = false;

			for (int r = 0; r < km.k && !found; r++)
			{
				found = true;
				for (int j = 0; j < s->d && found; j++)
					found = km.centroids[r * s->d + j] == (float) centre[c * s->d + j];
			}
			missing += !found;
		}
		CHECK(missing == 0, "%d of %d centroids are others, %d lanes", missing, s->k, lanes);
	}
}

static void
test_all_plain(void)
{
	static const shape shapes[] = {
		{"k = 1", 100, 5, 1, 300, 9, 0, 0},
		{"k = n", 40, 7, 40, 300, 1000, 0, 0},
		{"one dimension", 900, 1, 7, 300, 500, 0, 0},
		{"two dimensions, many ties", 1200, 2, 9, 300, 6, 0, 0},
		{"three dimensions, the first iteration", 500, 3, 12, 1, 20, 0, 0},
		{"17 dimensions, 3 iterations", 1500, 17, 16, 3, 100, 0, 0},
		{"64 dimensions, groups", 3000, 64, 24, 300, 30, 20, 0},
		{"512 dimensions, more groups than clusters", 1100, 512, 30, 300, 12, 50, 0},
		{"513 dimensions", 700, 513, 10, 300, 3, 0, 0},
		{"duplicates", 2000, 2, 5, 300, 2, 0, 0},
		{"outliers", 800, 6, 8, 300, 40, 4, 1000000},
		{"many clusters", 3000, 4, 300, 300, 1000, 0, 0},
	};

	for (int i = 0; i < (int) (sizeof(shapes) / sizeof(shapes[0])); i++)
		CASE ("as plain Lloyd: %s", shapes[i].name)
			test_plain(&shapes[i]);
}

/* ---- the seeds -------------------------------------------------------------------- */

/* Every group gets its centre, whatever the seed, also where the seeds are looked for in a sample. */
static void
test_groups(int n, int d, int groups, int lanes)
{
	float *x = unit_keep((size_t) n * d * sizeof(float));
	sc_rng rng = sc_rng_stream(3, 0, 0, 0);
	double *mean = unit_keep((size_t) groups * d * sizeof(double));
	double least = 0;
	sc_kmeans first = {0};

	for (int i = 0; i < n * d; i++)
		x[i] = sc_rng_normal(&rng);
	for (int c = 0; c < groups; c++)
		for (int j = 0; j < d; j++)
		{
			float at = 2 * sc_rng_normal(&rng);

			for (int i = c; i < n; i += groups)
			{
				x[i * d + j] += at;
				mean[c * d + j] += x[i * d + j] / ((n - c + groups - 1) / groups);
			}
		}
	for (int i = 0; i < n; i++)
		least += sc_distance()->distance2_centre(x + (size_t) i * d, mean + i % groups * d, d);
	for (uint64_t seed = 1; seed <= 4; seed++)
	{
		sc_kmeans km = {.n = (size_t) n, .d = d, .k = groups, .rows = x, .n_init = 1, .seed = seed};

		km = fit(km, lanes);
		CHECK(km.inertia < 1.0001 * least, "seed %d: %g times the least inertia", (int) seed, km.inertia / least);
		if (seed == 1)
			first = km;
	}
	for (int others = 1; others <= 4; others += 3)
	{
		sc_kmeans km = {.n = (size_t) n, .d = d, .k = groups, .rows = x, .n_init = 1};

		km = fit(km, others);
		CHECK(memcmp(km.centroids, first.centroids, (size_t) groups * d * sizeof(float)) == 0, "%d lanes", others);
	}
}

/* A sample that holds one value most of the time is none. */
static void
test_few_values(void)
{
	enum
	{
		MANY = 40000
	};
	float *x = unit_keep(MANY * sizeof(float));
	sc_kmeans km;

	for (int i = 0; i < 20; i++)
		x[i * 1999] = (float) (i + 1);
	km = fit((sc_kmeans){.n = MANY, .d = 1, .k = 21, .rows = x, .n_init = 1}, 2);
	CHECK(km.k == 21, "k %d of 21 values", km.k);
	CLOSE(km.inertia, 0, 0);
	km = fit((sc_kmeans){.n = MANY, .d = 1, .k = 3, .rows = x}, 2);
	/* 0 with 1 to 4, 5 to 12, 13 to 20. */
	CLOSE(km.inertia, 114, 0.01);
}

/*
 * Mini-batches beside Lloyd, on groups (spread > 0) and on a cloud without any:
 * no more than a percent above its inertia, in fewer iterations; the same for
 * any order of rows and any number of lanes.
 */
static void
test_batches(int n, int d, int k, float spread)
{
	float *x = unit_keep((size_t) n * d * sizeof(float)), *y = unit_keep((size_t) n * d * sizeof(float));
	float *mean = unit_keep((size_t) k * d * sizeof(float));
	sc_rng rng = sc_rng_stream(7, 0, 0, 0);
	sc_kmeans lloyd = {.n = (size_t) n, .d = d, .k = k, .rows = x, .n_init = 1, .tol = 1e-4}, batches = lloyd, other;

	for (int i = 0; i < k * d; i++)
		mean[i] = spread * sc_rng_normal(&rng);
	for (int i = 0; i < n * d; i++)
		x[i] = mean[i / d % k * d + i % d] + sc_rng_normal(&rng);
	/* 7919 is a prime: a permutation. */
	for (int i = 0; i < n; i++)
		memcpy(y + (size_t) i * d, x + (size_t) ((long) i * 7919 % n) * d, (size_t) d * sizeof(float));
	batches.algorithm = SC_KMEANS_MINIBATCH;
	other = batches;
	other.rows = y;
	lloyd = fit(lloyd, 2);
	batches = fit(batches, 2);
	CHECK(batches.inertia < 1.01 * lloyd.inertia, "inertia %.6g in %d iterations, Lloyd's %.6g in %d", batches.inertia,
		  batches.iterations, lloyd.inertia, lloyd.iterations);
	if (getenv("SELFCLASS_SHOW") != NULL)
		fprintf(stderr, "%d x %d, k %d: %.4f of Lloyd's inertia, %d iterations, Lloyd's %d\n", n, d, k,
				batches.inertia / lloyd.inertia, batches.iterations, lloyd.iterations);
	CHECK(batches.converged && (spread > 0 || batches.iterations < lloyd.iterations), "%d iterations, Lloyd's %d",
		  batches.iterations, lloyd.iterations);
	other = fit(other, 3);
	CHECK(memcmp(batches.centroids, other.centroids, (size_t) k * d * sizeof(float)) == 0 &&
			  batches.inertia == other.inertia,
		  "another order, another number of lanes");
}

/* Few rows are one batch; one iteration is Lloyd's; given centroids, equal rows, k of 1. */
static void
test_few_batches(const float *x)
{
	sc_kmeans km = {.n = POINTS_N, .d = POINTS_D, .k = 5, .rows = x, .algorithm = SC_KMEANS_MINIBATCH}, lloyd;

	CLOSE(fit(km, 1).inertia / sk_inertia[4], 1, 0.01);
	km.k = 1;
	CLOSE(fit(km, 3).inertia / sk_inertia[0], 1, 1e-6);
	km.k = 5;
	km.init = SC_KMEANS_GIVEN;
	km.start = x;
	km.max_iter = 1;
	lloyd = km;
	lloyd.algorithm = SC_KMEANS_LLOYD;
	lloyd = fit(lloyd, 1);
	km = fit(km, 1);
	CHECK(km.iterations == 1 && !km.converged, "%d iterations", km.iterations);
	CHECK(memcmp(km.centroids, lloyd.centroids, 5 * POINTS_D * sizeof(float)) == 0, "one iteration");
}

int
main(int argc, char **argv)
{
	static float x[POINTS_N * POINTS_D];

	unit_begin(argc, argv);
	points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
	CASE ("scikit-learn's values")
		test_sklearn(x);
	CASE ("any order of rows, any lanes")
		test_order(x);
	CASE ("inertia falls with k")
		test_curve(x);
	CASE ("degenerate rows")
		test_degenerate();
	CASE ("labels and distances are the centroids'")
		test_nearest(x);
	CASE ("a centroid is the mean of its rows")
		test_means(x);
	CASE ("rows far from all others")
		test_outliers(x);
	test_all_plain();
	LARGE_CASE ("64 groups of 100 rows")
		test_groups(6400, 64, 64, 2);
	LARGE_CASE ("40 groups in a sample of the rows")
		test_groups(24000, 16, 40, 2);
	CASE ("mini-batches: 40 groups")
		test_batches(24000, 16, 40, 2);
	LARGE_CASE ("mini-batches: a cloud without groups")
	{
		test_batches(20000, 32, 20, 0);
		test_batches(30000, 8, 100, 0);
	}
	CASE ("mini-batches: few rows")
		test_few_batches(x);
	CASE ("few values, one of nearly all rows")
		test_few_values();
	return unit_end();
}
