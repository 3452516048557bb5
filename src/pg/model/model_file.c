/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_file.c
 *	  A model as a file: its weights, and in the file's metadata its recipe and
 *	  its groups, so that it means the same where it is imported.
 *
 * The metadata are strings, below these keys:
 *
 *	 selfclass.format	"1"
 *	 selfclass.recipe	options as JSON, without names of columns and models
 *	 selfclass.kmeans	kmeans_model; where the file carries groups
 *	 selfclass.pca		pca_model; where the groups have one
 *	 selfclass.elbow	elbow_result; where the groups have one
 *	 selfclass.calibration	float8[], see calibration.h; where it is known
 *	 selfclass.centroid_label	int[], as text; where they are a graph's, or were edited
 *	 selfclass.groups	JSON, see model_file_groups.c; where the file carries groups
 *
 * Those up to calibration are base64 of the binary form of their types, which gives every
 * number back to the bit and takes half of the room of digits. Of the rows that
 * were grouped nothing goes into a file. What comes back may be hostile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/fmgroids.h"

#include "common/base64.h"
#include "fmgr.h"
#include "utils/elog.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/model/calibration.h"
#include "pg/model/model_parts.h"
#include "pg/server/compat.h"
#include "pg/server/errors.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/type/elbow_result.h"
#include "pg/type/kmeans_model.h"
#include "pg/type/pca_model.h"

#define KEY_FORMAT "selfclass.format"
#define KEY_RECIPE "selfclass.recipe"
#define KEY_LABELS "selfclass.centroid_label"
#define KEY_CALIBRATION "selfclass.calibration"
#define KEY_GROUPS "selfclass.groups"
#define FORMAT "1"

/* A recipe takes 2 kB. */
#define MAX_RECIPE 65536

/* Names of a hundred thousand groups. */
#define MAX_GROUPS (16 << 20)

/* The parts of a clustering, where a scpg_model_clustering keeps them. */
typedef struct part
{
	const char *key;
	const scpg_numbers_form *form;
	size_t offset;
} part;

static const part parts[] = {
	{"selfclass.kmeans", &scpg_kmeans_model_form, offsetof(scpg_model_clustering, kmeans)},
	{"selfclass.pca", &scpg_pca_model_form, offsetof(scpg_model_clustering, pca)},
	{"selfclass.elbow", &scpg_elbow_result_form, offsetof(scpg_model_clustering, elbow)},
};

static struct varlena **
part_of(const scpg_model_clustering *clustering, const part *p)
{
	return (struct varlena **) ((char *) clustering + p->offset);
}

/* ---- writing ------------------------------------------------------------------ */

static char *
to_base64(const bytea *bytes)
{
	int length = pg_b64_enc_len(VARSIZE_ANY_EXHDR(bytes));
	char *text = palloc(length + 1);
	int used = pg_b64_encode((const void *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), text, length);

	Assert(used >= 0);
	text[used] = '\0';
	return text;
}

#define MOST_NOTES (5 + lengthof(parts))

/* What goes into the metadata; returns how many notes, of at most MOST_NOTES. */
static int
make_notes(sc_st_note *notes, const scpg_model *model, bool clusters)
{
	scpg_model_clustering clustering = {.pca = model->pca, .kmeans = model->kmeans, .elbow = model->elbow};
	Jsonb *recipe = scpg_recipe_write_file(scpg_model_recipe(model));
	int n = 0;

	notes[n++] = (sc_st_note){KEY_FORMAT, FORMAT};
	/* Keys and names of values are ours, so it is ASCII. */
	notes[n++] = (sc_st_note){KEY_RECIPE, JsonbToCString(NULL, &recipe->root, VARSIZE(recipe))};
	for (int i = 0; clusters && i < lengthof(parts); i++)
	{
		const struct varlena *value = *part_of(&clustering, &parts[i]);

		if (value != NULL)
			notes[n++] =
				(sc_st_note){parts[i].key, to_base64(scpg_numbers_write(parts[i].form, (const scpg_numbers *) value))};
	}
	if (clusters && model->centroid_label != NULL)
		notes[n++] =
			(sc_st_note){KEY_LABELS, OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(model->centroid_label))};
	if (clusters && model->calibration != NULL)
		notes[n++] = (sc_st_note){KEY_CALIBRATION,
								  to_base64(OidSendFunctionCall(F_ARRAY_SEND, PointerGetDatum(model->calibration)))};
	if (clusters)
	{
		char *groups = scpg_model_file_write_groups(model);

		if (groups != NULL)
			notes[n++] = (sc_st_note){KEY_GROUPS, groups};
	}
	return n;
}

