-- Groups that do not go by how pictures were taken: lying and standing stripes, by a bright and by a dark camera.
CREATE SCHEMA capture_test;
SET search_path = capture_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE pictures (id int PRIMARY KEY, kind int, bright bool, image bytea);
INSERT INTO pictures SELECT i, i % 2, i / 2 % 2 = 0, gray_jpeg(4, 4, array_agg((
		60 * (CASE i % 2 WHEN 0 THEN x ELSE y END % 2) - 30 + (i + x * y * i) % 7 - 3 + CASE i / 2 % 2 WHEN 0 THEN 25 ELSE -25 END)::int ORDER BY y, x))
	FROM generate_series(1, 64) i, generate_series(0, 3) x, generate_series(0, 3) y GROUP BY i;
CALL train_encoder('eye', 'pictures', '{"preset": "lightly", "epochs": 0, "input_size": 32, "precision": "f32"}');

-- As they are, with and without components, by the camera. Without it by the kind; so is what the graph makes.
CREATE TABLE found (way text, erased bool, id bigint, label int, distance float8, confidence float8, embedding embedding);
SELECT format('CALL cluster_images_into(%L, %L, 2, %L, %L)', 'pictures', 'labels', 'eye',
		options || jsonb_build_object('erase_capture', erased, 'n_init', 10)),
	format('INSERT INTO found SELECT %L, %L, id, label, distance, confidence, embedding FROM labels', way, erased),
	-- What the labels are of rows that come later.
	format('INSERT INTO found SELECT %L, %L, l.id, a.* FROM labels l, assign_cluster_details(l.embedding, %L) a', way || ', later', erased, 'eye')
	FROM (VALUES ('k-means', '{"cluster_method": "kmeans", "pca_components": null, "pca_whiten": false}'::jsonb),
		('k-means of components', '{"cluster_method": "kmeans", "pca_components": 5, "pca_whiten": false}'),
		('k-means of whitened components', '{"cluster_method": "kmeans", "pca_components": 5, "pca_whiten": true}'),
		('graph', '{"cluster_method": "graph", "pca_components": null, "pca_whiten": false}')) AS w (way, options), (VALUES (false), (true)) AS e (erased)
	ORDER BY way DESC, erased \gexec
SELECT way, erased, adjusted_rand_index(label, bright::int) > 0.8 AS by_camera, adjusted_rand_index(label, kind) > 0.8 AS by_kind
	FROM found JOIN pictures USING (id) WHERE way !~ 'later|whitened' AND (erased OR way <> 'graph') GROUP BY way, erased ORDER BY way, erased;

-- A row that comes later, which is an embedding alone, lies where it lay: as far from the same centroid.
SELECT f.way, f.erased, count(*) FILTER (WHERE f.label <> l.label) AS elsewhere, max(abs(f.distance - l.distance)) < 1e-4 AS as_far
	FROM found f JOIN found l ON l.way = f.way || ', later' AND l.erased = f.erased AND l.id = f.id GROUP BY 1, 2 ORDER BY 1, 2;
-- The embeddings are the same either way.
SELECT count(DISTINCT (id, embedding::text)) = count(DISTINCT id) AS same FROM found WHERE way !~ 'later';

-- It belongs to the clustering: kept with the model, and another value makes groups anew.
SELECT recipe->'erase_capture' AS kept FROM selfclass_models WHERE name = 'eye';
SELECT count(DISTINCT l.label) AS groups, count(*) AS rows FROM cluster_images('pictures', model => 'eye') l;
SELECT adjusted_rand_index(l.label, p.kind) > 0.8 AS still FROM cluster_images('pictures', model => 'eye') l JOIN pictures p USING (id);
SELECT adjusted_rand_index(l.label, p.kind) > 0.8 AS still FROM cluster_images('pictures', model => 'eye', options => '{"erase_capture": false}') l JOIN pictures p USING (id);

-- A training that labels pictures by their groups does not by those of a camera; one that does not is the same either way.
CREATE TABLE lying AS SELECT * FROM pictures WHERE kind = 0;
ALTER TABLE lying ADD PRIMARY KEY (id);
SELECT format('CALL train_encoder(%L, %L, %L)', name, 'lying', '{"preset": "lightly", "epochs": 2, "input_size": 16, "batch_size": 16, "precision": "f32"}'::jsonb
		|| jsonb_build_object('self_label_start', start, 'erase_capture', erased))
	FROM (VALUES ('labels', 0, false), ('labels_erased', 0, true), ('none', 1, false), ('none_erased', 1, true)) AS m (name, start, erased) \gexec
SELECT split_part(name, '_', 1) AS training, count(DISTINCT weights_crc) AS weights FROM selfclass_model WHERE name ~ '^(labels|none)' GROUP BY 1 ORDER BY 1;

-- Pictures all taken alike: nothing is taken out.
CREATE TABLE alike AS SELECT id, (SELECT image FROM pictures WHERE id = 1) AS image FROM generate_series(1, 8) id;
ALTER TABLE alike ADD PRIMARY KEY (id);
SELECT count(*), count(DISTINCT label) FROM cluster_images('alike', 1, options => '{"preset": "lightly", "epochs": 0, "input_size": 16, "erase_capture": true}');
-- What it cannot be.
SELECT * FROM cluster_images('alike', 1, options => '{"erase_capture": 1}');
SELECT * FROM cluster_images('alike', 1, options => '{"erase_captures": true}');

SELECT count(drop_model(name)) FROM selfclass_models;
SET client_min_messages = error;
DROP SCHEMA capture_test CASCADE;
