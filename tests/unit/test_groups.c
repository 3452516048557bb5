/*-------------------------------------------------------------------------
 *
 * tests/unit/test_groups.c
 *	  Leiden against graphs whose best modularity is known, and groups of
 *	  points whose number is: their graph, their number, the labels.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "points.h"
#include "core/analytics/groups.h"
#include "core/analytics/neighbour_graph.h"
#include "core/base/rng.h"

/* ---- graphs --------------------------------------------------------------------------- */

typedef struct graph_case
{
	sc_graph g;
	sc_leiden_work work;
	int32_t *member;
	double *volume, *inside;
} graph_case;

/* The graph of an adjacency matrix (n, n). */
static graph_case
make_graph(const double *matrix, int n)
{
	graph_case c;
	sc_arena arena = sc_arena_counter();
	size_t room = (size_t) n * n, at = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		sc_graph_layout(&c.g, n, room, &arena);
		sc_leiden_layout(&c.work, n, room, &arena);
		c.member = SC_TAKE(&arena, int32_t, n);
		c.volume = SC_TAKE(&arena, double, n);
		c.inside = SC_TAKE(&arena, double, n);
		if (pass == 0)
			arena = points_arena(&arena);
	}
	c.g.n = n;
	for (int i = 0; i < n; i++)
	{
		c.g.start[i] = at;
		for (int j = 0; j < n; j++)
			if (matrix[(size_t) i * n + j] > 0)
			{
				c.g.target[at] = (uint32_t) j;
				c.g.weight[at++] = matrix[(size_t) i * n + j];
			}
	}
	c.g.start[n] = at;
	sc_graph_weigh(&c.g);
	return c;
}

/* Leiden, the best of some starts: its modularity; the communities in c->member, their number in *count. */
static double
best_modularity(graph_case *c, double resolution, int starts, int *count)
{
	int32_t *best = unit_keep((size_t) c->g.n * sizeof(int32_t));
	double most = -INFINITY;
	int found;

	for (int start = 0; start < starts; start++)
	{
		double q;

		CHECK(sc_leiden(NULL, &c->g, resolution, 1, start, &c->work, c->member, &found) == SC_OK, "status");
		q = sc_modularity(&c->g, c->member, found, resolution, c->volume, c->inside);
		if (q > most)
		{
			most = q;
			*count = found;
			memcpy(best, c->member, (size_t) c->g.n * sizeof(int32_t));
		}
	}
	memcpy(c->member, best, (size_t) c->g.n * sizeof(int32_t));
	return most;
}

static void
add_edge(double *matrix, int n, int i, int j, double weight)
{
	matrix[i * n + j] = matrix[j * n + i] = weight;
}

/* Zachary's karate club (1977): 34 members, 78 friendships. The best modularity is 0.4198, of 4 communities. */
static void
test_karate(void)
{
	static const signed char edge[][2] = {{1, 2},	{1, 3},	  {1, 4},	{1, 5},	  {1, 6},	{1, 7},	  {1, 8},
										  {1, 9},	{1, 11},  {1, 12},	{1, 13},  {1, 14},	{1, 18},  {1, 20},
										  {1, 22},	{1, 32},  {2, 3},	{2, 4},	  {2, 8},	{2, 14},  {2, 18},
										  {2, 20},	{2, 22},  {2, 31},	{3, 4},	  {3, 8},	{3, 9},	  {3, 10},
										  {3, 14},	{3, 28},  {3, 29},	{3, 33},  {4, 8},	{4, 13},  {4, 14},
										  {5, 7},	{5, 11},  {6, 7},	{6, 11},  {6, 17},	{7, 17},  {9, 31},
										  {9, 33},	{9, 34},  {10, 34}, {14, 34}, {15, 33}, {15, 34}, {16, 33},
										  {16, 34}, {19, 33}, {19, 34}, {20, 34}, {21, 33}, {21, 34}, {23, 33},
										  {23, 34}, {24, 26}, {24, 28}, {24, 30}, {24, 33}, {24, 34}, {25, 26},
										  {25, 28}, {25, 32}, {26, 32}, {27, 30}, {27, 34}, {28, 34}, {29, 32},
										  {29, 34}, {30, 33}, {30, 34}, {31, 33}, {31, 34}, {32, 33}, {32, 34},
										  {33, 34}};
	double matrix[34 * 34] = {0};
	graph_case c;
	int count;

	for (size_t i = 0; i < sizeof(edge) / sizeof(edge[0]); i++)
		add_edge(matrix, 34, edge[i][0] - 1, edge[i][1] - 1, 1);
	c = make_graph(matrix, 34);
	CLOSE(best_modularity(&c, 1, 10, &count), 0.41978961, 1e-8);
	CHECK(count == 4, "%d communities", count);
	/* The two leaders are not of one mind. */
	CHECK(c.member[0] != c.member[33], "leaders");
}

