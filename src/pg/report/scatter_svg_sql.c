/*-------------------------------------------------------------------------
 *
 * src/pg/report/scatter_svg_sql.c
 *	  The aggregate scatter_svg(x, y, label): points in the colours of their
 *	  groups.
 *
 * Points are rounded to half a pixel, sorted, and drawn once where several of
 * one group fall together. So the drawing depends on the rows, not on their
 * order, and cannot outgrow the frame.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "port.h"
#include "utils/memutils.h"

#include "pg/report/plot.h"
#include "pg/report/scatter.h"
#include "pg/server/arguments.h"
#include "pg/server/bridge.h"
#include "pg/table/rows.h"

#define WIDTH 820
#define HEIGHT 560

/* Rows of the legend; what is more has one row that counts it. */
#define LEGEND_ROWS 40

#define FIRST_CHUNK 64
#define LARGEST_CHUNK (1 << 20)

typedef struct Point
{
	double x;
	double y;
	int32 label;
	bool labelled;
} Point;

/* Points are never moved: each chunk is twice as large as the one before. */
typedef struct Chunk
{
	struct Chunk *next;
	int capacity;
	int used;
	Point *points;
} Chunk;

struct scpg_scatter
{
	MemoryContext context;
	Chunk *first;
	Chunk *last;
	int64 count;
	Point lowest; /* x and y only */
	Point highest;
};

/* A point as it is drawn. */
typedef struct Mark
{
	bool labelled;
	int32 label;
	int x, /* in half pixels */
		y;
} Mark;

/*
 * Colours that people with any kind of colour vision tell apart (Okabe and Ito,
 * "Color universal design", 2008), then the same with other shapes.
 */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#e69f00",
									  "#cc79a7", "#56b4e9", "#f0e442", "#000000"};

static const char *const shapes[] = {
	"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",				   /* disc */
	"m-3.2-3.2h6.4v6.4h-6.4z",									   /* square */
	"m0-4.3l4 6.9h-8z",											   /* triangle */
	"m0-4.6l4.6 4.6l-4.6 4.6l-4.6-4.6z",						   /* diamond */
	"m-1.4-4.2h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z", /* cross */
	"m0 4.3l4-6.9h-8z",											   /* triangle, upside down */
};

#define NO_COLOUR "#aaaaaa"

static Chunk *
new_chunk(MemoryContext cxt, int capacity)
{
	Size head = MAXALIGN(sizeof(Chunk));
	sc_arena arena = scpg_arena(cxt, head + sizeof(Point) * capacity, "the points of a drawing");
	Chunk *chunk = (Chunk *) arena.base;

	chunk->next = NULL;
	chunk->capacity = capacity;
	chunk->used = 0;
	chunk->points = (Point *) (arena.base + head);
	return chunk;
}

