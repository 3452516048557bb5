-- The one call: from a table of images to labels.
CREATE SCHEMA cluster_test;
SET search_path = cluster_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE photos (id int PRIMARY KEY, image bytea, title text);
INSERT INTO photos SELECT i, test_picture(i % 3, i), 'photo ' || i FROM generate_series(1, 24) i;
\set tiny '\'{"preset": "lightly", "input_size": 16, "epochs": 1, "batch_size": 8}\''
\set quick '\'{"input_size": 16, "epochs": 0, "batch_size": 8}\''

-- Every way to call it. The model spares a new encoder for each.
SELECT count(*), count(label) AS labels, min(label), pg_typeof(min(id)) AS key, bool_and(distance >= 0) AS distance,
	count(DISTINCT embedding_0) > 1 AS plot FROM cluster_images('photos', options => :tiny);
SELECT count(DISTINCT label) FROM cluster_images('photos', 3, NULL, :quick);
CALL train_encoder('base', 'photos', :quick);
SELECT count(p.title), count(DISTINCT c.label) FROM photos p JOIN cluster_images('photos', k => 4, model => 'base') c USING (id);
CREATE TABLE by_uuid AS SELECT md5(id::text)::uuid AS id, image FROM photos;
ALTER TABLE by_uuid ADD PRIMARY KEY (id);
SELECT count(DISTINCT label), pg_typeof((array_agg(id))[1]) AS key FROM cluster_images('by_uuid', NULL::uuid, 3, 'base');
SELECT count(DISTINCT label) FROM cluster_images('by_uuid', NULL::uuid, model => 'base', k => 2);
SELECT count(DISTINCT label), pg_typeof(min(id)) AS key FROM cluster_images('photos', NULL::int, k => 2, model => 'base');
SELECT count(DISTINCT label), pg_typeof(min(id)) AS key
	FROM cluster_images('photos', NULL::text, k => 2, model => 'base', options => '{"id_column": "title"}');
PREPARE p(int) AS SELECT count(DISTINCT label) FROM cluster_images('photos', k => $1, model => 'base');
EXECUTE p(2);
EXECUTE p(3);
-- As drivers send it: a bigint in the second place is k where the key is an integer.
SELECT count(DISTINCT label), pg_typeof(min(id)) AS key FROM cluster_images('photos', 4::bigint, model => 'base');
PREPARE p8(bigint) AS SELECT count(DISTINCT label) FROM cluster_images('photos', k => $1::int, model => 'base');
EXECUTE p8(2);
-- A key of several columns is a row of a composite type.
CREATE TABLE albums (album text, image bytea, number int, PRIMARY KEY (album, number));
INSERT INTO albums SELECT 'a' || id % 2, image, id / 2 FROM photos;
CREATE TYPE album_key AS (album text, number int);
CREATE VIEW album_view AS TABLE albums;
SELECT count(DISTINCT label), count(DISTINCT (id).number) AS numbers, pg_typeof((array_agg(id))[1]) AS key FROM cluster_images('albums', NULL::album_key, 3, 'base');
SELECT bool_and(a.label = b.label) AS same, count(*) FROM cluster_images('albums', NULL::album_key, 3, 'base') a
	JOIN cluster_images('album_view', NULL::album_key, 3, 'base', '{"id_column": ["album", "number"]}') b USING (id);
SELECT count(e.embedding) FROM embed_images('album_view', NULL::album_key, 'base', '{"id_column": ["album", "number"]}') e JOIN albums a ON e.id = ROW(a.album, a.number)::album_key;
CALL train_encoder('of_albums', 'album_view', '{"id_column": ["album", "number"], "input_size": 16, "epochs": 0, "batch_size": 8}');
SELECT recipe -> 'id_column' AS id_column FROM selfclass_models WHERE name = 'of_albums';
-- the model's recipe names them
SELECT count(embedding) FROM embed_images('album_view', NULL::album_key, 'of_albums');

