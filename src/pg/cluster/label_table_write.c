/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/label_table_write.c
 *	  Rows of a label table changed by their keys, and what follows from them
 *	  for the groups of its model.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "pg/cluster/group_tally.h"
#include "pg/cluster/label_table_parts.h"
#include "pg/server/extension.h"

/* ---- one row by its key ------------------------------------------------------------------ */

struct scpg_label_writer
{
	const scpg_source *source;
	SPIPlanPtr plan;
	int values;			   /* that the change takes; those of the key come behind them */
	MemoryContext context; /* of a row */
};

typedef struct column
{
	const char *name;
	Oid type; /* InvalidOid: embedding */
} column;

static const column changed[] = {{"label", INT4OID},
								 {"distance", FLOAT8OID},
								 {"confidence", FLOAT8OID},
								 {"pinned", BOOLOID}};
static const column made[SCPG_LABEL_VALUES] = {{"label", INT4OID},		   {"embedding_0", FLOAT8OID},
											   {"embedding_1", FLOAT8OID}, {"distance", FLOAT8OID},
											   {"confidence", FLOAT8OID},  {"embedding", InvalidOid},
											   {"pinned", BOOLOID}};

/* Type of a column of the key, domains resolved. */
static Oid
key_type(const scpg_source *source, int i)
{
	return getBaseType(get_atttype(source->relid, get_attnum(source->relid, source->id_names[i])));
}

/* "left = right" of values of these types, by the equality that a primary key goes by; " AND " before all but the first. */
static void
append_equal(StringInfo sql, int number, const char *left, Oid left_type, const char *right, Oid right_type)
{
	if (number > 0)
		appendStringInfoString(sql, " AND ");
	generate_operator_clause(sql, left, left_type, lookup_type_cache(left_type, TYPECACHE_EQ_OPR)->eq_opr, right,
							 right_type);
}

void
scpg_append_same_key(StringInfo sql, const scpg_source *a, const char *alias_a, const scpg_source *b,
					 const char *alias_b)
{
	for (int i = 0; i < a->id_columns; i++)
	{
		char *left = psprintf("%s.%s", alias_a, quote_identifier(a->id_names[i]));
		char *right = psprintf("%s.%s", alias_b, quote_identifier(b->id_names[i]));

		append_equal(sql, i, left, key_type(a, i), right, key_type(b, i));
	}
}

/* " WHERE a = $4 AND b = $5"; the parameters are from number first on. */
static void
append_condition(StringInfo sql, const scpg_source *source, int first)
{
	appendStringInfoString(sql, " WHERE ");
	for (int i = 0; i < source->id_columns; i++)
	{
		char *name = pstrdup(quote_identifier(source->id_names[i]));
		Oid type = key_type(source, i);

		append_equal(sql, i, name, type, psprintf("$%d", first + i), type);
	}
}

static void
append_assignments(StringInfo sql, const scpg_source *source, const column *columns, int n)
{
	appendStringInfo(sql, "UPDATE %s SET ", source->relation);
	for (int i = 0; i < n; i++)
		appendStringInfo(sql, "%s%s = $%d", i > 0 ? ", " : "", columns[i].name, i + 1);
	append_condition(sql, source, n + 1);
}

