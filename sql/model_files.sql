-- A model as a file: what it carries beside its weights, and that it comes back to the bit; hostile files.
CREATE SCHEMA files_test;
SET search_path = files_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
-- What stands before the tensors' data.
CREATE FUNCTION header(file bytea) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(substr(file, 9, get_byte(file, 0) + 256 * get_byte(file, 1) + 65536 * get_byte(file, 2)), 'UTF8')::jsonb $$;
CREATE FUNCTION metadata(file bytea) RETURNS jsonb LANGUAGE sql AS $$ SELECT header(file)->'__metadata__' $$;
-- A file without tensors; what is wrong with its metadata is found first.
CREATE FUNCTION file_of(header text) RETURNS bytea LANGUAGE sql AS $$
	SELECT decode(regexp_replace(lpad(to_hex(octet_length(header)), 8, '0'), '(..)(..)(..)(..)', '\4\3\2\1') || '00000000', 'hex') || convert_to(header, 'UTF8') $$;
CREATE FUNCTION ours(more jsonb, recipe text DEFAULT '{}') RETURNS bytea LANGUAGE sql AS $$
	SELECT file_of(jsonb_build_object('__metadata__', '{"selfclass.format": "1"}'::jsonb || jsonb_build_object('selfclass.recipe', recipe) || more)::text) $$;

CREATE TABLE photos (id int PRIMARY KEY, image bytea);
INSERT INTO photos SELECT i, test_color_picture(i % 3, i) FROM generate_series(1, 40) i;
CREATE TABLE more (id int PRIMARY KEY, image bytea);
INSERT INTO more SELECT i, test_color_picture(i % 4, i) FROM generate_series(100, 130) i;
-- Everything that an embedding and a label depend on is another than preset lightly's.
\set recipe '\'{"input_size": 20, "image_side": 27, "stem": "small", "batch_size": 8, "epochs": 1, "seed": 5, "precision": "f32", "proj_hidden_dim": 32, "proj_batch_norm": false, "normalize": {"mean": [0.1, 0.33333333333333331, 0.123456789012345678], "std": [0.3, 0.30000000000000004, 1e-1]}, "id_column": "id", "image_column": "image", "retrain": true, "l2_normalize": false, "pca_components": 6, "pca_whiten": true, "max_k": 7, "elbow_method": "kneedle", "cluster_method": "kmeans"}\''
CALL cluster_images_into('photos', 'labels', model => 'net', options => :recipe);
CREATE TABLE files AS SELECT export_encoder('net') AS plain, export_encoder('net', '{"clusters": true}') AS whole;

-- The metadata: nothing that names a table, a column or a row.
SELECT jsonb_object_keys(metadata(plain)) FROM files;
SELECT jsonb_object_keys(metadata(whole)) FROM files;
SELECT key, value FROM files, jsonb_each((metadata(whole)->>'selfclass.recipe')::jsonb) ORDER BY key COLLATE "C";
SELECT decode(metadata(whole)->>'selfclass.kmeans', 'base64') = kmeans_model_send(kmeans) AS kmeans, decode(metadata(whole)->>'selfclass.pca', 'base64') = pca_model_send(pca) AS pca,
	decode(metadata(whole)->>'selfclass.elbow', 'base64') = elbow_result_send(elbow) AS elbow FROM files, selfclass_model WHERE name = 'net';
SELECT header(plain) - '__metadata__' = header(whole) - '__metadata__' AS tensors, export_encoder('net', NULL) = plain AS null_options FROM files;
-- A reader of arrays of floats finds the data aligned.
SELECT (get_byte(whole, 0) + 256 * get_byte(whole, 1) + 65536 * get_byte(whole, 2)) % 8 AS rest FROM files;

-- And back.
CREATE FUNCTION same(a text, b text) RETURNS TABLE (embeddings bool, labels bool, labels_of_images bool) LANGUAGE sql AS $$
	SELECT bool_and(embed_image(image, a) = embed_image(image, b)), bool_and(assign_cluster(embed_image(image, a), a) = assign_cluster(embed_image(image, b), b)),
		bool_and(assign_cluster_image(image, a) = assign_cluster_image(image, b)) FROM (SELECT image FROM photos UNION ALL SELECT image FROM more) p $$;
