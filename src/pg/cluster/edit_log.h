/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/edit_log.h
 *	  The log of what was done to the groups of a model, with what taking it back
 *	  needs: clustering again and refreshing are edits too.
 *
 * An edit begins with a lock on the model's row, so that edits of one model wait
 * for one another; all that follows sees what those before it did. It is
 * recorded with the groups as they were, then changes them, names each row of
 * the label table that it moves, and says how many those were:
 *
 *	 scpg_model *model = scpg_model_find(...);
 *	 scpg_edit *edit = scpg_edit_begin(model);
 *	 scpg_edit_record(edit, "merge_clusters", arguments, 0, false);
 *	 ...	scpg_edit_row(edit, source, key, 4, 1, false);
 *	 scpg_edit_end(edit, rows_changed);
 *
 * Whether the current user may is for the caller to check
 * (scpg_model_require_editor). SPI is connected in all of these. Nothing outlives
 * the transaction: rolled back, an edit has never been.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EDIT_LOG_H
#define SCPG_EDIT_LOG_H

#include "postgres.h"

#include "pg/cluster/label_table.h"
#include "pg/model/model_edits.h"

typedef struct scpg_edit scpg_edit;

/*
 * Lock the model, waiting for an edit that is under way, to the end of the
 * transaction, and read anew what it says of its groups: recipe, pca, kmeans,
 * elbow, centroid_label, labels, edited, highest_label. 42704 where it is gone.
 */
extern scpg_edit *scpg_edit_begin(scpg_model *model);

/*
 * Record the edit and the groups as they are, before any of it is changed.
 * arguments: of the call, an object. reverts: the edit that is taken back, or 0.
 * centroids: the edit will change kmeans, pca, elbow or recipe of the model, not
 * only which group each centroid belongs to. Returns the number of the edit.
 */
extern int scpg_edit_record(scpg_edit *edit, const char *command, const Jsonb *arguments, int reverts, bool centroids);

/*
 * A row of the label table whose label the edit changes. source: the label
 * table's, which key is a key of; before and after: labels, or SCPG_NO_LABEL (a
 * row that is added has none before); pinned: it was before.
 */
extern void scpg_edit_row(scpg_edit *edit, const scpg_source *source, Datum key, int before, int after, bool pinned);

/* Write what is left to be written: so many rows of the label table were changed, added or removed. */
extern void scpg_edit_end(scpg_edit *edit, int64 rows_changed);

/* A key as the log has it: the same text in every session, whatever its settings. */
extern char *scpg_edit_key_text(const scpg_source *source, Datum key);

#endif /* SCPG_EDIT_LOG_H */
