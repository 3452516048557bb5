/*-------------------------------------------------------------------------
 *
 * src/pg/model/catalog.c
 *	  The statements on the extension's own tables, run as their owner.
 *
 * Ordinary roles have no right on these tables. Which models a role may use is
 * part of the statements that look for them (USABLE); who may change one is
 * decided before (grants.c). Then the one statement runs as the owner of the
 * tables. It names every table, function and operator with its schema: the
 * caller's search_path must not decide what the owner runs. Before the first of
 * a transaction the extension is locked, so that DROP EXTENSION waits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"
#include "pg/server/extension.h"

/* ---- the statements ---------------------------------------------------------- */

#define MAX_ARGUMENTS 11

typedef struct statement
{
	const char *sql; /* %1$s: the extension's schema */
	int result;		 /* SPI_OK_... */
	int arguments;
	Oid type[MAX_ARGUMENTS];		   /* InvalidOid: that of a column of selfclass_model, ... */
	const char *column[MAX_ARGUMENTS]; /* ... of this one */
} statement;

#define EQUALS " OPERATOR(pg_catalog.=) "

/*
 * What a column of roles or relations means now: NULL where that is gone. The
 * cast is right for the types of every version of the extension, as these
 * statements have to be: before ALTER EXTENSION UPDATE the columns are 1.0's.
 */
#define ROLE(column) column "::pg_catalog.regrole::pg_catalog.oid"
#define RELATION(column) column "::pg_catalog.regclass::pg_catalog.oid"

/* Has the column the oid of what follows, whatever that means now? Only for the types of version 1.1. */
#define SAME_ROLE(column) column " OPERATOR(%1$s.=) "

/* The owner of the model m; 0, of which only superusers are members, where it is gone. */
#define OWNER "COALESCE(" ROLE("m.owner") ", 0::pg_catalog.oid)"

/*
 * May the role use the model m? It has the rights of its owner, or was granted
 * it (grants.c), or everyone was: no role can be called public, so a grant keeps
 * that name and no oid.
 */
#define IS_PUBLIC(column) column "::pg_catalog.text" EQUALS "'public'"
#define USABLE_BY(role) \
	"(pg_catalog.pg_has_role(" role ", " OWNER ", 'USAGE') OR EXISTS (" \
	"SELECT FROM %1$s.selfclass_model_grant g " \
	"WHERE " ROLE("g.owner") EQUALS ROLE("m.owner") " AND g.name" EQUALS "m.name " \
													"AND (" IS_PUBLIC("g.role") " OR pg_catalog.pg_has_role(" role \
																				", " ROLE("g.role") ", 'USAGE'))))"
#define USABLE USABLE_BY("$3")

/* Whose a model is, as calls write it before its name; the name of a role that is gone too. */
#define OWNER_NAME "m.owner::pg_catalog.text"