SELECT import_encoder('copy', whole) FROM files;
SELECT * FROM same('net', 'copy');
SELECT count(DISTINCT label) > 1 AS groups, bool_and(label = assign_cluster_image(image, 'copy')) AS as_clustered FROM labels JOIN photos USING (id);
SELECT export_encoder('copy', '{"clusters": true}') = whole AS whole, export_encoder('copy') = plain AS plain FROM files;
SELECT state, images, source, epochs_done, c.pca::text = n.pca::text AS pca, c.kmeans::text = n.kmeans::text AS kmeans, c.elbow::text = n.elbow::text AS elbow
	FROM selfclass_models c, LATERAL (SELECT pca, kmeans, elbow FROM selfclass_models WHERE name = 'net') n WHERE name = 'copy';
SELECT key, n.value AS net, c.value AS copy FROM (SELECT (jsonb_each(recipe)).* FROM selfclass_models WHERE name = 'net') n
	FULL JOIN (SELECT (jsonb_each(recipe)).* FROM selfclass_models WHERE name = 'copy') c USING (key) WHERE n.value IS DISTINCT FROM c.value ORDER BY key COLLATE "C";
SELECT report_html('copy') ~ '^<!DOCTYPE html>.*</html>\n$' AS report;
-- Clustered again, its labels keep their meaning as the first one's would.
SELECT bool_and(c.label = l.label) AS same FROM cluster_images('photos', 3, 'net') l JOIN cluster_images('photos', 3, 'copy') c USING (id);
-- Groups that were cut by the graph travel too.
CALL cluster_images_into('photos', 'graph_labels', 4, 'graph', '{"init": "net", "epochs": 0, "preset": "lightly", "input_size": 20, "stem": "small", "precision": "f32", "proj_hidden_dim": 32, "proj_batch_norm": false, "cluster_method": "graph"}');
SELECT import_encoder('graph_copy', export_encoder('graph', '{"clusters": true}'));
SELECT * FROM same('graph', 'graph_copy');
SELECT g.kmeans::text = c.kmeans::text AS centroids, g.centroid_label = c.centroid_label AS centroid_label, cardinality(g.centroid_label) >= 4 AS several
	FROM selfclass_model g, selfclass_model c WHERE g.name = 'graph' AND c.name = 'graph_copy';
SELECT name, kmeans IS NULL AS by_graph, k FROM selfclass_models WHERE name LIKE 'graph%' ORDER BY name;
SELECT import_encoder('bare', plain) FROM files;
SELECT bool_and(embed_image(image, 'net') = embed_image(image, 'bare')) AS embeddings FROM more;
SELECT failure($$SELECT assign_cluster_image(image, 'bare') FROM more$$);
SELECT failure($$SELECT export_encoder('bare', '{"clusters": true}')$$);
SELECT count(*) FROM cluster_images('photos', 3, 'bare');

-- A key that is given by hand wins. Groups stay where they mean the same.
SET client_min_messages = notice;
SELECT import_encoder('copy', whole, '{"retrain": true, "max_k": 9, "id_column": "id", "seed": 7}') FROM files;
SELECT recipe->'max_k' AS max_k, recipe->'id_column' AS id_column, recipe->'seed' AS seed, recipe->'input_size' AS input_size FROM selfclass_models WHERE name = 'copy' AND version = 2;
SELECT * FROM same('net@1', 'copy@1');
SELECT import_encoder('other', whole, '{"input_size": 24}') FROM files;
SELECT recipe->'input_size' AS input_size, recipe->'image_side' AS image_side, kmeans IS NULL AS no_groups FROM selfclass_models WHERE name = 'other';
SELECT import_encoder('other', whole, '{"retrain": true, "normalize": {"mean": [0.5, 0.5, 0.5]}}') FROM files;
SELECT recipe->'normalize' AS normalize FROM selfclass_models WHERE name = 'other' AND version = 2;
SELECT import_encoder('other', whole, '{"retrain": true, "normalize": {"std": [0.3, 0.3, 0.1]}, "image_side": 27, "l2_normalize": false}') FROM files;
SELECT kmeans IS NULL AS no_groups FROM selfclass_models WHERE name = 'other' AND version = 3;
SELECT import_encoder('other', whole, '{"retrain": true, "pca_components": null}') FROM files;
SELECT import_encoder('other', plain, '{"retrain": true, "l2_normalize": true}') FROM files;
-- With a preset the file is one of weights alone, as other programs write it.
SELECT failure($$SELECT import_encoder('other', whole, '{"retrain": true, "preset": "paper"}') FROM files$$);
SELECT import_encoder('other', whole, '{"retrain": true, "preset": "paper", "proj_hidden_dim": 32}') FROM files;
SELECT recipe->'preset' AS preset, recipe->'input_size' AS input_size, recipe->'stem' AS stem, recipe->'pca_components' AS pca_components, kmeans IS NULL AS no_groups
	FROM selfclass_models WHERE name = 'other' AND version = 6;
