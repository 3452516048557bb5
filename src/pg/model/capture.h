/*-------------------------------------------------------------------------
 *
 * src/pg/model/capture.h
 *	  How pictures were taken, and embeddings without what they say of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CAPTURE_H
#define SCPG_CAPTURE_H

#include "postgres.h"

#include "core/api.h"
#include "pg/table/dataset.h"

/* Of images (count), how each was taken: traits (count, SC_CAPTURE_TRAITS). Scratch is in the current memory context. */
extern void scpg_capture_images(double *traits, const sc_image *images, int count);

/* Of each image of a dataset, how it was taken: (images, SC_CAPTURE_TRAITS), in cxt. */
extern double *scpg_capture_traits(scpg_dataset *dataset, MemoryContext cxt);

/* The rows (n, SC_EMBEDDING_DIM) without what they say of the traits (n, SC_CAPTURE_TRAITS); in cxt. */
extern const float *scpg_erase_traits(const float *rows, int64 n, const double *traits, MemoryContext cxt);

/* Bytes that both take. */
extern Size scpg_erased_bytes(int64 n);

#endif /* SCPG_CAPTURE_H */
