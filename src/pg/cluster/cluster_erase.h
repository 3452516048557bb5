/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_erase.h
 *	  Embeddings without what they say of how pictures were taken.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_ERASE_H
#define SCPG_CLUSTER_ERASE_H

#include "postgres.h"

#include "pg/table/dataset.h"

/* Of each image of a dataset, how it was taken: (images, SC_CAPTURE_TRAITS), in cxt. */
extern double *scpg_capture_traits(scpg_dataset *dataset, MemoryContext cxt);

/* The rows (n, SC_EMBEDDING_DIM) without what they say of the traits (n, SC_CAPTURE_TRAITS); in cxt. */
extern const float *scpg_erase_traits(const float *rows, int64 n, const double *traits, MemoryContext cxt);

/* Bytes that both take. */
extern Size scpg_erased_bytes(int64 n);

#endif /* SCPG_CLUSTER_ERASE_H */