SET client_min_messages = warning;

-- A view that was made of 1.0's function.
CREATE FUNCTION old_export(model text) RETURNS bytea AS '$libdir/selfclass', 'scpg_export_encoder' LANGUAGE C STABLE;
SELECT old_export('net@1') = plain AS same FROM files;

\pset format unaligned
\pset tuples_only on
-- Options of the export.
SELECT failure($$SELECT export_encoder('net', '{"clusters": 1}')$$);
SELECT failure($$SELECT export_encoder('net', '{"cluster": true}')$$);
SELECT failure($$SELECT export_encoder('net', '[true]')$$);
SELECT failure($$SELECT export_encoder(NULL, '{}')$$);
SELECT failure($$SELECT export_encoder('nett')$$);

-- Hostile metadata. Where nothing is wrong with them, the tensors are missing.
SELECT failure($$SELECT import_encoder('bad', ours('{}'))$$);
SELECT failure($$SELECT import_encoder('bad', file_of('{"__metadata__": {"selfclass.recipe": "not read without a format"}}'))$$);
SELECT failure($$SELECT import_encoder('bad', ours('{"selfclass.format": "2"}'))$$);
SELECT failure($$SELECT import_encoder('bad', ours('{"selfclass.format": "2"}'), '{"preset": "lightly"}')$$);
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.format": %s}'))$$, to_json(repeat('1', 101))));
SELECT failure($$SELECT import_encoder('bad', file_of('{"__metadata__": {"selfclass.format": "1"}}'))$$);
SELECT failure($$SELECT import_encoder('bad', file_of('{"__metadata__": {"selfclass.format": "1", "selfclass.format": "1", "selfclass.recipe": "{}"}}'))$$);
SELECT failure($$SELECT import_encoder('bad', file_of('{"__metadata__": {"selfclass.format": "1", "selfclass.recipe": "{}", "selfclass.recipe": "{}"}}'))$$);
SELECT failure($$SELECT import_encoder('bad', file_of('{"__metadata__": {"selfclass.format": "1", "selfclass.recipe": "\u00fc"}}'))$$);
SELECT failure($$SELECT import_encoder('bad', file_of('{"__metadata__": {"selfclass.format": "1", "selfclass.recipe": "{}\u0000"}}'))$$);
CREATE TABLE recipes (recipe text);
INSERT INTO recipes VALUES (''), ('{'), ('[]'), ('1'), ('"{}"'), ('{"seed": 1e999999}'), ('{"seed": 1e30}'), ('{"seed": "\u0000"}'), ('{"seed": "\ud800"}'),
	('{"inputsize": 32}'), ('{"input_size": 15}'), ('{"input_size": 1e9}'), ('{"input_size": "32"}'), ('{"precision": "f64"}'), ('{"normalize": {"std": [0, 1, 1]}}'),
	('{"normalize": []}'), ('{"normalize": {"mean": [1, 2]}}'), ('{"preset": "none"}'), ('{"preset": []}'), ('{"stem": null}'), ('{"min_scale": 0.9, "max_scale": 0.1}'),
	('{"id_column": "id"}'), ('{"image_column": null}'), ('{"on_error": "skip"}'), ('{"retrain": true}'), ('{"init": "net"}'), ('{"time_budget": "forever"}'),
	('{"time_budget": "9999999999 years"}'), ('{"lr": "NaN"}'), ('{"pca_components": 513}'), ('{"input_size": 32} {}'), (repeat(' ', 70000));