/*
 * 30 cliques of 5 in a ring (Fortunato and Barthelemy, "Resolution limit in
 * community detection", 2007): with resolution 1 pairs of them are best, with
 * resolution 4 the cliques.
 */
static void
test_ring_of_cliques(void)
{
	enum
	{
		CLIQUES = 30,
		SIZE = 5,
		N = CLIQUES * SIZE
	};
	static double matrix[N * N];
	double edges = CLIQUES * (SIZE * (SIZE - 1) / 2 + 1);
	graph_case c;
	int count;
	double q;

	memset(matrix, 0, sizeof(matrix));
	for (int k = 0; k < CLIQUES; k++)
	{
		for (int i = 0; i < SIZE; i++)
			for (int j = 0; j < i; j++)
				add_edge(matrix, N, k * SIZE + i, k * SIZE + j, 1);
		add_edge(matrix, N, k * SIZE, (k + 1) % CLIQUES * SIZE + 1, 1);
	}
	c = make_graph(matrix, N);
	q = best_modularity(&c, 1, 20, &count);
	CLOSE(q, 1 - CLIQUES / 2 / edges - 2.0 / CLIQUES, 0.002);
	q = best_modularity(&c, 4, 10, &count);
	CHECK(count == CLIQUES, "%d communities", count);
	for (int i = 0; i < N; i++)
		CHECK(c.member[i] == c.member[i / SIZE * SIZE], "clique %d", i / SIZE);
}

/* A random graph of n nodes. */
static void
random_matrix(double *matrix, int n, int number, double density)
{
	memset(matrix, 0, (size_t) n * n * sizeof(double));
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
		{
			sc_rng rng = sc_rng_stream((uint64_t) number, (uint64_t) i, (uint64_t) j, 1);

			if (sc_rng_uniform(&rng) < density)
				add_edge(matrix, n, i, j, 0.25 + sc_rng_uniform(&rng));
		}
}

/* The best modularity of all partitions of nodes v ... n - 1, given those before them. */
static double
best_of_all(graph_case *c, int32_t *member, int v, int count, double resolution)
{
	double best = -INFINITY;

	if (v == c->g.n)
		return sc_modularity(&c->g, member, count, resolution, c->volume, c->inside);
	for (int k = 0; k <= count; k++)
	{
		member[v] = k;
		best = fmax(best, best_of_all(c, member, v + 1, count + (k == count), resolution));
	}
	return best;
}

/* Small random graphs: the best of some starts is the best of all partitions. */
static void
test_all_partitions(void)
{
	double matrix[8 * 8];
	int32_t member[8];

	for (int number = 0; number < 20; number++)
		for (double resolution = 0.5; resolution <= 2; resolution *= 2)
		{
			graph_case c;
			int count;

			random_matrix(matrix, 8, number, 0.4);
			c = make_graph(matrix, 8);
			CLOSE(best_modularity(&c, resolution, 10, &count), best_of_all(&c, member, 0, 0, resolution), 1e-12);
		}
}

/* What the refinement is for: each community hangs together. */
static void
test_connected(void)
{
	enum
	{
		N = 200
	};
	static double matrix[N * N];

	for (int number = 0; number < 5; number++)
	{
		graph_case c;
		bool seen[N] = {false};
		int list[N];
		int count, parts = 0;

		random_matrix(matrix, N, number, 0.02);
		c = make_graph(matrix, N);
		(void) best_modularity(&c, 1, 2, &count);
		for (int i = 0; i < N; i++)
		{
			int end = 0;

			if (seen[i])
				continue;
			parts++;
			list[end++] = i;
			seen[i] = true;
			for (int at = 0; at < end; at++)
				for (int j = 0; j < N; j++)
					if (!seen[j] && matrix[list[at] * N + j] > 0 && c.member[j] == c.member[i])
					{
						seen[j] = true;
						list[end++] = j;
					}
		}
		CHECK(parts == count, "%d communities in %d parts", count, parts);
	}
}

