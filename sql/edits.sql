-- Groups that people correct: merge, split, name, revert, coarser groups.
CREATE SCHEMA edits_test;
SET search_path = edits_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE photos (id int PRIMARY KEY, image bytea);
INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 36) i;
-- Models whose groups are the same on every CPU: the embeddings are made by formula. Groups 0 ... 3 have 14, 11, 7
-- and 4 rows, in three parts each (8, 4, 2; 6, 3, 2; 4, 2, 1; 2, 1, 1), and 0 and 1 are the nearest.
CREATE TABLE made AS SELECT id, g, s, (SELECT array_agg(CASE j WHEN g / 2 THEN 10 WHEN 2 + g THEN 6 WHEN 10 + 3 * g + s THEN 3 - s
	WHEN 100 + id THEN 0.1 ELSE 0 END::real ORDER BY j) FROM generate_series(0, 511) j)::real[]::embedding AS e
	FROM (SELECT row_number() OVER (ORDER BY g, s, i)::int AS id, g, s FROM (VALUES (0, 0, 8), (0, 1, 4), (0, 2, 2), (1, 0, 6),
		(1, 1, 3), (1, 2, 2), (2, 0, 4), (2, 1, 2), (2, 2, 1), (3, 0, 2), (3, 1, 1), (3, 2, 1)) v(g, s, n), generate_series(1, n) i) r;
CREATE PROCEDURE make_model(model text, lab text, preset text) LANGUAGE plpgsql AS $$
BEGIN
	CALL cluster_images_into('photos', lab, k => 4, model => model, options => jsonb_build_object('preset', preset, 'input_size', 16, 'epochs', 0,
		'batch_size', 8, 'drop_last', false, 'cluster_method', 'kmeans'));
	EXECUTE format('UPDATE %I l SET embedding = e, label = g FROM made WHERE l.id = made.id', lab);
	UPDATE selfclass_model m SET pca = CASE preset WHEN 'paper' THEN (SELECT pca_fit(e, 2) FROM made) END WHERE name = model;
	UPDATE selfclass_model m SET kmeans = (SELECT kmeans_fit(CASE preset WHEN 'paper' THEN pca_transform(e, m.pca) ELSE l2_normalize(e) END, 4)
		FROM made) WHERE name = model;
	EXECUTE format('UPDATE %I SET label = assign_cluster(embedding, %L), distance = (SELECT kmeans_distance(
		CASE %L WHEN ''paper'' THEN pca_transform(embedding, pca) ELSE l2_normalize(embedding) END, kmeans)
		FROM selfclass_models WHERE name = %2$L)', lab, model, preset);
END $$;
CALL make_model('m', 'lab', 'lightly');
CREATE TABLE first AS TABLE lab;
CREATE VIEW groups AS SELECT label, name, size, pinned, edited FROM selfclass_clusters WHERE model = 'm' ORDER BY label;
SELECT count(*) AS different FROM first JOIN made USING (id) WHERE label <> g;
SET client_min_messages = notice;

-- Merge: rows follow, assign_cluster says so at once, labels of others stay.
SELECT label, count(*) FROM lab GROUP BY label ORDER BY label;
SELECT merge_clusters('m', 1, 3);
TABLE groups;
SELECT DISTINCT f.label AS before, l.label, assign_cluster(l.embedding, 'm') AS assigned FROM lab l JOIN first f USING (id) ORDER BY 1;
SELECT k, kmeans IS NULL AS kmeans_is_null FROM selfclass_models WHERE name = 'm';
-- Split: without pictures, always the same, under numbers that no group ever had; a preview is rolled back.
BEGIN;
SELECT * FROM split_cluster('m', 1, 3);
ROLLBACK;
TABLE groups;
SELECT * FROM split_cluster('m', 1, 3);
TABLE groups;
SELECT label, count(*), bool_and(assign_cluster(embedding, 'm') = label) AS assigned,
	bool_and(abs(distance) < 1) AS near FROM lab GROUP BY label ORDER BY label;
SELECT * FROM split_cluster('m', 2);
-- A number that went away is not given again.
SELECT merge_clusters('m', 5, 6);
SELECT * FROM split_cluster('m', 0);
-- Several at once, twice the same; the array as one argument.
SELECT merge_clusters('m', 0, VARIADIC ARRAY[7, 5, 7]);
TABLE groups;

