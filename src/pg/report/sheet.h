/*-------------------------------------------------------------------------
 *
 * src/pg/report/sheet.h
 *	  A sheet of pictures: images in rows of square tiles, as one JPEG.
 *
 * An image that cannot be read is a tile with a cross. The memory that a sheet
 * takes is of its context and counts against selfclass.max_memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_SHEET_H
#define SCPG_SHEET_H

#include "postgres.h"

typedef struct scpg_sheet scpg_sheet;

/*
 * An empty sheet in cxt. name: "contact sheet", for messages; it must live as
 * long. lead: pixels, with a line in them, that set the first column off from
 * the others; 0: none.
 */
extern scpg_sheet *scpg_sheet_make(MemoryContext cxt, const char *name, int columns, int tile, int lead);

/* 54000 where so many images make a sheet that cannot be. */
extern void scpg_sheet_check(const scpg_sheet *sheet, int64 images);

/* The next image, a bytea as it is stored, toasted or not; NULL: a NULL. */
extern void scpg_sheet_add(scpg_sheet *sheet, struct varlena *image);

/*
 * The JPEG of a sheet that has at least one image, in the current memory
 * context. The sheet stays as it is. One WARNING counts the images that could
 * not be read.
 */
extern bytea *scpg_sheet_write(const scpg_sheet *sheet);

#endif /* SCPG_SHEET_H */
