/*-------------------------------------------------------------------------
 *
 * src/pg/type/kept_name.h
 *	  The SQL types model_role and model_relation: something that a row names,
 *	  by its oid here and by its name elsewhere.
 *
 * They stand where regrole and regclass cannot: their text is a name that reads
 * in any database, whether there is such a thing or not. A value means what had
 * its oid when it was made, and never anything that came later: not another of
 * the same oid, and not another of the same name. A relation may be renamed
 * meanwhile, and so may a role that is held, as those in the extension's tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KEPT_NAME_H
#define SCPG_KEPT_NAME_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/pg_list.h"

typedef struct scpg_kept_name
{
	int32 vl_len_;
	Oid oid;						  /* InvalidOid: there was nothing of this name when it was read */
	uint32 stamp;					  /* see the form */
	char name[FLEXIBLE_ARRAY_MEMBER]; /* as it is printed, quoted where SQL would quote it; with its end */
} scpg_kept_name;

/* One of the two types. */
typedef struct scpg_kept_name_form
{
	const char *type;
	int parts;									/* names with dots between them, at most */
	Oid (*find)(const List *names);				/* InvalidOid: there is none */
	char *(*name)(Oid oid);						/* as it is printed; NULL: there is none */
	uint32 (*stamp)(Oid oid);					/* the same for as long as it is there; 0: unknown */
	bool (*still)(const scpg_kept_name *value); /* one of another name now: was it renamed since? */
} scpg_kept_name_form;

/* Stands behind the name of something that is gone, where something else has the name now. */
#define GONE_MARK " (dropped)"

extern const scpg_kept_name_form scpg_model_role_form;
extern const scpg_kept_name_form scpg_model_relation_form;

/* Of a text, of something that is there or not. NULL: an error was left in escontext. */
extern scpg_kept_name *scpg_kept_name_read(const scpg_kept_name_form *form, const char *text, Node *escontext);

/* Of an oid; one that nothing has is kept as a number that means nothing. Of roles, 0 is "public". */
extern scpg_kept_name *scpg_kept_name_make(const scpg_kept_name_form *form, Oid oid);

/* What the value means; InvalidOid: it is gone, or has never been here. */
extern Oid scpg_kept_name_oid(const scpg_kept_name_form *form, const scpg_kept_name *value);

/* Its name now, or the one that was kept, marked where something else has it now. */
extern char *scpg_kept_name_text(const scpg_kept_name_form *form, const scpg_kept_name *value);

/* By oid, without one by name: the same whatever has become of what they mean. */
extern int scpg_kept_name_compare(const scpg_kept_name *a, const scpg_kept_name *b);

/*
 * Has the role the privilege on the type model_role that says that rows name
 * it? Who has it cannot be dropped. The type's owner cannot either.
 */
extern bool scpg_model_role_is_held(Oid role);

#define DatumGetKeptName(d) ((const scpg_kept_name *) PG_DETOAST_DATUM(d))
#define PG_GETARG_KEPT_NAME(n) DatumGetKeptName(PG_GETARG_DATUM(n))

#endif /* SCPG_KEPT_NAME_H */
