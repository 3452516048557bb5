/*-------------------------------------------------------------------------
 *
 * tests/unit/test_pca.c
 *	  PCA against scikit-learn's full SVD, degenerate data, lanes.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/pca.h"
#include "core/analytics/pca_parts.h"
#include "core/analytics/space.h"
#include "core/base/gemm.h"
#include "points.h"

#include "../fixtures/sklearn.h"

static sc_pca
fit(const float *rows, size_t n, int d, double wanted, int lanes)
{
	sc_pca pca = {.n = n, .d = d, .rows = rows, .wanted = wanted};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	sc_pca_layout(&pca, &arena);
	arena = points_arena(&arena);
	sc_pca_layout(&pca, &arena);
	CHECK(sc_arena_ok(&arena), "layout of %zu rows", n);
	CHECK(sc_pool_run(lanes, sc_pca_run, &pca, &err) == SC_OK, "%s", err.message);
	return pca;
}

static void
project(const sc_pca *pca, const float *rows, size_t n, bool whiten, int lanes, float *out)
{
	sc_space space = {.d = pca->d,
					  .q = pca->q,
					  .mean = pca->mean,
					  .components = pca->components,
					  .variance = pca->variance,
					  .whiten = whiten};
	sc_space_rows p = {.space = &space, .n = n, .rows = rows, .out = out};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	sc_space_project_layout(&p, &arena);
	arena = points_arena(&arena);
	sc_space_project_layout(&p, &arena);
	CHECK(sc_pool_run(lanes, sc_space_project_run, &p, &err) == SC_OK, "%s", err.message);
}

static void
test_sklearn(const float *x)
{
	sc_pca pca = fit(x, POINTS_N, POINTS_D, 4, 1);
	float out[POINTS_N * 4];

	for (int j = 0; j < POINTS_D; j++)
		CLOSE(pca.mean[j], sk_pca_mean[j], 1e-9);
	for (int c = 0; c < 4; c++)
	{
		double sign = 0;

		CLOSE(pca.variance[c] / sk_pca_variance[c], 1, 1e-9);
		CLOSE(pca.ratio[c] / sk_pca_ratio[c], 1, 1e-9);
		for (int j = 0; j < POINTS_D; j++)
			sign += pca.components[c * POINTS_D + j] * sk_pca_components[c * POINTS_D + j];
		CLOSE(fabs(sign), 1, 1e-9);
	}
	CHECK(fit(x, POINTS_N, POINTS_D, 0.9, 1).q == sk_pca_share90, "share 0.9");

	project(&pca, x, POINTS_N, true, 2, out);
	for (int c = 0; c < 4; c++)
	{
		double sum = 0, square = 0;

		for (int i = 0; i < POINTS_N; i++)
		{
			sum += out[i * 4 + c];
			square += (double) out[i * 4 + c] * out[i * 4 + c];
		}
		CLOSE(sum / POINTS_N, 0, 1e-5);
		CLOSE(square / (POINTS_N - 1), 1, 1e-5);
	}
}

static void
test_lanes(const float *x)
{
	sc_pca one = fit(x, POINTS_N, POINTS_D, 4, 1);
	float a[POINTS_N * 4], b[POINTS_N * 4];

	project(&one, x, POINTS_N, false, 1, a);
	for (int lanes = 2; lanes <= 3; lanes++)
	{
		sc_pca more = fit(x, POINTS_N, POINTS_D, 4, lanes);

		CHECK(memcmp(one.components, more.components, 4 * POINTS_D * sizeof(double)) == 0, "%d lanes", lanes);
		CHECK(memcmp(one.variance, more.variance, 4 * sizeof(double)) == 0, "%d lanes", lanes);
		project(&more, x, POINTS_N, false, lanes, b);
		CHECK(memcmp(a, b, sizeof(a)) == 0, "coordinates, %d lanes", lanes);
	}
}

/* Rows x (n, d) one by one into two sums, cut ... in the second, which are then merged. */
static sc_pca
fit_sums(const float *x, int n, int d, int cut, double wanted)
{
	void *work = unit_keep(sc_pca_flush_bytes(d));
	sc_pca_sums *s = unit_keep(2 * sizeof(sc_pca_sums));
	sc_pca pca = {.n = n, .d = d, .given = s, .wanted = wanted};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	for (int h = 0; h < 2; h++)
	{
		int begin = h ? cut : 0, end = h ? n : cut;

		s[h] = (sc_pca_sums){.mean = unit_keep((size_t) d * 8),
							 .packed = unit_keep(sc_pca_packed(d) * 8),
							 .block = unit_keep((size_t) sc_pca_block(d) * d * 4)};
		for (int i = begin; i < end; i++)
		{
			memcpy(s[h].block + (size_t) s[h].waiting * d, x + (size_t) i * d, d * sizeof(float));
			if (++s[h].waiting == sc_pca_block(d) || (h == 1 && i == end - 1))
			{
				sc_pca_flush flush = sc_pca_flush_begin(&s[h], d, work);

				while (sc_pca_flush_step(&flush))
					;
			}
		}
	}
	for (int row = 0; row < d;)
		row = sc_pca_merge(&s[0], &s[1], d, row);
	CLOSE(s[0].count + s[0].waiting, n, 0);
	sc_pca_layout(&pca, &arena);
	arena = points_arena(&arena);
	sc_pca_layout(&pca, &arena);
	CHECK(sc_pool_run(2, sc_pca_run, &pca, &err) == SC_OK, "%s", err.message);
	return pca;
}