/* A graph without edges: every node for itself. */
static void
test_no_edges(void)
{
	double matrix[9] = {0};
	graph_case c = make_graph(matrix, 3);
	int count;

	CLOSE(best_modularity(&c, 1, 1, &count), 0, 0);
	CHECK(count == 3, "%d communities", count);
}

/* Lists of neighbours that are not mutual make an edge too, and Jaccard's index is that of the sets. */
static void
test_union(void)
{
	/* 0 and 1 are mutual; 2 has 0 and 1; 3 has 2 and 0. */
	static const uint32_t near[4 * 2] = {1, 2, 0, 2, 0, 1, 2, 0};
	static const double weight[4][4] = {{0, 1, 1, 0.5}, {1, 0, 1, 0}, {1, 1, 0, 0.5}, {0.5, 0, 0.5, 0}};

	for (int jaccard = 0; jaccard < 2; jaccard++)
	{
		sc_graph g;
		sc_arena arena = sc_arena_counter();

		sc_graph_layout(&g, 4, sc_neighbour_graph_room(4, 2), &arena);
		arena = points_arena(&arena);
		sc_graph_layout(&g, 4, sc_neighbour_graph_room(4, 2), &arena);
		sc_neighbour_graph(&g, near, 4, 2, 2, jaccard != 0);
		CHECK(g.start[4] == 10, "%zu entries", g.start[4]);
		for (int i = 0; i < 4; i++)
			for (size_t e = g.start[i]; e < g.start[i + 1]; e++)
			{
				double expected = weight[i][g.target[e]];

				CHECK(expected > 0, "edge %d %u", i, g.target[e]);
				CLOSE(g.weight[e], jaccard ? expected : 1, 1e-15);
			}
	}
}

/* ---- groups of points ------------------------------------------------------------------- */

/* x (n, d): row i is of blob i % blobs, around a centre of its own; spread 1 is as far as centres are apart. */
static void
blobs_fill(float *x, int n, int d, int blobs, float spread)
{
	for (int i = 0; i < n; i++)
	{
		sc_rng centre = sc_rng_stream(7, (uint64_t) (i % blobs), 0, 2);
		sc_rng own = sc_rng_stream(7, (uint64_t) i, 1, 2);

		for (int j = 0; j < d; j++)
			x[(size_t) i * d + j] = (blobs > 1 ? sc_rng_normal(&centre) : 1) + spread * sc_rng_normal(&own);
	}
}

/* Run the job on so many lanes, in the memory that an earlier run on no fewer took, if there was one. */
static void
run_on(sc_groups *g, int lanes)
{
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	if (g->lanes < lanes)
	{
		g->lanes = lanes;
		sc_groups_layout(g, &arena);
		arena = points_arena(&arena);
		sc_groups_layout(g, &arena);
		CHECK(sc_arena_ok(&arena), "layout");
	}
	CHECK(sc_pool_run(lanes, sc_groups_run, g, &err) == SC_OK, "%s", err.message);
}

static sc_groups
run(const float *x, int n, int d, int k, bool judge, int lanes)
{
	sc_groups g =
		{.n = n, .d = d, .rows = x, .cosine = true, .k = k, .judge = judge, .resolution = 1, .starts = 10, .seed = 1};

	run_on(&g, lanes);
	return g;
}

/* All rows of a blob have one label, and no other blob has it. */
static void
check_blobs(const sc_groups *g, int blobs)
{
	CHECK(g->found == blobs, "%d groups", g->found);
	for (int i = 0; i < (int) g->n; i++)
		CHECK((g->labels[i] == g->labels[i % blobs]), "row %d: %d", i, g->labels[i]);
	for (int i = 0; i < blobs; i++)
		for (int j = 0; j < i; j++)
			CHECK(g->labels[i] != g->labels[j], "blobs %d and %d", i, j);
}

