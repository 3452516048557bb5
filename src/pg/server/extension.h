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

#endif /* SCPG_EXTENSION_H */