/* Is what comes of the sums what comes of all rows in double? relative: to the largest variance. */
static void
compare_sums(const float *x, int n, int d, int cut, double relative)
{
	sc_pca all = fit(x, n, d, 3, 1);
	sc_pca pca = fit_sums(x, n, d, cut, 3);
	double spread = sqrt(all.variance[0]);

	for (int j = 0; j < d; j++)
		CLOSE(pca.mean[j], all.mean[j], 1e-10 * (1 + spread));
	for (int c = 0; c < 3; c++)
	{
		double dot = 0;
		double off = relative * all.variance[0] / all.variance[c];

		CLOSE(pca.variance[c] / all.variance[c], 1, off);
		CLOSE(pca.ratio[c] / all.ratio[c], 1, off);
		for (int j = 0; j < d; j++)
			dot += pca.components[c * d + j] * all.components[c * d + j];
		CLOSE(dot, 1, off);
	}
}

static void
test_sums(int n, int d, int cut)
{
	float *x = unit_keep(sizeof(float) * n * d);

	points_fill(x, n, d, 5);
	compare_sums(x, n, d, cut, d < SC_PCA_FLOAT ? 1e-10 : 1e-7);
}

/* Products in float, of rows that try them: by what each number of points_fill is multiplied and moved. */
static void
test_float(double scale, double offset, bool outlier, bool groups)
{
	enum
	{
		N = 900,
		D = 150
	};
	float *x = unit_keep(sizeof(float) * N * D);

	points_fill(x, N, D, 5);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < D; j++)
			x[i * D + j] = (float) (scale * (x[i * D + j] + offset + (groups ? i / 300 * (20 + j % 3) : 0)));
	if (outlier)
		for (int j = 0; j < D; j++)
			x[j] *= 1000;
	compare_sums(x, N, D, 500, 1e-7);
}

