/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed_image.h
 *	  Embedding one image at a time, for functions that are called for every
 *	  row. They connect SPI themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EMBED_IMAGE_H
#define SCPG_EMBED_IMAGE_H

#include "postgres.h"

#include "pg/model/embed_cache.h"
#include "pg/type/embedding.h"

/*
 * out (SC_EMBEDDING_DIM) of one image as stored, with an encoder that stays in
 * the session's cache. The error of an unreadable image is raised.
 */
extern void scpg_embed_bytes(float *out, const scpg_model *model, const uint8 *bytes, Size size);

/* Likewise of a bytea, as a value of SQL. */
extern scpg_embedding *scpg_embed_datum(Datum image, const scpg_model *model);

/* Likewise, but return what is wrong with the image, if anything is, instead of raising it. */
extern sc_status scpg_try_embed_datum(scpg_embedding **out, Datum image, const scpg_model *model, sc_error *err);

#endif /* SCPG_EMBED_IMAGE_H */