-- The same seed gives the same, whatever the order of the rows and the threads.
CREATE TABLE first AS SELECT * FROM cluster_images('photos', k => 3, options => :tiny);
CREATE TABLE backwards AS SELECT * FROM photos ORDER BY id DESC;
ALTER TABLE backwards ADD PRIMARY KEY (id);
SET selfclass.threads = 1;
SELECT count(*) AS different FROM first FULL JOIN cluster_images('backwards', k => 3, options => :tiny) c USING (id)
	WHERE (first.label, first.embedding_0, first.embedding_1, first.distance, first.confidence)
		IS DISTINCT FROM (c.label, c.embedding_0, c.embedding_1, c.distance, c.confidence);
RESET selfclass.threads;
-- Largest first.
SELECT bool_and(n <= before) AS descending
	FROM (SELECT count(*) AS n, lag(count(*)) OVER (ORDER BY label) AS before FROM first GROUP BY label) s;

-- How k is chosen. The options of a clustering stay with the model.
SET client_min_messages = notice;
SELECT count(*) FROM cluster_images('photos', model => 'base', options => '{"elbow_method": "last_turn", "min_gain": 1, "max_k": 1}');
SELECT count(*) FROM cluster_images('photos', k => 2, model => 'base', options => '{"pca_components": 30, "pca_whiten": false, "max_iter": 1, "tol": 0}');
SET client_min_messages = warning;
SELECT count(DISTINCT label) BETWEEN 2 AND 5 AS k FROM cluster_images('photos', model => 'base', options => '{"elbow_method": "silhouette", "max_k": 5, "max_iter": 300, "tol": 1e-4}');
SELECT count(DISTINCT label) AS k FROM cluster_images('photos', model => 'base', options => '{"max_k": 1}');
SELECT count(DISTINCT label) BETWEEN 1 AND 23 AS k FROM cluster_images('photos', model => 'base', options => '{"max_k": 9000, "pca_components": 0.9, "l2_normalize": false}');
SELECT count(DISTINCT label) AS k FROM cluster_images('photos', 24, 'base');

-- With a model: trained once, then used; labels keep their meaning.
CREATE TABLE second AS SELECT * FROM cluster_images('photos', 3, 'photos_v1', :tiny);
SELECT count(*) AS different FROM first FULL JOIN second USING (id) WHERE first.label IS DISTINCT FROM second.label;
SELECT state, epochs_done, images, pca IS NOT NULL AS pca, kmeans IS NOT NULL AS kmeans, elbow IS NOT NULL AS elbow
	FROM selfclass_models WHERE name = 'photos_v1';
SELECT count(*) AS different FROM second JOIN cluster_images('photos', 3, 'photos_v1') c USING (id) WHERE c.label <> second.label;
SELECT count(*) AS different FROM second JOIN cluster_images('photos', 3, 'photos_v1', :tiny) c USING (id) WHERE c.label <> second.label;
-- Another seed of k-means numbers the clusters alike. New rows are embedded, not trained on.
SELECT count(*) FILTER (WHERE c.label = second.label) >= 20 AS same
	FROM second JOIN cluster_images('photos', 3, 'photos_v1', '{"seed": 7, "n_init": 50}') c USING (id);
INSERT INTO photos SELECT i, test_picture(0, i) FROM generate_series(25, 40) i;
SELECT count(label) FROM cluster_images('photos', 3, 'photos_v1');
SELECT count(DISTINCT label) FROM cluster_images('photos', 5, 'photos_v1');
SELECT count(DISTINCT label) FROM cluster_images('photos', 2, 'photos_v1');
SELECT count(*) FROM cluster_images('photos', model => 'photos_v1@1', options => '{"pca_components": 3, "pca_whiten": true, "elbow_method": "kneedle"}');
SELECT version, images, epochs_done, recipe->>'seed' AS seed, recipe->>'pca_components' AS components, elbow IS NOT NULL AS elbow
	FROM selfclass_models WHERE name = 'photos_v1';
SELECT count(*) FROM cluster_images('photos', model => 'photos_v1', options => '{"epochs": 3}');
-- What auto was is no other option than auto.
SELECT count(*) FROM cluster_images('photos', model => 'photos_v1', options => '{"precision": "auto"}');
SELECT count(*) FROM cluster_images('photos', model => 'photos_v2@1', options => :tiny);
SELECT count(*) FROM cluster_images('photos', 3, model => 'photos_v1', options => :tiny::jsonb || '{"retrain": true}');
SELECT version, state FROM selfclass_models WHERE name = 'photos_v1' ORDER BY version;

