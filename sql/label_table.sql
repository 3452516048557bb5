-- Where a label lives and what it means: the label table of a model.
CREATE SCHEMA label_table_test;
SET search_path = label_table_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE photos (id int PRIMARY KEY, image bytea);
INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 24) i;
\set quick '\'{"preset": "lightly", "input_size": 16, "epochs": 0, "batch_size": 8}\''

CREATE VIEW groups AS SELECT * FROM selfclass_clusters WHERE model = 'm';
CREATE VIEW m AS SELECT * FROM selfclass.selfclass_model WHERE name = 'm';
CREATE VIEW edits AS SELECT * FROM selfclass_cluster_edits WHERE model = 'm';

-- The table, and what is kept beside it.
CALL cluster_images_into('photos', 'photo_cluster', 3, 'm', :quick);
\d photo_cluster
SELECT count(*), count(label), count(confidence), bool_and(confidence BETWEEN 0 AND 1) AS share, bool_or(pinned) AS pinned FROM photo_cluster;
SELECT labels, k FROM selfclass_models WHERE name = 'm';
SELECT c.label, c.name, c.pinned, c.edited, c.size = t.size AS size, c.mean_distance = t.distance AS distance,
	c.mean_confidence = t.confidence AS confidence, c.example = t.example AS example
	FROM groups c JOIN (SELECT label, count(*) AS size, avg(distance ORDER BY id) AS distance,
		avg(confidence ORDER BY id) AS confidence, (array_agg(id::text ORDER BY distance, id))[1] AS example
		FROM photo_cluster GROUP BY label) t USING (label) ORDER BY label;
-- Largest first in the first clustering.
SELECT array_agg(label ORDER BY size DESC, label) AS labels FROM groups;
SELECT highest_label, edited, calibration[1] > 0 AS far, array_length(calibration, 1) % 2 AS pairs FROM m;
SELECT count(*) FROM edits;

-- Brought up to date in place: what stands on it stays, new keys come, gone ones go, pinned rows keep their label.
CREATE ROLE label_table_reader;
GRANT SELECT ON photo_cluster TO label_table_reader;
CREATE VIEW members AS SELECT id, label FROM photo_cluster;
CREATE TABLE pins AS SELECT id, (label + 1) % 3 AS label FROM photo_cluster WHERE id <= 3;
UPDATE photo_cluster c SET label = p.label, pinned = true FROM pins p WHERE c.id = p.id;
DELETE FROM photos WHERE id = 24;
INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(25, 30) i;
INSERT INTO photos VALUES (31, 'no picture');
SELECT 'photo_cluster'::regclass::oid AS before \gset
CALL cluster_images_into('photos', 'photo_cluster', model => 'm');
SELECT 'photo_cluster'::regclass::oid = :before AS same, has_table_privilege('label_table_reader', 'photo_cluster', 'SELECT') AS granted;
SELECT count(*), count(label), min(id), max(id), count(*) FILTER (WHERE pinned) AS pinned FROM members JOIN photo_cluster USING (id, label);
SELECT count(*), bool_and(c.label = p.label AND c.pinned) AS kept FROM photo_cluster c JOIN pins p USING (id);
SELECT label, distance, confidence, embedding, pinned FROM photo_cluster WHERE id = 31;
SELECT sum(size), sum(pinned) FROM groups;
SELECT edit, command, edited_by, login, arguments, rows_changed > 6 AS rows FROM edits;
-- A label by hand that is no group.
UPDATE photo_cluster SET label = 99, pinned = true WHERE id IN (7, 8);
CALL cluster_images_into('photos', 'photo_cluster', model => 'm');
SELECT * FROM refresh_clusters('m');
UPDATE photo_cluster SET label = NULL WHERE id IN (7, 8);
CALL cluster_images_into('photos', 'photo_cluster', model => 'm');
SELECT label, pinned, distance > 0 AS distance FROM photo_cluster WHERE id IN (7, 8);
UPDATE photo_cluster SET pinned = false WHERE id IN (7, 8);
-- Another number: what is new gets labels that nobody ever had; with fewer, labels are left out.
CALL cluster_images_into('photos', 'photo_cluster', 5, 'm');
SELECT array_agg(label ORDER BY label) AS labels FROM groups;
CALL cluster_images_into('photos', 'photo_cluster', 6, 'm');
SELECT array_agg(label ORDER BY label) AS labels FROM groups;
CALL cluster_images_into('photos', 'photo_cluster', 1, 'm', '{"min_confidence": 0}');
SELECT count(DISTINCT label) BETWEEN 2 AND 4 AS groups, bool_and(label <= 5) AS old FROM groups;
SELECT count(*), bool_and(c.label = p.label) AS kept FROM photo_cluster c JOIN pins p USING (id);
CALL cluster_images_into('photos', 'photo_cluster', 7, 'm');
SELECT count(*) AS groups, max(label) > 5 AS new, count(*) FILTER (WHERE label IN (SELECT label FROM pins)) = (SELECT count(DISTINCT label) FROM pins) AS pinned FROM groups;
SELECT k, kmeans IS NULL AS renumbered FROM selfclass_models WHERE name = 'm';
SELECT max(c.label) = m.highest_label AS highest FROM groups c, m GROUP BY m.highest_label;
SELECT count(*) AS different FROM photo_cluster WHERE NOT pinned AND label <> assign_cluster(embedding, 'm');
UPDATE photo_cluster SET pinned = false;

