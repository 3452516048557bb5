/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/edit_log.c
 *	  The log of what was done to the groups of a model.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "pg/cluster/edit_log.h"
#include "pg/table/keys.h"

/* So many keys are gathered before they are written. */
#define GATHERED 10000

/* Rows that move the same way. */
typedef struct move
{
	int32 before, after;
	int32 pinned;
} move;

typedef struct moved_rows
{
	move how; /* the key of the table of these */
	scpg_model_edit_rows rows;
} moved_rows;

struct scpg_edit
{
	scpg_model *model;
	int number; /* 0: not recorded yet */
	/* rows to be written */
	MemoryContext context;
	HTAB *moves; /* of moved_rows, in context; NULL: none */
	int gathered;
	int parts; /* that are written */
};

scpg_edit *
scpg_edit_begin(scpg_model *model)
{
	scpg_edit *edit = palloc0(sizeof(scpg_edit));

	edit->model = model;
	edit->context = AllocSetContextCreate(CurrentMemoryContext, "selfclass edit", ALLOCSET_DEFAULT_SIZES);
	scpg_model_lock_groups(model);
	return edit;
}

int
scpg_edit_record(scpg_edit *edit, const char *command, const Jsonb *arguments, int reverts, bool centroids)
{
	scpg_model_edit record = {command, arguments, reverts, centroids};

	Assert(edit->number == 0);
	edit->number = scpg_model_insert_edit(edit->model, &record);
	return edit->number;
}

/* ---- rows that move ----------------------------------------------------------------- */

static void
write_rows(scpg_edit *edit)
{
	HASH_SEQ_STATUS scan;
	moved_rows *m;
	MemoryContext old;

	if (edit->moves == NULL)
		return;
	old = MemoryContextSwitchTo(edit->context);
	hash_seq_init(&scan, edit->moves);
	while ((m = hash_seq_search(&scan)) != NULL)
		scpg_model_insert_edit_rows(edit->model, edit->number, ++edit->parts, &m->rows);
	MemoryContextSwitchTo(old);
	edit->moves = NULL;
	edit->gathered = 0;
	MemoryContextReset(edit->context);
}

/* Does the text of a key of the type depend on settings of the session? */
static bool
depends_on_settings(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case UUIDOID:
			return false;
		default:
			return true;
	}
}

char *
scpg_edit_key_text(const scpg_source *source, Datum key)
{
	char *text;
	int level;

	if (!depends_on_settings(source->id_type))
		return OidOutputFunctionCall(source->id_output, key);
	level = scpg_keys_begin_text();
	text = OidOutputFunctionCall(source->id_output, key);
	scpg_keys_end_text(level);
	return text;
}

void
scpg_edit_row(scpg_edit *edit, const scpg_source *source, Datum key, int before, int after, bool pinned)
{
	move how = {before, after, pinned};
	MemoryContext old = MemoryContextSwitchTo(edit->context);
	moved_rows *m;
	bool found;

	Assert(edit->number > 0);
	if (edit->moves == NULL)
	{
		HASHCTL control = {.keysize = sizeof(move), .entrysize = sizeof(moved_rows), .hcxt = edit->context};

		edit->moves = hash_create("rows that an edit moves", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	m = hash_search(edit->moves, &how, HASH_ENTER, &found);
	if (!found)
		m->rows = (scpg_model_edit_rows){before, after, pinned, NIL};
	m->rows.keys = lappend(m->rows.keys, scpg_edit_key_text(source, key));
	MemoryContextSwitchTo(old);
	if (++edit->gathered >= GATHERED)
		write_rows(edit);
}

void
scpg_edit_end(scpg_edit *edit, int64 rows_changed)
{
	Assert(edit->number > 0);
	write_rows(edit);
	scpg_model_finish_edit(edit->model, edit->number, rows_changed);
	MemoryContextDelete(edit->context);
	pfree(edit);
}
