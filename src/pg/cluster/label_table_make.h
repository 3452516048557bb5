/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/label_table_make.h
 *	  The table that cluster_images_into fills: a new one, or the model's label
 *	  table, which is brought up to date.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_LABEL_TABLE_MAKE_H
#define SCPG_LABEL_TABLE_MAKE_H

#include "postgres.h"

#include "nodes/primnodes.h"

#include "pg/cluster/cluster_images.h"

typedef struct scpg_label_target scpg_label_target;

/*
 * The table of that name. Where there is none it is one that may be made, or
 * the error that CREATE TABLE would raise; one that is there is 42P07 unless it
 * may be a model's.
 */
extern scpg_label_target *scpg_label_target_find(RangeVar *name, bool with_model);

/* Its name, quoted and qualified. */
extern const char *scpg_label_target_name(const scpg_label_target *target);

/*
 * When the job is planned, before any work: 42P07 where it is there and not the
 * model's own label table, 42501 where the caller may not change that, 42804
 * where the key cannot be its key.
 */
extern void scpg_label_target_check(scpg_label_target *target, const scpg_cluster_job *job);

/* 23505 where two rows have the same key. */
extern void scpg_label_target_check_keys(const scpg_dataset *dataset);

/*
 * Make it if it is not there, and make its rows those of the job: new keys are
 * inserted, gone ones deleted. Of a model that keeps the clustering it is the
 * label table from now on.
 */
extern void scpg_label_target_fill(const scpg_label_target *target, scpg_cluster_job *job);

#endif /* SCPG_LABEL_TABLE_MAKE_H */
