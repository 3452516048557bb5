/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed.h
 *	  Encoders in memory, and embedding many images with them. One image at a
 *	  time, row by row: embed_image.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EMBED_H
#define SCPG_EMBED_H

#include "postgres.h"

#include "pg/model/model.h"
#include "pg/model/recipe.h"
#include "pg/table/dataset.h"
#include "pg/table/reader.h"
#include "pg/table/skips.h"
#include "pg/table/source.h"

typedef struct scpg_encoder scpg_encoder;

/*
 * An encoder of weights (a safetensors stream, not kept) under the recipe they
 * were trained with, for up to max_batch images at once; fewer where
 * selfclass.max_memory leaves room for fewer. It lives in cxt, and goes with
 * it or with scpg_encoder_close. 22P03: not the weights of such a network.
 */
extern scpg_encoder *scpg_encoder_make(const scpg_recipe *recipe, const uint8 *weights, Size size, int max_batch,
									   MemoryContext cxt);

/* Likewise of a stored model; damaged weights are XX001. SPI must be connected. */
extern scpg_encoder *scpg_encoder_of_model(const scpg_model *model, int max_batch, MemoryContext cxt);

extern void scpg_encoder_close(scpg_encoder *encoder);

/* Bytes of selfclass.max_memory that it holds. */
extern Size scpg_encoder_bytes(const scpg_encoder *encoder);

/* The short side to which images may be reduced before they are embedded. */
extern int scpg_encoder_image_side(const scpg_encoder *encoder);

/* out (count, SC_EMBEDDING_DIM) of any number of images, on the pool. */
extern void scpg_encode(scpg_encoder *encoder, float *out, const sc_image *images, int count);

/*
 * Of rows (count) that a reader of the source gave, the embeddings of those that
 * can be read, one after the other, in the current memory context; the others
 * are skips.
 */
extern const float *scpg_encode_rows(scpg_encoder *encoder, const scpg_source *source, scpg_skips *skips,
									 const scpg_image_row *rows, int count);

/* out (dataset->images, SC_EMBEDDING_DIM) of all images of a dataset. */
extern void scpg_encode_dataset(scpg_encoder *encoder, float *out, scpg_dataset *dataset);

#endif /* SCPG_EMBED_H */
