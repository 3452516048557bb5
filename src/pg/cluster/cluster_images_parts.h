/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images_parts.h
 *	  What cluster_images and cluster_images_into share about their SQL side:
 *	  arguments in, columns out.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_IMAGES_PARTS_H
#define SCPG_CLUSTER_IMAGES_PARTS_H

#include "postgres.h"

#include "fmgr.h"

#include "pg/cluster/cluster_images.h"

/* 22004 */
extern void scpg_cluster_refuse_null(const char *what);

/* Argument 0, the relation, and k, which is a bigint where wide, model and options from argument number `first` on. */
extern scpg_cluster_request scpg_cluster_read_request(FunctionCallInfo fcinfo, int first, bool wide);

/* A call that begins so for a hint, see scpg_key_request: with k, unless that is 0, and model, unless NULL. */
extern char *scpg_cluster_call(const char *begin, int64 k, const char *model);

/* k as it was given: 22003, and 22023 below 1. */
extern int scpg_cluster_k(int64 k);

/*
 * The columns after the key: label, two coordinates, distance, confidence. All
 * are NULL without an image, and the label of one that is not sure.
 */
#define SCPG_CLUSTER_COLUMNS 5
extern void scpg_cluster_columns(const scpg_cluster_job *job, const scpg_kept_row *row, Datum *values, bool *nulls);

/*
 * The labels of images (dataset->images) that the model's label table says are
 * pinned, SCPG_NOT_PINNED for others; NULL: none is. 22023 where one is pinned to
 * what is no group. In cluster_pins.c.
 */
extern const int32 *scpg_find_pinned(const scpg_cluster_job *job);

#endif /* SCPG_CLUSTER_IMAGES_PARTS_H */
