/*-------------------------------------------------------------------------
 *
 * src/pg/table/dataset.h
 *	  The images of a table, reduced, kept for many passes over them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_DATASET_H
#define SCPG_DATASET_H

#include "postgres.h"

#include "storage/fd.h"

#include "core/api.h"
#include "pg/table/skips.h"
#include "pg/table/source.h"

typedef struct scpg_kept_row
{
	Datum id;
	int64 image; /* index of the image, -1: unreadable */
} scpg_kept_row;

typedef struct scpg_kept_image
{
	uint64 key;	 /* hash of the bytes and occurrence: names it in a training's random streams */
	uint64 hash; /* of the bytes alone: in an embedding's */
	int width;
	int height;
	int channels;
	uint8 *pixels; /* NULL: in the file, ... */
	uint64 offset; /* ... here */
} scpg_kept_image;

typedef struct scpg_dataset
{
	scpg_source source;
	int64 rows;
	scpg_kept_row *row;
	int64 images;
	scpg_kept_image *image; /* ascending by key: the order of rows in the table is forgotten */
	scpg_skips skips;
	double median_side;	 /* of the short sides as stored; 0 without images */
	double gray_share;	 /* of the images that have no colour; 0 without images */
	double stroke_share; /* of the images that are mostly of two tones, as writing is; 0 without images */
	File file;			 /* 0: all are in memory */
	uint64 file_size;
	MemoryContext context;
} scpg_dataset;

/*
 * Read all images of source once, reduced to max_side, into memory, or from an
 * eighth of selfclass.max_memory on into a temporary file. The dataset lives
 * in a child of the current memory context. across_transactions: for procedures
 * that commit; the dataset, its file included, then lives as long as that
 * context does. Without it the file must be closed by scpg_dataset_close, or
 * ends with the transaction on an error. The caller reports what was skipped.
 */
extern scpg_dataset *scpg_dataset_load(const scpg_source *source, int max_side, scpg_on_error on_error,
									   bool across_transactions);
extern void scpg_dataset_close(scpg_dataset *dataset);

/*
 * Images number[0 ... count-1], ready to be used by lanes; what is read from the file
 * is allocated in the current memory context.
 */
extern void scpg_dataset_fetch(scpg_dataset *dataset, sc_image *out, const int64 *number, int count);

/* What is done with the images first ... first + count - 1; what it allocates in the current memory context is gone after it. */
typedef void (*scpg_images_use)(void *arg, const sc_image *images, int64 first, int count);

/* The first n images in turn, so many at once. */
extern void scpg_dataset_walk(scpg_dataset *dataset, int64 n, int each, scpg_images_use use, void *arg);

#endif /* SCPG_DATASET_H */
