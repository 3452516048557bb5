/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_triggers.c
 *	  Triggers that name a model.
 *
 * Such a trigger (embed_image_trigger) fills a column with the embeddings of
 * the model that its name means at the time. Those of two models or versions
 * cannot be compared, so as long as it is there nothing may change what its name
 * means: without a version, no new one, and no dropping of the one that it uses;
 * without an owner, no first model of the role as whom it looks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"
#include "pg/server/extension.h"

/* A trigger of this database that runs the extension's function. */
typedef struct trigger
{
	char *name;
	Oid relation;
	char *model; /* its first argument */
} trigger;

/* ---- which there are ---------------------------------------------------------------- */

static Oid
trigger_function(void)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("embed_image_trigger"),
						   PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(scpg_extension_schema()));
}

/* All of them, whatever they name. */
static List *
list_triggers(void)
{
	Oid function = trigger_function();
	Relation catalog = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	List *triggers = NIL;
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		trigger *t;
		bool null;
		Datum arguments;

		CHECK_FOR_INTERRUPTS();
		if (form->tgfoid != function || form->tgnargs < 1)
			continue;
		/* One after another, each with the zero byte at its end. */
		arguments = heap_getattr(tuple, Anum_pg_trigger_tgargs, RelationGetDescr(catalog), &null);
		if (null)
			continue;
		t = palloc(sizeof(trigger));
		t->name = pstrdup(NameStr(form->tgname));
		t->relation = form->tgrelid;
		t->model = pstrdup(VARDATA_ANY(DatumGetByteaPP(arguments)));
		triggers = lappend(triggers, t);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return triggers;
}

static Oid
owner_of_relation(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* What the trigger would use now, if it names a model (of this name); *owner: as whom it looks. */
static scpg_model *
find_meant(const trigger *t, const char *name, scpg_model_name *n, Oid *owner)
{
	if (!scpg_model_name_parse(n, t->model) || (name != NULL && strcmp(n->name, name) != 0))
		return NULL;
	*owner = owner_of_relation(t->relation);
	return OidIsValid(*owner) ? scpg_model_find_meant(n, *owner) : NULL;
}

/* ---- what they forbid ----------------------------------------------------------------- */

/* errdetail and errhint of it; n: as it names the model, looks: as whom. */
static int
tell_trigger(const trigger *t, const scpg_model *model, const scpg_model_name *n, Oid looks)
{
	const char *owner = n->owner_name != NULL ? n->owner_name : model->owner_name;
	/* Another's model is hidden by an own one of the same name, in whatever version. */
	char *pinned = n->owner_name == NULL && model->owner == looks
					   ? psprintf("%s@%d", model->name, model->version)
					   : scpg_model_owned_name(owner, model->name, model->version);
	char *relation =
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(t->relation)), get_rel_name(t->relation));

	errdetail("Trigger %s on %s names it without %s.", quote_identifier(t->name), relation,
			  n->version == 0 ? "a version" : "its owner");
	return errhint("Let the trigger name the %s that it uses, embed_image_trigger(%s, ...), or drop it.",
				   n->version == 0 ? "version" : "model", quote_literal_cstr(pinned));
}

void
scpg_model_check_triggers(Oid owner, const char *name)
{
	ListCell *cell;

	foreach(cell, list_triggers())
	{
		const trigger *t = lfirst(cell);
		scpg_model_name n;
		Oid looks;
		scpg_model *model = find_meant(t, name, &n, &looks);

		if (model == NULL || model->state != SCPG_MODEL_READY)
			continue;
		/* A new version of the model that it uses, or one of its own owner, whom an own model comes first. */
		if ((model->owner == owner && n.version == 0) ||
			(model->owner != owner && looks == owner && n.owner_name == NULL))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("a new version of model \"%s\" would change what a trigger uses", name),
							tell_trigger(t, model, &n, looks)));
	}
}

void
scpg_model_check_drop(const scpg_model *dropped, bool all_versions)
{
	ListCell *cell;

	foreach(cell, list_triggers())
	{
		const trigger *t = lfirst(cell);
		scpg_model_name n;
		Oid looks;
		scpg_model *model = find_meant(t, dropped->name, &n, &looks);

		if (model == NULL || model->owner != dropped->owner || n.version != 0)
			continue;
		if (all_versions || model->version == dropped->version)
			ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
							errmsg("cannot drop model \"%s\", which a trigger uses", dropped->name),
							tell_trigger(t, model, &n, looks)));
	}
}

/* ---- another owner ---------------------------------------------------------------------- */

/* What a trigger used at one time. */
typedef struct use
{
	const trigger *trigger;
	scpg_model *model;
} use;

List *
scpg_model_trigger_uses(void)
{
	List *uses = NIL;
	ListCell *cell;

	foreach(cell, list_triggers())
	{
		scpg_model_name n;
		Oid looks;
		use *u = palloc(sizeof(use));

		u->trigger = lfirst(cell);
		u->model = find_meant(u->trigger, NULL, &n, &looks);
		if (u->model != NULL)
			uses = lappend(uses, u);
	}
	return uses;
}

void
scpg_model_check_uses(const List *uses)
{
	const ListCell *cell;

	foreach(cell, uses)
	{
		const use *u = lfirst(cell);
		scpg_model_name n;
		Oid looks;
		scpg_model *now = find_meant(u->trigger, NULL, &n, &looks);
		scpg_model_name any = n;

		/* The name is another owner's, who has no such version yet. */
		any.version = 0;
		if (now == NULL && OidIsValid(looks))
			now = scpg_model_find_meant(&any, looks);
		/* One that finds none any more says so itself. */
		if (now != NULL && now->model_id != u->model->model_id)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("another owner of model \"%s\" would change what a trigger uses", n.name),
							tell_trigger(u->trigger, u->model, &n, looks)));
	}
}
