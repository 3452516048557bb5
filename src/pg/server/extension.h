/*-------------------------------------------------------------------------
 *
 * src/pg/server/extension.h
 *	  Where the extension's own objects are, whatever the search_path is.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EXTENSION_H
#define SCPG_EXTENSION_H

#include "postgres.h"

#define SCPG_EXTENSION "selfclass"

/* The schema that the extension was created in; 42704 where it is not created. */
extern Oid scpg_extension_schema(void);

/* Its name as SQL needs it, quoted where it must be, in the current memory context. */
extern const char *scpg_extension_schema_name(void);

/* The types embedding, kmeans_model and model_role. */
extern Oid scpg_embedding_type(void);
extern Oid scpg_kmeans_model_type(void);
extern Oid scpg_model_role_type(void);

/*
 * Keep the extension from being dropped until the end of the transaction; 42704
 * where it is gone. DROP EXTENSION locks the extension first and its tables in
 * an order of its own, so a transaction that works on several of them must have
 * this lock before the first: then one of the two waits, and they never wait for
 * each other.
 */
extern void scpg_extension_lock(void);

#endif /* SCPG_EXTENSION_H */