/* The curve goes through what the graph says by itself, and so does that of chance. */
static void
check_curve(const sc_groups *g)
{
	int through = 0;

	CHECK(g->curve.k[0] == 1 && g->curve.modularity[0] == 0, "%d, %g", g->curve.k[0], g->curve.modularity[0]);
	CHECK(g->chance_curve.points == g->curve.points, "%d and %d", g->chance_curve.points, g->curve.points);
	for (int i = 0; i < g->curve.points; i++)
	{
		CHECK(i == 0 || g->curve.k[i] > g->curve.k[i - 1], "point %d", i);
		CHECK(g->chance_curve.k[i] == g->curve.k[i], "point %d", i);
		if (g->curve.k[i] != g->own.k)
			continue;
		CLOSE(g->curve.modularity[i], g->own.modularity, 0);
		CLOSE(g->chance_curve.modularity[i], g->own.chance, 0);
		through++;
	}
	CHECK(through == 1, "%d points", through);
}

static void
test_blobs(int blobs, int each)
{
	enum
	{
		D = 16
	};
	int n = each * blobs;
	float *x = unit_keep((size_t) n * D * sizeof(float));
	sc_groups g;

	blobs_fill(x, n, D, blobs, 0.2f);
	g = run(x, n, D, 0, true, 2);
	check_blobs(&g, blobs);
	CHECK(g.own.k == blobs && g.own.low <= blobs && g.own.high >= blobs, "%d, %d to %d", g.own.k, g.own.low, g.own.high);
	CHECK(sc_groups_are_clear(&g.own), "modularity %g, chance %g, stability %g", g.own.modularity, g.own.chance,
		  g.own.stability);
	CLOSE(g.own.modularity, g.modularity, 1e-12);
	check_curve(&g);
}

/* Points without groups, whatever the spectrum: modularity is what chance gives. */
static void
test_no_groups(int d, float last)
{
	enum
	{
		N = 300
	};
	float *x = unit_keep((size_t) N * d * sizeof(float));
	sc_groups g;

	blobs_fill(x, N, d, 1, 0.3f);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < d; j++)
			x[i * d + j] *= powf(last, (float) j / (float) d);
	g = run(x, N, d, 0, true, 2);
	CHECK(g.own.modularity <= g.own.chance, "modularity %g, chance %g", g.own.modularity, g.own.chance);
	CHECK(g.own.chance < g.own.modularity + 0.1, "modularity %g, chance %g", g.own.modularity, g.own.chance);
}

/*
 * Rows on a sheet: what pictures of one thing at many places come to. Its cuts
 * have far more edges inside than those of normal points, but samples are cut
 * elsewhere.
 */
static void
test_sheet(void)
{
	enum
	{
		N = 400,
		D = 32
	};
	float *x = unit_keep((size_t) N * D * sizeof(float));
	sc_rng rng = sc_rng_stream(5, 1, 0, 0);
	float normal[4];
	sc_groups g;

	for (int j = 0; j < D; j++)
	{
		sc_rng_normal_pair(&rng, normal);
		sc_rng_normal_pair(&rng, normal + 2);
		for (int i = 0; i < N; i++)
		{
			double u = (double) i / N, v = fmod(i * 0.6180339887498949, 1);

			x[i * D + j] = (float) cos(3 * (normal[0] * u + normal[1] * v) + 7 * normal[2]);
		}
	}
	g = run(x, N, D, 0, true, 2);
	CHECK(sc_groups_stand_out(&g.own), "%d of modularity %g, chance %g", g.own.k, g.own.modularity, g.own.chance);
	CHECK(!sc_groups_are_clear(&g.own), "%d of stability %g", g.own.k, g.own.stability);
}

/*
 * Ten blobs, of which one is two halves that many edges join: the largest
 * modularity is of 11, which add next to nothing, and 10 are taken. Halves that
 * few edges join are two.
 */
