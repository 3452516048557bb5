-- Encoders from files, and embedding images with them.
CREATE SCHEMA embed_test;
SET search_path = embed_test, public, selfclass;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\i tests/fixtures/encoder_file.sql
\set ECHO all
CREATE TABLE files AS SELECT seed, encoder_file(seed) AS file FROM generate_series(1, 2) seed;
CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
INSERT INTO pictures SELECT i, test_picture(i % 3, i) FROM generate_series(1, 70) i;

-- import and export
SELECT import_encoder('net', file, '{"input_size": 32}') FROM files WHERE seed = 1;
SELECT recipe->>'precision' AS precision FROM selfclass_models WHERE name = 'net';
SELECT name, version, state, recipe ->> 'preset' AS preset, recipe ->> 'input_size' AS input_size, epochs_done, images, loss
	FROM selfclass_models WHERE name = 'net';
SELECT import_encoder('again', export_encoder('net'), '{"input_size": 32}');
SELECT export_encoder('net') = export_encoder('again') AS same;

-- a PNG, where the build reads them: the same gray as a JPEG's, and one that is cut off
CREATE FUNCTION png(bytes int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN embed_image(substr('\x89504e470d0a1a0a0000000d49484452000000100000001008000000003a98a0bd0000000f4944415478da636840030c235b0000050c8001e333598a0000000049454e44ae426082'::bytea, 1, bytes), 'net') = embed_image(gray_jpeg(2, 2, '{0,0,0,0}'), 'net');
EXCEPTION WHEN feature_not_supported OR invalid_binary_representation THEN
	RETURN SQLSTATE;
END $$;
SELECT (png(1000), png(40)) IN (('true', '22P03'), ('0A000', '0A000')) AS png;

-- files that are none
SELECT import_encoder('bad', '');
SELECT import_encoder('bad', '\x0000');
SELECT import_encoder('bad', substr(file, 1, 1000000)) FROM files WHERE seed = 1;
SELECT import_encoder('bad', overlay(file PLACING '\x0000c07f' FROM 20001)) FROM files WHERE seed = 1;
SELECT import_encoder('bad', file, '{"stem": "small"}') FROM files WHERE seed = 1;
SELECT import_encoder('bad', substr(file, 1, 8) || convert_to(replace(convert_from(substr(file, 9, 500), 'UTF8'), 'bn1.bias', 'bn1.bise'), 'UTF8')
	|| substr(file, 509)) FROM files WHERE seed = 1;
SELECT import_encoder('bad', overlay(file PLACING '\x00000000000000ff' FROM 1)) FROM files WHERE seed = 1;
SELECT import_encoder('bad', file || '\x00') FROM files WHERE seed = 1;
-- the last variance
SELECT import_encoder('bad', overlay(file PLACING '\x000020c1' FROM length(file) - 11)) FROM files WHERE seed = 1;
SELECT import_encoder('bad', NULL);
SELECT import_encoder(NULL, '');
SELECT import_encoder('no name', '');
SELECT import_encoder('bad', '', '{"inputsize": 32}');
SELECT import_encoder('bad', '', '[1]');
SELECT import_encoder('net', file) FROM files WHERE seed = 1;
SELECT export_encoder('nett');
SELECT export_encoder(NULL);
SELECT count(*) FROM selfclass_models WHERE name = 'bad';

-- one image
SELECT embedding_dims(embed_image(image, 'net')) FROM pictures WHERE id = 1;
SELECT count(DISTINCT embed_image(image, 'net')) AS different, count(*) FROM pictures;
SELECT embed_image(NULL, 'net') IS NULL AS image_null, embed_image('x', NULL) IS NULL AS model_null;
SELECT embed_image('', 'net');
SELECT embed_image(substr(image, 1, 150), 'net') FROM pictures WHERE id = 1;
SELECT embed_image(image, 'nett') FROM pictures WHERE id = 1;
SELECT embed_image(image, 'net@7') FROM pictures WHERE id = 1;
-- a picture larger than the views of the network
SELECT embed_image(gray_jpeg(64, 64, array_fill(9, ARRAY[4096])), 'net') <-> embed_image(gray_jpeg(8, 8, array_fill(9, ARRAY[64])), 'net') < 1e-3 AS same;

-- all images of a table, the same to the bit, for any number of lanes
CREATE TABLE embedded AS SELECT * FROM embed_images('pictures', 'net');
\d embedded
SELECT count(*), bool_and(e.embedding = embed_image(p.image, 'net')) AS same FROM embedded e JOIN pictures p USING (id);
SET selfclass.threads = 1;
SELECT bool_and(e.embedding = embed_image(p.image, 'net')) AS same FROM embedded e JOIN pictures p USING (id);
SELECT bool_and(e.embedding = f.embedding) AS same FROM embedded e JOIN embed_images('pictures', 'net') f USING (id);
SET selfclass.threads = 3;
SELECT bool_and(e.embedding = f.embedding) AS same FROM embedded e JOIN embed_images('pictures', NULL::int, 'net') f USING (id);
RESET selfclass.threads;
-- a view that changes them meanwhile
CREATE VIEW rude AS SELECT id, image FROM pictures WHERE set_config('selfclass.threads', (1 + id % 4)::text, false) <> '';
SELECT import_encoder('keyed', file, '{"input_size": 32, "id_column": "id", "image_column": "image"}') FROM files WHERE seed = 1;
SELECT count(*), bool_and(e.embedding = f.embedding) AS same FROM embedded e JOIN embed_images('rude', 'keyed') f USING (id);
RESET selfclass.threads;
-- a view that embeds, itself; two models side by side
CREATE VIEW nested AS SELECT id, image FROM pictures WHERE embed_image(image, 'again') <-> embed_image(image, 'keyed') = 0;
SELECT count(*), bool_and(e.embedding = f.embedding) AS same FROM embedded e JOIN embed_images('nested', NULL::int, 'net', '{"id_column": "id"}') f USING (id);
-- parallel workers
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
ALTER TABLE pictures SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT id, embed_image(image, 'net') FROM pictures;
CREATE TABLE in_workers AS SELECT id, embed_image(image, 'net') AS embedding FROM pictures;
SELECT count(*), bool_and(e.embedding = w.embedding) AS same FROM embedded e JOIN in_workers w USING (id);
RESET parallel_leader_participation;
RESET max_parallel_workers_per_gather;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;

-- keys of other types
CREATE TABLE by_uuid AS SELECT md5(id::text)::uuid AS id, image FROM pictures WHERE id <= 10;
ALTER TABLE by_uuid ADD PRIMARY KEY (id);
SELECT count(*), pg_typeof(min(id::text)::uuid), count(embedding) FROM embed_images('by_uuid', NULL::uuid, 'net');
SELECT bool_and(f.embedding = embed_image(u.image, 'net')) AS same FROM embed_images('by_uuid', NULL::uuid, 'net') f JOIN by_uuid u USING (id);
SELECT * FROM embed_images('by_uuid', 'net');
SELECT * FROM embed_images('by_uuid', NULL::text, 'net');
SELECT * FROM embed_images('pictures', 5, 'net');
SELECT * FROM embed_images(NULL, 'net');
SELECT * FROM embed_images('pictures', NULL);
SELECT * FROM embed_images('pictures', 'nett');
SELECT * FROM embed_images('rude', 'net');
SELECT * FROM embed_images('missing', 'net');
SELECT * FROM embed_images('files', 'net');

-- columns by name
CREATE TABLE two AS SELECT id AS key, image AS thumbnail, image FROM pictures WHERE id <= 3;
SELECT count(e.embedding) FROM embed_images('two', NULL::int, 'net', '{"id_column": "key", "image_column": "thumbnail"}') e;
SELECT * FROM embed_images('two', NULL::int, 'net', '{"id_column": "key"}');
SELECT * FROM embed_images('two', NULL::int, 'net', '{"id_column": "kye"}');
SELECT * FROM embed_images('two', NULL::int, 'net', '{"id": "key"}');
SELECT * FROM embed_images('two', NULL::int, 'net', '{"id_column": "key", "image_column": "key"}');

-- what cannot be read keeps its row
CREATE TABLE mixed (id int PRIMARY KEY, image bytea);
SELECT * FROM embed_images('mixed', 'net');
INSERT INTO mixed SELECT id, CASE id % 3 WHEN 0 THEN image WHEN 1 THEN NULL ELSE '\x00' END FROM pictures WHERE id <= 9;
SELECT id, embedding IS NULL AS no_embedding FROM embed_images('mixed', 'net') ORDER BY id;
SELECT * FROM embed_images('mixed', NULL::int, 'net', '{"on_error": "fail"}');

-- A model that is made anew, rolled back or dropped is never used by the next statement.
PREPARE e AS SELECT md5(embed_image(image, 'net')::text) AS now FROM pictures WHERE id = 1;
EXECUTE e \gset first_
BEGIN;
SELECT import_encoder('net', file, '{"input_size": 32, "retrain": true}') FROM files WHERE seed = 2;
EXECUTE e \gset second_
SELECT :'first_now' <> :'second_now' AS another, :'first_now' = md5(embed_image(image, 'net@1')::text) AS old FROM pictures WHERE id = 1;
ROLLBACK;
EXECUTE e \gset third_
SELECT :'first_now' = :'third_now' AS back;
-- one expression of PL/pgSQL, kept over the statements of a transaction
DO $$
DECLARE
	picture bytea := (SELECT image FROM pictures WHERE id = 1);
	result embedding[];
	one embedding;
BEGIN
	FOR i IN 1 .. 4 LOOP
		BEGIN
			IF i % 2 = 0 THEN
				PERFORM import_encoder('net', file, '{"input_size": 32, "retrain": true}') FROM files WHERE seed = 2;
			END IF;
			one := embed_image(picture, 'net');
			result := result || one;
			RAISE EXCEPTION 'back';
		EXCEPTION WHEN raise_exception THEN
		END;
	END LOOP;
	RAISE NOTICE '% % %', result[1] = result[3], result[2] = result[4], result[1] <> result[2];
END $$;
SELECT import_encoder('net', file, '{"input_size": 32, "retrain": true}') FROM files WHERE seed = 2;
EXECUTE e \gset fourth_
SELECT :'second_now' = :'fourth_now' AS another;
SELECT drop_model('net@2');
EXECUTE e \gset fifth_
SELECT :'first_now' = :'fifth_now' AS back;
CREATE ROLE embed_user;
GRANT USAGE ON SCHEMA embed_test, selfclass TO embed_user;
GRANT SELECT ON pictures TO embed_user;
SET ROLE embed_user;
EXECUTE e;
RESET ROLE;
SELECT grant_model('net', 'embed_user');
SET ROLE embed_user;
SELECT count(*) FROM embed_images('pictures', 'net');
SELECT count(*) FROM embed_images('mixed', 'net');
RESET ROLE;
SELECT revoke_model('net', 'embed_user');
SET ROLE embed_user;
EXECUTE e;
RESET ROLE;

-- a small stem shows in the file
SELECT import_encoder('small', encoder_file(3, 3), '{"input_size": 32}');
SELECT recipe ->> 'stem' AS stem FROM selfclass_models WHERE name = 'small';
SELECT import_encoder('small_again', export_encoder('small'), '{"input_size": 32, "stem": "small"}');
SELECT count(*), bool_and(embed_image(image, 'small_again') = embedding) AS same FROM embed_images('pictures', 'small') JOIN pictures USING (id);
SELECT drop_model('small');
SELECT drop_model('small_again');

-- memory
SET selfclass.max_memory = '16MB';
SELECT embed_image(image, 'again') IS NULL FROM pictures WHERE id = 1;
SELECT count(*) FROM embed_images('pictures', 'again');
-- A value's size is looked at before the value is.
CREATE TABLE large AS SELECT decode(repeat('00', 20 << 20), 'hex') AS image;
SELECT embed_image(image, 'again') FROM large;
DROP TABLE large;
RESET selfclass.max_memory;
EXECUTE e \gset sixth_
SELECT :'first_now' = :'sixth_now' AS same;

-- a timeout leaves a session that goes on
SET statement_timeout = '200ms';
SELECT count(embed_image(image, 'net')) FROM pictures, generate_series(1, 10000);
RESET statement_timeout;
EXECUTE e \gset seventh_
SELECT :'first_now' = :'seventh_now' AS same;

-- the trigger
CREATE TABLE album (id int PRIMARY KEY, image bytea, emb embedding(512), note text);
CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb');
INSERT INTO album SELECT id, image FROM pictures WHERE id <= 5;
INSERT INTO album VALUES (6, NULL, NULL);
SELECT bool_and(emb IS NOT DISTINCT FROM embed_image(image, 'net')) AS same, count(emb) FROM album;
UPDATE album SET image = (SELECT image FROM pictures WHERE id = 30) WHERE id = 1;
UPDATE album SET image = NULL WHERE id = 2;
-- no embedding any more: it is made anew
UPDATE album SET emb = NULL, note = 'by hand' WHERE id = 3;
UPDATE album SET note = 'untouched' WHERE id = 4;
SELECT id, emb IS NOT DISTINCT FROM embed_image(image, 'net') AS same FROM album ORDER BY id;
-- the same bytes: nothing is done, so what was put there by hand stays
UPDATE album SET emb = l2_normalize(emb) WHERE id = 3;
UPDATE album SET image = image || '' WHERE id = 3;
SELECT emb = l2_normalize(embed_image(image, 'net')) AS by_hand FROM album WHERE id = 3;
UPDATE album SET emb = NULL WHERE id = 3;
SELECT emb = embed_image(image, 'net') AS same FROM album WHERE id = 3;
-- one that cannot be read has no embedding, and is tried again while it has none
INSERT INTO album VALUES (7, 'x');
UPDATE album SET note = 'again' WHERE id = 7;
SELECT id FROM album WHERE emb IS NULL ORDER BY id;
UPDATE album SET image = 'x' WHERE id = 4;
SELECT id FROM album WHERE emb IS NULL ORDER BY id;
CREATE OR REPLACE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb', '{"on_error": "fail"}');
INSERT INTO album VALUES (8, 'x');
CREATE OR REPLACE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb', '{"on_eror": "fail"}');
INSERT INTO album VALUES (8, 'x');
CREATE OR REPLACE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb', '{');
INSERT INTO album VALUES (8, 'x');
CREATE OR REPLACE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb', '{"label_column": "note"}');
INSERT INTO album VALUES (8, 'x');
CREATE OR REPLACE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb', '{"label_column": "id"}');
INSERT INTO album SELECT 8, image FROM pictures WHERE id = 1;
CREATE OR REPLACE TRIGGER embed BEFORE INSERT OR UPDATE ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb');
-- an earlier trigger that brings the image
CREATE FUNCTION bring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.image := (SELECT image FROM pictures WHERE id = 40);
	RETURN NEW;
END $$;
CREATE TRIGGER bring BEFORE UPDATE ON album FOR EACH ROW WHEN (NEW.note = 'bring') EXECUTE FUNCTION bring();
UPDATE album SET note = 'bring' WHERE id = 5;
SELECT emb = embed_image(image, 'net') AS same, emb = embed_image((SELECT image FROM pictures WHERE id = 40), 'net') AS brought FROM album WHERE id = 5;
CREATE TABLE wrong (id int, image bytea, emb embedding(3), words text);
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'picture', 'emb');
INSERT INTO wrong SELECT id, image FROM pictures WHERE id = 1;
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'words', 'emb');
INSERT INTO wrong SELECT id, image FROM pictures WHERE id = 1;
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'words');
INSERT INTO wrong SELECT id, image FROM pictures WHERE id = 1;
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb');
INSERT INTO wrong SELECT id, image FROM pictures WHERE id = 1;
CREATE OR REPLACE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image');
INSERT INTO wrong SELECT id, image FROM pictures WHERE id = 1;
CREATE OR REPLACE TRIGGER t AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb');
INSERT INTO wrong SELECT id, image FROM pictures WHERE id = 1;
SELECT count(*) FROM wrong;

-- a read-only transaction embeds and imports nothing
BEGIN READ ONLY;
EXECUTE e \gset eighth_
SELECT :'first_now' = :'eighth_now' AS same, (SELECT count(embedding) FROM embed_images('pictures', 'net'));
SELECT import_encoder('more', '');
ROLLBACK;

DROP TABLE album, wrong;
SELECT drop_model('net');
EXECUTE e;
SELECT drop_model('again');
SELECT drop_model('keyed');
SET client_min_messages = warning;
DROP SCHEMA embed_test CASCADE;
REVOKE ALL ON SCHEMA selfclass FROM embed_user;
DROP ROLE embed_user;
