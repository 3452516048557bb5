/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_parts.h
 *	  What cluster.c calls for labels that keep their meaning when images are
 *	  clustered again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_PARTS_H
#define SCPG_CLUSTER_PARTS_H

#include "postgres.h"

#include "core/api.h"
#include "pg/cluster/cluster_space.h"

/*
 * label (km->k): the label that each new cluster gets, that of the earlier one
 * which it lies closest to, all taken together. rows (km->n, SC_EMBEDDING_DIM):
 * what km clustered, before any projection. normalized: they have length 1.
 * What this needs is in cxt.
 */
extern void scpg_match_labels(int *label, const sc_kmeans *km, const float *rows, bool normalized,
							  const sc_space *before, MemoryContext cxt);

#endif /* SCPG_CLUSTER_PARTS_H */