-- Whose table it may be.
CREATE TABLE taken (id int);
CALL cluster_images_into('photos', 'taken', 3, 'm');
CALL cluster_images_into('photos', 'taken', 3);
CALL cluster_images_into('photos', 'photo_cluster', 3);
CALL cluster_images_into('photos', 'photo_cluster', 3, 'other', :quick);
CALL cluster_images_into('photos', 'photo_cluster', 3, 'm', '{"keep": false}');
CALL cluster_images_into('photos', 'photo_cluster', 3, 'm', '{"retrain": true, "epochs": 0}');
CREATE TABLE texts AS SELECT id::text, image FROM photos;
ALTER TABLE texts ADD PRIMARY KEY (id);
CALL cluster_images_into('texts', 'photo_cluster', 3, 'm');
CALL cluster_images_into('photos', 'second', 3, 'm');
SELECT labels FROM selfclass_models WHERE name = 'm';
CALL cluster_images_into('photos', 'photo_cluster', 3, 'm');
ALTER TABLE second DROP confidence;
CALL cluster_images_into('photos', 'second', 3, 'm');
SELECT * FROM refresh_clusters('m');
ALTER TABLE second ADD confidence double precision;
ALTER TABLE second DROP pinned;
SELECT * FROM refresh_clusters('m');
ALTER TABLE second ADD pinned boolean NOT NULL DEFAULT false;
ALTER TABLE second ALTER label TYPE text;
SELECT * FROM refresh_clusters('m');
ALTER TABLE second ALTER label TYPE bigint USING label::bigint;
ALTER TABLE second ALTER pinned DROP DEFAULT, ALTER pinned TYPE int USING pinned::int;
SELECT * FROM refresh_clusters('m');
ALTER TABLE second ALTER pinned TYPE boolean USING pinned::boolean;
SELECT * FROM refresh_clusters('m');
ALTER TABLE second DROP CONSTRAINT second_pkey;
SELECT * FROM refresh_clusters('m');
DROP TABLE second;
SELECT * FROM refresh_clusters('m');
-- Another table that has its name is not it, and the hint does not name that one.
CREATE TABLE second ();
SELECT * FROM refresh_clusters('m');
DROP TABLE second;
CALL cluster_images_into('photos', 'second', 3, 'm');
ALTER TABLE second RENAME TO photo_group;
SELECT labels FROM selfclass_models WHERE name = 'm';
CALL cluster_images_into('photos', 'photo_group', 3, 'm');

