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

-- ---------------------------------------------------------------------------
-- Models: training, embedding, files
-- ---------------------------------------------------------------------------

SELECT retire('export_encoder(text)');
CREATE FUNCTION export_encoder(model text, options jsonb DEFAULT '{}') RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_export_encoder_with' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000;
COMMENT ON FUNCTION export_encoder(text, jsonb) IS 'a model as a safetensors file with the names of torchvision''s resnet18 and its recipe, with {"clusters": true} its groups too';
COMMENT ON FUNCTION import_encoder(text, bytea, jsonb) IS 'make a model of a safetensors file with the names of torchvision''s resnet18; an export''s recipe and groups come with it';

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
