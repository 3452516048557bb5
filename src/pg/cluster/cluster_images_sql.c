/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images_sql.c
 *	  The one call: from a table of images to labels.
 *
 * cluster_images does everything in its own statement and, without a model,
 * writes nothing; cluster_images_into is a procedure that commits as it goes
 * and leaves a table. Both read all images once, train an encoder on them or
 * take the one of a model that is ready, embed the images and cluster the
 * embeddings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "pg/cluster/cluster.h"
#include "pg/model/embed.h"
#include "pg/model/train.h"
#include "pg/server/bridge.h"
#include "pg/server/compat.h"
#include "pg/server/extension.h"
#include "pg/type/embedding.h"

PG_FUNCTION_INFO_V1(scpg_cluster_images);
PG_FUNCTION_INFO_V1(scpg_cluster_images_typed);
PG_FUNCTION_INFO_V1(scpg_cluster_images_into);

/* Images that are embedded at once. */
#define EMBED_BATCH 64

typedef struct call
{
	/* the arguments */
	FunctionCallInfo fcinfo;
	int example; /* number of the argument with the key's example, or -1 */
	Oid relid;
	int k;		/* 0: none was given */
	char *name; /* of the model, or NULL */
	const Jsonb *options;
	bool into;	 /* a procedure that makes a table, and commits */
	char *table; /* into: quoted and qualified */

	/* what is found out */
	scpg_recipe recipe;
	scpg_given given;
	scpg_recipe stored; /* a ready model's, as it was */
	scpg_source source;
	char *key_type; /* into: as CREATE TABLE takes it */
	Oid key_collation;
	scpg_model *model;
	bool train;
	bool locked;
	scpg_dataset *dataset;
	scpg_encoder *encoder;
	float *raw; /* (images, SC_EMBEDDING_DIM), as the encoder gives them */
	scpg_clustering clustering;
} call;

/* ---- arguments --------------------------------------------------------------- */

static void
refuse_null(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
}

/* first: number of the argument k, which model and options follow. */
static void
read_arguments(call *c, int first)
{
	FunctionCallInfo fcinfo = c->fcinfo;

	if (PG_ARGISNULL(0))
		refuse_null("the relation with the images");
	c->relid = PG_GETARG_OID(0);
	if (!PG_ARGISNULL(first))
	{
		c->k = PG_GETARG_INT32(first);
		if (c->k < 1)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must be at least 1"),
							errdetail("It is %d.", c->k), errhint("Without k, the number of clusters is chosen.")));
	}
	if (!PG_ARGISNULL(first + 1))
		c->name = text_to_cstring(PG_GETARG_TEXT_PP(first + 1));
	if (!PG_ARGISNULL(first + 2))
		c->options = PG_GETARG_JSONB_P_COPY(first + 2);
}

/* ---- the table that is made --------------------------------------------------- */

/* It goes where CREATE TABLE would put it, and must not be there. */
static void
check_table_name(call *c, const char *name)
{
	Oid existing;
	Oid schema = RangeVarGetAndCheckCreationNamespace(makeRangeVar(NULL, pstrdup(name), -1), NoLock, &existing);

	if (OidIsValid(existing))
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists", name),
						errhint("Give another name, or drop it first.")));
	c->table = quote_qualified_identifier(get_namespace_name(schema), name);
}

/* The key's type as it was declared, and whether it can be a primary key. */
static void
check_table_key(call *c)
{
	AttrNumber number = get_attnum(c->relid, c->source.id_column);
	Oid type;
	int32 typmod;
	Oid collation;

	get_atttypetypmodcoll(c->relid, number, &type, &typmod, &collation);
	if (!OidIsValid(lookup_type_cache(type, TYPECACHE_CMP_PROC)->cmp_proc))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("key column \"%s\" of %s cannot be a primary key", c->source.id_column, c->source.relation),
				 errdetail("Its type %s has no order.", format_type_be(type))));
	c->key_type = format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	c->key_collation = collation;
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID)
		c->key_type = psprintf("%s COLLATE %s", c->key_type, generate_collation_name(collation));
}

typedef struct key_order
{
	FmgrInfo *compare;
	Oid collation;
} key_order;