static const statement statements[] = {
	[SCPG_FIND_MODEL] =
		{"SELECT m.model_id, m.name, m.version, " OWNER ", m.state, m.recipe, " RELATION(
			 "m.source") ", m.images, m.skipped, m.epochs_done, m.loss, m.pca, m.kmeans, m.elbow, m.created,"
						 " m.weights_bytes, m.weights_crc, m.source::pg_catalog.text, " OWNER_NAME
						 ", g.* FROM %1$s.selfclass_model m,"
						 /* Columns that 1.0's table lacks: there the names mean those of none. */
						 " (SELECT NULL::pg_catalog.int4[] AS centroid_label, NULL::pg_catalog.text AS labels,"
						 " false AS edited, NULL::pg_catalog.int4 AS highest_label, NULL::pg_catalog.float8[] AS calibration)"
						 " none, LATERAL"
						 " (SELECT centroid_label, " RELATION(
							 "labels") ", labels::pg_catalog.text, edited,"
									   " COALESCE(highest_label, -1), calibration"
									   " FROM %1$s.selfclass_model q"
									   " WHERE q.model_id" EQUALS "m.model_id) g "
									   "WHERE m.name" EQUALS "$1 AND ($2 IS NULL OR m.version" EQUALS
									   "$2) AND " OWNER_NAME EQUALS "$3 "
									   "ORDER BY $4 AND m.state" EQUALS "'ready' DESC, m.model_id DESC LIMIT 1",
		 SPI_OK_SELECT,
		 4,
		 {TEXTOID, INT4OID, TEXTOID, BOOLOID}},
	[SCPG_LIST_OWNERS] = {"SELECT " OWNER_NAME " FROM %1$s.selfclass_model m "
						  "WHERE m.name" EQUALS "$1 AND ($2 IS NULL OR " OWNER_NAME EQUALS "$2) AND " USABLE
						  " GROUP BY " OWNER_NAME " ORDER BY " OWNER_NAME " COLLATE pg_catalog.\"C\"",
						  SPI_OK_SELECT,
						  3,
						  {TEXTOID, TEXTOID, OIDOID}},
	[SCPG_EXISTS_NAME] = {"SELECT FROM %1$s.selfclass_model m "
						  "WHERE m.name" EQUALS "$1 AND ($2 IS NULL OR " OWNER_NAME EQUALS "$2) LIMIT 1",
						  SPI_OK_SELECT,
						  2,
						  {TEXTOID, TEXTOID}},
	[SCPG_LIST_NAMES] = {"SELECT DISTINCT m.name FROM %1$s.selfclass_model m "
						 "WHERE $1 IS NULL AND $2 IS NULL AND " USABLE " ORDER BY m.name LIMIT $4",
						 SPI_OK_SELECT,
						 4,
						 {TEXTOID, INT4OID, OIDOID, INT8OID}},
	[SCPG_INSERT_MODEL] =
		{"INSERT INTO %1$s.selfclass_model"
		 " (name, version, owner, state, recipe, backbone, dim, source, epochs_done, selfclass_version) "
		 "SELECT $1, COALESCE(pg_catalog.max(version), 0) OPERATOR(pg_catalog.+) 1, $2::pg_catalog.regrole, 'training',"
		 " $3, 'resnet18', $5, $4::pg_catalog.regclass, 0, '" SELFCLASS_VERSION "' "
		 "FROM %1$s.selfclass_model WHERE name" EQUALS "$1 AND " ROLE("owner") EQUALS
		 "$2 "
		 "RETURNING model_id, version, created",
		 SPI_OK_INSERT_RETURNING,
		 5,
		 {TEXTOID, OIDOID, JSONBOID, OIDOID, INT4OID}},
	[SCPG_DELETE_MODEL] = {"DELETE FROM %1$s.selfclass_model m WHERE " OWNER_NAME EQUALS "$1 AND name" EQUALS "$2"
						   " AND ($3 IS NULL OR version" EQUALS "$3)",
						   SPI_OK_DELETE,
						   3,
						   {TEXTOID, TEXTOID, INT4OID}},
	[SCPG_UPDATE_LOSS] = {"UPDATE %1$s.selfclass_model SET loss = $2 WHERE model_id" EQUALS "$1",
						  SPI_OK_UPDATE,
						  2,
						  {INT8OID, FLOAT8OID}},
	[SCPG_UPDATE_ARITHMETIC] = {"UPDATE %1$s.selfclass_model SET arithmetic = $2 WHERE model_id" EQUALS "$1",
								SPI_OK_UPDATE,
								2,
								{INT8OID, TEXTOID}},
	[SCPG_FIND_ARITHMETIC] = {"SELECT arithmetic FROM %1$s.selfclass_model WHERE model_id" EQUALS
							  "$1 AND arithmetic IS NOT NULL",
							  SPI_OK_SELECT,
							  1,
							  {INT8OID}},
	[SCPG_UPDATE_RECIPE] = {"UPDATE %1$s.selfclass_model SET recipe = $2 WHERE model_id" EQUALS "$1",
							SPI_OK_UPDATE,
							2,
							{INT8OID, JSONBOID}},
	[SCPG_UPDATE_STATE] = {"UPDATE %1$s.selfclass_model SET state = $2, images = $3, skipped = $4,"
						   " finished = CASE WHEN $2" EQUALS
						   "'ready' THEN pg_catalog.clock_timestamp() END WHERE model_id" EQUALS "$1",
						   SPI_OK_UPDATE,
						   4,
						   {INT8OID, TEXTOID, INT8OID, INT8OID}},
	[SCPG_UPDATE_CLUSTERING] = {"UPDATE %1$s.selfclass_model SET pca = $2, kmeans = $3, elbow = $4 WHERE model_id" EQUALS
								"$1",
								SPI_OK_UPDATE,
								4,
								{INT8OID},
								{NULL, "pca", "kmeans", "elbow"}},
	[SCPG_UPDATE_GROUPS] = {"UPDATE %1$s.selfclass_model SET centroid_label = $2, k = $3, k_low = $4, k_high = $5,"
							" k_by = $6, modularity = $7, modularity_chance = $8, highest_label = $9,"
							" edited = $10, calibration = $11 WHERE model_id" EQUALS "$1",
							SPI_OK_UPDATE,
							11,
							{INT8OID, INT4ARRAYOID, INT4OID, INT4OID, INT4OID, TEXTOID, FLOAT8OID, FLOAT8OID, INT4OID,
							 BOOLOID, FLOAT8ARRAYOID}},
	[SCPG_UPDATE_LABELS] = {"UPDATE %1$s.selfclass_model SET labels = $2::pg_catalog.regclass WHERE model_id" EQUALS "$1",
							SPI_OK_UPDATE,
							2,
							{INT8OID, OIDOID}},
	/* Its name stays, and that it was edited. */
	[SCPG_INSERT_CLUSTER] = {"INSERT INTO %1$s.selfclass_cluster AS c"
							 " (model_id, label, size, pinned, mean_distance, mean_confidence, example)"
							 " VALUES ($1, $2, $3, $4, $5, $6, $7)"
							 " ON CONFLICT (model_id, label) DO UPDATE SET size = EXCLUDED.size,"
							 " pinned = EXCLUDED.pinned, mean_distance = EXCLUDED.mean_distance,"
							 " mean_confidence = EXCLUDED.mean_confidence, example = EXCLUDED.example",
							 SPI_OK_INSERT,
							 7,
							 {INT8OID, INT4OID, INT8OID, INT8OID, FLOAT8OID, FLOAT8OID, TEXTOID}},
	[SCPG_RESET_CLUSTERS] = {"UPDATE %1$s.selfclass_cluster SET edited = false WHERE model_id" EQUALS "$1 AND edited",
							 SPI_OK_UPDATE,
							 1,
							 {INT8OID}},
	[SCPG_DELETE_CLUSTERS] = {"DELETE FROM %1$s.selfclass_cluster WHERE model_id" EQUALS
							  "$1 AND label OPERATOR(pg_catalog.<>) ALL ($2)",
							  SPI_OK_DELETE,
							  2,
							  {INT8OID, INT4ARRAYOID}},
	[SCPG_INSERT_LOG] = {"INSERT INTO %1$s.selfclass_training_log AS l VALUES ($1, $2, $3, $4, $5, pg_catalog.clock_timestamp()) "
						 "ON CONFLICT (model_id, epoch) DO UPDATE SET loss = EXCLUDED.loss, lr = EXCLUDED.lr,"
						 " images_per_second = EXCLUDED.images_per_second, at = EXCLUDED.at",
						 SPI_OK_INSERT,
						 5,
						 {INT8OID, INT4OID, FLOAT8OID, FLOAT8OID, FLOAT8OID}},
	[SCPG_SELECT_LOG] = {"SELECT epoch, loss, images_per_second FROM %1$s.selfclass_training_log WHERE model_id" EQUALS
						 "$1 ORDER BY epoch",
						 SPI_OK_SELECT,
						 1,
						 {INT8OID}},
	[SCPG_UPDATE_WEIGHTS] = {"UPDATE %1$s.selfclass_model SET epochs_done = $2, weights_bytes = $3, weights_crc = $4"
							 " WHERE model_id" EQUALS "$1",
							 SPI_OK_UPDATE,
							 4,
							 {INT8OID, INT4OID, INT8OID, INT8OID}},
	[SCPG_DELETE_WEIGHTS] = {"DELETE FROM %1$s.selfclass_model_weights WHERE model_id" EQUALS "$1",
							 SPI_OK_DELETE,
							 1,
							 {INT8OID}},
	[SCPG_INSERT_WEIGHTS] = {"INSERT INTO %1$s.selfclass_model_weights (model_id, part, data) VALUES ($1, $2, $3)",
							 SPI_OK_INSERT,
							 3,
							 {INT8OID, INT4OID, BYTEAOID}},
	[SCPG_MEASURE_WEIGHTS] = {"SELECT (SELECT pg_catalog.sum(pg_catalog.octet_length(w.data))::pg_catalog.int8"
							  " FROM %1$s.selfclass_model_weights w WHERE w.model_id" EQUALS "m.model_id) "
							  "FROM %1$s.selfclass_model m WHERE m.model_id" EQUALS "$1",
							  SPI_OK_SELECT,
							  1,
							  {INT8OID}},
	[SCPG_SELECT_WEIGHTS] = {"SELECT data FROM %1$s.selfclass_model_weights WHERE model_id" EQUALS "$1 AND part" EQUALS
							 "$2",
							 SPI_OK_SELECT,
							 2,
							 {INT8OID, INT4OID}},
	/* A superuser reaches all models anyway. Of a role that has an own one, that is meant. */
	[SCPG_FIND_CONFLICT] = {"SELECT r.oid FROM pg_catalog.pg_roles r, %1$s.selfclass_model m "
							"WHERE m.name" EQUALS "$2 AND " OWNER " OPERATOR(pg_catalog.<>) $1 AND NOT r.rolsuper "
							"AND ($3" EQUALS "0 OR pg_catalog.pg_has_role(r.oid, $3, 'USAGE')) AND " USABLE_BY(
								"r.oid") " AND NOT EXISTS (SELECT FROM %1$s.selfclass_model o WHERE o.name" EQUALS
										 "$2 AND " ROLE("o.owner") EQUALS
							"r.oid) AND NOT EXISTS (SELECT FROM %1$s.selfclass_model_grant g WHERE " ROLE("g.owner")
								EQUALS "$1 AND g.name" EQUALS "$2 AND " ROLE("g.role") EQUALS
							"$3) "
							"ORDER BY r.oid" EQUALS "$3 DESC, r.rolname LIMIT 1",
							SPI_OK_SELECT,
							3,
							{OIDOID, TEXTOID, OIDOID}},
	[SCPG_INSERT_GRANT] = {"INSERT INTO %1$s.selfclass_model_grant (owner, name, role)"
						   " VALUES ($1::pg_catalog.regrole, $2, $3::pg_catalog.regrole) ON CONFLICT DO NOTHING",
						   SPI_OK_INSERT,
						   3,
						   {OIDOID, TEXTOID, OIDOID}},
	[SCPG_INSERT_PRIVILEGE] =
		{"INSERT INTO %1$s.selfclass_model_grant AS g (owner, name, role, privilege)"
		 " VALUES ($1::pg_catalog.regrole, $2, CASE WHEN $3" EQUALS "0 THEN 'public'::%1$s.model_role"
		 " ELSE $3::pg_catalog.regrole::%1$s.model_role END, $4)"
		 " ON CONFLICT (owner, name, role) DO UPDATE SET privilege = EXCLUDED.privilege WHERE $4" EQUALS "'edit'",
		 SPI_OK_INSERT,
		 4,
		 {OIDOID, TEXTOID, OIDOID, TEXTOID}},
	[SCPG_DELETE_GRANT] = {"DELETE FROM %1$s.selfclass_model_grant WHERE " ROLE("owner") EQUALS
						   "$1 AND name" EQUALS "$2 AND CASE WHEN $3" EQUALS
						   "0 THEN " IS_PUBLIC("role") " ELSE " ROLE("role") EQUALS "$3 END",
						   SPI_OK_DELETE,
						   3,
						   {OIDOID, TEXTOID, OIDOID}},
	[SCPG_REVOKE_EDIT] = {"UPDATE %1$s.selfclass_model_grant SET privilege = 'use' WHERE " ROLE("owner") EQUALS
						  "$1 AND name" EQUALS "$2 AND CASE WHEN $3" EQUALS
						  "0 THEN " IS_PUBLIC("role") " ELSE " ROLE("role") EQUALS "$3 END",
						  SPI_OK_UPDATE,
						  3,
						  {OIDOID, TEXTOID, OIDOID}},
	[SCPG_DELETE_GRANTS] = {"DELETE FROM %1$s.selfclass_model_grant m WHERE " OWNER EQUALS "$1 AND name" EQUALS
							"$2 AND NOT EXISTS ("
							"SELECT FROM %1$s.selfclass_model m WHERE " OWNER EQUALS "$1 AND name" EQUALS "$2)",
							SPI_OK_DELETE,
							2,
							{OIDOID, TEXTOID}},
	[SCPG_FIND_ROLE] = {"SELECT FROM %1$s.selfclass_model WHERE " ROLE("owner") EQUALS
						"$1 UNION ALL "
						"SELECT FROM %1$s.selfclass_model_grant WHERE " ROLE("owner") EQUALS "$1 OR " ROLE("role")
							EQUALS "$1 LIMIT 1",
						SPI_OK_SELECT,
						1,
						{OIDOID}},
	[SCPG_FORGET_OWNER] = {"UPDATE %1$s.selfclass_model SET owner = owner::pg_catalog.text::%1$s.model_role"
						   " WHERE " SAME_ROLE("owner") "$1::pg_catalog.regrole::%1$s.model_role AND " ROLE(
							   "owner") " IS NULL",
						   SPI_OK_UPDATE,
						   1,
						   {OIDOID}},
	[SCPG_FORGET_GRANTS] = {"DELETE FROM %1$s.selfclass_model_grant"
							" WHERE " SAME_ROLE("owner") "$1::pg_catalog.regrole::%1$s.model_role AND " ROLE(
								"owner") " IS NULL"
										 " OR " SAME_ROLE("role") "$1::pg_catalog.regrole::%1$s.model_role AND " ROLE(
											 "role") " IS NULL",
							SPI_OK_DELETE,
							1,
							{OIDOID}},
	[SCPG_FIND_VERSION] = {"SELECT pg_catalog.max(version) OPERATOR(pg_catalog.+) 1 FROM %1$s.selfclass_model"
						   " WHERE " SAME_ROLE("owner") "$1 AND name" EQUALS
														"$2 HAVING pg_catalog.bool_or(version" EQUALS "$3)",
						   SPI_OK_SELECT,
						   3,
						   {InvalidOid, TEXTOID, INT4OID},
						   {"owner"}},
	[SCPG_FIND_GRANT] = {"SELECT FROM %1$s.selfclass_model_grant"
						 " WHERE " SAME_ROLE("owner") "$1 AND name" EQUALS "$2 AND " SAME_ROLE("role") "$3",
						 SPI_OK_SELECT,
						 3,
						 {InvalidOid, TEXTOID, InvalidOid},
						 {"owner", NULL, "owner"}},
	[SCPG_FIND_EDITOR] = {"SELECT FROM %1$s.selfclass_model_grant g WHERE " ROLE("g.owner") EQUALS
						  "$1 AND g.name" EQUALS "$2 AND g.privilege" EQUALS "'edit' AND (" IS_PUBLIC(
							  "g.role") " OR pg_catalog.pg_has_role($3, " ROLE("g.role") ", 'USAGE'))",
						  SPI_OK_SELECT,
						  3,
						  {OIDOID, TEXTOID, OIDOID}},
	[SCPG_LIST_OWNED] = {"SELECT m.name, pg_catalog.max(CASE WHEN t.name IS NULL THEN 0 ELSE 1 END)"
						 " FROM %1$s.selfclass_model m LEFT JOIN %1$s.selfclass_model t"
						 " ON t.name" EQUALS "m.name AND " ROLE("t.owner") EQUALS
						 "$2"
						 " WHERE m.owner::pg_catalog.text" EQUALS "$1 GROUP BY m.name ORDER BY m.name",
						 SPI_OK_SELECT,
						 2,
						 {TEXTOID, OIDOID}},
	[SCPG_LIST_GRANTS] = {"SELECT g.name, CASE WHEN " IS_PUBLIC("g.role") " THEN 0 ELSE " ROLE(
							  "g.role") " END"
										" FROM %1$s.selfclass_model_grant g WHERE g.owner::pg_catalog.text" EQUALS
										"$1 AND (" IS_PUBLIC("g.role") " OR " ROLE("g.role") " IS NOT NULL) ORDER BY 1, 2",
						  SPI_OK_SELECT,
						  1,
						  {TEXTOID}},
	[SCPG_CLEAR_GRANTS] = {"DELETE FROM %1$s.selfclass_model_grant g WHERE " ROLE("g.owner") EQUALS
						   "$2 AND EXISTS ("
						   "SELECT FROM %1$s.selfclass_model m"
						   " WHERE m.owner::pg_catalog.text" EQUALS "$1 AND m.name" EQUALS "g.name)",
						   SPI_OK_DELETE,
						   2,
						   {TEXTOID, OIDOID}},
	[SCPG_REASSIGN_GRANTS] = {"UPDATE %1$s.selfclass_model_grant SET owner = $2::pg_catalog.regrole"
							  " WHERE owner::pg_catalog.text" EQUALS "$1",
							  SPI_OK_UPDATE,
							  2,
							  {TEXTOID, OIDOID}},
	[SCPG_REASSIGN_MODELS] = {"UPDATE %1$s.selfclass_model SET owner = $2::pg_catalog.regrole"
							  " WHERE owner::pg_catalog.text" EQUALS "$1",
							  SPI_OK_UPDATE,
							  2,
							  {TEXTOID, OIDOID}},
	[SCPG_LOCK_MODEL] = {"SELECT m.state, m.recipe, m.pca, m.kmeans, m.elbow, m.centroid_label, " RELATION(
							 "m.labels") ", m.labels::pg_catalog.text, m.edited, COALESCE(m.highest_label, -1), m.calibration"
										 " FROM %1$s.selfclass_model m WHERE m.model_id" EQUALS "$1 FOR UPDATE",
						 SPI_OK_SELECT,
						 1,
						 {INT8OID}},
	[SCPG_INSERT_EDIT] = {"INSERT INTO %1$s.selfclass_cluster_edit"
						  " (model_id, edit, at, edited_by, login, command, arguments, rows_changed, reverts) "
						  "SELECT $1, COALESCE(pg_catalog.max(edit), 0) OPERATOR(pg_catalog.+) 1,"
						  " pg_catalog.clock_timestamp(), $2::pg_catalog.regrole::%1$s.model_role, $3, $4, $5, 0, $6 "
						  "FROM %1$s.selfclass_cluster_edit WHERE model_id" EQUALS "$1 RETURNING edit",
						  SPI_OK_INSERT_RETURNING,
						  6,
						  {INT8OID, OIDOID, TEXTOID, TEXTOID, JSONBOID, INT4OID}},
	[SCPG_INSERT_BEFORE] =
		{"INSERT INTO %1$s.selfclass_cluster_before "
		 "SELECT m.model_id, $2, m.edited, m.centroid_label, c.labels, c.names, c.edited, $3,"
		 " CASE WHEN $3 THEN m.kmeans END, CASE WHEN $3 THEN m.pca END, CASE WHEN $3 THEN m.elbow END,"
		 " CASE WHEN $3 THEN m.recipe END, CASE WHEN $3 THEN m.k_low END, CASE WHEN $3 THEN m.k_high END,"
		 " CASE WHEN $3 THEN m.k_by END, CASE WHEN $3 THEN m.modularity END,"
		 " CASE WHEN $3 THEN m.modularity_chance END, CASE WHEN $3 THEN m.calibration END FROM %1$s.selfclass_model m,"
		 " (SELECT pg_catalog.array_agg(label ORDER BY label) AS labels,"
		 " pg_catalog.array_agg(name ORDER BY label) AS names, pg_catalog.array_agg(edited ORDER BY label) AS edited"
		 " FROM %1$s.selfclass_cluster WHERE model_id" EQUALS "$1) c WHERE m.model_id" EQUALS "$1",
		 SPI_OK_INSERT,
		 3,
		 {INT8OID, INT4OID, BOOLOID}},
	[SCPG_INSERT_EDIT_ROWS] = {"INSERT INTO %1$s.selfclass_cluster_edit_row VALUES ($1, $2, $3, $4, $5, $6, $7)",
							   SPI_OK_INSERT,
							   7,
							   {INT8OID, INT4OID, INT4OID, INT4OID, INT4OID, BOOLOID, TEXTARRAYOID}},
	[SCPG_FINISH_EDIT] = {"UPDATE %1$s.selfclass_cluster_edit SET rows_changed = $3 WHERE model_id" EQUALS
						  "$1 AND edit" EQUALS "$2",
						  SPI_OK_UPDATE,
						  3,
						  {INT8OID, INT4OID, INT8OID}},
	[SCPG_TOUCH_GROUPS] = {"UPDATE %1$s.selfclass_model SET highest_label = $2 WHERE model_id" EQUALS "$1",
						   SPI_OK_UPDATE,
						   2,
						   {INT8OID, INT4OID}},
	[SCPG_UPDATE_EDITED] = {"UPDATE %1$s.selfclass_model SET kmeans = COALESCE($2, kmeans), centroid_label = $3, k = $4,"
							" highest_label = GREATEST(highest_label, $5), edited = true WHERE model_id" EQUALS "$1",
							SPI_OK_UPDATE,
							5,
							{INT8OID, InvalidOid, INT4ARRAYOID, INT4OID, INT4OID},
							{NULL, "kmeans"}},
	[SCPG_LIST_CLUSTERS] = {"SELECT label, name, size FROM %1$s.selfclass_cluster WHERE model_id" EQUALS
							"$1 ORDER BY label",
							SPI_OK_SELECT,
							1,
							{INT8OID}},
	[SCPG_NAME_CLUSTER] = {"INSERT INTO %1$s.selfclass_cluster AS c (model_id, label, name, size, edited)"
						   " VALUES ($1, $2, $3, $4, true)"
						   " ON CONFLICT (model_id, label) DO UPDATE SET name = EXCLUDED.name, edited = true",
						   SPI_OK_INSERT,
						   4,
						   {INT8OID, INT4OID, TEXTOID, INT8OID}},
	[SCPG_CLEAR_NAMES] = {"UPDATE %1$s.selfclass_cluster SET name = NULL WHERE model_id" EQUALS
						  "$1 AND ($2 IS NULL OR label" EQUALS "ANY ($2))",
						  SPI_OK_UPDATE,
						  2,
						  {INT8OID, INT4ARRAYOID}},
	[SCPG_MARK_CLUSTERS] = {"UPDATE %1$s.selfclass_cluster SET edited = true WHERE model_id" EQUALS
							"$1 AND label" EQUALS "ANY ($2)",
							SPI_OK_UPDATE,
							2,
							{INT8OID, INT4ARRAYOID}},
	[SCPG_LIST_EDITS] = {"SELECT edit, reverts FROM %1$s.selfclass_cluster_edit WHERE model_id" EQUALS "$1 ORDER BY edit",
						 SPI_OK_SELECT,
						 1,
						 {INT8OID}},
	[SCPG_LIST_EDIT_ROWS] =
		{"SELECT COALESCE(label_before, -1), COALESCE(label_after, -1), pinned, keys FROM %1$s.selfclass_cluster_edit_row"
		 " WHERE model_id" EQUALS "$1 AND edit" EQUALS "$2 ORDER BY part",
		 SPI_OK_SELECT,
		 2,
		 {INT8OID, INT4OID}},
	[SCPG_FIND_CENTROIDS] = {"SELECT FROM %1$s.selfclass_cluster_before WHERE model_id" EQUALS
							 "$1 AND edit OPERATOR(pg_catalog.>=) $2 AND centroids LIMIT 1",
							 SPI_OK_SELECT,
							 2,
							 {INT8OID, INT4OID}},
	/* Centroids that no edit since then replaced are those of now. */
	[SCPG_RESTORE_GROUPS] =
		{"UPDATE %1$s.selfclass_model m SET edited = b.edited, centroid_label = b.centroid_label,"
		 " kmeans = w.kmeans, pca = w.pca, elbow = w.elbow, recipe = w.recipe, k_low = w.k_low, k_high = w.k_high,"
		 " k_by = w.k_by, modularity = w.modularity, modularity_chance = w.modularity_chance, calibration = w.calibration "
		 "FROM %1$s.selfclass_cluster_before b, LATERAL ("
		 "SELECT edit, kmeans, pca, elbow, recipe, k_low, k_high, k_by, modularity, modularity_chance, calibration"
		 " FROM %1$s.selfclass_cluster_before"
		 " WHERE model_id" EQUALS "$1 AND edit OPERATOR(pg_catalog.>=) $2 AND centroids "
		 "UNION ALL SELECT NULL, kmeans, pca, elbow, recipe, k_low, k_high, k_by, modularity, modularity_chance, calibration"
		 " FROM %1$s.selfclass_model WHERE model_id" EQUALS "$1 ORDER BY edit NULLS LAST LIMIT 1) w "
		 "WHERE m.model_id" EQUALS "$1 AND b.model_id" EQUALS "$1 AND b.edit" EQUALS "$2",
		 SPI_OK_UPDATE,
		 2,
		 {INT8OID, INT4OID}},
	[SCPG_UPDATE_K] = {"UPDATE %1$s.selfclass_model SET k = $2 WHERE model_id" EQUALS "$1",
					   SPI_OK_UPDATE,
					   2,
					   {INT8OID, INT4OID}},
	[SCPG_FORGET_CLUSTERS] = {"DELETE FROM %1$s.selfclass_cluster c USING %1$s.selfclass_cluster_before b"
							  " WHERE c.model_id" EQUALS "$1 AND b.model_id" EQUALS "$1 AND b.edit" EQUALS
							  "$2 AND (b.labels IS NULL OR c.label OPERATOR(pg_catalog.<>) ALL (b.labels))",
							  SPI_OK_DELETE,
							  2,
							  {INT8OID, INT4OID}},
	[SCPG_RESTORE_CLUSTERS] =
		{"INSERT INTO %1$s.selfclass_cluster AS c (model_id, label, name, edited, size) "
		 "SELECT $1, g.label, g.name, g.edited, 0 FROM %1$s.selfclass_cluster_before b,"
		 " ROWS FROM (pg_catalog.unnest(b.labels), pg_catalog.unnest(b.names), pg_catalog.unnest(b.labels_edited))"
		 " AS g(label, name, edited) WHERE b.model_id" EQUALS "$1 AND b.edit" EQUALS "$2"
		 " ON CONFLICT (model_id, label) DO UPDATE SET name = EXCLUDED.name, edited = EXCLUDED.edited",
		 SPI_OK_INSERT,
		 2,
		 {INT8OID, INT4OID}},
};