static void
check_coordinate(double value)
{
	if (isnan(value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed as a coordinate")));
	if (isinf(value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed as a coordinate")));
}

scpg_scatter *
scpg_scatter_make(MemoryContext cxt)
{
	scpg_scatter *scatter = MemoryContextAllocZero(cxt, sizeof(scpg_scatter));

	scatter->context = cxt;
	scatter->first = scatter->last = new_chunk(cxt, FIRST_CHUNK);
	return scatter;
}

void
scpg_scatter_add(scpg_scatter *scatter, double x, double y, const int32 *label)
{
	Point p = {x, y, label != NULL ? *label : 0, label != NULL};

	check_coordinate(x);
	check_coordinate(y);
	if (scatter->count == 0)
		scatter->lowest = scatter->highest = p;
	if (scatter->last->used == scatter->last->capacity)
	{
		scatter->last->next = new_chunk(scatter->context, Min(2 * scatter->last->capacity, LARGEST_CHUNK));
		scatter->last = scatter->last->next;
	}
	scatter->last->points[scatter->last->used++] = p;
	scatter->count++;
	scatter->lowest.x = Min(scatter->lowest.x, x);
	scatter->lowest.y = Min(scatter->lowest.y, y);
	scatter->highest.x = Max(scatter->highest.x, x);
	scatter->highest.y = Max(scatter->highest.y, y);
}

PG_FUNCTION_INFO_V1(scpg_scatter_svg_accum);
Datum
scpg_scatter_svg_accum(PG_FUNCTION_ARGS)
{
	scpg_scatter *scatter = PG_ARGISNULL(0) ? NULL : (scpg_scatter *) PG_GETARG_POINTER(0);
	MemoryContext cxt = scpg_aggregate_context(fcinfo);
	int32 label = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		/* A row without a place is left out. */
		if (scatter == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(scatter);
	}
	if (scatter == NULL)
		scatter = scpg_scatter_make(cxt);
	scpg_scatter_add(scatter, PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_ARGISNULL(3) ? NULL : &label);
	PG_RETURN_POINTER(scatter);
}

/* By group, the points without a label before all others, then by place. */
static int
compare_marks(const void *left, const void *right, void *arg)
{
	const Mark *a = left, *b = right;

	if (a->labelled != b->labelled)
		return a->labelled ? 1 : -1;
	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	if (a->y != b->y)
		return a->y < b->y ? -1 : 1;
	return a->x < b->x ? -1 : a->x > b->x;
}

static bool
same_group(const Mark *a, const Mark *b)
{
	return a->labelled == b->labelled && a->label == b->label;
}

/* Colour and shape belong to the label: the same in every drawing. */
static const char *
colour_of(const Mark *m)
{
	return m->labelled ? colours[(uint32) m->label % lengthof(colours)] : NO_COLOUR;
}

static const char *
shape_of(const Mark *m)
{
	return shapes[m->labelled ? (uint32) m->label / lengthof(colours) % lengthof(shapes) : 0];
}

/* One line of the legend: what points of the group look like, its label, its size. */
static void
append_legend(scpg_plot *plot, const Mark *group, int64 size, double y)
{
	StringInfo svg = &plot->svg;

	appendStringInfo(svg,
					 "<path fill=\"%s\" stroke=\"#333\" stroke-width=\".4\" d=\"M%d %.1f%s\"/><text x=\"%d\" y=\"%.1f\">",
					 colour_of(group), plot->right + 22, y, shape_of(group), plot->right + 33, y + 4);
	if (group->labelled)
		appendStringInfo(svg, "%d", group->label);
	else
		appendStringInfoString(svg, "none");
	appendStringInfo(svg, " <tspan fill=\"#777\">(%lld)</tspan></text>\n", (long long) size);
}

/* The points of one group. */
static void
append_group(StringInfo svg, const Mark *marks, int64 size)
{
	const char *shape = shape_of(marks);

	appendStringInfo(svg, "<path fill=\"%s\" fill-opacity=\".85\" stroke=\"#333\" stroke-width=\".4\" d=\"",
					 colour_of(marks));
	for (int64 i = 0; i < size; i++)
	{
		if (i > 0 && marks[i].x == marks[i - 1].x && marks[i].y == marks[i - 1].y)
			continue;
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		appendStringInfo(svg, "M%g %g%s", marks[i].x * 0.5, marks[i].y * 0.5, shape);
	}
	appendStringInfoString(svg, "\"/>\n");
}

text *
scpg_scatter_write(const scpg_scatter *scatter)
{
	scpg_plot plot = {.left = 64, .right = WIDTH - 130, .top = 20, .bottom = HEIGHT - 40};
	MemoryContext cxt;
	Mark *marks;
	int64 n = 0;
	int64 groups = 0;
	int64 row = 0;
	double spacing;
	struct varlena *result;

	plot.x = scpg_range_around(scatter->lowest.x, scatter->highest.x);
	plot.y = scpg_range_around(scatter->lowest.y, scatter->highest.y);

	cxt = AllocSetContextCreate(CurrentMemoryContext, "scatter_svg", ALLOCSET_DEFAULT_SIZES);
	marks = (Mark *) scpg_arena(cxt, sc_mul(scatter->count, sizeof(Mark)), "the points of a drawing").base;
	for (const Chunk *chunk = scatter->first; chunk != NULL; chunk = chunk->next)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < chunk->used; i++)
		{
			const Point *p = &chunk->points[i];

			marks[n++] = (Mark){p->labelled, p->label, (int) rint(2 * scpg_plot_x(&plot, p->x)),
								(int) rint(2 * scpg_plot_y(&plot, p->y))};
		}
	}
	qsort_interruptible(marks, n, sizeof(Mark), compare_marks, NULL);
	for (int64 i = 0; i < n; i++)
		groups += i == 0 || !same_group(&marks[i], &marks[i - 1]);

	scpg_plot_begin(&plot, WIDTH, HEIGHT, "points by group");
	scpg_plot_axes(&plot, false);
	for (int64 i = 0, size; i < n; i += size)
	{
		for (size = 1; i + size < n && same_group(&marks[i], &marks[i + size]);)
			size++;
		append_group(&plot.svg, &marks[i], size);
	}

	spacing = Min(22.0, (double) (plot.bottom - plot.top) / Min(groups, LEGEND_ROWS + 1));
	appendStringInfo(&plot.svg, "<g font-size=\"%.1f\">\n", Min(12.0, spacing - 1.5));
	for (int64 i = 0, size; i < n && row < LEGEND_ROWS; i += size, row++)
	{
		for (size = 1; i + size < n && same_group(&marks[i], &marks[i + size]);)
			size++;
		append_legend(&plot, &marks[i], size, plot.top + (row + 0.5) * spacing);
	}
	if (groups > LEGEND_ROWS)
		appendStringInfo(&plot.svg, "<text x=\"%d\" y=\"%.1f\">and %lld more</text>\n", plot.right + 17,
						 plot.top + (row + 0.5) * spacing + 4, (long long) (groups - LEGEND_ROWS));
	appendStringInfoString(&plot.svg, "</g>\n");
	result = scpg_plot_end(&plot);
	MemoryContextDelete(cxt);
	return (text *) result;
}

PG_FUNCTION_INFO_V1(scpg_scatter_svg_final);
Datum
scpg_scatter_svg_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(scpg_scatter_write((const scpg_scatter *) PG_GETARG_POINTER(0)));
}
