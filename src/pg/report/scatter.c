/*-------------------------------------------------------------------------
 *
 * src/pg/report/scatter.c
 *	  A drawing (SVG) of points in the colours of their groups.
 *
 * Points are rounded to half a pixel, sorted, and drawn once where several of
 * one group fall together. So the drawing depends on the rows, not on their
 * order, and cannot outgrow the frame.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port.h"
#include "utils/memutils.h"

#include "pg/report/plot.h"
#include "pg/report/scatter.h"
#include "pg/server/memory.h"

#define WIDTH 820
#define HEIGHT 560

/* Rows of the legend; what is more has one row that counts it. */
#define LEGEND_ROWS 40

#define FIRST_CHUNK 64
#define LARGEST_CHUNK (1 << 20)

typedef struct point
{
	double x;
	double y;
	int32 label;
	bool labelled;
} point;

/* Points are never moved: each chunk is twice as large as the one before. */
typedef struct chunk
{
	struct chunk *next;
	int capacity;
	int used;
	point *points;
} chunk;

struct scpg_scatter
{
	MemoryContext context;
	chunk *first;
	chunk *last;
	int64 count;
	point lowest; /* x and y only */
	point highest;
};

/* A point as it is drawn. */
typedef struct mark
{
	bool labelled;
	int32 label;
	int x, /* in half pixels */
		y;
} mark;

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

static chunk *
new_chunk(MemoryContext cxt, int capacity)
{
	Size head = MAXALIGN(sizeof(chunk));
	sc_arena arena = scpg_arena(cxt, head + sizeof(point) * capacity, "the points of a drawing");
	chunk *c = (chunk *) arena.base;

	c->next = NULL;
	c->capacity = capacity;
	c->used = 0;
	c->points = (point *) (arena.base + head);
	return c;
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
	point p = {x, y, label != NULL ? *label : 0, label != NULL};

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

/* By group, the points without a label before all others, then by place. */
static int
compare_marks(const void *left, const void *right, void *arg)
{
	const mark *a = left, *b = right;

	if (a->labelled != b->labelled)
		return a->labelled ? 1 : -1;
	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	if (a->y != b->y)
		return a->y < b->y ? -1 : 1;
	return a->x < b->x ? -1 : a->x > b->x;
}

static bool
same_group(const mark *a, const mark *b)
{
	return a->labelled == b->labelled && a->label == b->label;
}

/* Colour and shape belong to the label: the same in every drawing. */
static const char *
colour_of(const mark *m)
{
	return m->labelled ? colours[(uint32) m->label % lengthof(colours)] : NO_COLOUR;
}

/* Black cannot be seen on a dark ground. */
static const char *
class_of(const mark *m)
{
	return strcmp(colour_of(m), "#000000") == 0 ? "sc-mark sc-black" : "sc-mark";
}

static const char *
shape_of(const mark *m)
{
	return shapes[m->labelled ? (uint32) m->label / lengthof(colours) % lengthof(shapes) : 0];
}

/* One line of the legend: what points of the group look like, its label, its size. */
static void
append_legend_row(scpg_plot *plot, const mark *group, int64 size, double y)
{
	StringInfo svg = &plot->svg;

	appendStringInfo(svg,
					 "<path fill=\"%s\" class=\"%s\" stroke=\"#333\" stroke-width=\".4\" d=\"M%d %.1f%s\"/><text x=\"%d\" y=\"%.1f\">",
					 colour_of(group), class_of(group), plot->right + 22, y, shape_of(group), plot->right + 33, y + 4);
	if (group->labelled)
		appendStringInfo(svg, "%d", group->label);
	else
		appendStringInfoString(svg, "none");
	appendStringInfo(svg, " <tspan class=\"sc-faint\" fill=\"#777\">(%lld)</tspan></text>\n", (long long) size);
}

/* The points of one group. */
static void
append_group(StringInfo svg, const mark *marks, int64 size)
{
	const char *shape = shape_of(marks);

	appendStringInfo(svg, "<path fill=\"%s\" fill-opacity=\".85\" class=\"%s\" stroke=\"#333\" stroke-width=\".4\" d=\"",
					 colour_of(marks), class_of(marks));
	for (int64 i = 0; i < size; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && marks[i].x == marks[i - 1].x && marks[i].y == marks[i - 1].y)
			continue;
		appendStringInfo(svg, "M%g %g%s", marks[i].x * 0.5, marks[i].y * 0.5, shape);
	}
	appendStringInfoString(svg, "\"/>\n");
}

