/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/group_tally.h
 *	  The rows of selfclass_cluster, counted from those who are in the groups.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_GROUP_TALLY_H
#define SCPG_GROUP_TALLY_H

#include "postgres.h"

#include "pg/cluster/label_table.h"

typedef struct scpg_group_tally scpg_group_tally;

/* Of the groups that the model's centroids have now. source: whose keys those of the rows are. */
extern scpg_group_tally *scpg_group_tally_begin(const scpg_model *model, const scpg_source *source);

/* One more row; of those that are equally near to their centroid, the first is the example. */
extern void scpg_group_tally_add(scpg_group_tally *tally, const scpg_label_row *row);

/* Into selfclass_cluster; the tally goes. */
extern void scpg_group_tally_keep(scpg_group_tally *tally);

#endif /* SCPG_GROUP_TALLY_H */
