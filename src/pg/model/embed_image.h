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
 * The embedding of one image as stored (a bytea that may not be fetched yet),
 * with an encoder that stays in the session's cache. The error of an unreadable
 * image is raised.
 */
extern scpg_embedding *scpg_embed_datum(Datum image, const scpg_model *model);

/* Likewise, but return what is wrong with the image, if anything is, instead of raising it. */
extern sc_status scpg_try_embed_datum(scpg_embedding **out, Datum image, const scpg_model *model, sc_error *err);

#endif /* SCPG_EMBED_IMAGE_H */