SELECT left(recipe, 40) AS recipe, failure(format($$SELECT import_encoder('bad', ours('{}', %L))$$, recipe)) FROM recipes;
CREATE TABLE groups (groups text);
INSERT INTO groups VALUES (''), ('1'), ('[]'), ('{}'), ('{"edited": true}'), ('{"edited": 1, "highest": 1, "names": {}}'), ('{"edited": true, "highest": "1", "names": {}}'),
	('{"edited": true, "highest": 0, "names": {}}'), ('{"edited": true, "highest": -1, "names": {}}'), ('{"edited": true, "highest": 1e30, "names": {}}'),
	('{"edited": true, "highest": 1.5, "names": {}}'), ('{"edited": true, "highest": 100000001, "names": {}}'), ('{"edited": true, "highest": 1, "names": []}'),
	('{"edited": true, "highest": 1, "names": "0"}'), ('{"edited": true, "highest": 1, "names": {"2": "x"}}'), ('{"edited": true, "highest": 1, "names": {"-1": "x"}}'),
	('{"edited": true, "highest": 1, "names": {"": "x"}}'), ('{"edited": true, "highest": 1, "names": {"4294967296": "x"}}'),
	('{"edited": true, "highest": 1, "names": {"0": 1}}'), ('{"edited": true, "highest": 1, "names": {"0": null}}'), ('{"edited": true, "highest": 1, "names": {"0": {"0": "x"}}}'),
	('{"edited": true, "highest": 1, "names": {"0": ["x"]}}'), ('{"edited": true, "highest": 1, "names": {"0": ""}}'), ('{"edited": true, "highest": 1, "names": {"0": "x\u0000"}}'),
	('{"edited": true, "highest": 1, "names": {"0": "\ud800"}}'), ('{"edited": true, "highest": 1, "names": {"0": "x", "1": "x"}}'),
	('{"edited": true, "highest": 1, "names": {"0": "x", "00": "y"}}'),
	('{"edited": true, "highest": 1, "names": {"0": "' || repeat('x', 201) || '"}}'), ('{"edited": true, "highest": 1, "names": {"0": "x", "1": "y"}}');
SELECT left(groups, 60) AS groups, failure(format($$SELECT import_encoder('bad', ours(jsonb_build_object('selfclass.kmeans', %L, 'selfclass.groups', %L)))$$,
	translate(encode(kmeans_model_send(('(2,512,0,0;0,1,1' || repeat(',0', 1024) || ')')::kmeans_model), 'base64'), E'\n', ''), groups)) FROM groups;
SELECT failure($$SELECT import_encoder('bad', ours('{"selfclass.groups": "{\"edited\": true, \"highest\": 1, \"names\": {}}"}'))$$);
-- No deeper than the server's own limit.
SELECT failure($$SELECT import_encoder('bad', ours('{}', repeat('[', 60000)))$$) ~ '^(22P03|54001) ' AS deep;
CREATE FUNCTION base64(value bytea) RETURNS json LANGUAGE sql AS $$ SELECT to_json(translate(encode(value, 'base64'), E'\n', '')) $$;
SELECT failure($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": ""}'))$$);
SELECT failure($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": "???"}'))$$);
SELECT failure($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": "AAAAAQ=="}'))$$);
SELECT failure($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": "A"}'))$$);
-- 2^31 - 1 centroids of 16,000 dimensions
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s}'))$$, base64('\x7fffffff00003e800000000000000000')));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s}'))$$, base64(kmeans_model_send('(1,2,0,0;0,1,2,3)'))));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s}'))$$, base64(overlay(kmeans_model_send('(1,1,0,0;0,1,2)') PLACING '\x7ff8' FROM 33))));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s}'))$$, base64(kmeans_model_send('(1,1,0,0;0,1,2)') || '\x00')));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.pca": %s}'))$$, base64(pca_model_send('(2,1,0;0,1,1,0,1,1)'))));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s, "selfclass.pca": %s}', '{"pca_components": 1}'))$$,
	base64(kmeans_model_send('(1,1,0,0;0,1,2)')), base64(pca_model_send('(2,1,0;0,1,1,0,1,1)'))));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s}', '{"pca_components": 1}'))$$, base64(kmeans_model_send('(1,1,0,0;0,1,2)'))));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s, "selfclass.elbow": "AAAA"}'))$$,
	base64(kmeans_model_send(('(1,512,0,0;0,1' || repeat(',0', 512) || ')')::kmeans_model))));
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.kmeans": %s}'))$$,
	base64(kmeans_model_send(('(1,512,0,0;0,1' || repeat(',0', 512) || ')')::kmeans_model))));
-- a calibration that is cut, or an array of something else
SELECT failure(format($$SELECT import_encoder('bad', ours('{"selfclass.calibration": %s}'))$$, base64(v))) FROM (VALUES ('\x00000001'::bytea), (array_send(ARRAY[1, 2])),
	(array_send('{{1,2}}'::float8[])), (array_send('{1,NULL}'::float8[])), (array_send('{NaN}'::float8[])), (array_send('{}'::float8[]))) v(v);
