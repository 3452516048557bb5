/*-------------------------------------------------------------------------
 *
 * tests/unit/test_knn.c
 *	  Nearest neighbours against brute force: ties, lanes, batches, far means.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <math.h>

#include "core/analytics/knn.h"
#include "points.h"

typedef struct pair
{
	double distance;
	uint32_t rank;
	uint32_t row;
} pair;

static int
compare_pairs(const void *a, const void *b)
{
	const pair *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Every query of knn, in batches of `most`, against a sort of all distances. */
static void
check(sc_knn knn, const float *queries, size_t m, int lanes, const char *what)
{
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};
	pair *all = malloc(knn.n * sizeof(pair));
	/* What adding up the squares one after another may be off by. */
	double tol = 1e-14 + knn.d * 0x1p-54;
	int wrong = 0;
	size_t bytes;
	void *memory;

	knn.lanes = lanes;
	sc_knn_layout(&knn, &arena);
	bytes = sc_arena_need(&arena);
	memory = malloc(bytes);
	arena = sc_arena_over(memory, bytes);
	sc_knn_layout(&knn, &arena);
	CHECK(sc_arena_ok(&arena), "%s: layout", what);
	/* One query first: what is made for many comes in a later run. */
	for (size_t begin = 0; begin < m; begin += knn.m)
	{
		knn.m = begin == 0 ? 1 : SC_MIN(knn.most, m - begin);
		knn.queries = queries + begin * knn.d;
		knn.first = begin;
		CHECK(sc_pool_run(lanes, sc_knn_run, &knn, &err) == SC_OK, "%s", err.message);
		for (size_t i = 0; i < knn.m; i++)
		{
			size_t count = 0;

			for (size_t r = 0; r < knn.n; r++)
			{
				double sum = 0;

				if (knn.leave_out && r == begin + i)
					continue;
				for (int j = 0; j < knn.d; j++)
				{
					double diff = (double) knn.queries[i * knn.d + j] - (double) knn.rows[r * knn.d + j];

					sum += diff * diff;
				}
				all[count++] = (pair){sqrt(sum), knn.rank ? knn.rank[r] : (uint32_t) r, (uint32_t) r};
			}
			CHECK((size_t) knn.found == SC_MIN(count, (size_t) knn.k), "%s: found %d", what, knn.found);
			qsort(all, count, sizeof(pair), compare_pairs);
			for (int j = 0; j < knn.found; j++)
				wrong += !(knn.index[i * knn.found + j] == all[j].row ||
						   fabs(all[j].distance / knn.distance[i * knn.found + j] - 1) < tol) ||
						 fabs(knn.distance[i * knn.found + j] - all[j].distance) > tol * all[j].distance;
		}
	}
	CHECK(wrong == 0, "%s: %d neighbours differ", what, wrong);
	free(memory);
	free(all);
}

#define TIES_N 6000
#define TIES_D 256

/*
 * Rows around queries at distances that differ by less than products in bf16,
 * and in float, can tell: all of them are candidates for the k-th. `apart`: by
 * how much, from one row to the next. Some come twice.
 */
static void
check_near_ties(double apart, int k, int lanes)
{
	float *rows = malloc(sizeof(float) * TIES_N * TIES_D);
	float *queries = malloc(sizeof(float) * 40 * TIES_D);
	uint64_t random = 7;

	for (int i = 0; i < 40 * TIES_D; i++)
		queries[i] = (float) (0.01 * sin(i / TIES_D + i * 0.1));
	for (int i = 0; i < TIES_N; i++)
	{
		double length = 0, wanted = 1 + apart * (i * 7919 % TIES_N);
		float *x = rows + (size_t) i * TIES_D;

		for (int j = 0; j < TIES_D; j++)
		{
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
			x[j] = (float) (random >> 40) / (1 << 23) - 1;
			length += (double) x[j] * x[j];
		}
		for (int j = 0; j < TIES_D; j++)
			x[j] = (float) (x[j] / sqrt(length) * wanted);
		if (i % 10 == 9)
			memcpy(x, rows + (size_t) (i - 5) * TIES_D, TIES_D * sizeof(float));
	}
	check((sc_knn){.n = TIES_N, .d = TIES_D, .rows = rows, .k = k, .most = 40}, queries, 40, lanes, "near ties");
	free(queries);
	free(rows);
}

/* Rows in two tight heaps far from each other: in bf16 a whole heap is within the rounding. */
static void
check_blunt(void)
{
	float *rows = malloc(sizeof(float) * TIES_N * TIES_D);

	for (int i = 0; i < TIES_N; i++)
		for (int j = 0; j < TIES_D; j++)
			rows[(size_t) i * TIES_D + j] = (float) (i % 2 * 3 + 1e-3 * sin(i * 0.37 + j * (1 + i % 11) * 0.9));
	check((sc_knn){.n = TIES_N, .d = TIES_D, .rows = rows, .k = 5, .leave_out = true, .most = 30}, rows, 30, 2,
		  "two tight heaps");
	free(rows);
}

/* So many queries of so many rows of so many dimensions that they are reduced first. */
#define MANY_N 4500
#define MANY_D 259
#define MANY_QUERIES 301

/* Row i of one of these: heaps in many directions; noise in all; few directions, and many twice; very unlike in size. */
typedef enum kind
{
	HEAPS,
	NOISE,
	FLAT,
	UNLIKE,
	KINDS
} kind;