-- Names: unique, NULL takes one away, the only one of a merge stays.
SELECT name_cluster('m', 4, 'Stripes'), name_cluster('m', 2, E'"quoted" \\ ünïcode');
SELECT failure($$SELECT name_cluster('m', 0, 'Stripes')$$);
SELECT name_cluster('m', 4, 'Stripes');
SELECT merge_clusters('m', 0, 4);
TABLE groups;
SELECT name_cluster('m', 0, 'Lines');
SELECT merge_clusters('m', 0, 2);
TABLE groups;
SELECT name_cluster('m', 0, NULL);
TABLE groups;
SELECT failure($$SELECT name_cluster('m', 0, ' ')$$), failure($$SELECT name_cluster('m', 0, repeat('ü', 201))$$);
-- What was done.
SELECT edit, model, version, edited_by = current_user AS me, login = session_user AS login, at <= clock_timestamp() AS at,
	command, arguments, rows_changed, reverts FROM selfclass_cluster_edits WHERE model = 'm' ORDER BY edit;

-- Revert: the last one, one by one, and all at once; a revert is an edit too.
SELECT revert_clusters('m'), revert_clusters('m');
TABLE groups;
SELECT revert_clusters('m', 1);
TABLE groups;
SELECT count(*) AS different FROM lab l JOIN first f USING (id) WHERE l.label <> f.label OR abs(l.distance - f.distance) > 1e-6;
SELECT k, kmeans IS NULL AS kmeans_is_null FROM selfclass_models WHERE name = 'm';
SELECT failure($$SELECT revert_clusters('m')$$);
SELECT edit, arguments, rows_changed, reverts FROM selfclass_cluster_edits WHERE command = 'revert_clusters' ORDER BY edit;
-- That revert reverted: the groups before it are there again, as far as they had come.
SELECT revert_clusters('m', max(edit)) FROM selfclass_cluster_edits WHERE model = 'm';
TABLE groups;
SELECT bool_and(assign_cluster(embedding, 'm') = label) AS assigned FROM lab;
SELECT failure($$SELECT revert_clusters('m', 0)$$), failure($$SELECT revert_clusters('m', 100)$$),
	failure($$SELECT revert_clusters('m', 10000000000)$$);
SELECT revert_clusters('m', 1) > 0 AS moved;

-- Rows moved by hand. In a merge they follow, in a split they stay, a revert moves only those that came by the edits.
UPDATE lab SET label = 3, pinned = true WHERE id = (SELECT min(id) FROM first WHERE label = 0);
SELECT merge_clusters('m', 1, 3);
SELECT label, pinned FROM lab WHERE id = (SELECT min(id) FROM first WHERE label = 0);
SELECT revert_clusters('m');
SELECT label, pinned FROM lab WHERE id = (SELECT min(id) FROM first WHERE label = 0);
SELECT (SELECT sum(size) FROM split_cluster('m', 3)), label, pinned FROM lab WHERE id = (SELECT min(id) FROM first WHERE label = 0);
TABLE groups;
-- pinned meanwhile: to a group that there was before the edit, and to one that the edit made
UPDATE lab SET label = 2, pinned = true WHERE id = (SELECT max(id) FROM first WHERE label = 3);
UPDATE lab SET label = (SELECT max(label) FROM groups), pinned = true WHERE id = (SELECT max(id) FROM first WHERE label = 1);
SELECT revert_clusters('m');
SELECT f.label AS before, l.label, l.pinned FROM lab l JOIN first f USING (id) WHERE l.pinned ORDER BY 1;
TABLE groups;
-- How sure a row is follows its group: of two that became one nothing is nearer to the other.
SELECT count(*) > 0 AS rows, bool_and(confidence BETWEEN 0 AND 1) AS confidence FROM lab WHERE NOT pinned;
-- A label that is no group is found at the next call.
UPDATE lab SET label = 77 WHERE id IN (3, 4);
SELECT failure($$SELECT merge_clusters('m', 1, 3)$$);
UPDATE lab SET label = f.label, pinned = false FROM first f WHERE f.id = lab.id;
-- A row without a label, and one without an embedding, are left alone; one that an edit added is put where it belongs.
UPDATE lab SET label = NULL WHERE id = 1;
UPDATE lab SET label = NULL, embedding = NULL, distance = NULL WHERE id = 2;
SELECT merge_clusters('m', 0, 1) = (SELECT count(*) FROM first WHERE label = 1 AND id > 2) AS moved;
INSERT INTO lab SELECT (jsonb_populate_record(f, '{"id": 100, "label": 0}')).* FROM first f WHERE label = 1 ORDER BY id LIMIT 1;
INSERT INTO selfclass_cluster_edit_row SELECT model_id, max(edit), 1000, NULL, 0, false, '{100, 101}' FROM selfclass_cluster_edits WHERE model = 'm' GROUP BY model_id;
SELECT revert_clusters('m') > 0 AS moved;
SELECT id, label FROM lab WHERE id IN (1, 2, 100) ORDER BY id;
DELETE FROM lab WHERE id = 100;