-- Tensors of another form than the recipe's.
SELECT failure($$SELECT import_encoder('bad', plain, '{"stem": "imagenet"}') FROM files$$);
SELECT failure($$SELECT import_encoder('bad', plain, '{"proj_batch_norm": true}') FROM files$$);
SET selfclass.max_memory = '16MB';
SELECT failure($$SELECT import_encoder('bad', ours(jsonb_build_object('selfclass.kmeans', repeat('A', 8000000))))$$) LIKE '54000 | not enough memory for %' AS limited;
RESET selfclass.max_memory;
-- 2,000 mutations of what a file says of itself, by a fixed seed: of its header, its recipe, its groups, and the values within.
CREATE FUNCTION mutated(v bytea, bytes bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	place int;
	len int;
	byte bytea;
BEGIN
	FOR i IN 1 .. 1 + floor(random() * 3)::int LOOP
		place := 1 + floor(random() * length(v))::int;
		len := 1 + floor(random() * random() * 40)::int;
		byte := substr(bytes, 1 + floor(random() * length(bytes))::int, 1);
		v := CASE floor(random() * 5)::int
			WHEN 0 THEN substr(v, 1, place - 1) || byte || substr(v, place)
			WHEN 1 THEN substr(v, 1, place - 1) || substr(v, place + len)
			WHEN 2 THEN substr(v, 1, place - 1) || substr(v, place, len) || substr(v, place)
			WHEN 3 THEN substr(v, 1, place)
			ELSE substr(v, 1, place - 1) || byte || substr(v, place + 1) END;
	END LOOP;
	RETURN v;
END $$;
CREATE FUNCTION mutant(said jsonb, kind int) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	text_bytes bytea := '{}[]":,\\0123456789eE.+-utfn ';
	names text[] := ARRAY(SELECT key FROM jsonb_each(said) WHERE key IN ('selfclass.kmeans', 'selfclass.pca', 'selfclass.elbow', 'selfclass.calibration') ORDER BY key);
	name text := names[1 + floor(random() * cardinality(names))::int];
	header bytea;
BEGIN
	IF kind = 1 THEN
		said := said || jsonb_build_object('selfclass.recipe', convert_from(mutated(convert_to(said->>'selfclass.recipe', 'UTF8'), text_bytes), 'UTF8'));
	ELSIF kind = 2 THEN
		said := said || jsonb_build_object('selfclass.groups', convert_from(mutated(convert_to(said->>'selfclass.groups', 'UTF8'), text_bytes), 'UTF8'));
	ELSIF kind = 3 THEN
		said := said || jsonb_build_object(name, translate(encode(mutated(decode(said->>name, 'base64'), '\x00000102030440417f80bfc0f0ff'), 'base64'), E'\n', ''));
	ELSIF kind = 4 THEN
		said := said || jsonb_build_object(name, convert_from(mutated(convert_to(said->>name, 'UTF8'), '=+/AZaz09 -'), 'UTF8'));
	END IF;
	header := convert_to(jsonb_build_object('__metadata__', said)::text, 'UTF8');
	IF kind = 0 THEN
		header := mutated(header, text_bytes || '\x00ff80c3');
	END IF;
	RETURN substr(int8send(length(header)), 8) || substr(int8send(length(header)), 7, 1) || substr(int8send(length(header)), 6, 1) || '\x0000000000' || header;
END $$;
CREATE FUNCTION fuzz(n int) RETURNS TABLE (kind int, state text, message text) LANGUAGE plpgsql AS $$
DECLARE
	said jsonb := metadata(whole) FROM files;
	file bytea;
BEGIN
	PERFORM setseed(0.14);
	FOR i IN 1 .. n LOOP
		kind := i % 5;
		file := mutant(said, kind);
		BEGIN
			PERFORM import_encoder('bad', file);
			state := 'none';
		EXCEPTION WHEN OTHERS THEN
			state := SQLSTATE;
			message := SQLERRM;
		END;
		RETURN NEXT;
	END LOOP;
END $$;
CREATE TABLE fuzzed AS SELECT * FROM fuzz(2000);
SELECT count(*) FROM fuzzed;
SELECT kind, count(*) FILTER (WHERE message NOT LIKE '%tensor%') > 100 AS refused FROM fuzzed GROUP BY kind ORDER BY kind;
SELECT DISTINCT state, message FROM fuzzed WHERE state NOT IN ('22P03', '22023', '54000') ORDER BY state, message;
SELECT count(*) FROM selfclass_models WHERE name = 'bad';
\pset format aligned
\pset tuples_only off

DO $$ BEGIN PERFORM drop_model(name) FROM (SELECT DISTINCT name FROM selfclass_models WHERE name IN ('net', 'copy', 'bare', 'other', 'graph', 'graph_copy')) m; END $$;
DROP SCHEMA files_test CASCADE;