/* Two dimensions of many: what is rounded away in float is no variance either. */
static void
test_float_noise(void)
{
	enum
	{
		N = 900,
		D = 150
	};
	float *x = unit_keep(sizeof(float) * N * D);
	sc_pca pca;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < D; j++)
			x[i * D + j] = (float) (1000 + sin(i * 0.731) * cos(j * 1.1) + cos(i * 1.37) * sin(j * 0.7 + 1));
	pca = fit_sums(x, N, D, 400, 10);
	for (int c = 0; c < 10; c++)
		CHECK((pca.variance[c] > 1) == (c < 2) && (c < 2 || pca.variance[c] == 0), "component %d: variance %g", c,
			  pca.variance[c]);
	for (int i = 0; i < N * D; i++)
		x[i] = (float) (i % D);
	pca = fit_sums(x, N, D, 400, 2);
	CHECK(pca.variance[0] == 0 && pca.mean[149] == 149, "equal rows: variance %g", pca.variance[0]);
}

/* The loop over a row of products, in every instruction set that this CPU has. */
static void
test_join(void)
{
	for (int isa = 0; isa <= (int) sc_isa_best(); isa++)
		for (int n = 0; n <= 70; n++)
		{
			double to[71], aparts[70], sums[70];
			float products[70];

			for (int j = 0; j < n; j++)
			{
				to[j] = j;
				aparts[j] = sin(j * 0.3);
				sums[j] = cos(j * 0.7);
				products[j] = (float) sin(j * 1.9);
			}
			to[n] = -1;
			SC_SIMD_PICK((sc_isa) isa, sc_pca_join_base, sc_pca_join_avx2, sc_pca_join_avx512)
			(to, products, 4, 0.5, aparts, 0.25, sums, n);
			for (int j = 0; j < n; j++)
				CLOSE(to[j], j + 4 * (double) products[j] + 0.5 * aparts[j] - 0.25 * sums[j], 1e-13);
			CHECK(to[n] == -1, "instruction set %d: wrote behind the end of %d", isa, n);
		}
}

/* Every component is an eigenvector of the covariance, and a unit vector at right angles to the others. */
static void
test_eigenvectors(int n, int d, double wanted)
{
	float *x = unit_keep(sizeof(float) * n * d);
	double *centred = unit_keep(sizeof(double) * n * d);
	double *y = unit_keep(sizeof(double) * n);
	sc_pca pca;
	double worst = 0, apart = 0;

	for (int i = 0; i < n * d; i++)
		x[i] = (float) (sin(i * 0.731) * (1 + i % 17) + (i % d) * 0.01 * (i / d % 5));
	pca = fit(x, n, d, wanted, 2);
	CHECK(pca.q >= 1 && (wanted < 1 || pca.q == (int) wanted), "%d components of %g", pca.q, wanted);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < d; j++)
			centred[i * d + j] = x[i * d + j] - pca.mean[j];
	for (int c = 0; c < pca.q; c += 1 + pca.q / 7)
	{
		const double *v = pca.components + (size_t) c * d;

		for (int i = 0; i < n; i++)
		{
			y[i] = 0;
			for (int j = 0; j < d; j++)
				y[i] += centred[i * d + j] * v[j];
		}
		for (int j = 0; j < d; j++)
		{
			double sum = 0;

			for (int i = 0; i < n; i++)
				sum += centred[i * d + j] * y[i];
			worst = fmax(worst, fabs(sum / (n - 1) - pca.variance[c] * v[j]));
		}
		for (int o = 0; o <= c; o++)
		{
			double sum = 0;

			for (int j = 0; j < d; j++)
				sum += v[j] * pca.components[(size_t) o * d + j];
			apart = fmax(apart, fabs(sum - (o == c)));
		}
	}
	CHECK(worst < 1e-10 * pca.variance[0], "%d dimensions: residual %g of %g", d, worst, pca.variance[0]);
	CHECK(apart < 1e-11, "%d dimensions: product %g", d, apart);
}

/* H = I - 2 u u^T / (u^T u) from both sides: a (n, n) keeps its eigenvalues. */
static void
reflect(double *a, int n, int seed)
{
	double *u = unit_keep(sizeof(double) * n);
	double length = 0;

	for (int i = 0; i < n; i++)
	{
		u[i] = sin((i + 1) * 0.377 * (seed + 1)) + 0.1;
		length += u[i] * u[i];
	}
	for (int side = 0; side < 2; side++)
		for (int i = 0; i < n; i++)
		{
			double sum = 0;

			for (int j = 0; j < n; j++)
				sum += u[j] * a[side ? i * n + j : j * n + i];
			for (int j = 0; j < n; j++)
				a[side ? i * n + j : j * n + i] -= 2 * sum * u[j] / length;
		}
}