StaticAssertDecl(lengthof(statements) == SCPG_STATEMENTS, "a statement has no text");

/* ---- plans ------------------------------------------------------------------- */

/*
 * The plans of the statements: of the session, each made when its statement
 * first runs. The server plans one anew by itself when a table that it names
 * was changed, or dropped and created again: its text stays true for as long as
 * the extension's schema has the same name. When it has another, the plan is
 * dropped and made of a new text.
 */
static struct
{
	SPIPlanPtr plan;		  /* NULL: none yet */
	char schema[NAMEDATALEN]; /* that its text names */
} plans[SCPG_STATEMENTS];

static Oid
model_table(Oid schema)
{
	Oid table = get_relname_relid("selfclass_model", schema);

	if (!OidIsValid(table))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table \"selfclass_model\" of extension \"%s\" does not exist", SCPG_EXTENSION)));
	return table;
}

static Oid
table_owner(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

Oid
scpg_catalog_owner(void)
{
	return table_owner(model_table(scpg_extension_schema()));
}

bool
scpg_model_keeps_groups(void)
{
	return get_attnum(model_table(scpg_extension_schema()), "centroid_label") != InvalidAttrNumber;
}

/* A plan for this call; *keep: it serves later ones too. */
static SPIPlanPtr
prepare(const statement *s, const char *schema, Oid table, bool *keep)
{
	char *sql = psprintf(s->sql, quote_identifier(schema));
	Oid type[MAX_ARGUMENTS];
	SPIPlanPtr plan;

	Assert(s->arguments <= MAX_ARGUMENTS);
	*keep = true;
	for (int i = 0; i < s->arguments; i++)
	{
		type[i] = s->type[i];
		if (OidIsValid(type[i]))
			continue;
		/* The extension's own types: CREATE EXTENSION makes others, and a plan's arguments stay what they were. */
		type[i] = get_atttype(table, get_attnum(table, s->column[i]));
		*keep = false;
	}
	plan = SPI_prepare(sql, s->arguments, type);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	return plan;
}

/* The plan of the session for this schema, or one that goes with this call of SPI. */
static SPIPlanPtr
find_plan(scpg_statement number, const char *schema, Oid table)
{
	SPIPlanPtr plan = plans[number].plan;
	bool keep;

	if (plan != NULL && strcmp(plans[number].schema, schema) == 0)
		return plan;
	if (plan != NULL)
	{
		plans[number].plan = NULL;
		SPI_freeplan(plan);
	}
	plan = prepare(&statements[number], schema, table, &keep);
	if (!keep)
		return plan;
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep the plan of \"%s\"", statements[number].sql);
	strlcpy(plans[number].schema, schema, NAMEDATALEN);
	plans[number].plan = plan;
	return plan;
}

