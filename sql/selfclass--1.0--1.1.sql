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
-- its sequence, needs pg_extension_config_dump.
--
-- Options. A recipe that was stored before an option was new lacks its key, which
-- then means what 1.0 did: see scpg_recipe_restore.

-- ---------------------------------------------------------------------------
-- To retire a function
-- ---------------------------------------------------------------------------

-- For one whose arguments or columns change: SELECT retire('f(regclass, integer)'),
-- then CREATE FUNCTION. What users made of it (views, functions with a parsed body)
-- keeps the old one, under another name, outside of the extension.
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

-- ---------------------------------------------------------------------------
-- Vectors: embedding, analytics
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- Models: tables, views, rights
-- ---------------------------------------------------------------------------

CREATE OR REPLACE VIEW selfclass_models WITH (security_barrier) AS
	SELECT m.model_id, m.name, m.version, m.owner, m.state, m.recipe, m.backbone, m.dim, m.source, m.images,
		m.skipped, m.epochs_done, m.loss, m.pca, m.kmeans, m.elbow, m.created, m.finished, m.selfclass_version,
		m.model_id OPERATOR(pg_catalog.=) pg_catalog.first_value(m.model_id) OVER (PARTITION BY m.name
			ORDER BY o.own DESC, m.state OPERATOR(pg_catalog.=) 'ready' DESC, m.model_id DESC)
		AND (o.own OR pg_catalog.min(o.oid) OVER (PARTITION BY m.name)
			OPERATOR(pg_catalog.=) pg_catalog.max(o.oid) OVER (PARTITION BY m.name)) AS current
	FROM selfclass_model m, LATERAL (SELECT m.owner::oid AS oid,
		m.owner::oid OPERATOR(pg_catalog.=) pg_catalog.quote_ident(CURRENT_USER)::regrole::oid AS own) o
	WHERE pg_catalog.pg_has_role(o.oid, 'USAGE')
		OR EXISTS (SELECT FROM selfclass_model_grant g
				   WHERE g.owner::oid OPERATOR(pg_catalog.=) o.oid AND g.name OPERATOR(pg_catalog.=) m.name
					   AND (g.role::text OPERATOR(pg_catalog.=) 'public' OR pg_catalog.pg_has_role(g.role::oid, 'USAGE')));
COMMENT ON COLUMN selfclass_models.current IS 'is it what the bare name means to the current role?';

-- What a grant lets do: 1.0 had the one privilege that is now called use.
ALTER TABLE selfclass_model_grant
	ADD privilege text NOT NULL DEFAULT 'use' CHECK (privilege IN ('use', 'edit')),
	DROP CONSTRAINT selfclass_model_grant_pkey,
	ADD PRIMARY KEY (owner, name, role, privilege);
COMMENT ON TABLE selfclass_model_grant IS 'what roles may do with every version of the owner''s model of that name';
COMMENT ON COLUMN selfclass_model_grant.privilege IS 'use, or edit: to change its groups and their names too';

CREATE VIEW selfclass_model_grants WITH (security_barrier) AS
	SELECT g.owner::regrole AS owner, g.name,
		CASE WHEN g.role::text OPERATOR(pg_catalog.=) 'public' THEN 'public' ELSE g.role::regrole::text END AS role, g.privilege
	FROM selfclass_model_grant g
	WHERE pg_catalog.pg_has_role(g.owner::regrole::oid, 'USAGE') OR pg_catalog.pg_has_role(g.role::regrole::oid, 'USAGE')
		OR g.role::text OPERATOR(pg_catalog.=) 'public';
GRANT SELECT ON selfclass_model_grants TO PUBLIC;
COMMENT ON VIEW selfclass_model_grants IS 'grants of the models that the current role owns, and those to itself and to everyone';

SELECT retire('grant_model(text, regrole)');
SELECT retire('revoke_model(text, regrole)');
SELECT retire('drop_model(text)');

CREATE FUNCTION grant_model(model text, role text, privilege text DEFAULT 'use') RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_grant_model_privilege' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION grant_model(text, text, text) IS 'let a role, or public, use every version of one''s model, or edit its groups too';

CREATE FUNCTION revoke_model(model text, role text, privilege text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_revoke_model_privilege' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION revoke_model(text, text, text) IS 'take back what grant_model gave: all of it, or that privilege';

CREATE FUNCTION drop_model(model text, if_exists boolean DEFAULT false) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_drop_model_if_exists' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION drop_model(text, boolean) IS 'delete one''s model, every version of it, or with name@version that one';

-- ---------------------------------------------------------------------------
-- Models: training, embedding, files
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- Groups: the one call, labels, the trigger
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- Pictures
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- The end
-- ---------------------------------------------------------------------------

DROP FUNCTION retire(regprocedure);