static void
test_halves(void)
{
	enum
	{
		BLOBS = 10,
		N = 60 * BLOBS,
		D = 20
	};
	static const struct
	{
		float apart; /* of a half's mean from its blob's */
		int most;	 /* groups with the largest modularity */
		int taken;
	} halves[] = {{0, 10, 10}, {0.8f, 11, 10}, {1.2f, 11, 11}};
	static float x[N * D];

	for (size_t h = 0; h < sizeof(halves) / sizeof(halves[0]); h++)
	{
		double largest = -1;
		int most = 0;
		sc_groups g;

		blobs_fill(x, N, D, BLOBS, 0.3f);
		for (int i = 0; i < N; i += BLOBS)
			x[i * D] += i / BLOBS % 2 == 0 ? halves[h].apart : -halves[h].apart;
		g = run(x, N, D, 0, true, 2);
		for (int i = 0; i < g.curve.points; i++)
			if (g.curve.modularity[i] > largest)
			{
				largest = g.curve.modularity[i];
				most = g.curve.k[i];
			}
		CHECK(most == halves[h].most && g.own.k == halves[h].taken && g.found == g.own.k,
			  "%g apart: the largest modularity is of %d, %d are taken, %d found", halves[h].apart, most, g.own.k,
			  g.found);
		CHECK(g.own.low <= g.own.k && g.own.high >= most, "%d (%d to %d)", g.own.k, g.own.low, g.own.high);
	}
}

/* The stability alone: of blobs it is 1, of a cloud without groups next to nothing. */
static void
test_only_stability(int n, int blobs, float spread, float least, float most)
{
	enum
	{
		D = 16
	};
	float *x = unit_keep((size_t) n * D * sizeof(float));
	sc_groups g = {.n = n, .d = D, .rows = x, .cosine = true, .only_stability = true, .resolution = 1, .starts = 4};

	blobs_fill(x, n, D, blobs, spread);
	g.seed = 1;
	/* Twice on the same memory: nothing is left of a run. */
	for (int again = 0; again < 2; again++)
	{
		run_on(&g, 2 - again);
		CHECK(g.own.stability >= least && g.own.stability <= most, "%d blobs: stability %g", blobs, g.own.stability);
		if (blobs > 1)
			check_blobs(&g, blobs);
	}
}

/* The same labels whatever the order of the rows, the number of lanes; equal rows are alike. */
static void
test_independence(int n, int k, bool judge)
{
	enum
	{
		D = 6
	};
	float *x = unit_keep((size_t) n * D * sizeof(float)), *y = unit_keep((size_t) n * D * sizeof(float));
	sc_groups a, b;

	blobs_fill(x, n, D, 7, 0.6f);
	/* Some rows twice. */
	for (int i = 0; i < n / 10; i++)
		memcpy(x + (size_t) (n - 1 - i) * D, x + (size_t) i * D, D * sizeof(float));
	for (int i = 0; i < n; i++)
		memcpy(y + (size_t) i * D, x + (size_t) (n - 1 - i) * D, D * sizeof(float));
	a = run(x, n, D, k, judge, 1);
	b = run(y, n, D, k, judge, 3);
	CHECK(a.found == b.found && a.own.k == b.own.k && a.own.low == b.own.low && a.own.high == b.own.high,
		  "%d %d, %d %d", a.found, b.found, a.own.k, b.own.k);
	CHECK(a.modularity == b.modularity && a.own.chance == b.own.chance, "%g %g, %g %g", a.modularity, b.modularity,
		  a.own.chance, b.own.chance);
	CHECK(a.own.stability == b.own.stability, "%g %g", a.own.stability, b.own.stability);
	CHECK(a.distinct == (size_t) (n - n / 10), "%zu distinct", a.distinct);
	for (int i = 0; i < n; i++)
		CHECK(a.labels[i] == b.labels[n - 1 - i], "row %d: %d and %d", i, a.labels[i], b.labels[n - 1 - i]);
	for (int i = 0; i < n / 10; i++)
		CHECK(a.labels[i] == a.labels[n - 1 - i], "equal rows %d", i);
}

/* As many groups as are asked for, each with a row, the largest first. */
static void
test_numbers(void)
{
	enum
	{
		N = 90,
		D = 5
	};
	static float x[N * D];

	blobs_fill(x, N, D, 4, 0.5f);
	for (int k = 1; k <= N; k += k < 20 ? 1 : 7)
	{
		sc_groups g = run(x, N, D, k, false, 2);
		int size[N] = {0};

		CHECK(g.found == k, "%d of %d groups", g.found, k);
		for (int i = 0; i < N; i++)
			size[g.labels[i]]++;
		for (int c = 0; c < k; c++)
			CHECK(size[c] > 0 && (c == 0 || size[c] <= size[c - 1]), "k %d: size %d is %d", k, c, size[c]);
	}
}