static int
compare_keys(const void *a, const void *b, void *arg)
{
	key_order *order = arg;

	return DatumGetInt32(FunctionCall2Coll(order->compare, order->collation, *(const Datum *) a, *(const Datum *) b));
}

/* The primary key would fail only after all the work. */
static void
check_unique_keys(call *c)
{
	int64 n = c->dataset->rows;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass keys", ALLOCSET_DEFAULT_SIZES);
	sc_arena arena = scpg_arena(cxt, sc_add(sc_mul(n, sizeof(Datum)), 2 * SC_ALIGN), "the keys of a table");
	Datum *keys = SC_TAKE(&arena, Datum, n);
	key_order order;

	order.compare = &lookup_type_cache(c->source.id_type, TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo;
	order.collation = c->key_collation;
	for (int64 i = 0; i < n; i++)
		keys[i] = c->dataset->row[i].id;
	qsort_arg(keys, n, sizeof(Datum), compare_keys, &order);
	for (int64 i = 1; i < n; i++)
		if (compare_keys(&keys[i - 1], &keys[i], &order) == 0)
			ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
							errmsg("key column \"%s\" of %s is not unique", c->source.id_column, c->source.relation),
							errdetail("Two rows have %s.", OidOutputFunctionCall(c->source.id_output, keys[i])),
							errhint("Name a column that identifies every row: '{\"id_column\": \"...\"}'.")));
	MemoryContextDelete(cxt);
}

/* ---- the model --------------------------------------------------------------- */

/*
 * Is there a model that can be used as it is? Without one, lock the name for
 * the training. A model of another role that was granted is used, never trained.
 */
static void
find_model(call *c)
{
	c->train = true;
	if (c->name == NULL)
		return;
	for (int attempt = 0; attempt < 2; attempt++)
	{
		scpg_model *model = c->recipe.retrain ? NULL : scpg_model_find(c->name, strchr(c->name, '@') == NULL, false);

		if (model != NULL)
		{
			/* An interrupted training does not get in the way of an older version. */
			c->model = model->state == SCPG_MODEL_READY ? model : scpg_model_find_ready(c->name);
			c->train = false;
			return;
		}
		scpg_model_check_name(c->name);
		if (attempt > 0)
			return;
		scpg_model_lock(GetUserId(), c->name);
		c->locked = true;
		/* Somebody may have trained it before we had the lock: look again. */
	}
}

/* The recipe of a model that is ready, with what decides the clustering from the options. */
static void
take_recipe(call *c)
{
	c->stored = *scpg_model_recipe(c->model);
	c->recipe = c->stored;
	/* Columns by name are those of the table that trained it. */
	if (c->relid != c->model->source)
		c->recipe.id_column = c->recipe.image_column = NULL;
	scpg_recipe_override_clustering(&c->recipe, c->options);
}

/* Keep the clustering in the model, with the options that made it. */
static void
keep_clustering(call *c)
{
	if (c->model == NULL)
		return;
	scpg_model_set_clustering(c->model, (struct varlena *) c->clustering.pca, (struct varlena *) c->clustering.kmeans,
							  (struct varlena *) c->clustering.elbow);
	if (!c->train && has_privs_of_role(GetUserId(), c->model->owner))
	{
		scpg_recipe recipe = c->recipe;

		recipe.seed = c->stored.seed;
		recipe.retrain = c->stored.retrain;
		recipe.on_error = c->stored.on_error;
		recipe.id_column = c->stored.id_column;
		recipe.image_column = c->stored.image_column;
		scpg_model_set_recipe(c->model, &recipe);
	}
}

/* ---- the work ---------------------------------------------------------------- */

/* Read the images, and refuse what cannot be clustered before anything is trained. */
static void
read_images(call *c)
{
	int side = c->train ? c->recipe.image_side : scpg_encoder_image_side(c->encoder);

	c->dataset = scpg_dataset_load(&c->source, side, c->recipe.on_error, c->into);
	scpg_skips_report(&c->dataset->skips, c->dataset->rows);
	if (c->dataset->images < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("clustering needs at least two readable images"),
				 errdetail("%s has %lld.", c->source.relation, (long long) c->dataset->images)));
	if (c->k > c->dataset->images)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must not be larger than the number of readable images"),
				 errdetail("k is %d, and %s has %lld.", c->k, c->source.relation, (long long) c->dataset->images)));
}