bytea *
scpg_model_file_write(const scpg_model *model, bool clusters, MemoryContext cxt)
{
	const sc_core_api *core = scpg_core();
	sc_st_note notes[MOST_NOTES];
	sc_weights_file seen;
	sc_error err;
	Size size;
	uint8 *weights = scpg_model_load_weights(model, CurrentMemoryContext, &size);
	bytea *result;
	Size bytes;
	int n;

	if (core->sc_weights_look(&seen, weights, size, &err) != SC_OK || seen.metadata.len == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the stored weights of model \"%s\" are corrupt", model->name)));
	n = make_notes(notes, model, clusters);
	bytes = core->sc_st_annotate(NULL, weights, size, &seen.metadata, notes, n);
	if (bytes > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the groups of model \"%s\" are too large for a file", model->name),
						errdetail("The header of a safetensors file takes 100 MB.")));
	result = MemoryContextAlloc(cxt, VARHDRSZ + bytes);
	SET_VARSIZE(result, VARHDRSZ + bytes);
	core->sc_st_annotate((uint8 *) VARDATA(result), weights, size, &seen.metadata, notes, n);
	return result;
}

/* ---- reading ------------------------------------------------------------------ */

/*
 * Names the key that an error is about. What a value of the file is not, JSON
 * or a number, is the file's fault, whatever the functions say that it went
 * through; a wrong option is told as such.
 */
static void
blame(void *arg)
{
	int code = geterrcode();
	bool option = code == ERRCODE_INVALID_PARAMETER_VALUE && strcmp(arg, KEY_RECIPE) == 0;

	if ((ERRCODE_TO_CATEGORY(code) == ERRCODE_DATA_EXCEPTION && !option) || code == ERRCODE_PROTOCOL_VIOLATION ||
		code == ERRCODE_DATATYPE_MISMATCH)
		errcode(ERRCODE_INVALID_BINARY_REPRESENTATION);
	errcontext("\"%s\" in the metadata of the file", (const char *) arg);
}

/* The value of a key, or NULL; 22P03 where it is longer than max. */
static char *
value_of(const sc_st_metadata *metadata, const char *key, size_t max)
{
	const sc_core_api *core = scpg_core();
	sc_error err;
	size_t length;
	bool found;
	char *value;

	scpg_check(core->sc_st_metadata_get(NULL, &length, &found, metadata, key, &err), &err);
	if (!found)
		return NULL;
	if (length > max)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("the value is too long"),
						errdetail("It has %zu bytes; there may be %zu.", length, max)));
	/* Thrice: the text, its bytes, its numbers. */
	scpg_count_memory(CurrentMemoryContext, sc_mul(3, length), "the groups of a file");
	value = palloc(length + 1);
	scpg_check(core->sc_st_metadata_get(value, &length, &found, metadata, key, &err), &err);
	return value;
}

static Jsonb *
read_json(const sc_st_metadata *metadata)
{
	char *text = value_of(metadata, KEY_RECIPE, MAX_RECIPE);

	if (text == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("the file has no recipe")));
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* The bytes of a value in base64; false: the file has none. */
static bool
from_base64(StringInfo buf, const sc_st_metadata *metadata, const char *key)
{
	char *text = value_of(metadata, key, SIZE_MAX);
	int length;

	if (text == NULL)
		return false;
	initStringInfo(buf);
	/* No header of a file is so long that this is more than a StringInfo holds. */
	enlargeStringInfo(buf, pg_b64_dec_len(strlen(text)));
	length = pg_b64_decode(text, strlen(text), (void *) buf->data, buf->maxlen);
	if (length < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("the value is not base64")));
	buf->len = length;
	return true;
}

