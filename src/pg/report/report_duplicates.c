/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_duplicates.c
 *	  Pictures that are there more than once, or nearly.
 *
 * Rows that are near each other hang together in groups, by union-find with the
 * lowest row of a group as its root. Pairs are not kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/report/report_parts.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

#define DIM SC_EMBEDDING_DIM

/* Of more images than these the first ones, a fair sample, are looked at. */
#define MOST_IMAGES 20000

/* Near is this share of the usual distance to the nearest neighbour, that of so many images. */
#define NEAR_SHARE 0.25
#define MEASURED_IMAGES 1000

/* Groups that are shown, and pictures of one. */
#define MOST_GROUPS 12
#define MOST_OF_GROUP 12

typedef struct doubles
{
	int64 n;		/* images that were looked at, the first ones */
	double near;	/* the largest distance of two that are nearly the same */
	uint32 *parent; /* (n) */
	int64 *size;	/* (n), of a group at its lowest image; 0: of the others */
	uint32 *lowest; /* (groups), the largest group first */
	int64 groups;	/* of two images or more */
	int64 extra;	/* images that could go, one of each group staying */
} doubles;

static int
compare_distances(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* The usual distance of an image to the one nearest to it. */
static double
usual_distance(const scpg_report *report)
{
	int n = (int) Min(report->n, MEASURED_IMAGES);
	int64 *tiles = palloc(sizeof(int64) * 2 * n);
	double *distance = palloc0(sizeof(double) * n);

	if (scpg_report_neighbours(report, n, 1, tiles) < 1)
		return 0;
	for (int i = 0; i < n; i++)
	{
		const float *a = report->rows + tiles[2 * i] * DIM;
		const float *b = report->rows + tiles[2 * i + 1] * DIM;

		for (int j = 0; j < DIM; j++)
			distance[i] += ((double) a[j] - b[j]) * ((double) a[j] - b[j]);
	}
	qsort(distance, n, sizeof(double), compare_distances);
	return sqrt(distance[n / 2]);
}

static uint32
root_of(uint32 *parent, uint32 i)
{
	while (parent[i] != i)
		i = parent[i] = parent[parent[i]];
	return i;
}

static void
join(doubles *d, const sc_near_shard *shard)
{
	for (size_t i = 0; i < shard->count; i++)
	{
		uint32 a = root_of(d->parent, shard->pair[i].a);
		uint32 b = root_of(d->parent, shard->pair[i].b);

		d->parent[Max(a, b)] = Min(a, b);
	}
}

static void
join_near(doubles *d, const scpg_report *report, MemoryContext cxt)
{
	sc_near job = {.n = d->n, .d = DIM, .rows = report->rows, .threshold = d->near, .lanes = scpg_lanes()};
	sc_arena arena = sc_arena_counter();

	scpg_core()->sc_near_layout(&job, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the pairs of near images");
	scpg_core()->sc_near_layout(&job, &arena);
	scpg_core()->sc_near_begin(&job);
	while (!job.done)
	{
		scpg_run_on(job.lanes, scpg_core()->sc_near_run, &job);
		for (int s = 0; s < job.lanes; s++)
			join(d, &job.shard[s]);
	}
}

static int
compare_groups(const void *a, const void *b, void *arg)
{
	const int64 *size = arg;
	uint32 x = *(const uint32 *) a;
	uint32 y = *(const uint32 *) b;

	if (size[x] != size[y])
		return size[x] > size[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

static doubles
find_doubles(const scpg_report *report, MemoryContext cxt)
{
	doubles d = {.n = Min(report->n, MOST_IMAGES), .near = NEAR_SHARE * usual_distance(report)};
	sc_arena arena = scpg_arena(cxt, sc_add(sc_mul(d.n, 2 * sizeof(uint32) + sizeof(int64)), 4 * SC_ALIGN),
								"the groups of near images");

	d.parent = SC_TAKE(&arena, uint32, d.n);
	d.lowest = SC_TAKE(&arena, uint32, d.n);
	d.size = SC_TAKE(&arena, int64, d.n);
	for (int64 i = 0; i < d.n; i++)
	{
		d.parent[i] = (uint32) i;
		d.size[i] = 0;
	}
	join_near(&d, report, cxt);
	for (int64 i = 0; i < d.n; i++)
		d.size[root_of(d.parent, (uint32) i)]++;
	for (int64 i = 0; i < d.n; i++)
		if (d.size[i] > 1)
		{
			d.lowest[d.groups++] = (uint32) i;
			d.extra += d.size[i] - 1;
		}
	qsort_interruptible(d.lowest, d.groups, sizeof(uint32), compare_groups, d.size);
	return d;
}

/* The first images of a group: (MOST_OF_GROUP); how many. */
static int
members_of(doubles *d, uint32 lowest, int64 *image)
{
	int n = 0;

	for (int64 i = lowest; i < d->n && n < Min(d->size[lowest], MOST_OF_GROUP); i++)
		if (root_of(d->parent, (uint32) i) == lowest)
			image[n++] = i;
	return n;
}

static void
put_introduction(const scpg_report_file *file, const doubles *d)
{
	StringInfo html = file->html;

	appendStringInfoString(html, "<h2>Doubles</h2>\n<p>");
	if (d->n < file->report->n)
		appendStringInfo(html, "Of the first %lld pictures: ", (long long) d->n);
	appendStringInfo(html,
					 "%s: the same as another, or nearly (embeddings at most %.3g apart, a quarter of the usual "
					 "distance to the nearest neighbour). With the one of each that would stay: %s%s.</p>\n",
					 scpg_report_count(d->extra, "picture could go", "pictures could go"), d->near,
					 scpg_report_count(d->groups, "group", "groups"),
					 d->groups > MOST_GROUPS ? psprintf(", of which the largest %d are shown", MOST_GROUPS) : "");
}

void
scpg_report_put_duplicates(const scpg_report_file *file)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "report doubles", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	doubles d = find_doubles(file->report, cxt);
	int groups = (int) Min(d.groups, MOST_GROUPS);

	if (groups > 0)
		put_introduction(file, &d);
	for (int g = 0; g < groups; g++)
	{
		int64 image[MOST_OF_GROUP];
		int n = members_of(&d, d.lowest[g], image);
		scpg_report_pictures pictures = scpg_report_open_pictures(file->report, image, n);
		int64 more = d.size[d.lowest[g]] - n;

		appendStringInfoString(file->html, "<div class=\"tiles\">\n");
		for (int i = 0; i < n; i++)
		{
			appendStringInfoString(file->html, "<figure>");
			scpg_report_put_picture(file, &pictures, image[i]);
			appendStringInfoString(file->html, "</figure>\n");
		}
		scpg_report_close_pictures(&pictures);
		appendStringInfo(file->html, "</div>\n%s",
						 more > 0 ? psprintf("<p>And %lld more.</p>\n", (long long) more) : "");
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}
