/*-------------------------------------------------------------------------
 *
 * src/pg/report/plot.h
 *	  What the drawings in SVG share: the frame, its axes, and where a value
 *	  lies in it.
 *
 * A drawing holds no ids, scripts or links, so that any number of them can
 * stand in one HTML file, and nothing of the user's but numbers. It can be read
 * on light and on dark pages, as the reader prefers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_PLOT_H
#define SCPG_PLOT_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Values of one axis; both are finite and lo < hi. */
typedef struct scpg_range
{
	double lo;
	double hi;
} scpg_range;

/* A point of a curve. */
typedef struct scpg_point
{
	double x;
	double y;
} scpg_point;

typedef struct scpg_plot
{
	StringInfoData svg;
	int left, /* edges of the frame, in pixels */
		right, top, bottom;
	scpg_range x;
	scpg_range y;
} scpg_plot;

/* The range from lo to hi with a little room around; something to draw in where they are equal. */
extern scpg_range scpg_range_around(double lo, double hi);

/*
 * The drawing's beginning: width by height pixels with a frame in it. The
 * members of plot that describe the frame and the ranges are set by the caller.
 */
extern void scpg_plot_begin(scpg_plot *plot, int width, int height, const char *title);

/* Ticks, grid and numbers of both axes. whole_x: x has whole numbers only. */
extern void scpg_plot_axes(scpg_plot *plot, bool whole_x);

/* What the axes show, in words, below and at the left. */
extern void scpg_plot_titles(scpg_plot *plot, const char *x, const char *y);

/* A line through points (n) in their order; few of them have dots. pale: dashed and gray, without any. */
extern void scpg_plot_curve(scpg_plot *plot, const scpg_point *points, int n, bool pale);

/* The point that was chosen, and what to say of it; or a note alone. */
extern void scpg_plot_choice(scpg_plot *plot, scpg_point at, const char *note);
extern void scpg_plot_note(scpg_plot *plot, const char *note);

/* Where a value lies, in pixels. */
extern double scpg_plot_x(const scpg_plot *plot, double x);
extern double scpg_plot_y(const scpg_plot *plot, double y);

/* The end of the drawing: all of it as text. */
extern struct varlena *scpg_plot_end(scpg_plot *plot);

#endif /* SCPG_PLOT_H */