/* The embeddings must fit too, and that is known before the training. */
static sc_arena
embeddings_arena(const call *c, MemoryContext cxt)
{
	Size bytes = sc_mul(c->dataset->images, SC_EMBEDDING_DIM * sizeof(float));

	/* A table shows them as the encoder gives them, clustering may normalise them. */
	if (c->into && c->recipe.l2_normalize)
		bytes = sc_mul(bytes, 2);
	return scpg_arena(cxt, sc_add(bytes, 4 * SC_ALIGN), "the embeddings of the images");
}

static void
train(call *c)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass encoder", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	scpg_training training;

	(void) embeddings_arena(c, cxt);
	MemoryContextReset(cxt);
	MemoryContextSwitchTo(old);
	scpg_recipe_choose_for(&c->recipe, &c->given, c->dataset);
	memset(&training, 0, sizeof(training));
	training.recipe = &c->recipe;
	training.dataset = c->dataset;
	training.name = c->name;
	training.commits = c->into;
	scpg_train(&training);
	c->model = training.model;
	c->encoder = scpg_encoder_make(&c->recipe, training.weights, training.size, EMBED_BATCH, CurrentMemoryContext);
}

static void
embed(call *c)
{
	sc_arena arena = embeddings_arena(c, CurrentMemoryContext);
	size_t values = sc_mul(c->dataset->images, SC_EMBEDDING_DIM);

	c->raw = SC_TAKE(&arena, float, values);
	scpg_encode_dataset(c->encoder, c->raw, c->dataset);
	scpg_encoder_close(c->encoder);
	c->encoder = NULL;
	c->clustering.rows = c->raw;
	if (c->into && c->recipe.l2_normalize)
	{
		c->clustering.rows = SC_TAKE(&arena, float, values);
		memcpy(c->clustering.rows, c->raw, values * sizeof(float));
	}
}

static void
cluster(call *c)
{
	scpg_cluster_space before;

	c->clustering.recipe = &c->recipe;
	c->clustering.n = c->dataset->images;
	c->clustering.k = c->k;
	/* A new version's embeddings lie elsewhere, so its labels begin anew. */
	if (!c->train && c->model->kmeans != NULL)
	{
		scpg_cluster_space_open(&before, c->model);
		c->clustering.before = &before;
	}
	scpg_cluster(&c->clustering);
	c->clustering.before = NULL;
}

/* Everything but what is done with the result. */
static void
compute(call *c)
{
	scpg_recipe_read(&c->recipe, &c->given, c->options);
	find_model(c);
	if (!c->train)
		take_recipe(c);
	scpg_source_resolve(&c->source, c->relid, c->recipe.id_column, c->recipe.image_column, BYTEAOID);
	if (c->into)
		check_table_key(c);
	else
		scpg_source_check_key(&c->source, c->fcinfo, "cluster_images", c->example);
	if (!c->train)
		c->encoder = scpg_encoder_of_model(c->model, EMBED_BATCH, CurrentMemoryContext);
	read_images(c);
	if (c->into)
		check_unique_keys(c);
	if (c->train)
		train(c);
	else if (c->into)
		SPI_commit();
	embed(c);
	cluster(c);
	keep_clustering(c);
}

/* Let go what outlives an error. */
static void
release(call *c)
{
	if (c->locked)
		scpg_model_unlock(GetUserId(), c->name);
	c->locked = false;
}

/* Columns 2 to 5 of a row; without an image it has none. */
static void
result_values(const call *c, const scpg_kept_row *row, Datum *values, bool *nulls)
{
	const scpg_clustering *k = &c->clustering;

	for (int i = 1; i <= 4; i++)
		nulls[i] = row->image < 0;
	if (row->image < 0)
		return;
	values[1] = Int32GetDatum(k->label[row->image]);
	values[2] = Float8GetDatum(k->plot[2 * row->image]);
	values[3] = Float8GetDatum(k->plot[2 * row->image + 1]);
	values[4] = Float8GetDatum(k->distance[row->image]);
}

/* ---- as rows ------------------------------------------------------------------ */