/* The neighbour graph of rows (n, d), by its definition. */
static graph_case
graph_of_rows(const float *x, int n, int d)
{
	enum
	{
		MOST = 400
	};
	double distance[MOST];
	int m = sc_groups_neighbours(n);
	double *matrix = unit_keep((size_t) n * n * sizeof(double));

	CHECK(n <= MOST, "%d rows", n);
	memset(matrix, 0, (size_t) n * n * sizeof(double));
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < n; j++)
		{
			double dot = 0, a = 0, b = 0;

			for (int t = 0; t < d; t++)
			{
				dot += (double) x[i * d + t] * x[j * d + t];
				a += (double) x[i * d + t] * x[i * d + t];
				b += (double) x[j * d + t] * x[j * d + t];
			}
			distance[j] = j == i ? INFINITY : 1 - dot / sqrt(a * b);
		}
		for (int t = 0; t < m; t++)
		{
			int nearest = 0;

			for (int j = 1; j < n; j++)
				if (distance[j] < distance[nearest])
					nearest = j;
			matrix[(size_t) i * n + nearest] = matrix[(size_t) nearest * n + i] = 1;
			distance[nearest] = INFINITY;
		}
	}
	return make_graph(matrix, n);
}

/*
 * Fewer groups are asked for than there are, or more: of the cuts into so many
 * it is one of large modularity, larger than that of any two blobs joined, and
 * than that with any one row in another group.
 */
static void
test_cut(float spread, int k)
{
	enum
	{
		BLOBS = 8,
		N = 40 * BLOBS,
		D = 4
	};
	static float x[N * D];
	graph_case c;
	int size[N] = {0};
	double here;
	sc_groups g;

	blobs_fill(x, N, D, BLOBS, spread);
	g = run(x, N, D, k, false, 2);
	c = graph_of_rows(x, N, D);
	CHECK(g.found == k, "%d groups", g.found);
	memcpy(c.member, g.labels, N * sizeof(int32_t));
	here = sc_modularity(&c.g, c.member, k, 1, c.volume, c.inside);
	CLOSE(g.modularity, here, 1e-12);
	for (int i = 0; i < N; i++)
		size[g.labels[i]]++;
	for (int i = 0; i < N; i++)
		for (int to = 0; to < k && size[g.labels[i]] > 1; to++)
		{
			double moved;

			c.member[i] = to;
			moved = sc_modularity(&c.g, c.member, k, 1, c.volume, c.inside);
			CHECK(moved <= here + 1e-9, "spread %g, k %d: row %d in group %d: %g, not %g", spread, k, i, to, moved,
				  here);
			c.member[i] = g.labels[i];
		}
	for (int a = 0; a < BLOBS && k == BLOBS - 1; a++)
		for (int b = 0; b < a; b++)
		{
			double joined;

			for (int i = 0; i < N; i++)
				c.member[i] = i % BLOBS == a ? b : i % BLOBS == BLOBS - 1 ? a : i % BLOBS;
			joined = sc_modularity(&c.g, c.member, k, 1, c.volume, c.inside);
			CHECK(joined <= here + 1e-9, "spread %g: blobs %d and %d joined: %g, not %g", spread, a, b, joined, here);
		}
}

/* More parts without an edge between them than groups are asked for: the nearest are joined. */
static void
test_parts(void)
{
	enum
	{
		N = 120,
		D = 2
	};
	static float x[N * D];
	sc_groups g;

	/* Six directions in three pairs. */
	for (int i = 0; i < N; i++)
	{
		sc_rng rng = sc_rng_stream(3, (uint64_t) i, 0, 0);
		float angle = (float) (i % 3) * 2 + (float) (i % 2) * 0.3f + 0.01f * sc_rng_normal(&rng);

		x[i * D] = cosf(angle);
		x[i * D + 1] = sinf(angle);
	}
	g = run(x, N, D, 3, false, 1);
	CHECK(g.found == 3, "%d groups", g.found);
	for (int i = 0; i < N; i++)
		CHECK(g.labels[i] == g.labels[i % 3], "row %d", i);
}

