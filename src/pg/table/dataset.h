/*-------------------------------------------------------------------------
 *
 * src/pg/table/dataset.h
 *	  The images of a table: which columns, reading and decoding them in
 *	  batches, and keeping them, reduced, for many passes.
 *
 * Rows are read through SPI as the current user, so rights and row security
 * are the caller's. SPI must be connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_DATASET_H
#define SCPG_DATASET_H

#include "core/api.h"
#include "fmgr.h"
#include "storage/fd.h"

/* ---- which columns ------------------------------------------------------ */

typedef struct scpg_source
{
	Oid relid;
	char *relation;	 /* quoted and qualified */
	char *id_column; /* not quoted */
	Oid id_type;	 /* domains resolved */
	int16 id_length;
	bool id_by_value;
	Oid id_output;	   /* its type's output function */
	char *data_column; /* images or embeddings; not quoted */
} scpg_source;

/*
 * Find the key column (id_column, or the single-column primary key) and the
 * data column of a relation that can be read: table, partitioned or foreign
 * table, view, materialized view (else 42809). data_column NULL: the one
 * column of type data_type. 42703: no such column; 42804: of another type;
 * 22023 with a hint: no key, or several columns to choose from. Allocated in
 * the current memory context.
 */
extern void scpg_source_resolve(scpg_source *source, Oid relid, const char *id_column, const char *data_column,
								Oid data_type);

/*
 * The two forms of every function that returns keys: without an example, the
 * key must be int2, int4 or int8 and is returned as bigint (else 42804, hint
 * with the call); with one, it must be of the example's type (else 42804) and the
 * example must be NULL (else 22023, hint "k =>"). function: its name, for
 * the hint. example: number of the argument, or -1 for the form without.
 */
extern void scpg_source_check_key(const scpg_source *source, FunctionCallInfo fcinfo, const char *function, int example);

/* A key as the form without an example returns it: bigint. */
extern Datum scpg_source_key(const scpg_source *source, Datum id, bool as_bigint);

/* ---- unreadable images -------------------------------------------------- */

#define SCPG_SKIPS_SHOWN 5

typedef struct scpg_skips
{
	bool fail;		  /* raise the first one instead */
	const char *hint; /* of the report; NULL: the option "on_error" */
	int64 count;
	char *shown[SCPG_SKIPS_SHOWN]; /* "key: reason" */
	MemoryContext context;
} scpg_skips;

/* Count an image that could not be read, or raise its error with the key as context. */
extern void scpg_skips_add(scpg_skips *skips, const scpg_source *source, Datum id, const sc_error *err);

/* One WARNING that counts them and shows the first few; nothing if there were none. */
extern void scpg_skips_report(const scpg_skips *skips, int64 rows);

/* ---- reading ------------------------------------------------------------ */

typedef struct scpg_image_row
{
	Datum id;
	sc_status status; /* SC_OK: image is there */
	sc_error error;
	sc_image image;
	uint64 hash;	/* of the bytes */
	int short_side; /* of the picture as stored */
} scpg_image_row;

typedef struct scpg_reader scpg_reader;

/*
 * max_side as for sc_image_plan_read. The reader lives in the current memory
 * context, and source must live as long. The rows are those of the statement's
 * snapshot; with scpg_reader_open_now those that are committed now: in a
 * procedure that commits, the statement's snapshot is long past.
 */
extern scpg_reader *scpg_reader_open(const scpg_source *source, int max_side);
extern scpg_reader *scpg_reader_open_now(const scpg_source *source, int max_side);

/* The next rows, decoded; 0 at the end. Valid until the next call. */
extern int scpg_reader_next(scpg_reader *reader, scpg_image_row **rows);
extern void scpg_reader_close(scpg_reader *reader);

/*
 * Decode one image that is at hand, for embed_image and the like: on the pool,
 * raising the error of an unreadable one. The pixels are in the current context.
 */
extern sc_image scpg_decode_one(const uint8 *bytes, Size size, int max_side);

/*
 * Decode items, whose plans are made, on the pool. What an image is unreadable
 * for is left in its item; anything else is raised. Pixels and scratch memory
 * are in cxt.
 */
extern void scpg_decode_items(sc_decode_item *items, int count, const sc_image_limits *limits, MemoryContext cxt);

/* ---- keeping ------------------------------------------------------------ */

typedef struct scpg_kept_row
{
	Datum id;
	int64 image; /* index of the image, -1: unreadable */
} scpg_kept_row;

typedef struct scpg_kept_image
{
	uint64 key; /* hash of the bytes and occurrence: names it in random streams */
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
extern scpg_dataset *scpg_dataset_load(const scpg_source *source, int max_side, bool fail_on_error,
									   bool across_transactions);
extern void scpg_dataset_close(scpg_dataset *dataset);

/*
 * Images number[0 ... count-1], ready to be used by lanes; what is read from the file
 * is allocated in the current memory context.
 */
extern void scpg_dataset_fetch(scpg_dataset *dataset, sc_image *out, const int64 *number, int count);

#endif /* SCPG_DATASET_H */