static struct varlena *
read_part(const sc_st_metadata *metadata, const part *p)
{
	StringInfoData buf;

	return from_base64(&buf, metadata, p->key) ? (struct varlena *) scpg_numbers_read(p->form, &buf) : NULL;
}

static struct varlena *
read_calibration(const sc_st_metadata *metadata)
{
	StringInfoData buf;
	struct varlena *value;

	if (!from_base64(&buf, metadata, KEY_CALIBRATION))
		return NULL;
	value = PG_DETOAST_DATUM(OidReceiveFunctionCall(F_ARRAY_RECV, &buf, FLOAT8OID, -1));
	if (buf.cursor != buf.len || !scpg_calibration_is_valid(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("the value is no calibration of groups")));
	return value;
}

/* The groups of centroids, as an array of int is written; NULL: the file has none. */
static struct varlena *
read_labels(char *text)
{
	if (text == NULL)
		return NULL;
	return PG_DETOAST_DATUM(OidInputFunctionCall(F_ARRAY_IN, text, INT4OID, -1));
}

/* Whose file it is, and that this version reads it. */
static bool
is_ours(const sc_st_metadata *metadata)
{
	char *format = value_of(metadata, KEY_FORMAT, 100);

	if (format != NULL && strcmp(format, FORMAT) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("the format of the file is not known"),
						errdetail("It is \"%s\", not \"%s\".", format, FORMAT),
						errhint("Its weights alone are read where \"preset\" is given.")));
	if (format == NULL && value_of(metadata, KEY_RECIPE, MAX_RECIPE) != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("the file has a recipe, but says no format of it"),
						errhint("Its weights alone are read where \"preset\" is given.")));
	return format != NULL;
}

static void
read_clustering(scpg_model_file *file, const sc_st_metadata *metadata, ErrorContextCallback *callback)
{
	scpg_model_clustering *c = &file->clustering;
	char *groups;

	for (int i = 0; i < lengthof(parts); i++)
	{
		callback->arg = unconstify(char *, parts[i].key);
		*part_of(c, &parts[i]) = read_part(metadata, &parts[i]);
	}
	callback->arg = KEY_LABELS;
	c->centroid_label = read_labels(value_of(metadata, KEY_LABELS, SIZE_MAX));
	callback->arg = KEY_CALIBRATION;
	c->calibration = read_calibration(metadata);
	callback->arg = unconstify(char *, parts[0].key);
	if (c->kmeans == NULL ? c->pca != NULL || c->elbow != NULL
						  : !scpg_model_clustering_fits(&file->recipe, c->pca, c->kmeans, c->centroid_label))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("the groups in the file do not fit each other and its recipe")));
	callback->arg = KEY_GROUPS;
	groups = value_of(metadata, KEY_GROUPS, MAX_GROUPS);
	file->has_groups = groups != NULL;
	if (groups != NULL)
		scpg_model_file_read_groups(&file->groups, groups, c);
}

void
scpg_model_file_read(scpg_model_file *file, const bytea *bytes, bool weights_alone)
{
	ErrorContextCallback callback = {.previous = error_context_stack, .callback = blame};
	sc_weights_file seen;
	sc_error err;

	*file = (scpg_model_file){0};
	scpg_check(scpg_core()->sc_weights_look(&seen, (const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &err),
			   &err);
	file->small_stem = seen.small_stem;
	file->ignored = seen.ignored.count;
	file->ignored_names = pstrdup(seen.ignored.names);
	if (weights_alone)
		return;
	error_context_stack = &callback;
	callback.arg = KEY_FORMAT;
	if (is_ours(&seen.metadata))
	{
		callback.arg = KEY_RECIPE;
		scpg_recipe_read_file(&file->recipe, read_json(&seen.metadata));
		read_clustering(file, &seen.metadata, &callback);
		file->has_recipe = true;
	}
	error_context_stack = callback.previous;
}