static void
fill_row(kind of, float *x, int i)
{
	for (int j = 0; j < MANY_D; j++)
	{
		double noise = sin(i * 12.9898 + j * 78.233 + (double) i * j * 0.317) * 43758.5453;

		noise -= floor(noise) + 0.5;
		if (of == HEAPS)
			x[j] = (float) (3 * sin((i % 40) * 1.7 + j * (1 + i % 40) * 0.61) + noise);
		else if (of == NOISE)
			x[j] = (float) noise;
		else if (of == FLAT)
			x[j] = (float) (1e3 + (i / 2 % 97) * sin(j) + (i / 2 % 13) * cos(3 * j) + (i / 2 % 7) * (j % 3));
		else
			x[j] = (float) (noise * pow(10, i % 75 - 37));
	}
}

static void
check_many(kind of, int lanes)
{
	static const char *const names[KINDS] = {"heaps", "noise", "few directions", "very unlike in size"};
	float *rows = malloc(sizeof(float) * (MANY_N + MANY_QUERIES) * MANY_D);
	float *queries = rows + (size_t) MANY_N * MANY_D;

	for (int i = 0; i < MANY_N + MANY_QUERIES; i++)
		fill_row(of, rows + (size_t) i * MANY_D, i);
	check((sc_knn){.n = MANY_N, .d = MANY_D, .rows = rows, .k = 10, .most = MANY_QUERIES}, queries, MANY_QUERIES, lanes,
		  names[of]);
	check((sc_knn){.n = MANY_N, .d = MANY_D, .rows = rows, .k = 4, .leave_out = true, .most = MANY_QUERIES}, rows,
		  MANY_QUERIES, lanes, names[of]);
	free(rows);
}

int
main(int argc, char **argv)
{
	static float x[POINTS_N * POINTS_D], grid[POINTS_N * POINTS_D], far[POINTS_N * POINTS_D], huge[POINTS_N * POINTS_D],
		wide[40 * 5000], outlier[POINTS_N * POINTS_D];
	uint32_t rank[POINTS_N];
	float zero[8] = {0};

	unit_begin(argc, argv);
	points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
	for (int i = 0; i < POINTS_N * POINTS_D; i++)
	{
		grid[i] = (float) (i / POINTS_D % 7 * (i % POINTS_D % 3)); /* many at the same distance */
		far[i] = 1e6f + x[i];
		huge[i] = (x[i] - 10) * 1e37f;
		outlier[i] = i < 2 * POINTS_D ? huge[i] : x[i];
	}
	for (int i = 0; i < POINTS_N; i++)
		rank[i] = (uint32_t) (i * 7 % POINTS_N);
	for (int i = 0; i < 40 * 5000; i++)
		wide[i] = (float) sin(i * 0.7);

	for (int lanes = 1; lanes <= 3; lanes++)
	{
		CASE ("itself, %d lanes", lanes)
			check((sc_knn){.n = POINTS_N, .d = POINTS_D, .rows = x, .k = 5, .leave_out = true, .most = POINTS_N}, x,
				  POINTS_N, lanes, "itself");
		CASE ("others, %d lanes", lanes)
			check((sc_knn){.n = 300, .d = POINTS_D, .rows = x, .k = 7, .most = 100}, x + 300 * POINTS_D, 300, lanes,
				  "others");
		CASE ("ties, %d lanes", lanes)
			check((sc_knn){.n = POINTS_N, .d = POINTS_D, .rows = grid, .k = 100, .leave_out = true, .most = 77}, grid,
				  POINTS_N, lanes, "ties");
		CASE ("ties by rank, %d lanes", lanes)
			check((sc_knn){.n = POINTS_N, .d = POINTS_D, .rows = grid, .rank = rank, .k = 10, .leave_out = true, .most = 599},
				  grid, POINTS_N, lanes, "ties by rank");
		CASE ("far from zero, %d lanes", lanes)
			check((sc_knn){.n = POINTS_N, .d = POINTS_D, .rows = far, .k = 3, .leave_out = true, .most = POINTS_N}, far,
				  POINTS_N, lanes, "far from zero");
		CASE ("huge, %d lanes", lanes)
			check((sc_knn){.n = POINTS_N, .d = POINTS_D, .rows = huge, .k = 3, .leave_out = true, .most = POINTS_N},
				  huge, POINTS_N, lanes, "huge");
		CASE ("two far from the others, %d lanes", lanes)
			check((sc_knn){.n = POINTS_N, .d = POINTS_D, .rows = outlier, .k = 3, .leave_out = true, .most = POINTS_N},
				  outlier, POINTS_N, lanes, "two far from the others");
	}
	CASE ("near ties")
	{
		check_near_ties(0, 10, 2);
		check_near_ties(1e-9, 10, 2);
		check_near_ties(1e-6, 10, 1);
		check_near_ties(1e-5, 100, 2);
	}
	CASE ("two tight heaps")
		check_blunt();
	for (kind of = 0; of < (unit_small() ? 1 : KINDS); of++)
		CASE ("many, %d", (int) of)
			check_many(of, 1 + (int) of % 2);
	CASE ("wide, all")
		check((sc_knn){.n = 40, .d = 5000, .rows = wide, .k = 2147483647, .leave_out = true, .most = 40}, wide, 40, 2,
			  "wide, all");
	CASE ("all the same")
		check((sc_knn){.n = 8, .d = 1, .rows = zero, .k = 3, .most = 8}, zero, 8, 2, "all the same");
	CASE ("alone")
		check((sc_knn){.n = 1, .d = 1, .rows = zero, .k = 3, .leave_out = true, .most = 1}, zero, 1, 2, "alone");
	CASE ("queries far outside")
		check((sc_knn){.n = POINTS_N, .d = POINTS_D, .rows = x, .k = 9, .most = 50}, huge, 50, 2, "queries far outside");
	CASE ("rows far outside")
		check((sc_knn){.n = 50, .d = POINTS_D, .rows = huge, .k = 9, .most = 50}, x, 50, 2, "rows far outside");
	return unit_end();
}