/* ---- running ----------------------------------------------------------------- */

static void
run_as_owner(scpg_statement number, Datum *values, const char *nulls, bool read_only)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid schema = scpg_extension_schema();
	Oid table = model_table(schema);
	Oid owner = table_owner(table);
	char *schema_name = get_namespace_name(schema);
	Oid user;
	int security;
	int result = 0;

	GetUserIdAndSecContext(&user, &security);
	/*
	 * What the extension's own triggers leave for the commit is allowed where
	 * what users leave is not, as in REFRESH MATERIALIZED VIEW.
	 */
	SetUserIdAndSecContext(owner, (security & ~SECURITY_RESTRICTED_OPERATION) | SECURITY_LOCAL_USERID_CHANGE);
	PG_TRY();
	{
		result = SPI_execute_plan(find_plan(number, schema_name, table), values, nulls, read_only, 0);
	}
	PG_FINALLY();
	{
		/* On an error too: a lock that the caller then releases is named after the user. */
		SetUserIdAndSecContext(user, security);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (result != statements[number].result)
		elog(ERROR, "unexpected result of \"%s\": %s", statements[number].sql, SPI_result_code_string(result));
}

void
scpg_catalog_run(scpg_statement number, Datum *values, const char *nulls, bool read_only)
{
	Assert(number < SCPG_STATEMENTS);
	Assert(values != NULL);
	/* Statements that only read too: what they lock stays locked when the transaction goes on to write. */
	scpg_extension_lock();
	run_as_owner(number, values, nulls, read_only);
}