/* Clusters of eigenvalues that differ by rounding alone, which dstemr gives up. */
static void
test_clusters(int count)
{
	enum
	{
		N = 200
	};
	double *matrix = unit_keep(sizeof(double) * N * N);
	double *a = unit_keep(sizeof(double) * N * N);
	double *vectors = unit_keep(sizeof(double) * N * count);
	double values[N];
	void *work = unit_keep(sc_dsyev_bytes(N, count));
	double worst = 0, apart = 0;
	sc_error err = {SC_OK};

	/* 60 that are the same but for rounding, 60 near zero, the others apart. */
	for (int i = 0; i < N; i++)
		matrix[i * N + i] = i < 60 ? 3 + 1e-13 * i : i < 120 ? 1e-17 * i : 0.05 * i;
	for (int i = 0; i < 4; i++)
		reflect(matrix, N, i);
	memcpy(a, matrix, sizeof(double) * N * N);
	CHECK(sc_dsyev_top(values, vectors, a, N, count, work, NULL, &err) == SC_OK, "%s", err.message);
	for (int c = 0; c < count; c++)
	{
		const double *v = vectors + (size_t) c * N;

		CLOSE(values[c], c < 80 ? 0.05 * (N - 1 - c) : c < 140 ? 3 : 0, 1e-11);
		for (int i = 0; i < N; i++)
		{
			double sum = 0;

			for (int j = 0; j < N; j++)
				sum += matrix[i * N + j] * v[j];
			worst = fmax(worst, fabs(sum - values[c] * v[i]));
		}
		for (int o = 0; o <= c; o++)
		{
			double sum = 0;

			for (int j = 0; j < N; j++)
				sum += v[j] * vectors[(size_t) o * N + j];
			apart = fmax(apart, fabs(sum - (o == c)));
		}
	}
	CHECK(worst < 1e-12, "%d: residual %g", count, worst);
	CHECK(apart < 1e-12, "%d: product %g", count, apart);
}

static void
test_degenerate(void)
{
	float same[6] = {1000000, 2, 1000000, 2, 1000000, 2};
	float line[6] = {1, 1, 2, 2, 3, 3};
	float out[6];
	sc_pca pca = fit(same, 3, 2, 2, 2);
	sc_error err = {SC_OK};

	CLOSE(pca.variance[0], 0, 0);
	CLOSE(pca.ratio[1], 0, 0);
	project(&pca, same, 3, true, 1, out);
	for (int i = 0; i < 6; i++)
		CLOSE(out[i], 0, 0);
	CHECK(fit(same, 3, 2, 0.95, 1).q == 1, "no variance at all");
	CHECK(fit(same, 1, 2, 1, 1).variance[0] == 0, "one row");

	pca = fit(line, 3, 2, 2, 1);
	CLOSE(pca.variance[0], 2, 1e-12);
	CLOSE(pca.components[0], sqrt(0.5), 1e-12);
	CLOSE(pca.components[1], sqrt(0.5), 1e-12);
	project(&pca, line, 3, true, 1, out);
	CLOSE(out[0], -1, 1e-6);
	CLOSE(out[1], 0, 0);
	CLOSE(out[4], 1, 1e-6);
	CHECK(fit(line, 3, 2, 0.5, 1).q == 1, "one direction holds everything");

	CHECK(sc_pca_check(3, 2, 3, &err) == SC_INVALID && strstr(err.message, "at most 2"), "%s", err.message);
	CHECK(sc_pca_check(3, 2, 0, &err) == SC_INVALID, "0 components");
	CHECK(sc_pca_check(3, 2, 1.5, &err) == SC_INVALID, "1.5 components");
	CHECK(sc_pca_check(3, 2, NAN, &err) == SC_INVALID, "NaN components");
	CHECK(sc_pca_check(3, 2, 2, &err) == SC_OK, "2 components");
}

