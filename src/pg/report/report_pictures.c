/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_pictures.c
 *	  The pictures that report_html shows, by cursor: images are read a second
 *	  time, only those that are shown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "pg/report/markup.h"
#include "pg/report/report_parts.h"
#include "pg/table/dataset.h"
#include "pg/table/items.h"
#include "pg/table/keys.h"
#include "pg/table/source.h"

/* The key of an image. */
static Datum
key_of(const scpg_report *report, int64 image)
{
	return report->dataset->row[report->row[image]].id;
}

char *
scpg_report_key(const scpg_report *report, int64 image)
{
	return OidOutputFunctionCall(report->dataset->source.id_output, key_of(report, image));
}

/* Add the columns of a key as literals, "('a', 'b')"; false: one of them is NULL. */
static bool
append_columns(StringInfo sql, HeapTupleHeader row)
{
	TupleDesc desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum *values = palloc(sizeof(Datum) * desc->natts);
	bool *nulls = palloc(sizeof(bool) * desc->natts);
	bool all = true;

	heap_deform_tuple(&tuple, desc, values, nulls);
	for (int i = 0; i < desc->natts && all; i++)
	{
		Oid output;
		bool varlena;

		appendStringInfoString(sql, i > 0 ? ", " : "(");
		getTypeOutputInfo(TupleDescAttr(desc, i)->atttypid, &output, &varlena);
		all = !nulls[i];
		if (all)
			scpg_markup_literal(sql, OidOutputFunctionCall(output, values[i]));
	}
	appendStringInfoChar(sql, ')');
	ReleaseTupleDesc(desc);
	return all;
}

char *
scpg_report_key_literal(const scpg_report *report, int64 image, int most)
{
	StringInfoData sql;
	Datum key = key_of(report, image);
	bool told = true;
	int level = scpg_keys_begin_text();

	initStringInfo(&sql);
	/* Of several columns, which the label table has too. */
	if (report->dataset->source.id_type == RECORDOID)
		told = append_columns(&sql, DatumGetHeapTupleHeader(key));
	else
		scpg_markup_literal(&sql, scpg_report_key(report, image));
	scpg_keys_end_text(level);
	if (told && sql.len <= most)
		return sql.data;
	pfree(sql.data);
	return NULL;
}

/* The keys of images, as an array of this type that is the query's parameter. */
static Datum
keys_of(const scpg_report *report, const int64 *image, int n, Oid type)
{
	const scpg_source *source = &report->dataset->source;
	Datum *key = palloc(sizeof(Datum) * n);
	int16 length;
	bool by_value;
	char alignment;

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		key[i] = source->id_type == RECORDOID ? CStringGetTextDatum(scpg_report_key(report, image[i]))
											  : key_of(report, image[i]);
	}
	get_typlenbyvalalign(type, &length, &by_value, &alignment);
	return PointerGetDatum(construct_array(key, n, type, length, by_value, alignment));
}

/* An operator as a query names it, whatever the search_path. */
static char *
operator_name(Oid operator)
{
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)), NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

scpg_report_pictures
scpg_report_open_pictures(const scpg_report *report, const int64 *image, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	const scpg_source *source = &report->dataset->source;
	/* A key of several columns is a row of no named type, which SQL cannot take out of an array: as text. */
	bool as_text = source->id_type == RECORDOID;
	Oid type = as_text ? TEXTOID : source->id_type;
	Oid equal = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;
	Oid types[1] = {get_array_type(type)};
	Datum values[1];
	char *sql;
	scpg_report_pictures pictures = {.place = 1};

	if (!OidIsValid(equal) || !OidIsValid(types[0]))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("rows of %s cannot be found by their key", source->relation),
						errdetail("Its type %s has no equality, or no arrays.", format_type_be(source->id_type))));
	values[0] = keys_of(report, image, n, type);
	sql = psprintf("SELECT t.place, s.image FROM pg_catalog.unnest($1) WITH ORDINALITY AS t(id, place)"
				   " LEFT JOIN (SELECT %s%s AS id, %s AS image FROM %s) s ON s.id %s t.id ORDER BY t.place",
				   source->id, as_text ? "::pg_catalog.text" : "", quote_identifier(source->data_column),
				   source->relation, operator_name(equal));
	pictures.portal = scpg_open_cursor(sql, 1, types, values);
	MemoryContextSwitchTo(caller);
	return pictures;
}

void
scpg_report_add_pictures(scpg_report_pictures *pictures, scpg_sheet *sheet, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	int64 end = pictures->place + n;

	/* One at a time: an image may be large. */
	while (pictures->place < end)
	{
		bool isnull;
		int64 place;
		Datum value;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(pictures->portal, true, 1);
		if (SPI_processed == 0)
			break;
		place = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
		/* Of rows of a view that have the same key, the first will do. */
		if (place == pictures->place)
		{
			scpg_sheet_add(sheet, isnull ? NULL : (struct varlena *) DatumGetPointer(value));
			pictures->place++;
		}
		SPI_freetuptable(SPI_tuptable);
	}
	MemoryContextSwitchTo(caller);
}

void
scpg_report_close_pictures(scpg_report_pictures *pictures)
{
	SPI_cursor_close(pictures->portal);
}