-- Groups that people corrected are not made anew unasked. (Here one says that they did.)
UPDATE selfclass.selfclass_model SET edited = true WHERE name = 'm';
UPDATE selfclass.selfclass_cluster SET name = 'the first', edited = true WHERE (model_id, label) = (SELECT model_id, min(label) FROM groups GROUP BY model_id);
CREATE TABLE before AS SELECT id, label FROM photo_group;
CALL cluster_images_into('photos', 'photo_group', 4, 'm');
CALL cluster_images_into('photos', 'photo_group', model => 'm', options => '{"pca_components": 3}');
SELECT count(*) FROM cluster_images('photos', model => 'm', options => '{"elbow_method": "silhouette"}');
CALL cluster_images_into('photos', 'photo_group', 3, 'm');
CALL cluster_images_into('photos', 'photo_group', model => 'm');
SELECT count(*) AS different FROM photo_group JOIN before USING (id) WHERE photo_group.label <> before.label;
SELECT m.edited, v.kmeans IS NULL AS hidden FROM m JOIN selfclass_models v USING (model_id);
SELECT count(DISTINCT label) FROM cluster_images('photos', 4, 'm', '{"keep": false}');
-- A name that goes with its group is said. (The group of this one went before.)
INSERT INTO selfclass.selfclass_cluster (model_id, label, name, size) SELECT model_id, 77, 'those "there"', 0 FROM m;
SET client_min_messages = notice;
CALL cluster_images_into('photos', 'photo_group', 4, 'm', '{"replace_groups": true}');
SET client_min_messages = warning;
SELECT edited, k, (SELECT count(*) FROM groups WHERE edited) AS groups FROM m;
SELECT count(*) FROM cluster_images('photos', model => 'm', options => '{"keep": false, "retrain": true}');
SELECT count(*) FROM cluster_images('photos', model => 'nobody', options => '{"keep": false}');

-- Nothing is written.
BEGIN READ ONLY;
SELECT count(*), count(DISTINCT label), bool_and(confidence BETWEEN 0 AND 1) AS share FROM cluster_images('photos', 3, 'm', '{"keep": false}');
SAVEPOINT s;
SELECT count(*) FROM cluster_images('photos', 3, 'm');
ROLLBACK TO s;
SELECT * FROM refresh_clusters('m');
ROLLBACK;
SET client_min_messages = notice;
SELECT count(DISTINCT label), bool_and(confidence BETWEEN 0 AND 1) AS share FROM cluster_images('photos', 3, options => :quick);
SELECT count(*) FROM cluster_images('photos', 3, 'm');
SET client_min_messages = warning;

-- What comes later.
CALL cluster_images_into('photos', 'photo_group', 3, 'm');
SELECT count(*) AS rows, count(*) FILTER (WHERE d.label = l.label) = count(l.label) AS label,
	max(abs(d.distance - l.distance)) < 1e-5 AS distance, avg(abs(d.confidence - l.confidence)) < 0.1 AS confidence
	FROM photo_group l, assign_cluster_details(embedding, 'm') d;
SELECT assign_cluster_details(NULL, 'm');
SELECT assign_cluster_details('[1,2,3]', 'm');
INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(41, 50) i;
INSERT INTO photos VALUES (51, NULL);
DELETE FROM photos WHERE id = 5;
SELECT added, removed, unreadable, unsure, far_share BETWEEN 0 AND 1 AS far FROM refresh_clusters('m');
SELECT * FROM refresh_clusters('m');
SELECT * FROM refresh_clusters('m', 'photos', '{"remove": true}');
SELECT count(*) AS rows, count(label) AS labels, count(*) FILTER (WHERE label = assign_cluster(embedding, 'm')) AS same, bool_and(embedding_0 IS NULL = (label IS NULL)) AS plot FROM photo_group;
SELECT sum(size) FROM groups;
SELECT command, arguments, rows_changed FROM edits WHERE command = 'refresh_clusters' ORDER BY edit;
-- Stored embeddings are taken as they are.
CREATE TABLE stored AS SELECT id + 100 AS id, embedding FROM photo_group;
ALTER TABLE stored ADD PRIMARY KEY (id);
SELECT added, removed, unreadable, unsure, far_share < 0.1 AS near FROM refresh_clusters('m', 'stored', '{"embedding_column": "embedding"}');
SELECT count(*), count(*) FILTER (WHERE a.label = b.label AND a.distance = b.distance AND a.embedding = b.embedding) AS same
	FROM photo_group a JOIN photo_group b ON b.id = a.id + 100 WHERE a.distance IS NOT NULL;
-- Far ones.
INSERT INTO stored SELECT 301, array_agg(CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END)::real[]::embedding FROM generate_series(1, 512) i;
SELECT * FROM refresh_clusters('m', 'stored', '{"embedding_column": "embedding"}');
SELECT * FROM refresh_clusters('m', 'texts');
SELECT * FROM refresh_clusters('m', options => '{"removed": true}');
SELECT * FROM refresh_clusters('m', 'stored');
SELECT * FROM refresh_clusters(NULL);