-- Coarser groups.
SELECT k, keep, joins, size, height > 0 AS height FROM cluster_tree('m');
SELECT bool_and(height >= before) AS rises FROM (SELECT height, lag(height) OVER (ORDER BY k DESC) AS before FROM cluster_tree('m')) t;
SELECT k, (SELECT string_agg(label || '>' || coarse, ' ' ORDER BY label) FROM cluster_labels('m', k)) FROM generate_series(1, 4) k;
SELECT failure($$SELECT cluster_labels('m', 5)$$), failure($$SELECT cluster_labels('m', 0)$$);
SELECT failure($$SELECT cluster_labels('m', NULL)$$), failure($$SELECT cluster_tree(NULL)$$), failure($$SELECT cluster_labels('m', 10000000000)$$);
-- Its joins, done one after the other, are merges that come to the same.
BEGIN;
SELECT array_agg(merge_clusters('m', keep, joins) >= 0) FROM (SELECT * FROM cluster_tree('m') OFFSET 0) t WHERE k >= 2;
SELECT count(*) AS different FROM (SELECT id, coarse FROM first JOIN cluster_labels('m', 2) c USING (label)) c JOIN lab USING (id) WHERE coarse <> lab.label;
ROLLBACK;
SELECT count(*) AS different FROM (SELECT label FROM cluster_labels('m', 4) WHERE label <> coarse) t;

-- What is wrong.
SELECT failure($$SELECT merge_clusters('m', 0, 9)$$), failure($$SELECT merge_clusters('m', -1, 0)$$), failure($$SELECT merge_clusters('m', 0, 10000000000)$$);
SELECT failure($$SELECT merge_clusters('m', 0, 0)$$), failure($$SELECT merge_clusters('m', 0, VARIADIC '{}')$$);
SELECT failure($$SELECT merge_clusters('m', 0, NULL)$$), failure($$SELECT merge_clusters('m', NULL, 1)$$),
	failure($$SELECT merge_clusters(NULL, 0, 1)$$), failure($$SELECT merge_clusters('m', 0, VARIADIC NULL)$$);
SELECT failure($$SELECT split_cluster('m', 9)$$), failure($$SELECT split_cluster('m', 0, 1)$$), failure($$SELECT split_cluster('m', 0, 1000)$$),
	failure($$SELECT split_cluster('m', 0, 10000000000)$$), failure($$SELECT split_cluster('m', 0, NULL)$$), failure($$SELECT split_cluster('m', NULL)$$);
SELECT failure($$SELECT name_cluster('m', 9, 'x')$$), failure($$SELECT name_cluster('m', NULL, 'x')$$), failure($$SELECT name_cluster(NULL, 0, 'x')$$);
SELECT failure($$SELECT revert_clusters(NULL)$$), failure($$SELECT revert_clusters('mm')$$), failure($$SELECT merge_clusters('m@7', 0, 1)$$);
-- Rows of one picture cannot be told apart.
BEGIN;
UPDATE lab SET embedding = (SELECT embedding FROM lab WHERE label = 3 ORDER BY id LIMIT 1) WHERE label = 3;
SELECT failure($$SELECT split_cluster('m', 3)$$);
ROLLBACK;
-- Read-only: before any work, whatever the arguments are.
BEGIN READ ONLY;
SELECT failure($$SELECT merge_clusters('none', 0, 1)$$), failure($$SELECT split_cluster('none', 0)$$),
	failure($$SELECT name_cluster('none', 0, 'x')$$), failure($$SELECT revert_clusters('none')$$);
SELECT count(*) FROM cluster_tree('m');
SELECT count(*) FROM cluster_labels('m', 2);
ROLLBACK;
-- A model with groups and no members.
SET client_min_messages = warning;
SELECT count(*) FROM cluster_images('photos', k => 3, model => 'alone', options => '{"input_size": 16, "epochs": 0, "batch_size": 8}');
CALL train_encoder('bare', 'photos', '{"input_size": 16, "epochs": 0, "batch_size": 8}');
SELECT failure($$SELECT merge_clusters('alone', 0, 1)$$), failure($$SELECT split_cluster('alone', 0)$$);
SELECT name_cluster('alone', 1, 'one');
SELECT label, name, size > 0 AS size, edited FROM selfclass_clusters WHERE model = 'alone' ORDER BY label;
SELECT revert_clusters('alone');
SELECT label, name, size > 0 AS size FROM selfclass_clusters WHERE model = 'alone' ORDER BY label;
SELECT count(*) FROM cluster_tree('alone');
SELECT failure($$SELECT merge_clusters('bare', 0, 1)$$), failure($$SELECT cluster_tree('bare')$$);