/* All points as they are drawn, in the order of compare_marks: (scatter->count), in cxt. */
static mark *
marks_of(const scpg_scatter *scatter, const scpg_plot *plot, MemoryContext cxt)
{
	mark *marks = (mark *) scpg_arena(cxt, sc_mul(scatter->count, sizeof(mark)), "the points of a drawing").base;
	int64 n = 0;

	for (const chunk *c = scatter->first; c != NULL; c = c->next)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < c->used; i++)
		{
			const point *p = &c->points[i];

			marks[n++] = (mark){p->labelled, p->label, (int) rint(2 * scpg_plot_x(plot, p->x)),
								(int) rint(2 * scpg_plot_y(plot, p->y))};
		}
	}
	Assert(n == scatter->count);
	qsort_interruptible(marks, n, sizeof(mark), compare_marks, NULL);
	return marks;
}

/* The size of the group that begins at marks[0], of n marks that are left. */
static int64
group_size(const mark *marks, int64 n)
{
	int64 size = 1;

	while (size < n && same_group(&marks[0], &marks[size]))
		size++;
	return size;
}

static void
append_groups(scpg_plot *plot, const mark *marks, int64 n)
{
	for (int64 i = 0, size; i < n; i += size)
	{
		size = group_size(marks + i, n - i);
		append_group(&plot->svg, marks + i, size);
	}
}

/* What the colours and shapes mean, at the right of the frame. */
static void
append_legend(scpg_plot *plot, const mark *marks, int64 n)
{
	int64 groups = 0;
	int64 row = 0;
	double spacing;

	for (int64 i = 0; i < n; i++)
		groups += i == 0 || !same_group(&marks[i], &marks[i - 1]);
	spacing = Min(22.0, (double) (plot->bottom - plot->top) / Min(groups, LEGEND_ROWS + 1));
	appendStringInfo(&plot->svg, "<g font-size=\"%.1f\">\n", Min(12.0, spacing - 1.5));
	for (int64 i = 0, size; i < n && row < LEGEND_ROWS; i += size, row++)
	{
		size = group_size(marks + i, n - i);
		append_legend_row(plot, marks + i, size, plot->top + (row + 0.5) * spacing);
	}
	if (groups > LEGEND_ROWS)
		appendStringInfo(&plot->svg, "<text x=\"%d\" y=\"%.1f\">and %lld more</text>\n", plot->right + 17,
						 plot->top + (row + 0.5) * spacing + 4, (long long) (groups - LEGEND_ROWS));
	appendStringInfoString(&plot->svg, "</g>\n");
}

text *
scpg_scatter_write(const scpg_scatter *scatter)
{
	scpg_plot plot = {.left = 64, .right = WIDTH - 130, .top = 20, .bottom = HEIGHT - 40};
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "scatter_svg", ALLOCSET_DEFAULT_SIZES);
	mark *marks;
	struct varlena *result;

	Assert(scatter->count > 0);
	plot.x = scpg_range_around(scatter->lowest.x, scatter->highest.x);
	plot.y = scpg_range_around(scatter->lowest.y, scatter->highest.y);
	marks = marks_of(scatter, &plot, cxt);
	scpg_plot_begin(&plot, WIDTH, HEIGHT, "points by group");
	scpg_plot_axes(&plot, false);
	append_groups(&plot, marks, scatter->count);
	append_legend(&plot, marks, scatter->count);
	result = scpg_plot_end(&plot);
	MemoryContextDelete(cxt);
	return (text *) result;
}