/* Few rows, equal rows, rows of zeros. */
static void
test_few(void)
{
	static const float x[6] = {1, 0, 0, 1, 0, 0};
	static float same[40];
	sc_groups g = run(x, 1, 2, 0, true, 2);

	CHECK(g.found == 1 && g.labels[0] == 0 && g.own.low == 1 && g.own.high == 1, "one row: %d", g.found);
	g = run(x, 2, 2, 2, true, 2);
	CHECK(g.found == 2, "two rows: %d", g.found);
	g = run(x, 3, 2, 0, true, 2);
	CHECK(g.found >= 1 && g.found <= 3, "three rows: %d", g.found);
	g = run(same, 20, 2, 5, true, 2);
	CHECK(g.found == 1 && g.distinct == 1, "equal rows: %d", g.found);
}

/* More rows than a sample holds. */
static void
test_samples(void)
{
	enum
	{
		N = 2 * SC_GROUPS_SAMPLE + 500,
		D = 8,
		BLOBS = 9
	};
	static float x[N * D];
	sc_groups g;

	blobs_fill(x, N, D, BLOBS, 0.15f);
	g = run(x, N, D, BLOBS, false, 2);
	check_blobs(&g, BLOBS);
}

/* A stop ends it, with rows enough to take seconds. */
static void
test_stop(void)
{
	enum
	{
		N = 3000,
		D = 64
	};
	static float x[N * D];
	sc_groups g = {.n = N, .d = D, .rows = x, .cosine = true, .judge = true, .resolution = 1, .starts = 1000, .lanes = 2};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	blobs_fill(x, N, D, 1, 0.3f);
	sc_groups_layout(&g, &arena);
	arena = points_arena(&arena);
	sc_groups_layout(&g, &arena);
	CHECK(sc_pool_start(2, sc_groups_run, &g, &err) == SC_OK, "%s", err.message);
	sc_pool_stop();
	CHECK(sc_pool_finish(&err) == SC_ABORTED, "not stopped");
}

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("Leiden: the karate club")
		test_karate();
	CASE ("Leiden: a ring of cliques")
		test_ring_of_cliques();
	CASE ("Leiden: the best of all partitions of small graphs")
		test_all_partitions();
	CASE ("Leiden: communities hang together")
		test_connected();
	CASE ("Leiden: no edges")
		test_no_edges();
	CASE ("neighbour graph: the union, and Jaccard's index")
		test_union();
	for (int blobs = 2; blobs <= 5; blobs++)
		CASE ("groups: %d blobs", blobs)
			test_blobs(blobs, 40);
	for (int blobs = 6; blobs <= 24; blobs += blobs < 12 ? 1 : 4)
		LARGE_CASE ("groups: %d blobs", blobs)
			test_blobs(blobs, 40);
	CASE ("groups: none in a round cloud")
		test_no_groups(10, 1);
	LARGE_CASE ("groups: none in a long cloud")
		test_no_groups(32, 0.02f);
	CASE ("groups: a sheet stands out, and is not clear")
		test_sheet();
	CASE ("groups: halves of one")
		test_halves();
	CASE ("groups: the stability alone, of blobs")
		test_only_stability(300, 7, 0.2f, 0.999f, 1);
	CASE ("groups: the stability alone, of a cloud")
		test_only_stability(300, 1, 0.3f, -1, 0.5f);
	CASE ("groups: the stability alone, of more rows than a sample")
		test_only_stability(SC_GROUPS_SAMPLE + 500, 7, 0.15f, 0.999f, 1);
	LARGE_CASE ("groups: any order, any lanes")
		test_independence(400, 0, true);
	CASE ("groups: any order, any lanes, k given")
		test_independence(400, 5, true);
	LARGE_CASE ("groups: any order, any lanes, of samples")
		test_independence(3500, 12, false);
	CASE ("groups: as many as are asked for")
		test_numbers();
	CASE ("groups: the best of as many")
		for (int k = 6; k <= 10; k++)
		{
			test_cut(0.4f, k);
			test_cut(0.5f, k);
		}
	CASE ("groups: parts without edges are joined")
		test_parts();
	CASE ("groups: few rows, equal rows")
		test_few();
	CASE ("groups: more rows than a sample")
		test_samples();
	CASE ("groups: a stop ends it")
		test_stop();
	sc_pool_shutdown();
	return unit_end();
}