-- In a file: labels and names, and where new labels go on; no key, no member, no edit.
SELECT merge_clusters('m', 1, 3) > 0 AS moved, (SELECT count(*) FROM split_cluster('m', 0)) AS parts, name_cluster('m', 1, E'ü "\\\u0041 \t\U0001F600'), name_cluster('m', 0, 'Zero');
CREATE TABLE file AS SELECT export_encoder('m', '{"clusters": true}') AS bytes;
SELECT import_encoder('copy', bytes) FROM file;
SELECT count(*) AS different FROM lab WHERE assign_cluster(embedding, 'copy') <> assign_cluster(embedding, 'm');
SELECT c.name IS NOT DISTINCT FROM m.name AS name, c.size > 0 AS size, c.pinned, c.example FROM selfclass_clusters m FULL JOIN selfclass_clusters c ON m.label = c.label AND c.model = 'copy' WHERE m.model = 'm';
SELECT kmeans IS NULL AS kmeans_is_null, labels FROM selfclass_models WHERE name = 'copy';
SELECT export_encoder('copy', '{"clusters": true}') = bytes AS same FROM file;
SELECT c.highest_label = m.highest_label AS highest FROM selfclass_model c, selfclass_model m WHERE c.name = 'copy' AND m.name = 'm';
SELECT count(*) FROM selfclass_cluster_edits WHERE model = 'copy';
SELECT name_cluster('copy', 0, 'Another'), name FROM selfclass_clusters WHERE model = 'm' AND label = 0;
SELECT failure($$SELECT merge_clusters('copy', 0, 1)$$);
SELECT drop_model('copy'), revert_clusters('m', 1) > 0 AS moved;

-- Rights: an owner, one with edit, one with use, one with nothing; the label table has its own.
CREATE ROLE edits_editor;
CREATE ROLE edits_user;
GRANT USAGE ON SCHEMA edits_test, selfclass TO edits_editor, edits_user;
SELECT grant_model('m', 'edits_editor', 'edit'), grant_model('m', 'edits_user', 'use');
SET ROLE edits_user;
SELECT failure($$SELECT merge_clusters('m', 0, 1)$$), failure($$SELECT split_cluster('m', 0)$$),
	failure($$SELECT name_cluster('m', 0, 'x')$$), failure($$SELECT revert_clusters('m')$$);
SELECT count(*) FROM cluster_tree('m');
SET ROLE edits_editor;
SELECT failure($$SELECT merge_clusters('m', 0, 1)$$);
-- a name moves no row
SELECT name_cluster('m', 0, 'without a right on the table');
SELECT label, name FROM selfclass_clusters WHERE model = 'm' AND label = 0;
SELECT name_cluster('m', 0, 'Zero');
RESET ROLE;
GRANT SELECT ON lab TO edits_editor;
SET ROLE edits_editor;
SELECT failure($$SELECT merge_clusters('m', 0, 1)$$);
RESET ROLE;
GRANT UPDATE ON lab TO edits_editor;
SET ROLE edits_editor;
SELECT merge_clusters('m', 0, 1) > 0 AS moved;
SELECT name_cluster('m', 0, 'by the editor');
SELECT edited_by, login = session_user AS login, command FROM selfclass_cluster_edits WHERE model = 'm' ORDER BY edit DESC LIMIT 2;
RESET ROLE;
-- who is gone stays named, and does not come back
DROP OWNED BY edits_editor;
SELECT revoke_model('m', 'edits_editor');
DROP ROLE edits_editor;
SELECT edited_by, command FROM selfclass_cluster_edits WHERE model = 'm' ORDER BY edit DESC LIMIT 2;
SELECT revert_clusters('m'), revert_clusters('m') > 0 AS moved;
SELECT revoke_model('m', 'edits_user');
DROP OWNED BY edits_user;
DROP ROLE edits_user;

