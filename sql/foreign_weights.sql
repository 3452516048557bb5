-- Weights from elsewhere: the names that others give to a ResNet-18, and what is no ResNet-18.
CREATE SCHEMA foreign_test;
SET search_path = foreign_test, public, selfclass;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\i tests/fixtures/encoder_file.sql
\set ECHO all
SET client_min_messages = warning;
CREATE FUNCTION header_length(file bytea) RETURNS int LANGUAGE sql IMMUTABLE AS $$
	SELECT get_byte(file, 0) + 256 * get_byte(file, 1) + 65536 * get_byte(file, 2) $$;
-- The file with another header: each name of a tensor through an SQL expression over "name"; more: text of more tensors.
CREATE FUNCTION renamed(file bytea, expression text, more text DEFAULT '', counters bool DEFAULT false) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	header text;
	names text;
BEGIN
	EXECUTE format($q$SELECT string_agg(format('%%s: %%s', to_json(%s), CASE WHEN $2 AND value->'shape' = '[]' THEN value || '{"shape": [1]}' ELSE value END), ', ') FROM jsonb_each($1) AS x (name, value)$q$, expression)
		INTO names USING convert_from(substr(file, 9, header_length(file)), 'UTF8')::jsonb, counters;
	header := '{' || names || more || '}';
	header := rpad(header, (length(header) + 7) / 8 * 8);
	RETURN decode(regexp_replace(lpad(to_hex(length(header)), 8, '0'), '(..)(..)(..)(..)', '\4\3\2\1') || '00000000', 'hex')
		|| convert_to(header, 'UTF8') || substr(file, 9 + header_length(file));
END $$;
-- Hugging Face's name of torchvision's.
CREATE FUNCTION hugging(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN name ~ '^conv1' THEN replace(name, 'conv1', 'embedder.embedder.convolution')
		WHEN name ~ '^bn1' THEN replace(name, 'bn1', 'embedder.embedder.normalization')
		ELSE (SELECT format('encoder.stages.%s.layers.%s.', m[1]::int - 1, m[2]) || CASE m[3]
				WHEN 'downsample.0' THEN 'shortcut.convolution' WHEN 'downsample.1' THEN 'shortcut.normalization'
				WHEN 'conv1' THEN 'layer.0.convolution' WHEN 'conv2' THEN 'layer.1.convolution'
				WHEN 'bn1' THEN 'layer.0.normalization' ELSE 'layer.1.normalization' END || '.' || m[4]
			FROM regexp_match(name, '^layer(.)\.(.)\.(conv.|bn.|downsample\..)\.(.*)$') m) END $$;
-- That of a torch.nn.Sequential over torchvision's children.
CREATE FUNCTION sequential(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN name ~ '^layer' THEN (substr(name, 6, 1)::int + 3) || substr(name, 7)
		ELSE replace(replace(name, 'bn1', '1'), 'conv1', '0') END $$;
CREATE TABLE files AS SELECT encoder_file(1) AS file;
CREATE TABLE pictures AS SELECT i AS id, test_picture(i % 3, i) AS image FROM generate_series(1, 3) i;

SELECT import_encoder('net', file, '{"input_size": 32}') FROM files;
CREATE FUNCTION same_as_net(bytes bytea) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
	PERFORM import_encoder('other', bytes, '{"input_size": 32, "retrain": true}');
	RETURN (SELECT bool_and(embed_image(image, 'net') = embed_image(image, 'other@' || (SELECT max(version) FROM selfclass_models WHERE name = 'other'))) FROM pictures);
END $$;
SELECT same_as_net(renamed(file, $$hugging(name)$$)) AS hugging_face FROM files;
SELECT same_as_net(renamed(file, $$'resnet.' || hugging(name)$$)) AS of_a_classifier FROM files;
SELECT same_as_net(renamed(file, $$'backbone.' || sequential(name)$$)) AS sequential FROM files;
SELECT prefix, same_as_net(renamed(file, format('%L || name', prefix)))
	FROM files, unnest('{module.,backbone.,encoder.,encoder_q.,_orig_mod.,model.,resnet.,module.encoder_q.,_orig_mod.module.backbone.}'::text[]) prefix;
SET client_min_messages = notice;
-- Heads, and what trains with a momentum encoder, are told. (Their data lie over others.)
SELECT same_as_net(renamed(file, 'name', ', "fc.weight": {"dtype": "F32", "shape": [10, 512], "data_offsets": [0, 20480]}, "fc.bias": {"dtype": "F32", "shape": [10], "data_offsets": [0, 40]}')) FROM files;
SELECT same_as_net(renamed(file, $$'encoder_q.' || name$$, ', "encoder_k.bn1.bias": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}, "queue": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}')) FROM files;
SELECT head, same_as_net(renamed(file, 'name', format(', "%s": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}', head)))
	FROM files, unnest('{classifier.1.weight,head.fc.weight,projection.0.weight,module.prototypes.weight}'::text[]) head;
-- What the encoder saw in training is what others train with.
SELECT import_encoder('plain', file) FROM files;
SELECT recipe->'input_size' AS input_size, recipe->'image_side' AS image_side, recipe->'l2_normalize' AS l2_normalize, recipe->'normalize' AS normalize
	FROM selfclass_models WHERE name = 'plain';
-- A training that begins with them: their views, as far as the pictures have them, gentle crops, a tenth of the learning rate.
ALTER TABLE pictures ADD PRIMARY KEY (id);
SET client_min_messages = warning;
CALL train_encoder('tuned', 'pictures', '{"init": "plain", "epochs": 1, "batch_size": 2}');
CALL train_encoder('from_nothing', 'pictures', '{"epochs": 0, "batch_size": 2}');
CALL train_encoder('own', 'pictures', '{"init": "net", "epochs": 0, "batch_size": 2, "precision": "f32"}');
SELECT name, recipe->'input_size' AS input_size, recipe->'image_side' AS image_side, recipe->'min_scale' AS min_scale, recipe->'lr' AS lr
	FROM selfclass_models WHERE name IN ('tuned', 'from_nothing', 'own') ORDER BY name;
SELECT bool_and(embed_image(image, 'own') = embed_image(image, 'net')) AS same FROM pictures;
CALL train_encoder('none', 'pictures', '{"init": "nobody"}');
SET client_min_messages = notice;

-- What is no ResNet-18 is told by name.
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION with_tensor(name text) RETURNS text LANGUAGE sql AS $$
	SELECT failure(format($q$SELECT import_encoder('bad', renamed(file, 'name', ', "%s": {"dtype": "F32", "shape": [64], "data_offsets": [0, 256]}')) FROM files$q$, name)) $$;
SELECT with_tensor('layer1.0.conv3.weight');
SELECT with_tensor('module.encoder.stages.0.layers.0.layer.2.convolution.weight');
SELECT with_tensor('layer3.2.conv1.weight');
SELECT with_tensor('conv1.0.weight');
SELECT with_tensor('layer1.0.se.weight');
SELECT with_tensor('model.bn1.bias');
SELECT with_tensor('backbone.1.bias');
SELECT with_tensor('8.weight');
SELECT with_tensor(repeat('layer1.', 10) || 'weight');
SELECT failure($$SELECT import_encoder('bad', renamed(file, $q$replace(name, 'layer4', 'layer5')$q$)) FROM files$$);
\pset format aligned
\pset tuples_only off
SELECT count(drop_model(name)) FROM (SELECT DISTINCT name FROM selfclass_models) m;
