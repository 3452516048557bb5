-- Whose model a name means: owners, grants, members; the trigger, and what it forbids.
CREATE SCHEMA models_test;
SET search_path = models_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
INSERT INTO pictures SELECT i, test_picture(i % 3, i) FROM generate_series(1, 8) i;
CREATE ROLE models_anna;
CREATE ROLE models_evil;
CREATE ROLE models_web;
CREATE ROLE models_guest;
CREATE ROLE "Models' ""odd"".role";
GRANT USAGE, CREATE ON SCHEMA models_test TO PUBLIC;
GRANT USAGE ON SCHEMA selfclass TO PUBLIC;
GRANT SELECT ON pictures TO PUBLIC;

-- Models that are told apart by their seed. No training is needed for that.
CREATE FUNCTION recipe(seed int, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
	$$SELECT jsonb_build_object('preset', 'lightly', 'input_size', 16, 'epochs', 0, 'batch_size', 4, 'seed', seed) || more$$;
SET ROLE models_anna;
CALL train_encoder('m3', 'pictures', recipe(1));
SET ROLE models_evil;
CALL train_encoder('m3', 'pictures', recipe(2));
SET ROLE "Models' ""odd"".role";
CALL train_encoder('m3', 'pictures', recipe(3));
RESET ROLE;
-- Whose embeddings are they?
CREATE TABLE known (owner text, e embedding);
GRANT SELECT ON known TO PUBLIC;
INSERT INTO known SELECT o, embed_image(image, o || '.m3') FROM pictures,
	unnest(ARRAY['models_anna', 'models_evil', '"Models'' ""odd"".role"']) o WHERE id = 1;
SELECT count(DISTINCT e) FROM known;
CREATE FUNCTION whose(model text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT coalesce(k.owner, 'another') FROM pictures LEFT JOIN known k ON k.e = embed_image(image, $1) WHERE id = 1);
EXCEPTION WHEN OTHERS THEN
	RETURN failure(format('SELECT embed_image(image, %L) FROM models_test.pictures', $1));
END $$;

-- One's own is meant, else there is none.
SET ROLE models_anna;
SELECT whose('m3'), whose('m3@1'), whose('models_anna.m3'), whose('MODELS_ANNA.m3@1');
SELECT whose('m3@2');
SELECT whose('models_evil.m3');
SET ROLE models_web;
SELECT whose('m3');
SELECT whose('models_anna.m3@1');
SELECT whose('m4');
SELECT whose('models_anna.m4');
SELECT whose('models_nobody.m3');
SELECT name FROM selfclass_models;

-- Names that are none.
RESET ROLE;
SELECT name, failure(format('SELECT drop_model(%L)', name)) FROM unnest(ARRAY['', '.m3', 'models_anna.', 'models_anna.m3@', 'models_anna.m3@0',
	'models_anna.m3@1x', 'models_anna.m3@99999999999', '"models_anna.m3', '"models_anna"m3', '"".m3', 'a b.m3', 'a.b.m3', 'm"3', '"models_anna"."m3"']) name;

-- A grant: evil's does not take the name over.
SET ROLE models_anna;
SELECT grant_model('m3', 'models_web');
-- Roles that models name already: nobody else waits for a transaction that names them once more.
BEGIN;
SELECT revoke_model('m3', 'models_web');
SELECT grant_model('m3', 'models_web');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT grant_model('m3', 'models_web', 'edit');
SELECT objsubid, mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid = x'5C1B'::int GROUP BY 1, 2;
ROLLBACK;
SET ROLE models_web;
SELECT whose('m3'), whose('models_anna.m3');
SELECT owner, name, role, privilege FROM selfclass_model_grants;
SET ROLE models_evil;
SELECT failure($$SELECT grant_model('m3', 'models_web')$$);
SELECT failure($$SELECT grant_model('m3', 'models_web', 'edit')$$);
-- ... nor through everybody, of whom web is one.
SELECT failure($$SELECT grant_model('m3', 'public')$$);
SELECT owner, name, role, privilege FROM selfclass_model_grants;
SELECT grant_model('m3', 'models_guest');
SET ROLE models_web;
SELECT whose('m3');
SET ROLE models_guest;
SELECT whose('m3');
SET ROLE models_anna;
SELECT failure($$SELECT grant_model('models_evil.m3', 'models_anna')$$);
SELECT failure($$SELECT grant_model('m3@1', 'models_web')$$);
SELECT failure($$SELECT grant_model('m3', 'models_nobody')$$);
SELECT failure($$SELECT grant_model('m3', '-')$$);
SELECT failure($$SELECT grant_model('m3', NULL)$$);
SELECT failure($$SELECT grant_model('m3', 'models_web', 'own')$$);
SELECT failure($$SELECT grant_model('m3', 'models_web', NULL)$$);
SELECT failure($$SELECT revoke_model('m3', 'models_web', 'own')$$);
SELECT failure($$SELECT grant_model(NULL, 'models_web')$$);

-- use and edit.
SELECT grant_model('m3', 'models_web', 'edit');
SELECT grant_model('models_anna.m3', '"Models'' ""odd"".role"');
SELECT owner, name, role, privilege FROM selfclass_model_grants ORDER BY role, privilege;
SELECT revoke_model('m3', 'models_web', 'edit');
SELECT revoke_model('m3', '"Models'' ""odd"".role"');
SELECT role, privilege FROM selfclass_model_grants ORDER BY role, privilege;
SELECT revoke_model('m3', 'models_web', 'use');
SELECT grant_model('m3', 'models_web', 'edit');
SET ROLE models_web;
SELECT whose('m3');
SET ROLE models_anna;
SELECT revoke_model('m3', 'models_web');
SET ROLE models_web;
SELECT whose('m3');
SELECT count(*) FROM selfclass_model_grants;

-- Everybody.
RESET ROLE;
SELECT revoke_model('models_evil.m3', 'models_guest');
SET ROLE models_anna;
SELECT grant_model('m3', 'PUBLIC');
SET ROLE models_web;
SELECT whose('m3');
SELECT owner, name, role, privilege FROM selfclass_model_grants;
SET ROLE models_evil;
SELECT whose('m3'), whose('models_anna.m3');
SELECT failure($$SELECT grant_model('m3', 'models_web')$$);
SET ROLE models_anna;
SELECT revoke_model('m3', 'public');
SET ROLE models_web;
SELECT whose('m3');
RESET ROLE;

-- A member of owners: of one of them, and of two.
GRANT models_evil TO models_web;
SET ROLE models_web;
SELECT whose('m3'), whose('models_evil.m3');
RESET ROLE;
GRANT "Models' ""odd"".role" TO models_web;
SET ROLE models_web;
SELECT whose('m3');
SELECT whose('m3@1');
SELECT whose('"Models'' ""odd"".role".m3'), whose('"Models'' ""odd"".role".m3@1');
SELECT name, version, owner, current FROM selfclass_models ORDER BY owner::text;
SELECT failure($$SELECT count(*) FROM cluster_images('pictures', 2, 'm3')$$);
SELECT failure($$SELECT drop_model('m3')$$);
SELECT failure($$SELECT drop_model('m3', true)$$);
-- An own one comes first, whatever was meant before.
CALL train_encoder('models_web.m3', 'pictures', recipe(4));
SELECT whose('m3'), whose('models_web.m3'), whose('models_evil.m3');
SELECT whose('m3@2');
CALL train_encoder('m3', 'pictures', recipe(5, '{"retrain": true}'));
SELECT name, version, owner, current FROM selfclass_models ORDER BY owner::text, version;
SELECT drop_model('m3@2');
SELECT failure($$SELECT drop_model('m3@2')$$);
SELECT drop_model('m3');
SELECT whose('m3');
RESET ROLE;
REVOKE models_evil, "Models' ""odd"".role" FROM models_web;
-- What would be ambiguous to one member is not granted to its group; a later membership makes it so.
CREATE ROLE models_group;
SELECT grant_model('models_anna.m3', 'models_web');
GRANT models_group TO models_web;
SELECT failure($$SELECT grant_model('models_evil.m3', 'models_group')$$);
REVOKE models_group FROM models_web;
SELECT grant_model('models_evil.m3', 'models_group');
GRANT models_group TO models_web;
SET ROLE models_web;
SELECT whose('m3');
SELECT whose('models_evil.m3'), whose('models_anna.m3');
RESET ROLE;
SELECT revoke_model('models_anna.m3', 'models_web'), revoke_model('models_evil.m3', 'models_group');
DROP ROLE models_group;

-- A superuser reaches all models, and means one only where there is but one.
SELECT failure($$SELECT drop_model('m3')$$);
SELECT whose('models_evil.m3');
SELECT count(*) FILTER (WHERE current) AS current, count(*) FROM selfclass_models;
CALL train_encoder('m3', 'pictures', recipe(9));
SELECT drop_model('m3');
SELECT failure($$SELECT drop_model('m3')$$);
CALL resume_encoder('models_evil.m3');
-- That of a role that is gone goes by its name.
CREATE ROLE models_gone;
SET ROLE models_gone;
CALL train_encoder('m3', 'pictures', recipe(3));
RESET ROLE;
DROP OWNED BY models_gone;
DROP ROLE models_gone;
SELECT whose('models_gone.m3');
SELECT failure($$SELECT drop_model('m3')$$);
SELECT drop_model('"Models'' ""odd"".role".m3@1');
SELECT failure($$SELECT drop_model('models_nobody.m3')$$);
SET ROLE models_web;
SELECT whose('models_gone.m3');
RESET ROLE;
SELECT drop_model('models_gone.m3');
SELECT failure($$SELECT drop_model('m3')$$);
SET ROLE models_web;
SELECT failure($$SELECT drop_model('models_evil.m3')$$);
SELECT failure($$SELECT drop_model('models_evil.m3', true)$$);
SELECT failure($$SELECT drop_model('m3')$$);
SET client_min_messages = notice;
SELECT drop_model('m3', true);
SELECT drop_model('models_web.m3', if_exists => true);
SELECT drop_model('models_nobody.m3', true);
SET client_min_messages = warning;
SELECT failure($$SELECT drop_model('no name', true)$$);

-- Where a call trains, a name that only others own is free; for another role none is.
SELECT failure($$SELECT count(*) FROM cluster_images('pictures', 2, 'models_evil.m3')$$);
SELECT failure($$SELECT count(*) FROM cluster_images('pictures', 2, 'models_evil.m4')$$);
CALL train_encoder('models_evil.m3', 'pictures', recipe(4));
CALL train_encoder('models_nobody.m3', 'pictures', recipe(4));
CALL train_encoder('m3@1', 'pictures', recipe(4));
SELECT failure($$SELECT import_encoder('models_evil.m4', 'x')$$);
SELECT count(*) FROM cluster_images('pictures', 2, 'models_web.m3', recipe(4));
SELECT name, version, owner, current FROM selfclass_models;
SELECT count(*) FROM cluster_images('pictures', 2, 'models_web.m3@1');
SELECT drop_model('models_web.m3');
SELECT count(*) FROM cluster_images('pictures', 2, 'm3', recipe(4));
SELECT name, version, owner, current FROM selfclass_models;
SELECT drop_model('m3');

-- The role of the moment: prepared, and in functions of their owner.
RESET ROLE;
PREPARE m3 AS SELECT coalesce((SELECT owner FROM known k WHERE k.e = embed_image(image, 'm3')), 'another') FROM pictures WHERE id = 1;
CREATE FUNCTION whose_of_evil() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = models_test, selfclass, pg_temp AS $$SELECT whose('m3')$$;
ALTER FUNCTION whose_of_evil() OWNER TO models_evil;
SET ROLE models_anna;
EXECUTE m3;
SELECT whose('m3'), whose_of_evil(), whose('m3');
SET ROLE models_evil;
EXECUTE m3;
SET ROLE models_web;
EXECUTE m3;
SELECT whose_of_evil();
SET ROLE models_anna;
EXECUTE m3;
RESET ROLE;
EXECUTE m3;

-- A trigger's model is the one of the table's owner, whoever inserts.
SET ROLE models_anna;
CREATE TABLE album (id int PRIMARY KEY, image bytea, e embedding(512));
GRANT ALL ON album TO PUBLIC;
CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('m3', 'image', 'e', '{"on_error": "fail"}');
INSERT INTO album SELECT 1, image FROM pictures WHERE id = 1;
SET ROLE models_evil;
INSERT INTO album SELECT 2, image FROM pictures WHERE id = 1;
SET ROLE models_web;
INSERT INTO album SELECT 3, image FROM pictures WHERE id = 1;
-- In one statement, as two roles.
SET ROLE models_evil;
SELECT whose('m3');
WITH a AS (INSERT INTO album SELECT 4, image FROM pictures WHERE id = 1 RETURNING e)
	SELECT (SELECT owner FROM known k WHERE k.e = a.e) AS inserted, (SELECT owner FROM known k WHERE k.e = embed_image(image, 'm3')) AS meant
	FROM a, pictures WHERE id = 1;
SELECT id, owner FROM album LEFT JOIN known USING (e) ORDER BY id;
-- A partition is looked at by itself.
SET ROLE models_anna;
CREATE TABLE parts (id int, at int, image bytea, e embedding(512), PRIMARY KEY (at, id)) PARTITION BY LIST (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
CREATE TRIGGER embed BEFORE INSERT ON parts FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('m3', 'image', 'e', '{"on_error": "fail"}');
GRANT ALL ON parts TO PUBLIC;
RESET ROLE;
ALTER TABLE parts_2 OWNER TO models_evil;
SET ROLE models_web;
INSERT INTO parts SELECT at, at, image FROM pictures p, generate_series(1, 2) at WHERE p.id = 1;
SELECT at, owner FROM parts JOIN known USING (e) ORDER BY at;
RESET ROLE;
ALTER TABLE parts_2 OWNER TO models_web;
SET ROLE models_evil;
INSERT INTO parts SELECT 3, 1, image FROM pictures p WHERE p.id = 1;
SELECT failure('INSERT INTO parts SELECT 3, 2, image FROM pictures p WHERE p.id = 1');

-- An error says which row it was; the key only to who may read it.
RESET ROLE;
CREATE FUNCTION fails_at(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN SQLSTATE || ' | ' || split_part(context, E'\n', 1);
END $$;
SET ROLE models_web;
SELECT fails_at($$INSERT INTO album SELECT 10 + id, CASE WHEN id = 3 THEN 'torn' ELSE image END FROM pictures ORDER BY id$$);
SELECT fails_at($$UPDATE album SET image = '' WHERE id = 3$$);
SELECT fails_at($$INSERT INTO parts VALUES (7, 1, '\xffd8ff')$$);
SET ROLE models_anna;
REVOKE ALL ON album FROM PUBLIC;
GRANT INSERT ON album TO models_evil;
SET ROLE models_evil;
SELECT fails_at($$INSERT INTO album VALUES (20, 'torn')$$);
SET ROLE models_anna;
GRANT SELECT (id) ON album TO models_evil;
SET ROLE models_evil;
SELECT fails_at($$INSERT INTO album VALUES (20, 'torn')$$);
SET ROLE models_anna;
ALTER TABLE album ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY every ON album USING (true);
SELECT fails_at($$INSERT INTO album VALUES (20, 'torn')$$);
CREATE TABLE keyless (image bytea, e embedding);
CREATE TRIGGER embed BEFORE INSERT ON keyless FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('models_anna.m3@1', 'image', 'e', '{"on_error": "fail"}');
SELECT fails_at($$INSERT INTO keyless VALUES ('torn')$$);
CREATE TABLE "Odd" ("the key" text PRIMARY KEY, image bytea, e embedding);
CREATE TRIGGER embed BEFORE INSERT ON "Odd" FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('models_anna.m3@1', 'image', 'e', '{"on_error": "fail"}');
SELECT fails_at($$INSERT INTO "Odd" VALUES (repeat('é', 200), 'torn')$$);
INSERT INTO "Odd" SELECT 'whole', image FROM pictures WHERE id = 1;
SELECT "the key", owner FROM "Odd" LEFT JOIN known USING (e);
DROP TABLE keyless, "Odd";

-- What a trigger uses neither goes nor gets another version, as long as it names none.
SELECT failure($$SELECT drop_model('m3')$$);
SELECT failure($$SELECT drop_model('models_anna.m3@1')$$);
CALL train_encoder('m3', 'pictures', recipe(6, '{"retrain": true}'));
SELECT failure($$SELECT count(*) FROM cluster_images('pictures', 2, 'm3', '{"retrain": true}')$$);
CALL cluster_images_into('pictures', 'labels', 2, 'm3', '{"retrain": true}');
SELECT failure($$SELECT import_encoder('m3', 'x', '{"retrain": true}')$$);
CALL train_encoder('m3', 'no_such_table', '{"retrain": true}');
-- Neither does the trigger that names another's.
SET ROLE models_evil;
CALL train_encoder('m3', 'pictures', recipe(6, '{"retrain": true}'));
SELECT drop_model('m3@2');
SET ROLE models_anna;
DROP TABLE parts;
CREATE OR REPLACE TRIGGER embed BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('m3@1', 'image', 'e');
CALL train_encoder('m3', 'pictures', recipe(6, '{"retrain": true}'));
SELECT version, current FROM selfclass_models ORDER BY version;
INSERT INTO album SELECT 5, image FROM pictures WHERE id = 1;
SELECT id, owner FROM album LEFT JOIN known USING (e) WHERE id = 5;
-- Nor does the training of another version go on.
RESET ROLE;
UPDATE selfclass_model SET state = 'training' WHERE name = 'm3' AND version = 2;
SET ROLE models_anna;
CREATE OR REPLACE TRIGGER embed BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('m3', 'image', 'e');
CALL resume_encoder('m3');
RESET ROLE;
UPDATE selfclass_model SET state = 'ready' WHERE name = 'm3' AND version = 2;
SET ROLE models_anna;
-- The newest that is ready is what a name means; an older version may go.
CREATE OR REPLACE TRIGGER embed BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('models_anna.m3', 'image', 'e');
SELECT drop_model('m3@1');
SELECT failure($$SELECT drop_model('m3@2')$$);
SELECT grant_model('m3', 'models_web');
-- Another's table with a trigger that means it counts too; and who owns the table makes no own model in its way.
DROP TABLE album;
SET ROLE models_web;
CREATE TABLE album (id int PRIMARY KEY, image bytea, e embedding);
CREATE TRIGGER embed BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('m3', 'image', 'e', '{"on_error": "fail"}');
CALL train_encoder('m3', 'pictures', recipe(7));
RESET ROLE;
SELECT failure($$SELECT reassign_models('models_evil', 'models_web')$$);
SET ROLE models_web;
-- A version says nothing of the owner.
CREATE OR REPLACE TRIGGER embed BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('m3@2', 'image', 'e');
CALL train_encoder('m3', 'pictures', recipe(7));
RESET ROLE;
SELECT failure($$SELECT reassign_models('models_evil', 'models_web')$$);
-- The same model of another owner is the same.
BEGIN;
SELECT reassign_models('models_anna', 'models_web');
INSERT INTO models_test.album SELECT id, image FROM pictures LIMIT 1 RETURNING e IS NOT NULL AS embedded;
ROLLBACK;
SET ROLE models_web;
CREATE OR REPLACE TRIGGER embed BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('m3', 'image', 'e');
SET ROLE models_anna;
SELECT failure($$SELECT drop_model('m3')$$);
SELECT revoke_model('m3', 'models_web');
SELECT drop_model('m3');
SET ROLE models_web;
INSERT INTO album SELECT id, image FROM pictures;
-- A trigger waits for its model, and a bad name of one does not get in the way of others.
CREATE TRIGGER odd BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('no name', 'image', 'e');
CALL train_encoder('m3', 'pictures', recipe(7));
SELECT failure($$SELECT drop_model('m3')$$);
DROP TABLE album;
SELECT drop_model('m3');
RESET ROLE;

-- The weights that a training began with are found again.
SET ROLE models_evil;
SELECT grant_model('m3', 'models_web');
SET ROLE models_web;
CALL train_encoder('next', 'pictures', recipe(8, '{"init": "models_evil.m3"}'));
SELECT recipe->>'init' AS init FROM selfclass_models WHERE name = 'next';
SELECT count(*) FROM cluster_images('pictures', 2, 'next', '{"init": "m3"}');
SELECT drop_model('next');
RESET ROLE;

SELECT count(drop_model(owner || '.' || name)) FROM (SELECT DISTINCT owner, name FROM selfclass_models) m;
SELECT count(*) FROM selfclass_model_grants;
SET client_min_messages = error;
DROP SCHEMA models_test CASCADE;
REVOKE ALL ON SCHEMA selfclass FROM PUBLIC;
DROP ROLE models_anna, models_evil, models_web, models_guest, "Models' ""odd"".role";
