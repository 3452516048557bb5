/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed_cache.h
 *	  What the session remembers for functions that are called for every row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EMBED_CACHE_H
#define SCPG_EMBED_CACHE_H

#include "postgres.h"

#include "pg/model/embed.h"

/*
 * The model that scpg_model_find_ready_as finds, looked for once a statement
 * and remembered. Connects SPI itself. Valid until the next call.
 */
extern const scpg_model *scpg_model_of_statement(const char *name, Oid role);

/*
 * The model's encoder, of one image at a time. Connects SPI itself. Valid until
 * memory is asked for (by scpg_arena and the like), which may drop it.
 */
extern scpg_encoder *scpg_encoder_of_session(const scpg_model *model);

/* Let it go, for it failed. */
extern void scpg_encoder_forget(const scpg_encoder *encoder);

#endif /* SCPG_EMBED_CACHE_H */