/*
 * Rows that fill two of ten dimensions, far from zero: what float4 rounds away
 * spreads in the other eight, and is no variance. A small one that is larger
 * than this rounding stays.
 */
static void
test_far_from_zero(double offset, double third)
{
	static float x[POINTS_N * 10], out[POINTS_N * 10];
	sc_pca pca;
	int some = third > 0 ? 3 : 2;

	for (int i = 0; i < POINTS_N; i++)
		for (int j = 0; j < 10; j++)
			x[i * 10 + j] = (float) (offset + sin(i * 0.731) * cos(j * 1.1) + cos(i * 1.37) * sin(j * 0.7 + 1) +
									 third * sin(i * 2.9) * cos(j * 2.3));
	pca = fit(x, POINTS_N, 10, 10, 1);
	project(&pca, x, POINTS_N, true, 1, out);
	for (int c = 0; c < 10; c++)
	{
		sc_space space =
			{.d = 10, .q = 10, .mean = pca.mean, .components = pca.components, .variance = pca.variance, .whiten = true};
		float one[10];
		double square = 0;

		for (int i = 0; i < POINTS_N; i++)
			square += (double) out[i * 10 + c] * out[i * 10 + c];
		CLOSE(square / (POINTS_N - 1), c < some ? 1 : 0, 1e-5);
		sc_space_project(&space, one, x + 70, NULL);
		CLOSE(one[c], out[70 + c], 1e-5);
	}
}

int
main(int argc, char **argv)
{
	static float x[POINTS_N * POINTS_D];

	unit_begin(argc, argv);
	points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
	CASE ("scikit-learn's values")
		test_sklearn(x);
	CASE ("any lanes")
		test_lanes(x);
	CASE ("sums, POINTS_N, POINTS_D, 250")
		test_sums(POINTS_N, POINTS_D, 250);
	CASE ("sums, 300, 64, 170")
		test_sums(300, 64, 170);
	CASE ("sums, 300, 130, 1")
		test_sums(300, 130, 1);
	LARGE_CASE ("sums, 1000, 512, 600")
		test_sums(1000, 512, 600);
	CASE ("products in float")
	{
		test_float(1, 0, false, false);
		test_float(1, 1e4, false, false);
		test_float(1e30, 0, false, false);
		test_float(1e-30, 0, false, false);
		test_float(1, 0, true, false);
		test_float(1, 0, false, true);
	}
	CASE ("products in float: no variance")
		test_float_noise();
	CASE ("products in float: joined")
		test_join();
	CASE ("eigenvectors, 50, 1, 1")
		test_eigenvectors(50, 1, 1);
	CASE ("eigenvectors, 50, 2, 1")
		test_eigenvectors(50, 2, 1);
	CASE ("eigenvectors, 300, 33, 33")
		test_eigenvectors(300, 33, 33);
	CASE ("eigenvectors, 300, 200, 5")
		test_eigenvectors(300, 200, 5);
	LARGE_CASE ("eigenvectors, 300, 1100, 0.999")
		test_eigenvectors(300, 1100, 0.999);
	LARGE_CASE ("eigenvectors, 20, 2500, 3")
		test_eigenvectors(20, 2500, 3);
	CASE ("eigenvalues in clusters")
	{
		test_clusters(200);
		test_clusters(90);
	}
	CASE ("degenerate rows")
		test_degenerate();
	CASE ("whitened rows far from zero")
	{
		test_far_from_zero(0, 0);
		test_far_from_zero(1000, 0);
		test_far_from_zero(1000, 0.01);
		test_far_from_zero(-1e5, 0);
	}
	return unit_end();
}