-- Keys whose text depends on settings, and keys of several columns.
CREATE TABLE dated (taken timestamptz, part float4, image bytea, PRIMARY KEY (taken, part));
INSERT INTO dated SELECT '2026-03-04 05:06:07.123456+00'::timestamptz + i * interval '1 day 1.5 s', i / 3.0, image FROM photos JOIN generate_series(1, 36) i ON i = id;
CREATE TABLE dated_lab AS SELECT d.taken, d.part, l.label, l.embedding_0, l.embedding_1, l.distance, l.embedding, l.confidence, l.pinned
	FROM (SELECT *, row_number() OVER (ORDER BY taken) AS id FROM dated) d JOIN first l USING (id);
ALTER TABLE dated_lab ADD PRIMARY KEY (taken, part);
UPDATE selfclass_model SET labels = 'edits_test.dated_lab' WHERE name = 'm';
SET DateStyle = 'German, DMY';
SET extra_float_digits = -5;
SET TimeZone = 'Asia/Tokyo';
SELECT merge_clusters('m', 2, 3) > 0 AS moved;
RESET DateStyle;
RESET extra_float_digits;
RESET TimeZone;
SELECT revert_clusters('m') > 0 AS moved;
SELECT count(*) AS different FROM dated_lab l JOIN (SELECT label, row_number() OVER (ORDER BY id) AS n FROM first) f
	ON f.n = (SELECT count(*) FROM dated_lab b WHERE b.taken <= l.taken) WHERE l.label <> f.label;
-- Groups by k-means among principal components: a label beside every centroid is no graph's.
SET client_min_messages = warning;
CALL make_model('paper', 'paper_lab', 'paper');
SET client_min_messages = notice;
CREATE TABLE paper_first AS TABLE paper_lab;
SELECT kmeans IS NULL AS kmeans_is_null, k FROM selfclass_models WHERE name = 'paper';
SELECT merge_clusters('paper', 2, 0) > 0 AS moved, (SELECT array_agg(label) FROM split_cluster('paper', 1)) AS parts;
SELECT kmeans IS NULL AS kmeans_is_null, k FROM selfclass_models WHERE name = 'paper';
SELECT label, bool_and(assign_cluster(embedding, 'paper') = label) AS assigned FROM paper_lab GROUP BY label ORDER BY label;
SELECT count(*) FROM cluster_tree('paper');
SELECT revert_clusters('paper', 1) > 0 AS moved;
SELECT count(*) AS different FROM paper_lab l JOIN paper_first f USING (id) WHERE l.label <> f.label OR abs(l.distance - f.distance) > 1e-5;
SELECT kmeans IS NULL AS kmeans_is_null, k FROM selfclass_models WHERE name = 'paper';
SELECT label, bool_and(assign_cluster(embedding, 'paper') = label) AS assigned FROM paper_lab GROUP BY label ORDER BY label;
-- Old edits that a superuser deleted: what came after them is taken back, and nothing is by halves.
SELECT max(edit) AS last FROM selfclass_cluster_edits WHERE model = 'paper' \gset
SELECT merge_clusters('paper', 2, 0) > 0 AS moved;
DELETE FROM selfclass_cluster_edit WHERE edit <= :last AND model_id = (SELECT model_id FROM selfclass_models WHERE name = 'paper');
SELECT edit > :last AS later, command FROM selfclass_cluster_edits WHERE model = 'paper';
SELECT failure($$SELECT revert_clusters('paper', 2)$$);
SELECT revert_clusters('paper') > 0 AS moved;
SELECT count(*) AS different FROM paper_lab l JOIN paper_first f USING (id) WHERE l.label <> f.label;
SELECT failure($$SELECT revert_clusters('paper')$$);
-- a label table that is gone
UPDATE selfclass_model SET labels = 'edits_test.lab' WHERE name = 'm';
ALTER TABLE lab RENAME TO was_lab;
SELECT merge_clusters('m', 2, 3) > 0 AS moved;
DROP TABLE was_lab;
SELECT failure($$SELECT merge_clusters('m', 0, 1)$$), failure($$SELECT revert_clusters('m')$$);

SET client_min_messages = warning;
SELECT drop_model('m'), drop_model('alone'), drop_model('bare'), drop_model('paper');
SELECT count(*) AS left_over FROM (SELECT model_id FROM selfclass_cluster_edit UNION ALL SELECT model_id FROM selfclass_cluster
	UNION ALL SELECT model_id FROM selfclass_cluster_before UNION ALL SELECT model_id FROM selfclass_cluster_edit_row) r
	WHERE model_id NOT IN (SELECT model_id FROM selfclass_model);
DROP SCHEMA edits_test CASCADE;