void
scpg_model_refuse_dropped(const scpg_model *model)
{
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist any more", model->name)));
}

void
scpg_catalog_change(scpg_statement number, const scpg_model *model, Datum *values, const char *nulls)
{
	scpg_model_require_owner(model);
	values[0] = Int64GetDatum(model->model_id);
	scpg_catalog_run(number, values, nulls, false);
	if (SPI_processed != 1)
		scpg_model_refuse_dropped(model);
}

/* ---- the rows it returned ------------------------------------------------------ */

static Datum
get(uint64 row, int column, bool *null)
{
	Assert(SPI_tuptable != NULL && row < SPI_processed);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, null);
}

struct varlena *
scpg_catalog_varlena(uint64 row, int column)
{
	bool null;
	Datum value = get(row, column, &null);

	return null ? NULL : PG_DETOAST_DATUM_COPY(value);
}

char *
scpg_catalog_text(uint64 row, int column)
{
	bool null;
	Datum value = get(row, column, &null);

	return null ? NULL : TextDatumGetCString(value);
}

bool
scpg_catalog_bool(uint64 row, int column)
{
	bool null;
	Datum value = get(row, column, &null);

	return !null && DatumGetBool(value);
}

int32
scpg_catalog_int4(uint64 row, int column)
{
	bool null;
	Datum value = get(row, column, &null);

	return null ? 0 : DatumGetInt32(value);
}

int64
scpg_catalog_int8(uint64 row, int column)
{
	bool null;
	Datum value = get(row, column, &null);

	return null ? 0 : DatumGetInt64(value);
}

Oid
scpg_catalog_oid(uint64 row, int column)
{
	bool null;
	Datum value = get(row, column, &null);

	return null ? InvalidOid : DatumGetObjectId(value);
}

float8
scpg_catalog_float8(uint64 row, int column)
{
	bool null;
	Datum value = get(row, column, &null);

	return null ? NAN : DatumGetFloat8(value);
}
