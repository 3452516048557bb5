/* sql/selfclass--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION selfclass UPDATE TO '1.1'" to load this file. \quit

-- ---------------------------------------------------------------------------
-- How this file grows, until 1.1 is released
-- ---------------------------------------------------------------------------

-- There is no other script of 1.1: CREATE EXTENSION runs selfclass--1.0.sql and
-- then this file, so a new install ends where an update ends. 1.0's script is
-- never edited. tests/t/040_upgrade.pl holds both to that, and needs a line for
-- whatever is added here.
--
-- Between "make install" and ALTER EXTENSION UPDATE a server runs the new
-- library under the old catalog. So no C symbol that an older script names goes
-- away or changes its arguments: a function with another signature gets a new
-- symbol.
--
-- Functions. CREATE OR REPLACE where only the body or the symbol changes. Where
-- the arguments or the result's columns change, the function is retired (below)
-- and made anew, with its COMMENT: never DROP ... CASCADE, and never a
-- second function that differs by an argument with a default, which makes the
-- calls that gave neither ambiguous.
--
-- Views. CREATE OR REPLACE VIEW, with new columns last.
--
-- Tables that a dump carries. A new column may be NULL or has a DEFAULT, because
-- a dump taken under 1.0 restores into this version without it. A new table, and
-- its sequence, needs pg_extension_config_dump, and GRANT SELECT ON both TO
-- pg_database_owner, or owners of databases can take no dumps any more. A column
-- that names a role or a relation is a model_role or a model_relation; a table
-- with a column of roles needs the triggers of selfclass_model_grant.
--
-- Options. A recipe that was stored before an option was new lacks its key, which
-- then means what 1.0 did: see scpg_recipe_restore.

-- ---------------------------------------------------------------------------
-- To retire a function
-- ---------------------------------------------------------------------------

-- For one whose arguments or columns change: SELECT retire('f(regclass, integer)'::pg_catalog.regprocedure),
-- then CREATE FUNCTION. (Without the type, somebody's retire(text) in the same schema would run.)
-- What users made of it (views, functions with a parsed body) keeps the old one, under another
-- name, outside of the extension.
--
-- What it does not see: calls in the bodies of functions that are kept as text.
-- They get the new function. What of the extension itself uses a function (a view,
-- an operator, an aggregate) is dropped before it and made anew after it.
--
-- BEGIN retire
CREATE FUNCTION retire(f regprocedure) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	was text := f;
	kept name := (SELECT proname FROM pg_proc WHERE oid = f) || '_1_0';
	users text := (SELECT string_agg(DISTINCT pg_describe_object(
			CASE WHEN r.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass END, coalesce(r.ev_class, d.objid),
			CASE WHEN r.oid IS NULL THEN d.objsubid ELSE 0 END), ', ')
		FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
		WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = f);
BEGIN
	IF (SELECT proacl FROM pg_proc WHERE oid = f) IS NOT NULL THEN
		RAISE WARNING 'privileges on % are those of a new function', was
			USING HINT = 'Grant and revoke again what was granted and revoked on it.';
	END IF;
	-- No member of the extension any more: a dump must carry it for the views that need it.
	EXECUTE format('ALTER EXTENSION selfclass DROP ROUTINE %s', f);
	IF users IS NULL THEN
		EXECUTE format('DROP ROUTINE %s', f);
	ELSE
		EXECUTE format('ALTER ROUTINE %s RENAME TO %I', f, kept);
		RAISE WARNING '% is kept as %', was, kept
			USING DETAIL = 'It is used by ' || users || '.',
				HINT = format('Let them use the new one, then DROP ROUTINE %s.', f);
	END IF;
END $$;
-- END retire

-- ---------------------------------------------------------------------------
-- Types
-- ---------------------------------------------------------------------------

-- What a row of the extension names: by oid in this database, by name in a dump.
-- 1.0 had regrole and regclass there, which read no name that they do not find.

CREATE TYPE model_role;

CREATE FUNCTION model_role_in(cstring) RETURNS model_role
	AS 'MODULE_PATHNAME', 'scpg_model_role_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_in(cstring) IS 'I/O';

CREATE FUNCTION model_role_out(model_role) RETURNS cstring
	AS 'MODULE_PATHNAME', 'scpg_model_role_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_out(model_role) IS 'I/O';

CREATE FUNCTION model_role_recv(internal) RETURNS model_role
	AS 'MODULE_PATHNAME', 'scpg_model_role_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_recv(internal) IS 'I/O';

CREATE FUNCTION model_role_send(model_role) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_model_role_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_send(model_role) IS 'I/O';

CREATE TYPE model_role (
	INPUT = model_role_in,
	OUTPUT = model_role_out,
	RECEIVE = model_role_recv,
	SEND = model_role_send,
	STORAGE = plain
);
COMMENT ON TYPE model_role IS 'a role by its oid and its name, which is kept once the role is gone; reads any name';

CREATE FUNCTION model_role(regrole) RETURNS model_role
	AS 'MODULE_PATHNAME', 'scpg_model_role_from_oid' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role(regrole) IS 'regrole to model_role';
CREATE CAST (regrole AS model_role) WITH FUNCTION model_role(regrole) AS ASSIGNMENT;
COMMENT ON CAST (regrole AS model_role) IS 'regrole to model_role';

CREATE FUNCTION model_role_to_regrole(model_role) RETURNS regrole
	AS 'MODULE_PATHNAME', 'scpg_model_role_oid' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_to_regrole(model_role) IS 'model_role to regrole, NULL where it is gone';
CREATE CAST (model_role AS regrole) WITH FUNCTION model_role_to_regrole(model_role) AS ASSIGNMENT;
COMMENT ON CAST (model_role AS regrole) IS 'model_role to regrole, NULL where it is gone';

CREATE TYPE model_relation;

CREATE FUNCTION model_relation_in(cstring) RETURNS model_relation
	AS 'MODULE_PATHNAME', 'scpg_model_relation_in' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_relation_in(cstring) IS 'I/O';

CREATE FUNCTION model_relation_out(model_relation) RETURNS cstring
	AS 'MODULE_PATHNAME', 'scpg_model_relation_out' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_relation_out(model_relation) IS 'I/O';

CREATE FUNCTION model_relation_recv(internal) RETURNS model_relation
	AS 'MODULE_PATHNAME', 'scpg_model_relation_recv' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_relation_recv(internal) IS 'I/O';

CREATE FUNCTION model_relation_send(model_relation) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_model_relation_send' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_relation_send(model_relation) IS 'I/O';

CREATE TYPE model_relation (
	INPUT = model_relation_in,
	OUTPUT = model_relation_out,
	RECEIVE = model_relation_recv,
	SEND = model_relation_send,
	STORAGE = plain
);
COMMENT ON TYPE model_relation IS 'a relation by its oid and its name, which is kept once the relation is gone; reads any name';

CREATE FUNCTION model_relation(regclass) RETURNS model_relation
	AS 'MODULE_PATHNAME', 'scpg_model_relation_from_oid' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_relation(regclass) IS 'regclass to model_relation';
CREATE CAST (regclass AS model_relation) WITH FUNCTION model_relation(regclass) AS ASSIGNMENT;
COMMENT ON CAST (regclass AS model_relation) IS 'regclass to model_relation';

CREATE FUNCTION model_relation_to_regclass(model_relation) RETURNS regclass
	AS 'MODULE_PATHNAME', 'scpg_model_relation_oid' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_relation_to_regclass(model_relation) IS 'model_relation to regclass, NULL where it is gone';
CREATE CAST (model_relation AS regclass) WITH FUNCTION model_relation_to_regclass(model_relation) AS ASSIGNMENT;
COMMENT ON CAST (model_relation AS regclass) IS 'model_relation to regclass, NULL where it is gone';

-- Order, for keys: by oid, so the same whatever has become of the roles.

CREATE FUNCTION model_role_lt(model_role, model_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_kept_name_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_lt(model_role, model_role) IS 'implementation of the operator <';

CREATE FUNCTION model_role_le(model_role, model_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_kept_name_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_le(model_role, model_role) IS 'implementation of the operator <=';

CREATE FUNCTION model_role_eq(model_role, model_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_kept_name_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_eq(model_role, model_role) IS 'implementation of the operator =';

CREATE FUNCTION model_role_ne(model_role, model_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_kept_name_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_ne(model_role, model_role) IS 'implementation of the operator <>';

CREATE FUNCTION model_role_ge(model_role, model_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_kept_name_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_ge(model_role, model_role) IS 'implementation of the operator >=';

CREATE FUNCTION model_role_gt(model_role, model_role) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_kept_name_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_gt(model_role, model_role) IS 'implementation of the operator >';

CREATE FUNCTION model_role_cmp(model_role, model_role) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_kept_name_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION model_role_cmp(model_role, model_role) IS 'less-equal-greater';

CREATE OPERATOR < (
	LEFTARG = model_role, RIGHTARG = model_role, FUNCTION = model_role_lt,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (model_role, model_role) IS 'less than';

CREATE OPERATOR <= (
	LEFTARG = model_role, RIGHTARG = model_role, FUNCTION = model_role_le,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (model_role, model_role) IS 'less than or equal';

CREATE OPERATOR = (
	LEFTARG = model_role, RIGHTARG = model_role, FUNCTION = model_role_eq,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel,
	MERGES
);
COMMENT ON OPERATOR = (model_role, model_role) IS 'equal';

CREATE OPERATOR <> (
	LEFTARG = model_role, RIGHTARG = model_role, FUNCTION = model_role_ne,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (model_role, model_role) IS 'not equal';

CREATE OPERATOR >= (
	LEFTARG = model_role, RIGHTARG = model_role, FUNCTION = model_role_ge,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (model_role, model_role) IS 'greater than or equal';

CREATE OPERATOR > (
	LEFTARG = model_role, RIGHTARG = model_role, FUNCTION = model_role_gt,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (model_role, model_role) IS 'greater than';

CREATE OPERATOR CLASS model_role_ops DEFAULT FOR TYPE model_role USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 model_role_cmp(model_role, model_role);
COMMENT ON OPERATOR CLASS model_role_ops USING btree IS 'order of roles by oid';
COMMENT ON OPERATOR FAMILY model_role_ops USING btree IS 'order of roles by oid';

-- ---------------------------------------------------------------------------
-- Vectors: embedding, analytics
-- ---------------------------------------------------------------------------

-- As pgvector's: not the texts.
CREATE FUNCTION embedding_concat(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_concat' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_concat(embedding, embedding) IS 'the elements of one, then those of the other';

CREATE OPERATOR || (LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_concat);
COMMENT ON OPERATOR || (embedding, embedding) IS 'the elements of one, then those of the other';

CREATE FUNCTION binary_quantize(embedding) RETURNS bit
	AS 'MODULE_PATHNAME', 'scpg_binary_quantize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION binary_quantize(embedding) IS 'a bit for each element: is it above 0';

COMMENT ON AGGREGATE pca_fit(embedding, double precision) IS 'principal components of the embeddings: a whole number of them from 1 on, or as many as explain a share of the variance below 1';
COMMENT ON AGGREGATE pca_fit(embedding, double precision, jsonb) IS 'principal components of the embeddings: a whole number of them from 1 on, or as many as explain a share of the variance below 1; options: whiten';

-- Whole numbers are bigint, which int and smallint become by themselves: drivers
-- send them so. (pca_fit(embedding, integer) stays, as does the int of its
-- double precision: a bigint there is a number of components as well.) What is
-- an aggregate goes before its transition function and comes after it.

SELECT retire('kmeans_fit(embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('kmeans_fit(embedding, integer, jsonb)'::pg_catalog.regprocedure);
SELECT retire('elbow(embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('elbow(embedding, integer, jsonb)'::pg_catalog.regprocedure);
SELECT retire('clustering_purity(integer, text)'::pg_catalog.regprocedure);
SELECT retire('clustering_purity(integer, bigint)'::pg_catalog.regprocedure);
SELECT retire('clustering_accuracy(integer, text)'::pg_catalog.regprocedure);
SELECT retire('clustering_accuracy(integer, bigint)'::pg_catalog.regprocedure);
SELECT retire('normalized_mutual_info(integer, text)'::pg_catalog.regprocedure);
SELECT retire('normalized_mutual_info(integer, bigint)'::pg_catalog.regprocedure);
SELECT retire('adjusted_rand_index(integer, text)'::pg_catalog.regprocedure);
SELECT retire('adjusted_rand_index(integer, bigint)'::pg_catalog.regprocedure);
SELECT retire('majority_truth(integer, text)'::pg_catalog.regprocedure);
SELECT retire('majority_truth(integer, bigint)'::pg_catalog.regprocedure);
SELECT retire('silhouette(embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('knn_accuracy(embedding, text, integer)'::pg_catalog.regprocedure);
SELECT retire('subvector(embedding, integer, integer)'::pg_catalog.regprocedure);
SELECT retire('kmeans_accum(internal, embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('kmeans_accum(internal, embedding, integer, jsonb)'::pg_catalog.regprocedure);
SELECT retire('elbow_accum(internal, embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('elbow_accum(internal, embedding, integer, jsonb)'::pg_catalog.regprocedure);
SELECT retire('label_tally_accum(bytea, integer, text)'::pg_catalog.regprocedure);
SELECT retire('label_tally_accum(bytea, integer, bigint)'::pg_catalog.regprocedure);
SELECT retire('silhouette_accum(internal, embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('knn_accuracy_accum(internal, embedding, text, integer)'::pg_catalog.regprocedure);
SELECT retire('kmeans_train(regclass, name, integer, jsonb)'::pg_catalog.regprocedure);
SELECT retire('kmeans(embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('kmeans(embedding, integer, jsonb)'::pg_catalog.regprocedure);

CREATE FUNCTION subvector(embedding, bigint, bigint) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_subvector_wide' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(embedding, bigint, bigint) IS 'elements from a start, counted from 1, and how many';

CREATE FUNCTION kmeans_accum(internal, embedding, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_kmeans_accum_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_accum(internal, embedding, bigint) IS 'adds a row to the state of kmeans_fit';

CREATE FUNCTION kmeans_accum(internal, embedding, bigint, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_kmeans_accum_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_accum(internal, embedding, bigint, jsonb) IS 'adds a row to the state of kmeans_fit';

CREATE FUNCTION elbow_accum(internal, embedding, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_elbow_accum_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION elbow_accum(internal, embedding, bigint) IS 'adds a row to the state of elbow';

CREATE FUNCTION elbow_accum(internal, embedding, bigint, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_elbow_accum_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION elbow_accum(internal, embedding, bigint, jsonb) IS 'adds a row to the state of elbow';

CREATE FUNCTION label_tally_accum(bytea, bigint, text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_tally_accum_text_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION label_tally_accum(bytea, bigint, text) IS 'adds a row to the state of the measures of labels';

CREATE FUNCTION label_tally_accum(bytea, bigint, bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_tally_accum_bigint_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION label_tally_accum(bytea, bigint, bigint) IS 'adds a row to the state of the measures of labels';

CREATE FUNCTION silhouette_accum(internal, embedding, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_silhouette_accum_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION silhouette_accum(internal, embedding, bigint) IS 'adds a row to the state of silhouette';

CREATE FUNCTION knn_accuracy_accum(internal, embedding, text, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_knn_accuracy_accum_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION knn_accuracy_accum(internal, embedding, text, bigint) IS 'adds a row to the state of knn_accuracy';

CREATE FUNCTION kmeans_train(items regclass, emb name, k bigint, options jsonb DEFAULT '{}') RETURNS kmeans_model
	AS 'MODULE_PATHNAME', 'scpg_kmeans_train_wide' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION kmeans_train(regclass, name, bigint, jsonb) IS 'clusters of the embeddings of a table of any size, the largest first: k-means of a sample, then one query with kmeans_step an iteration, which announces itself by a NOTICE; options: sample (rows), and those of kmeans_fit, n_init for the sample';

CREATE FUNCTION kmeans(e embedding, k bigint) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_kmeans_window_wide' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kmeans(embedding, bigint) IS 'the row''s cluster among those of its partition, the largest 0; NULL where the embedding is; as many clusters as rows where those are fewer';

CREATE FUNCTION kmeans(e embedding, k bigint, options jsonb) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_kmeans_window_wide' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kmeans(embedding, bigint, jsonb) IS 'the row''s cluster among those of its partition, the largest 0; NULL where the embedding is; as many clusters as rows where those are fewer; options: n_init, max_iter, tol, seed, init';

CREATE AGGREGATE kmeans_fit(embedding, bigint) (
	SFUNC = kmeans_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = kmeans_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_fit(embedding, bigint) IS 'clusters of the embeddings that are not NULL, so many, the largest first';

CREATE AGGREGATE kmeans_fit(embedding, bigint, jsonb) (
	SFUNC = kmeans_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = kmeans_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_fit(embedding, bigint, jsonb) IS 'clusters of the embeddings that are not NULL, so many, the largest first; options: n_init, max_iter, tol, seed, init';

CREATE AGGREGATE elbow(embedding, bigint) (
	SFUNC = elbow_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = elbow_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE elbow(embedding, bigint) IS 'inertia of k-means for each number of clusters up to a largest one, and the number to choose';

CREATE AGGREGATE elbow(embedding, bigint, jsonb) (
	SFUNC = elbow_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = elbow_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE elbow(embedding, bigint, jsonb) IS 'inertia of k-means for each number of clusters up to a largest one, and the number to choose; options: method (last_turn, kneedle, silhouette, graph), min_gain, sensitivity, metric, and those of kmeans_fit';

CREATE FUNCTION elbow_choice(r elbow_result, OUT k integer, OUT k_low integer, OUT k_high integer, OUT method text, OUT score double precision, OUT chance double precision)
	AS 'MODULE_PATHNAME', 'scpg_elbow_choice_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION elbow_choice(elbow_result) IS 'number of clusters chosen (NULL where there is none) and the method; by the graph also between which the number lies, its modularity, and what rows without groups would have by chance';

-- Groups by the neighbour graph, beside kmeans.
CREATE FUNCTION leiden(e embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_leiden_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION leiden(embedding) IS 'the row''s group among those of its partition by the neighbour graph, the largest 0; NULL where the embedding is; as many groups as the graph has';

CREATE FUNCTION leiden(e embedding, k bigint) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_leiden_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION leiden(embedding, bigint) IS 'the row''s group among those of its partition by the neighbour graph, the largest 0; NULL where the embedding is; k groups, as many as the graph has where k is NULL, and at most as many as there are distinct rows';

CREATE FUNCTION leiden(e embedding, k bigint, options jsonb) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_leiden_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION leiden(embedding, bigint, jsonb) IS 'the row''s group among those of its partition by the neighbour graph, the largest 0; NULL where the embedding is; k groups, as many as the graph has where k is NULL; options: neighbors, resolution, n_init, seed, metric';

CREATE AGGREGATE clustering_purity(bigint, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_purity_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_purity(bigint, text) IS 'share of rows whose truth is the most frequent one of their cluster; a NULL label counts as wrong';

CREATE AGGREGATE clustering_purity(bigint, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_purity_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_purity(bigint, bigint) IS 'share of rows whose truth is the most frequent one of their cluster; a NULL label counts as wrong';

CREATE AGGREGATE clustering_accuracy(bigint, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_accuracy_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_accuracy(bigint, text) IS 'share of rows whose truth is the one matched to their cluster, in the best one-to-one matching; a NULL label counts as wrong';

CREATE AGGREGATE clustering_accuracy(bigint, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_accuracy_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_accuracy(bigint, bigint) IS 'share of rows whose truth is the one matched to their cluster, in the best one-to-one matching; a NULL label counts as wrong';

CREATE AGGREGATE normalized_mutual_info(bigint, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = normalized_mutual_info_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE normalized_mutual_info(bigint, text) IS 'mutual information of label and truth over the mean of their entropies (0 ... 1); rows without a label are one more cluster';

CREATE AGGREGATE normalized_mutual_info(bigint, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = normalized_mutual_info_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE normalized_mutual_info(bigint, bigint) IS 'mutual information of label and truth over the mean of their entropies (0 ... 1); rows without a label are one more cluster';

CREATE AGGREGATE adjusted_rand_index(bigint, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = adjusted_rand_index_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE adjusted_rand_index(bigint, text) IS 'agreement of label and truth over all pairs of rows, corrected for chance (1: the same); rows without a label are one more cluster';

CREATE AGGREGATE adjusted_rand_index(bigint, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = adjusted_rand_index_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE adjusted_rand_index(bigint, bigint) IS 'agreement of label and truth over all pairs of rows, corrected for chance (1: the same); rows without a label are one more cluster';

CREATE AGGREGATE majority_truth(bigint, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = majority_truth_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE majority_truth(bigint, text) IS 'the most frequent truth of each label, as an object';

CREATE AGGREGATE majority_truth(bigint, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = majority_truth_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE majority_truth(bigint, bigint) IS 'the most frequent truth of each label, as an object';

CREATE AGGREGATE silhouette(embedding, bigint) (
	SFUNC = silhouette_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = silhouette_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE silhouette(embedding, bigint) IS 'mean silhouette (-1 ... 1) of the rows that have an embedding and a label; NULL with fewer than two labels';

CREATE AGGREGATE knn_accuracy(embedding, text, bigint) (
	SFUNC = knn_accuracy_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = knn_accuracy_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE knn_accuracy(embedding, text, bigint) IS 'share of rows whose k nearest other rows, by majority, have the same truth; NULL with fewer than two rows';

-- What a row costs, so that the planner lets workers take a part: 512 dimensions
-- take as long as some hundreds of operators.
ALTER FUNCTION pca_accum(bytea, embedding, integer) COST 200;
ALTER FUNCTION pca_accum(bytea, embedding, integer, jsonb) COST 200;
ALTER FUNCTION pca_accum(bytea, embedding, double precision) COST 200;
ALTER FUNCTION pca_accum(bytea, embedding, double precision, jsonb) COST 200;

-- Neighbours. Options stand on the form with an example of the key alone, so that the
-- number of arguments tells the two forms apart.

SELECT retire('knn(regclass, name, embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('knn(regclass, anyelement, name, embedding, integer)'::pg_catalog.regprocedure);
SELECT retire('knn_join(regclass, name, integer, regclass)'::pg_catalog.regprocedure);
SELECT retire('knn_join(regclass, anyelement, name, integer, regclass)'::pg_catalog.regprocedure);
SELECT retire('near_duplicates(regclass, anyelement, name, double precision)'::pg_catalog.regprocedure);

CREATE FUNCTION knn(items regclass, emb name, query embedding, k bigint)
	RETURNS TABLE (id bigint, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn_wide' LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION knn(regclass, name, embedding, bigint) IS 'the k rows whose embedding is nearest to one, by Euclidean distance; the key is an integer';

CREATE FUNCTION knn(items regclass, key_example anyelement, emb name, query embedding, k bigint, options jsonb DEFAULT '{}')
	RETURNS TABLE (id anyelement, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn_keyed_wide' LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION knn(regclass, anyelement, name, embedding, bigint, jsonb) IS 'the k rows whose embedding is nearest to one, by distance; the key is of the type of a NULL given as example; options id_column, metric';

CREATE FUNCTION knn_join(items regclass, emb name, k bigint, queries regclass DEFAULT NULL)
	RETURNS TABLE (id bigint, neighbor bigint, rank integer, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn_join_wide' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION knn_join(regclass, name, bigint, regclass) IS 'the k nearest rows for every row of queries, or of the table itself without the row itself; keys are integers';

CREATE FUNCTION knn_join(items regclass, key_example anyelement, emb name, k bigint, queries regclass DEFAULT NULL, options jsonb DEFAULT '{}')
	RETURNS TABLE (id anyelement, neighbor anyelement, rank integer, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn_join_keyed_wide' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION knn_join(regclass, anyelement, name, bigint, regclass, jsonb) IS 'the k nearest rows for every row of queries, or of the table itself without the row itself; keys are of the type of a NULL given as example; options id_column, metric';

CREATE FUNCTION near_duplicates(items regclass, key_example anyelement, emb name, threshold double precision, options jsonb DEFAULT '{}')
	RETURNS TABLE (id anyelement, duplicate anyelement, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_near_duplicates_options' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION near_duplicates(regclass, anyelement, name, double precision, jsonb) IS 'all pairs of rows whose embeddings are within a distance of each other, each once, the lower key first; keys are of the type of a NULL given as example; options id_column, metric';

CREATE FUNCTION duplicate_groups(items regclass, emb name, threshold double precision DEFAULT NULL)
	RETURNS TABLE (group_id integer, id bigint, size bigint, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_duplicate_groups' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION duplicate_groups(regclass, name, double precision) IS 'rows whose embeddings hang together by pairs within a Euclidean distance, in groups, the largest first; the key is an integer';

CREATE FUNCTION duplicate_groups(items regclass, key_example anyelement, emb name, threshold double precision, options jsonb DEFAULT '{}')
	RETURNS TABLE (group_id integer, id anyelement, size bigint, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_duplicate_groups_keyed' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION duplicate_groups(regclass, anyelement, name, double precision, jsonb) IS 'rows whose embeddings hang together by pairs within a distance, in groups, the largest first; the key is of the type of a NULL given as example; options id_column, max_groups, metric';

CREATE FUNCTION diverse_sample(items regclass, emb name, n bigint)
	RETURNS TABLE (id bigint, rank integer)
	AS 'MODULE_PATHNAME', 'scpg_diverse_sample' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 100;
COMMENT ON FUNCTION diverse_sample(regclass, name, bigint) IS 'n rows far from each other: each the one farthest from those before it, by Euclidean distance; the key is an integer';

CREATE FUNCTION diverse_sample(items regclass, key_example anyelement, emb name, n bigint, options jsonb DEFAULT '{}')
	RETURNS TABLE (id anyelement, rank integer)
	AS 'MODULE_PATHNAME', 'scpg_diverse_sample_keyed' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 100;
COMMENT ON FUNCTION diverse_sample(regclass, anyelement, name, bigint, jsonb) IS 'n rows far from each other: each the one farthest from those before it; the key is of the type of a NULL given as example; options id_column, metric';

-- ---------------------------------------------------------------------------
-- Models: tables, views, rights
-- ---------------------------------------------------------------------------

-- The columns get new types without a change of the view's, on which users may
-- have built: it lets go of the table, and takes it again. Through text: what is
-- gone, of which 1.0 has a number alone, must not be read as an oid.
CREATE OR REPLACE VIEW selfclass_models WITH (security_barrier) AS
	SELECT m.model_id, m.name, m.version, NULL::regrole AS owner, m.state, m.recipe, m.backbone, m.dim,
		NULL::regclass AS source, m.images, m.skipped, m.epochs_done, m.loss, m.pca, m.kmeans, m.elbow, m.created,
		m.finished, m.selfclass_version
	FROM selfclass_model m;

-- What is known of the groups; of a clustering by 1.0 nothing.
ALTER TABLE selfclass_model
	ADD centroid_label integer[],
	ADD k integer,
	ADD k_low integer,
	ADD k_high integer,
	ADD k_by text,
	ADD modularity double precision,
	ADD modularity_chance double precision,
	ADD labels model_relation,
	ADD edited boolean NOT NULL DEFAULT false,
	ADD highest_label integer,
	ADD calibration double precision[],
	ADD arithmetic text;
COMMENT ON COLUMN selfclass_model.labels IS 'the label table, which cluster_images_into filled: who is in which group';
COMMENT ON COLUMN selfclass_model.edited IS 'were its groups changed by hand since they were made?';
COMMENT ON COLUMN selfclass_model.calibration IS 'the 99th percentile of the distances of its rows, then pairs of a margin between groups and the confidence that it means';
COMMENT ON COLUMN selfclass_model.arithmetic IS 'the instruction sets and libraries that its training began with: what decides its last digits';
COMMENT ON COLUMN selfclass_model.highest_label IS 'the highest label that ever named a group of this version: no label is given to a second one';
COMMENT ON COLUMN selfclass_model.centroid_label IS 'of groups by the neighbour graph: which of them each centroid of kmeans belongs to; NULL: each its own';
COMMENT ON COLUMN selfclass_model.k IS 'number of groups';
COMMENT ON COLUMN selfclass_model.k_low IS 'it lies between this, by the neighbour graph,';
COMMENT ON COLUMN selfclass_model.k_high IS 'and this';
COMMENT ON COLUMN selfclass_model.k_by IS 'how it was chosen: given, or an elbow_method';
COMMENT ON COLUMN selfclass_model.modularity IS 'of the groups, in the neighbour graph';
COMMENT ON COLUMN selfclass_model.modularity_chance IS 'the largest of 20 draws of points without groups: groups stand out where modularity is well above it';

ALTER TABLE selfclass_model
	ALTER owner TYPE model_role USING owner::text::model_role,
	ALTER source TYPE model_relation USING source::text::model_relation;
ALTER TABLE selfclass_model_grant
	ALTER owner TYPE model_role USING owner::text::model_role,
	ALTER role TYPE model_role USING role::text::model_role;

-- current: over the models that the role may use, its own of a name before others,
-- of which there may be but one owner's; of these the newest, those ready before others.
CREATE OR REPLACE VIEW selfclass_models WITH (security_barrier) AS
	SELECT m.model_id, m.name, m.version, m.owner::regrole AS owner, m.state, m.recipe, m.backbone, m.dim,
		m.source::regclass AS source, m.images, m.skipped, m.epochs_done, m.loss, m.pca,
		CASE WHEN m.centroid_label IS NULL AND NOT m.edited THEN m.kmeans END AS kmeans, m.elbow, m.created,
		m.finished, m.selfclass_version,
		m.model_id OPERATOR(pg_catalog.=) pg_catalog.first_value(m.model_id) OVER (PARTITION BY m.name
			ORDER BY o.name OPERATOR(pg_catalog.=) pg_catalog.quote_ident(CURRENT_USER) DESC,
				m.state OPERATOR(pg_catalog.=) 'ready' DESC, m.model_id DESC)
		AND (o.name OPERATOR(pg_catalog.=) pg_catalog.quote_ident(CURRENT_USER)
			OR pg_catalog.min(o.name) OVER (PARTITION BY m.name)
				OPERATOR(pg_catalog.=) pg_catalog.max(o.name) OVER (PARTITION BY m.name)) AS current,
		m.labels::regclass AS labels, m.k, m.k_low, m.k_high, m.k_by, m.modularity, m.modularity_chance
	FROM selfclass_model m, LATERAL (SELECT m.owner::text AS name) o
	WHERE pg_catalog.pg_has_role(COALESCE(m.owner::regrole::oid, 0::oid), 'USAGE')
		OR EXISTS (SELECT FROM selfclass_model_grant g
				   WHERE g.owner::regrole OPERATOR(pg_catalog.=) m.owner::regrole AND g.name OPERATOR(pg_catalog.=) m.name
					   AND (g.role::text OPERATOR(pg_catalog.=) 'public' OR pg_catalog.pg_has_role(g.role::regrole::oid, 'USAGE')));
COMMENT ON VIEW selfclass_models IS 'the models that the current role may use: its own and those granted to it; a superuser also sees those whose owner is gone';
COMMENT ON COLUMN selfclass_models.current IS 'is it what the bare name means to the current role?';

-- The groups of a model and what people did to them. Both are in dumps, and
-- reached by the views alone.
CREATE TABLE selfclass_cluster (
	model_id bigint NOT NULL REFERENCES selfclass_model ON DELETE CASCADE,
	label integer NOT NULL,
	name text,
	size bigint NOT NULL,
	pinned bigint NOT NULL DEFAULT 0,
	mean_distance double precision,
	mean_confidence double precision,
	example text,
	edited boolean NOT NULL DEFAULT false,
	PRIMARY KEY (model_id, label),
	UNIQUE (model_id, name)
);
COMMENT ON TABLE selfclass_cluster IS 'one row for each group of a model, as the label table was when it was last written';
COMMENT ON COLUMN selfclass_cluster.pinned IS 'rows of it that were put there by hand';
COMMENT ON COLUMN selfclass_cluster.example IS 'key of the row that is nearest to its centroid';
COMMENT ON COLUMN selfclass_cluster.edited IS 'was it merged, split or named by hand?';

CREATE TABLE selfclass_cluster_edit (
	model_id bigint NOT NULL REFERENCES selfclass_model ON DELETE CASCADE,
	edit integer NOT NULL,
	at timestamptz NOT NULL,
	edited_by model_role NOT NULL,
	login text NOT NULL,
	command text NOT NULL,
	arguments jsonb NOT NULL,
	rows_changed bigint NOT NULL,
	reverts integer,
	PRIMARY KEY (model_id, edit)
);
COMMENT ON TABLE selfclass_cluster_edit IS 'what was done to the groups of a model, in order';
COMMENT ON COLUMN selfclass_cluster_edit.edited_by IS 'the role whose rights it had';
COMMENT ON COLUMN selfclass_cluster_edit.login IS 'the role that had logged in';
COMMENT ON COLUMN selfclass_cluster_edit.reverts IS 'of revert_clusters: the groups are as before that edit';

-- What reverting an edit needs. The first of the two is short: of centroids it has
-- those that the edit replaced alone.
CREATE TABLE selfclass_cluster_before (
	model_id bigint NOT NULL,
	edit integer NOT NULL,
	edited boolean NOT NULL,
	centroid_label integer[],
	labels integer[],
	names text[],
	labels_edited boolean[],
	centroids boolean NOT NULL,
	kmeans kmeans_model,
	pca pca_model,
	elbow elbow_result,
	recipe jsonb,
	k_low integer,
	k_high integer,
	k_by text,
	modularity double precision,
	modularity_chance double precision,
	calibration double precision[],
	PRIMARY KEY (model_id, edit),
	FOREIGN KEY (model_id, edit) REFERENCES selfclass_cluster_edit ON DELETE CASCADE
);
COMMENT ON TABLE selfclass_cluster_before IS 'the groups of a model as they were before an edit';
COMMENT ON COLUMN selfclass_cluster_before.labels IS 'the groups; beside them their names, and whether each was edited';
COMMENT ON COLUMN selfclass_cluster_before.centroids IS 'did the edit replace the centroids, so that the columns after this one say what was there?';

CREATE TABLE selfclass_cluster_edit_row (
	model_id bigint NOT NULL,
	edit integer NOT NULL,
	part integer NOT NULL,
	label_before integer,
	label_after integer,
	pinned boolean NOT NULL,
	keys text[] NOT NULL,
	PRIMARY KEY (model_id, edit, part),
	FOREIGN KEY (model_id, edit) REFERENCES selfclass_cluster_edit ON DELETE CASCADE
);
COMMENT ON TABLE selfclass_cluster_edit_row IS 'rows of the label table that an edit moved, many in a row of this one';
COMMENT ON COLUMN selfclass_cluster_edit_row.label_before IS 'NULL: the edit added the rows, or they had no label';
COMMENT ON COLUMN selfclass_cluster_edit_row.pinned IS 'were they pinned before the edit?';
COMMENT ON COLUMN selfclass_cluster_edit_row.keys IS 'keys of the rows, a key of several columns as the text of a row';

REVOKE ALL ON selfclass_cluster, selfclass_cluster_edit, selfclass_cluster_before, selfclass_cluster_edit_row FROM PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('selfclass_cluster', '');
SELECT pg_catalog.pg_extension_config_dump('selfclass_cluster_edit', '');
SELECT pg_catalog.pg_extension_config_dump('selfclass_cluster_before', '');
SELECT pg_catalog.pg_extension_config_dump('selfclass_cluster_edit_row', '');

CREATE VIEW selfclass_clusters WITH (security_barrier) AS
	SELECT m.model_id, m.owner, m.name AS model, m.version, m.current, c.label, c.name, c.size, c.pinned,
		c.mean_distance, c.mean_confidence, c.example, c.edited
	FROM selfclass_models m JOIN selfclass_cluster c ON c.model_id OPERATOR(pg_catalog.=) m.model_id;
GRANT SELECT ON selfclass_clusters TO PUBLIC;
COMMENT ON VIEW selfclass_clusters IS 'the groups of the models that the current role may use';

CREATE VIEW selfclass_cluster_edits WITH (security_barrier) AS
	SELECT m.model_id, m.owner, m.name AS model, m.version, e.edit, e.at, e.edited_by::text AS edited_by, e.login,
		e.command, e.arguments, e.rows_changed, e.reverts
	FROM selfclass_models m JOIN selfclass_cluster_edit e ON e.model_id OPERATOR(pg_catalog.=) m.model_id;
GRANT SELECT ON selfclass_cluster_edits TO PUBLIC;
COMMENT ON VIEW selfclass_cluster_edits IS 'who changed the groups of the models that the current role may use, and how';

CREATE VIEW selfclass_epochs WITH (security_barrier) AS
	SELECT m.model_id, m.owner, m.name AS model, m.version, m.current, l.epoch, l.loss, l.lr, l.images_per_second, l.at
	FROM selfclass_models m JOIN selfclass_training_log l ON l.model_id OPERATOR(pg_catalog.=) m.model_id;
GRANT SELECT ON selfclass_epochs TO PUBLIC;
COMMENT ON VIEW selfclass_epochs IS 'the training, epoch by epoch, of the models that the current role may use';

-- How far commands are, in all databases. Rows of other roles are as in
-- pg_stat_progress_*; the function sees to that, for it runs as who asks.
CREATE FUNCTION selfclass_progress_rows(OUT pid integer, OUT datid oid, OUT backend_start timestamptz, OUT relid oid,
		OUT command text, OUT model text, OUT phase text, OUT epochs_total integer, OUT epochs_done integer,
		OUT images_total bigint, OUT images_done bigint, OUT loss double precision, OUT images_per_second double precision,
		OUT remaining interval) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'scpg_progress_rows' LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10;
COMMENT ON FUNCTION selfclass_progress_rows() IS 'the rows of selfclass_progress, and when their backends began';

CREATE VIEW selfclass_progress AS
	SELECT p.pid, p.datid, d.datname, p.relid, p.command, p.model, p.phase, p.epochs_total, p.epochs_done,
		p.images_total, p.images_done, p.loss, p.images_per_second, p.remaining
	FROM selfclass_progress_rows() p LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) p.datid;
GRANT SELECT ON selfclass_progress TO PUBLIC;
COMMENT ON VIEW selfclass_progress IS 'commands that work now, in all databases, and how far they are';
COMMENT ON COLUMN selfclass_progress.images_total IS 'of the phase; in a training, of an epoch';
COMMENT ON COLUMN selfclass_progress.remaining IS 'of the phase, by its speed until now';

-- What a grant lets do: 1.0 had the one privilege that is now called use.
ALTER TABLE selfclass_model_grant
	ADD privilege text NOT NULL DEFAULT 'use' CHECK (privilege OPERATOR(pg_catalog.=) ANY (ARRAY['use', 'edit']));
COMMENT ON TABLE selfclass_model_grant IS 'what roles may do with every version of the owner''s model of that name';
COMMENT ON COLUMN selfclass_model_grant.role IS 'a role, or public, which no role can be called';
COMMENT ON COLUMN selfclass_model_grant.privilege IS 'use, or edit: to change its groups and their names too';

CREATE VIEW selfclass_model_grants WITH (security_barrier) AS
	SELECT g.owner::regrole AS owner, g.name, g.role::text AS role, g.privilege
	FROM selfclass_model_grant g
	WHERE pg_catalog.pg_has_role(COALESCE(g.owner::regrole::oid, 0::oid), 'USAGE')
		OR pg_catalog.pg_has_role(g.role::regrole::oid, 'USAGE') OR g.role::text OPERATOR(pg_catalog.=) 'public';
GRANT SELECT ON selfclass_model_grants TO PUBLIC;
COMMENT ON VIEW selfclass_model_grants IS 'grants of the models that the current role owns, and those to itself and to everyone';

SELECT retire('grant_model(text, regrole)'::pg_catalog.regprocedure);
SELECT retire('revoke_model(text, regrole)'::pg_catalog.regprocedure);
SELECT retire('drop_model(text)'::pg_catalog.regprocedure);

CREATE FUNCTION grant_model(model text, role text, privilege text DEFAULT 'use') RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_grant_model_privilege' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION grant_model(text, text, text) IS 'let a role, or public, use every version of one''s model, or edit its groups too';

CREATE FUNCTION revoke_model(model text, role text, privilege text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_revoke_model_privilege' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION revoke_model(text, text, text) IS 'take back what grant_model gave: all of it, or that privilege';

CREATE FUNCTION drop_model(model text, if_exists boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_drop_model_if_exists' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION drop_model(text, boolean) IS 'delete one''s model, every version of it, or with name@version that one';

-- Dumps by the owner of a database who is no superuser. He needs the right on
-- each table and each sequence that a dump carries.
GRANT SELECT ON selfclass_model, selfclass_model_weights, selfclass_training_log, selfclass_model_grant,
	selfclass_cluster, selfclass_cluster_edit, selfclass_cluster_before, selfclass_cluster_edit_row TO pg_database_owner;
GRANT SELECT ON SEQUENCE selfclass_model_model_id_seq TO pg_database_owner;

-- What comes from a dump may name roles that are not here.
CREATE FUNCTION selfclass_adopt() RETURNS trigger
	AS 'MODULE_PATHNAME', 'scpg_adopt' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION selfclass_adopt() IS 'gives a model or a grant whose owner does not exist to the role that inserts it';

CREATE TRIGGER selfclass_adopt BEFORE INSERT ON selfclass_model FOR EACH ROW EXECUTE FUNCTION selfclass_adopt();
COMMENT ON TRIGGER selfclass_adopt ON selfclass_model IS 'models of owners that do not exist';
CREATE TRIGGER selfclass_adopt BEFORE INSERT ON selfclass_model_grant FOR EACH ROW EXECUTE FUNCTION selfclass_adopt();
COMMENT ON TRIGGER selfclass_adopt ON selfclass_model_grant IS 'grants by owners that do not exist';

-- At commit, so that one who trains within a long transaction keeps no other from it.
CREATE FUNCTION selfclass_hold_roles() RETURNS trigger
	AS 'MODULE_PATHNAME', 'scpg_hold_roles' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION selfclass_hold_roles() IS 'grants usage on the type model_role to the roles that models and grants name, so that they cannot be dropped';

CREATE CONSTRAINT TRIGGER selfclass_hold_roles AFTER INSERT OR UPDATE OF owner OR DELETE ON selfclass_model
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION selfclass_hold_roles();
COMMENT ON TRIGGER selfclass_hold_roles ON selfclass_model IS 'owners cannot be dropped';
CREATE CONSTRAINT TRIGGER selfclass_hold_roles AFTER INSERT OR UPDATE OF owner, role OR DELETE ON selfclass_model_grant
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION selfclass_hold_roles();
COMMENT ON TRIGGER selfclass_hold_roles ON selfclass_model_grant IS 'roles with a grant cannot be dropped';

CREATE FUNCTION reassign_models(from_role text, to_role text) RETURNS bigint
	AS 'MODULE_PATHNAME', 'scpg_reassign_models' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION reassign_models(text, text) IS 'give all models of a role, which may be gone, to another one, with their grants; returns how many';

-- ---------------------------------------------------------------------------
-- Models: training, embedding, files
-- ---------------------------------------------------------------------------

SELECT retire('export_encoder(text)'::pg_catalog.regprocedure);
CREATE FUNCTION export_encoder(model text, options jsonb DEFAULT '{}') RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_export_encoder_with' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000;
COMMENT ON FUNCTION export_encoder(text, jsonb) IS 'a model as a safetensors file with the names of torchvision''s resnet18 and its recipe, with {"clusters": true} its groups too';
COMMENT ON FUNCTION import_encoder(text, bytea, jsonb) IS 'make a model of a safetensors file with the names of torchvision''s resnet18; an export''s recipe and groups come with it';

-- A checkpoint replaces all weights of a model, about 90 MB: that many bytes are
-- dead at once, in a few rows and tens of thousands of their parts in TOAST. As
-- shares of large tables autovacuum would let them be.
ALTER TABLE selfclass_model_weights SET (
	autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 8, autovacuum_vacuum_cost_delay = 0,
	toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 10000, toast.autovacuum_vacuum_cost_delay = 0);

-- ---------------------------------------------------------------------------
-- Groups: the one call, labels, the trigger
-- ---------------------------------------------------------------------------

COMMENT ON FUNCTION embed_image_trigger() IS 'keeps columns of embeddings and labels: before insert or update, with the names of a model, the image column and the embedding column, and options';

-- 1.0's results lack confidence.
SELECT retire('cluster_images(regclass, integer, text, jsonb)'::pg_catalog.regprocedure);
SELECT retire('cluster_images(regclass, anyelement, integer, text, jsonb)'::pg_catalog.regprocedure);
SELECT retire('cluster_images_into(regclass, name, integer, text, jsonb)'::pg_catalog.regprocedure);

CREATE FUNCTION cluster_images(images regclass, k int DEFAULT NULL, model text DEFAULT NULL, options jsonb DEFAULT '{}')
	RETURNS TABLE (id bigint, label int, embedding_0 double precision, embedding_1 double precision, distance double precision, confidence double precision)
	AS 'MODULE_PATHNAME', 'scpg_cluster_images_sure' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION cluster_images(regclass, int, text, jsonb) IS 'group the images of a table whose key is an integer';

CREATE FUNCTION cluster_images(images regclass, key_example anyelement, k int DEFAULT NULL, model text DEFAULT NULL, options jsonb DEFAULT '{}')
	RETURNS TABLE (id anyelement, label int, embedding_0 double precision, embedding_1 double precision, distance double precision, confidence double precision)
	AS 'MODULE_PATHNAME', 'scpg_cluster_images_typed_sure' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION cluster_images(regclass, anyelement, int, text, jsonb) IS 'group the images of a table whose key is of the type of the example, which is NULL';

CREATE FUNCTION assign_cluster_details(e embedding, model text, OUT label int, OUT distance double precision, OUT confidence double precision)
	AS 'MODULE_PATHNAME', 'scpg_assign_cluster_details' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION assign_cluster_details(embedding, text) IS 'the group of an embedding, how far it is from its centroid, and how sure that is, from 0 to 1';

CREATE PROCEDURE cluster_images_into(images regclass, labels text, k bigint DEFAULT NULL, model text DEFAULT NULL, options jsonb DEFAULT '{}')
	AS 'MODULE_PATHNAME', 'scpg_cluster_images_into_wide' LANGUAGE C;
COMMENT ON PROCEDURE cluster_images_into(regclass, text, bigint, text, jsonb) IS 'group the images of a table into a new table, whose name may have a schema, or bring a model''s own label table up to date, committing after every epoch';

-- Groups that people correct.

CREATE FUNCTION merge_clusters(model text, keep bigint, VARIADIC merged bigint[]) RETURNS bigint
	AS 'MODULE_PATHNAME', 'scpg_merge_clusters' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION merge_clusters(text, bigint, bigint[]) IS 'make several groups of a model one group, which keeps the label and the name of the first (without a name: the only name among the others); returns how many rows moved';

CREATE FUNCTION split_cluster(model text, label bigint, parts bigint DEFAULT 2) RETURNS TABLE (label integer, size bigint)
	AS 'MODULE_PATHNAME', 'scpg_split_cluster' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10;
COMMENT ON FUNCTION split_cluster(text, bigint, bigint) IS 'make several groups of one group of a model, by k-means of its rows; the largest keeps label and name, the others get labels that no group ever had';

CREATE FUNCTION name_cluster(model text, label bigint, name text) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_name_cluster' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION name_cluster(text, bigint, text) IS 'give a group of a model a name, which no other group of it may have; NULL takes it away';

CREATE FUNCTION revert_clusters(model text, edit bigint DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'scpg_revert_clusters' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION revert_clusters(text, bigint) IS 'make the groups of a model what they were before an edit, or before the last one that still holds; returns how many rows moved';

CREATE FUNCTION cluster_tree(model text) RETURNS TABLE (k integer, keep integer, joins integer, height double precision, size bigint)
	AS 'MODULE_PATHNAME', 'scpg_cluster_tree' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION cluster_tree(text) IS 'which groups of a model are closest, and which next when those are one (Ward), down to one group: k are left after a join, keep and joins are arguments of merge_clusters';

CREATE FUNCTION cluster_labels(model text, k bigint) RETURNS TABLE (label integer, coarse integer)
	AS 'MODULE_PATHNAME', 'scpg_cluster_labels' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION cluster_labels(text, bigint) IS 'for each group of a model which of k coarser groups it belongs to, by cluster_tree';

CREATE FUNCTION refresh_clusters(model text, images regclass DEFAULT NULL, options jsonb DEFAULT '{}')
	RETURNS TABLE (added bigint, removed bigint, unreadable bigint, unsure bigint, far_share double precision)
	AS 'MODULE_PATHNAME', 'scpg_refresh_clusters' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1;
COMMENT ON FUNCTION refresh_clusters(text, regclass, jsonb) IS 'give the rows that arrived since a model''s label table was filled their groups; far_share: the share of them that lie farther from their centroid than 99 percent of the old ones';

-- ---------------------------------------------------------------------------
-- Pictures
-- ---------------------------------------------------------------------------

-- STABLE: what is read depends on the settings' limits.
CREATE FUNCTION image_info(image bytea, OUT format text, OUT width integer, OUT height integer, OUT channels integer,
		OUT orientation integer, OUT sharpness double precision, OUT brightness double precision,
		OUT entropy double precision, OUT sqlstate text, OUT message text)
	AS 'MODULE_PATHNAME', 'scpg_image_info' LANGUAGE C STABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION image_info(bytea) IS 'what an image is, how sharp, bright and varied from 0 to 1, or why it cannot be read';

-- Whole numbers are bigint: see above.

SELECT retire('contact_sheet(bytea, integer, integer)'::pg_catalog.regprocedure);
SELECT retire('neighbor_sheet(regclass, name, name, integer, integer)'::pg_catalog.regprocedure);
SELECT retire('scatter_svg(double precision, double precision, integer)'::pg_catalog.regprocedure);
SELECT retire('contact_sheet_accum(internal, bytea, integer, integer)'::pg_catalog.regprocedure);
SELECT retire('scatter_svg_accum(internal, double precision, double precision, integer)'::pg_catalog.regprocedure);

CREATE FUNCTION contact_sheet_accum(internal, bytea, bigint, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_contact_sheet_accum_wide' LANGUAGE C STABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION contact_sheet_accum(internal, bytea, bigint, bigint) IS 'adds an image to a contact sheet';

CREATE FUNCTION scatter_svg_accum(internal, double precision, double precision, bigint) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_scatter_svg_accum_wide' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION scatter_svg_accum(internal, double precision, double precision, bigint) IS 'adds a point to a drawing';

CREATE FUNCTION neighbor_sheet(items regclass, image name, emb name, queries bigint, k bigint, options jsonb DEFAULT '{}') RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_neighbor_sheet_wide' LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION neighbor_sheet(regclass, name, name, bigint, bigint, jsonb) IS 'JPEG with a row for each of that many queries: the query, then the k rows whose embedding is nearest to its, by Euclidean distance; the queries are the rows with the smallest SHA-256 of their images, so the same for any order of rows; NULL where no row has both an image and an embedding; option id_column';

CREATE AGGREGATE contact_sheet(image bytea, columns bigint, tile bigint) (
	SFUNC = contact_sheet_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = contact_sheet_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE contact_sheet(bytea, bigint, bigint) IS 'JPEG of the images in rows of that many columns, each fitted into a square of tile pixels; an unreadable or NULL image is a tile with a cross; NULL where there are no rows';

CREATE AGGREGATE scatter_svg(x double precision, y double precision, label bigint) (
	SFUNC = scatter_svg_accum,
	STYPE = internal,
	SSPACE = 4096,
	FINALFUNC = scatter_svg_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE scatter_svg(double precision, double precision, bigint) IS 'drawing (SVG) of points in the colours of their groups; a row without x or y is left out; NULL where there is none';

-- ---------------------------------------------------------------------------
-- The end
-- ---------------------------------------------------------------------------

-- The roles of 1.0's rows are held from now on. At once: no script after this one
-- could change the tables while that is left for the commit.
SET CONSTRAINTS selfclass_hold_roles IMMEDIATE;
UPDATE selfclass_model SET owner = owner;
UPDATE selfclass_model_grant SET owner = owner;
SET CONSTRAINTS selfclass_hold_roles DEFERRED;

DROP FUNCTION retire(regprocedure);