-- Labels for what comes later.
CREATE TABLE third AS SELECT * FROM cluster_images('photos', 3, 'photos_v1');
SELECT count(*) AS images, count(*) FILTER (WHERE assign_cluster_image(image, 'photos_v1') = label) AS same
	FROM photos JOIN third USING (id);
SELECT count(*) AS images, count(*) FILTER (WHERE assign_cluster(e.embedding, 'photos_v1') = label) AS same
	FROM embed_images('photos', 'photos_v1') e JOIN third USING (id);
SELECT assign_cluster('[1,2,3]', 'photos_v1');
SELECT assign_cluster(NULL, 'photos_v1') IS NULL AS nothing, assign_cluster_image(NULL, 'photos_v1') IS NULL AS either;
SELECT assign_cluster_image('\xffd8', 'photos_v1');
-- What memory does not hold is said before it is fetched, or looked at.
SET selfclass.max_memory = '16MB';
SELECT failure($$SELECT assign_cluster_image(decode(repeat('ab', 17000000), 'hex'), 'photos_v1')$$);
RESET selfclass.max_memory;
SELECT assign_cluster_image(image, 'photo_v1') FROM photos LIMIT 1;
CALL train_encoder('only_trained', 'photos', :quick);
SELECT assign_cluster_image(image, 'only_trained') FROM photos LIMIT 1;
-- A statement never sees an old clustering.
BEGIN;
PREPARE label_of AS SELECT assign_cluster_image(image, 'photos_v1') >= 0 FROM photos WHERE id = 1;
SELECT count(*) FROM cluster_images('photos', 1, 'photos_v1');
SELECT count(DISTINCT assign_cluster_image(image, 'photos_v1')) FROM photos;
SELECT count(DISTINCT label) FROM cluster_images('photos', 6, 'photos_v1');
SELECT count(DISTINCT assign_cluster_image(image, 'photos_v1')) FROM photos;
ROLLBACK;
SELECT count(DISTINCT assign_cluster_image(image, 'photos_v1')) FROM photos;

-- Into a table.
CREATE DOMAIN tag AS varchar(20) COLLATE "C" CHECK (VALUE <> '');
CREATE TABLE tagged AS SELECT ('t' || id)::tag AS "the key", image FROM photos WHERE id <= 24;
INSERT INTO tagged VALUES ('broken', 'no image');
CALL cluster_images_into('tagged', '"Tagged clusters"', 3, 'tagged', :tiny::jsonb || '{"id_column": "the key"}');
\d "Tagged clusters"
SELECT count(*), count(label) AS labels, count(embedding) AS embeddings, count(DISTINCT label) FROM "Tagged clusters";
SELECT count(*) AS different FROM "Tagged clusters" c JOIN embed_images('tagged', NULL::tag, 'tagged') e USING (id)
	WHERE c.embedding IS DISTINCT FROM e.embedding;
CALL cluster_images_into('photos', 'photo_cluster', options => :quick);
SELECT count(*), pg_typeof(min(id)) FROM photo_cluster;
CALL cluster_images_into('photos', 'photo_cluster_2', model => 'photos_v1', k => 2);
SELECT count(DISTINCT label) FROM photo_cluster_2;
-- its name is read as regclass reads one
CREATE SCHEMA "Other";
CALL cluster_images_into('photos', '"Other".Photo_Cluster', 2::bigint, 'photos_v1');
SELECT count(DISTINCT label) FROM "Other".photo_cluster;
CALL cluster_images_into('photos', '"Other".photo_cluster', 2);
CALL cluster_images_into('photos', 'nowhere.photo_cluster', 2, 'photos_v1');
CALL cluster_images_into('photos', 'photo cluster', 2, 'photos_v1');
CALL cluster_images_into('photos', 'a.b.c', 2, 'photos_v1');
CALL cluster_images_into('photos', '', 2, 'photos_v1');
CALL cluster_images_into('photos', 'new', 3000000000, 'photos_v1');
CALL cluster_images_into('album_view', 'of_albums', 2, 'base', '{"id_column": ["album", "number"], "keep": false}');
SELECT count(*), count(DISTINCT c.label) FROM of_albums c JOIN albums USING (album, number);