static Datum
cluster_images(FunctionCallInfo fcinfo, int example)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int first = example < 0 ? 1 : example + 1;
	call *c;

	if (!PG_ARGISNULL(first + 1))
		PreventCommandIfReadOnly("cluster_images() with a model");
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	c = palloc0(sizeof(call));
	c->fcinfo = fcinfo;
	c->example = example;
	read_arguments(c, first);
	PG_TRY();
	{
		compute(c);
	}
	PG_FINALLY();
	{
		release(c);
	}
	PG_END_TRY();
	for (int64 i = 0; i < c->dataset->rows; i++)
	{
		const scpg_kept_row *row = &c->dataset->row[i];
		Datum values[5];
		bool nulls[5] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = scpg_source_key(&c->source, row->id, example < 0);
		result_values(c, row, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	scpg_dataset_close(c->dataset);
	SPI_finish();
	return (Datum) 0;
}

Datum
scpg_cluster_images(PG_FUNCTION_ARGS)
{
	return cluster_images(fcinfo, -1);
}

Datum
scpg_cluster_images_typed(PG_FUNCTION_ARGS)
{
	return cluster_images(fcinfo, 1);
}

/* ---- as a table ---------------------------------------------------------------- */

/* Make the table and fill it, in one transaction. */
static void
write_table(call *c)
{
	Oid types[6] = {c->source.id_type, INT4OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, scpg_embedding_type()};
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass row", ALLOCSET_SMALL_SIZES);
	SPIPlanPtr plan;

	if (SPI_execute(psprintf("CREATE TABLE %s (id %s, label pg_catalog.int4, embedding_0 pg_catalog.float8,"
							 " embedding_1 pg_catalog.float8, distance pg_catalog.float8, embedding %s.embedding(%d),"
							 " PRIMARY KEY (id))",
							 c->table, c->key_type, scpg_extension_schema_name(), SC_EMBEDDING_DIM),
					false, 0) < 0)
		elog(ERROR, "could not create %s", c->table);
	plan = SPI_prepare(psprintf("INSERT INTO %s VALUES ($1, $2, $3, $4, $5, $6)", c->table), 6, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare to fill %s", c->table);
	for (int64 i = 0; i < c->dataset->rows; i++)
	{
		const scpg_kept_row *row = &c->dataset->row[i];
		MemoryContext old = MemoryContextSwitchTo(cxt);
		Datum values[6];
		bool isnull[6] = {false};
		char nulls[6];

		CHECK_FOR_INTERRUPTS();
		values[0] = row->id;
		result_values(c, row, values, isnull);
		isnull[5] = row->image < 0;
		if (!isnull[5])
			values[5] =
				EmbeddingGetDatum(scpg_embedding_from_floats(c->raw + row->image * SC_EMBEDDING_DIM, SC_EMBEDDING_DIM));
		for (int j = 0; j < 6; j++)
			nulls[j] = isnull[j] ? 'n' : ' ';
		if (SPI_execute_plan(plan, values, nulls, false, 0) < 0)
			elog(ERROR, "could not fill %s", c->table);
		MemoryContextSwitchTo(old);
		MemoryContextReset(cxt);
	}
	SPI_freeplan(plan);
	MemoryContextDelete(cxt);
}

Datum
scpg_cluster_images_into(PG_FUNCTION_ARGS)
{
	call *c;

	PreventCommandIfReadOnly("cluster_images_into()");
	scpg_require_commits(fcinfo, "cluster_images_into()");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	c = palloc0(sizeof(call));
	c->fcinfo = fcinfo;
	c->example = -1;
	c->into = true;
	read_arguments(c, 2);
	if (PG_ARGISNULL(1))
		refuse_null("the name of the new table");
	check_table_name(c, NameStr(*PG_GETARG_NAME(1)));
	PG_TRY();
	{
		compute(c);
		write_table(c);
		SPI_commit();
	}
	PG_FINALLY();
	{
		release(c);
	}
	PG_END_TRY();
	ereport(NOTICE, (errmsg("table %s: %lld images in %d clusters", c->table, (long long) c->dataset->images,
							c->clustering.clusters)));
	scpg_dataset_close(c->dataset);
	SPI_finish();
	PG_RETURN_VOID();
}
