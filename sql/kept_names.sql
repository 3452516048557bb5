-- Roles and relations by oid and name: what the types read, print and mean. (Dumps and dropped roles: tests/t/060_roles.pl.)
CREATE ROLE kept_one;
CREATE ROLE "Kept, the other";
CREATE SCHEMA kept_schema;
CREATE TABLE kept_schema.kept_table (id int);
CREATE TABLE "Kept.table" (id int);

SELECT v AS read, v::model_role AS printed, v::model_role::regrole AS means FROM unnest(ARRAY['kept_one', ' KEPT_ONE ', '"kept_one"', 'Kept, the other',
	'"Kept, the other"', 'nobody', '"No "" body"', 'public', 'PUBLIC', 'a.b', '10', '"10"', '0', '-', '', ' ', '"', '""', 'kept_one (dropped)', '(dropped)', ' (dropped)',
	E'a\tb', 'select', '4294967296']) v;
SELECT v AS read, v::model_relation AS printed, v::model_relation::regclass AS means FROM unnest(ARRAY['kept_schema.kept_table', 'kept_table',
	'"Kept.table"', 'public."Kept.table"', 'no_schema.kept_table', 'public.nothing', 'a.b.c', '1259', '-', '', '.', 'a.', 'kept_schema.kept_table (dropped)']) v;
SET search_path = public, selfclass, kept_schema;
SELECT 'kept_table'::model_relation, 'kept_schema.kept_table'::model_relation::regclass;
RESET search_path;

-- the longest names, and longer ones
SELECT length(format('%s.%s', quote_ident(repeat('"', 63)), quote_ident(repeat('"', 63)))::model_relation::text),
	length((format('%s.%s', quote_ident(repeat('"', 63)), quote_ident(repeat('"', 63))) || ' (dropped)')::model_relation::text);
SELECT failure(format('SELECT repeat(''a'', %s)::model_role', n)) FROM unnest(ARRAY[300, 1000, 100000000]) n;

-- from oids, and to them
SELECT 'kept_one'::regrole::model_role, 4294967295::regrole::model_role, 4294967295::regrole::model_role::regrole, 0::regrole::model_role,
	'kept_schema.kept_table'::regclass::model_relation, 4294967295::regclass::model_relation, 0::regclass::model_relation::regclass;
SELECT NULL::model_role::regrole, NULL::regclass::model_relation, NULL::text::model_role;

-- order and keys: by oid, by name where there is none
SELECT 'kept_one'::model_role = 'kept_one'::regrole::model_role AS same, 'kept_one'::model_role <> '"Kept, the other"' AS other, 'nobody'::model_role = 'nobody' AS nobody,
	'nobody'::model_role = 'no_one' AS others, 'kept_one (dropped)'::model_role = 'kept_one' AS dropped, 'a'::model_role < 'b', 'a'::model_role <= 'a', 'b'::model_role > 'a', 'a'::model_role >= 'b';
CREATE TABLE kept_keys (r model_role PRIMARY KEY, n int);
INSERT INTO kept_keys VALUES ('kept_one', 1), ('nobody', 2), ('public', 3), ('kept_one (dropped)', 4);
SELECT failure('INSERT INTO kept_keys VALUES (''KEPT_ONE'', 5)'), failure('INSERT INTO kept_keys VALUES (''"nobody"'', 5)');
ALTER ROLE kept_one RENAME TO kept_renamed;
SELECT * FROM kept_keys ORDER BY n;
SET enable_seqscan = off;
SELECT n FROM kept_keys WHERE r = 'nobody';
RESET enable_seqscan;
DROP TABLE kept_keys, kept_schema.kept_table, "Kept.table";
DROP SCHEMA kept_schema;
DROP ROLE kept_renamed;
DROP ROLE "Kept, the other";