-- Unreadable images.
INSERT INTO photos VALUES (101, NULL), (102, ''), (103, 'no image'), (104, 'GIF89a');
INSERT INTO photos SELECT 105, substr(image, 1, length(image) - 20) FROM photos WHERE id = 1;
SELECT count(*), count(label), count(embedding_0), count(distance) FROM cluster_images('photos', 3, 'base');
SELECT count(*) FROM cluster_images('photos', 3, options => :quick::jsonb || '{"on_error": "fail"}');
SELECT count(*) FROM cluster_images('photos', 3, 'photos_v1', '{"on_error": "fail"}');
DELETE FROM photos WHERE id > 100;

-- Bad input.
SELECT * FROM cluster_images(NULL);
SELECT * FROM cluster_images('no_such_table');
SELECT * FROM cluster_images('photos_pkey');
SELECT * FROM cluster_images('photos', k => 0);
SELECT * FROM cluster_images('photos', k => -3);
SELECT * FROM cluster_images('photos', k => 41);
SELECT * FROM cluster_images('by_uuid', 9::bigint);
SELECT * FROM cluster_images('photos', 9::bigint, 3);
SELECT * FROM cluster_images('by_uuid', 9, 'photos_v1');
SELECT * FROM cluster_images('by_uuid', NULL::text, 9, 'photos_v1', '{"id_column": "id", "epochs": 1}');
SELECT * FROM cluster_images('by_uuid', k => 9, model => 'photos_v1', options => '{"min_gain": 0.1}');
SELECT * FROM cluster_images('photos', 0::bigint);
SELECT * FROM cluster_images('photos', 41::bigint);
SELECT * FROM cluster_images('photos', 3000000000);
SELECT * FROM cluster_images('albums', k => 3);
SELECT * FROM cluster_images('album_view', NULL::text, k => 3, options => '{"id_column": ["album", "number"]}');
SELECT * FROM cluster_images('photos', NULL::uuid);
SELECT * FROM cluster_images('by_uuid');
SELECT * FROM cluster_images('photos', model => 'no good name');
SELECT * FROM cluster_images('photos', options => '{"epoch": 1}');
SELECT * FROM cluster_images('photos', options => '{"id_column": "no"}');
SELECT * FROM cluster_images('photos', options => '{"k": 3}');
SELECT * FROM cluster_images('backwards', options => '{"batch_size": 1000}');
CREATE TABLE nothing (id int PRIMARY KEY, image bytea);
SELECT * FROM cluster_images('nothing');
SELECT * FROM cluster_images('nothing', model => 'photos_v1');
INSERT INTO nothing SELECT id, image FROM photos WHERE id = 1;
SELECT * FROM cluster_images('nothing');
INSERT INTO nothing VALUES (3, NULL);
SELECT * FROM cluster_images('nothing', 1);
CREATE TABLE no_bytea (id int PRIMARY KEY, image text);
SELECT * FROM cluster_images('no_bytea');
CREATE TABLE no_key (id int, image bytea);
SELECT * FROM cluster_images('no_key');
SELECT * FROM cluster_images('no_key', k => 3, model => 'fresh', options => '{"epochs": 1, "id_column": null}');
CALL cluster_images_into('no_key', 'no_key_labels', 3, 'fresh', '{"epochs": 1}');
CALL train_encoder('fresh', 'no_key', '{"epochs": 1}');
-- The SQLSTATEs of all that, and a few more.
CREATE FUNCTION sqlstate(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT sqlstate(format('SELECT * FROM cluster_images(%s)', arguments)), arguments FROM (VALUES
	('NULL'), ($$'no_such_table'$$), ('4000000000::regclass'), ($$'photos_pkey'$$), ($$'photos', 0$$), ($$'photos', 41$$),
	($$'by_uuid', 9::bigint$$), ($$'photos', 3000000000$$), ($$'albums'$$), ($$'photos', NULL::uuid$$), ($$'by_uuid'$$), ($$'photos', model => ''$$),
	($$'photos', model => 'only_trained@2'$$), ($$'photos', options => '{"epochs": 1e9}'$$), ($$'photos', options => '{"seed": null}'$$),
	($$'photos', options => '[]'$$), ($$'photos', options => '{"id_column": "no"}'$$),
	($$'photos', options => '{"image_column": "title"}'$$), ($$'photos', options => '{"init": "nothing"}'$$),
	($$'nothing', options => '{"on_error": "fail"}'$$),
	($$'nothing'$$), ($$'no_bytea'$$), ($$'no_key'$$)) a(arguments);
-- Two are enough; equal ones are one point.
TRUNCATE nothing;
INSERT INTO nothing SELECT i, image FROM photos, generate_series(1, 4) i WHERE photos.id = 1;
SET client_min_messages = notice;
SELECT label, distance FROM cluster_images('nothing', 3, options => '{"preset": "lightly", "input_size": 16, "epochs": 0, "batch_size": 2}');
SELECT label FROM cluster_images('nothing', options => '{"preset": "paper", "input_size": 16, "epochs": 0}');
SET client_min_messages = warning;

-- Into a table: bad input is found before the work, and nothing is left.
CALL cluster_images_into('photos', 'photo_cluster');
CALL cluster_images_into('photos', NULL);
CALL cluster_images_into(NULL, 'new');
CALL cluster_images_into('photos', '""');
CALL cluster_images_into('photos', 'pg_catalog.new');
CALL cluster_images_into('photos', 'new', 0);
CALL cluster_images_into('photos', 'new', 1000);
INSERT INTO no_key SELECT 1, image FROM photos LIMIT 3;
CALL cluster_images_into('no_key', 'new', options => '{"id_column": "id", "epochs": 100}');
CREATE TABLE json_key AS SELECT to_json(id) AS id, image FROM photos;
CALL cluster_images_into('json_key', 'new', options => '{"id_column": "id"}');
BEGIN;
CALL cluster_images_into('photos', 'new');
ROLLBACK;
\set VERBOSITY sqlstate
CALL cluster_images_into('photos', 'photo_cluster');
CALL cluster_images_into('photos', NULL);
CALL cluster_images_into('photos', 'new', 1000);
CALL cluster_images_into('no_key', 'new', options => '{"id_column": "id", "epochs": 100}');
CALL cluster_images_into('json_key', 'new', options => '{"id_column": "id"}');
BEGIN;
CALL cluster_images_into('photos', 'new');
ROLLBACK;
BEGIN READ ONLY;
CALL cluster_images_into('photos', 'new');
ROLLBACK;
\set VERBOSITY default
SELECT to_regclass('new') AS new;

-- Read only: without a model everything works, with one nothing begins.
BEGIN READ ONLY;
SELECT count(*) FROM cluster_images('photos', 2, options => :quick);
SELECT count(*) FROM cluster_images('photos', 2, 'photos_v1');
ROLLBACK;
BEGIN READ ONLY;
SELECT count(assign_cluster_image(image, 'photos_v1')) FROM photos;
CALL cluster_images_into('photos', 'new');
ROLLBACK;
-- An error later in the transaction takes the model with it.
BEGIN;
SELECT count(*) FROM cluster_images('photos', 2, 'gone', :quick);
ROLLBACK;
SELECT count(*) FROM selfclass_model WHERE name = 'gone';

-- Rights are the caller's; a model that was granted is used, and keeps its owner's clustering.
CREATE ROLE cluster_test_other;
GRANT USAGE ON SCHEMA selfclass, cluster_test TO cluster_test_other;
SET ROLE cluster_test_other;
SELECT count(*) FROM cluster_images('photos', 2, options => :quick);
RESET ROLE;
GRANT SELECT ON photos TO cluster_test_other;
SELECT grant_model('photos_v1', 'cluster_test_other');
SET ROLE cluster_test_other;
SET client_min_messages = notice;
SELECT count(DISTINCT label) FROM cluster_images('photos', 4, 'photos_v1');
SELECT count(assign_cluster_image(image, 'photos_v1')) FROM photos;
SET client_min_messages = warning;
CALL cluster_images_into('photos', 'new', 2, options => :quick);
RESET ROLE;
SELECT count(DISTINCT assign_cluster_image(image, 'photos_v1')) FROM photos;

SELECT count(drop_model(name)) FROM (SELECT DISTINCT name FROM selfclass_models) m;
SET client_min_messages = error;
DROP SCHEMA cluster_test CASCADE;
REVOKE ALL ON SCHEMA selfclass FROM cluster_test_other;
DROP ROLE cluster_test_other;