-- Those that are not sure.
CALL cluster_images_into('photos', 'photo_group', 3, 'm', '{"min_confidence": 1}');
SELECT bool_and((label IS NULL) = (confidence < 1)) AS unsure, bool_and(confidence IS NOT NULL) AS known FROM photo_group WHERE distance IS NOT NULL;
SELECT recipe -> 'min_confidence' AS min_confidence, recipe ? 'keep' AS keep, recipe ? 'replace_groups' AS replace_groups FROM selfclass_models WHERE name = 'm';
SELECT bool_and((d.label IS NULL) = (d.confidence < 1)) AS unsure, bool_and(d.label IS NOT DISTINCT FROM assign_cluster(embedding, 'm')) AS same,
	bool_and(d.distance IS NOT NULL) AS distance FROM photo_group, assign_cluster_details(embedding, 'm') d WHERE embedding IS NOT NULL;
CALL cluster_images_into('photos', 'photo_group', 3, 'm', '{"min_confidence": 0}');
SELECT * FROM cluster_images('photos', 3, 'm', '{"min_confidence": 1.1}');

-- A model without members.
SELECT count(*) FROM cluster_images('photos', 2, 'rows', :quick);
SELECT count(*), sum(size), count(example) FROM selfclass_clusters WHERE model = 'rows';
SELECT * FROM refresh_clusters('rows');
CALL train_encoder('bare', 'photos', :quick);
SELECT * FROM refresh_clusters('bare');

-- Keys of several columns.
CREATE TABLE pages (book text, image bytea, "No" int, PRIMARY KEY (book, "No"));
INSERT INTO pages SELECT 'b' || id % 2, image, id FROM photos WHERE id <= 20;
CALL cluster_images_into('pages', 'page_cluster', 2, 'p', :quick);
\d page_cluster
UPDATE page_cluster SET pinned = true, label = 1 - label WHERE book = 'b1' AND "No" = 3;
SELECT label AS pin FROM page_cluster WHERE pinned \gset
INSERT INTO pages SELECT 'b3', image, 1 FROM photos WHERE id = 6;
DELETE FROM pages WHERE "No" = 10;
SELECT * FROM refresh_clusters('p', options => '{"remove": true}');
CALL cluster_images_into('pages', 'page_cluster', model => 'p');
SELECT count(*), count(*) FILTER (WHERE pinned AND label = :pin) AS pinned FROM page_cluster;
SELECT bool_and(example LIKE '(b_,%)') AS example FROM selfclass_clusters WHERE model = 'p';
ALTER TABLE pages RENAME "No" TO label;
CALL cluster_images_into('pages', 'other', 2, 'p');

-- As the caller.
GRANT USAGE ON SCHEMA label_table_test, selfclass TO label_table_reader;
GRANT SELECT ON photos TO label_table_reader;
SELECT grant_model('m', 'label_table_reader', 'edit');
REVOKE ALL ON photo_group FROM label_table_reader;
SET ROLE label_table_reader;
SELECT * FROM refresh_clusters('postgres.m');
CALL cluster_images_into('photos', 'photo_group', 3, 'postgres.m');
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON photo_group TO label_table_reader;
INSERT INTO photos SELECT 61, test_picture(0, 61);
SET ROLE label_table_reader;
SELECT added, removed FROM refresh_clusters('postgres.m');
CALL cluster_images_into('photos', 'photo_group', 3, 'postgres.m');
RESET ROLE;
SELECT command, edited_by FROM edits ORDER BY edit DESC LIMIT 2;
SELECT revoke_model('m', 'label_table_reader', 'edit');
SET ROLE label_table_reader;
SELECT * FROM refresh_clusters('postgres.m');
CALL cluster_images_into('photos', 'photo_group', 3, 'postgres.m');
RESET ROLE;

SELECT drop_model(name) FROM unnest(ARRAY['m', 'rows', 'bare', 'p']) name;
SET client_min_messages = error;
DROP SCHEMA label_table_test CASCADE;
DROP OWNED BY label_table_reader;
DROP ROLE label_table_reader;