static void
append_insert(StringInfo sql, const scpg_source *source)
{
	appendStringInfo(sql, "INSERT INTO %s (", source->relation);
	for (int i = 0; i < lengthof(made); i++)
		appendStringInfo(sql, "%s, ", made[i].name);
	for (int i = 0; i < source->id_columns; i++)
		appendStringInfo(sql, "%s%s", i > 0 ? ", " : "", quote_identifier(source->id_names[i]));
	appendStringInfoString(sql, ") VALUES (");
	for (int i = 0; i < lengthof(made) + source->id_columns; i++)
		appendStringInfo(sql, "%s$%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoChar(sql, ')');
}

scpg_label_writer *
scpg_label_writer_open(const scpg_source *source, scpg_label_change change)
{
	scpg_label_writer *w = palloc0(sizeof(scpg_label_writer));
	const column *columns = change == SCPG_LABEL_CHANGE ? changed : made;
	Oid types[SCPG_LABEL_VALUES + INDEX_MAX_KEYS];
	StringInfoData sql;

	initStringInfo(&sql);
	w->source = source;
	w->context = AllocSetContextCreate(CurrentMemoryContext, "label table change", ALLOCSET_DEFAULT_SIZES);
	w->values = change == SCPG_LABEL_CHANGE	  ? lengthof(changed)
				: change == SCPG_LABEL_DELETE ? 0
				: change == SCPG_LABEL_INSERT ? lengthof(made)
											  : lengthof(made) - 1; /* who is pinned is not for us to say */
	for (int i = 0; i < w->values; i++)
		types[i] = OidIsValid(columns[i].type) ? columns[i].type : scpg_embedding_type();
	for (int i = 0; i < source->id_columns; i++)
		types[w->values + i] = key_type(source, i);
	if (change == SCPG_LABEL_INSERT)
		append_insert(&sql, source);
	else if (change == SCPG_LABEL_DELETE)
	{
		appendStringInfo(&sql, "DELETE FROM %s", source->relation);
		append_condition(&sql, source, 1);
	}
	else
		append_assignments(&sql, source, columns, w->values);
	w->plan = SPI_prepare(sql.data, w->values + source->id_columns, types);
	if (w->plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql.data, SPI_result_code_string(SPI_result));
	return w;
}

/* The columns of a key. */
static void
take_apart(const scpg_source *source, Datum key, Datum *values)
{
	HeapTupleHeader header;
	HeapTupleData tuple = {0};
	TupleDesc desc;
	bool nulls[INDEX_MAX_KEYS];

	if (source->id_columns == 1)
	{
		values[0] = key;
		return;
	}
	header = DatumGetHeapTupleHeader(key);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	tuple.t_data = header;
	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header), HeapTupleHeaderGetTypMod(header));
	Assert(desc->natts == source->id_columns);
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);
}

bool
scpg_label_writer_put(scpg_label_writer *w, Datum key, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(w->context);
	int n = w->values + w->source->id_columns;
	Datum all[SCPG_LABEL_VALUES + INDEX_MAX_KEYS];
	char null[SCPG_LABEL_VALUES + INDEX_MAX_KEYS];

	CHECK_FOR_INTERRUPTS();
	memset(null, ' ', n);
	for (int i = 0; i < w->values; i++)
	{
		all[i] = values[i];
		null[i] = nulls[i] ? 'n' : ' ';
	}
	take_apart(w->source, key, all + w->values);
	if (SPI_execute_plan(w->plan, all, null, false, 0) < 0)
		elog(ERROR, "could not change %s", w->source->relation);
	MemoryContextSwitchTo(old);
	MemoryContextReset(w->context);
	return SPI_processed > 0;
}

void
scpg_label_writer_close(scpg_label_writer *w)
{
	SPI_freeplan(w->plan);
	MemoryContextDelete(w->context);
	pfree(w);
}

bool
scpg_label_writer_change(scpg_label_writer *w, const scpg_label_row *row)
{
	Datum values[lengthof(changed)] = {Int32GetDatum(row->label), Float8GetDatum(row->distance),
									   Float8GetDatum(row->confidence), BoolGetDatum(row->pinned)};
	bool nulls[lengthof(changed)] = {row->label == SCPG_NO_LABEL, isnan(row->distance), isnan(row->confidence), false};

	Assert(w->values == lengthof(changed));
	return scpg_label_writer_put(w, row->key, values, nulls);
}

int64
scpg_label_table_update(const scpg_label_table *t, const scpg_label_row *rows, int64 n)
{
	scpg_label_writer *w = scpg_label_writer_open(&t->source, SCPG_LABEL_CHANGE);
	int64 found = 0;

	Assert(!t->read_only);
	for (int64 i = 0; i < n; i++)
		found += scpg_label_writer_change(w, &rows[i]);
	scpg_label_writer_close(w);
	return found;
}

/* ---- the groups of the model ---------------------------------------------------------------- */

void
scpg_label_table_count(const scpg_label_table *t)
{
	scpg_group_tally *tally;
	scpg_label_reader *reader;
	const scpg_label_row *row;

	scpg_model_require_editor(t->model);
	scpg_label_table_check(t, false);
	tally = scpg_group_tally_begin(t->model, &t->source);
	reader = scpg_label_reader_open(t, NULL, 0, false);
	while ((row = scpg_label_reader_next(reader)) != NULL)
		scpg_group_tally_add(tally, row);
	scpg_label_reader_close(reader);
	scpg_group_tally_keep(tally);
}
