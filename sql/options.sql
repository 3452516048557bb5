-- Every option of a training and a clustering: its default in each preset, that it is stored, that it does
-- something, and that what it cannot be is refused.
CREATE SCHEMA options_test;
SET search_path = options_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
INSERT INTO pictures SELECT i, test_color_picture(i % 3, i) FROM generate_series(1, 24) i;
\set base '\'{"preset": "lightly", "input_size": 16, "epochs": 2, "batch_size": 10}\''

-- The presets. What auto chooses is chosen for these pictures; precision depends on the CPU.
CALL train_encoder('base', 'pictures', :base);
CALL train_encoder('paper', 'pictures', '{"preset": "paper", "input_size": 16, "epochs": 0}');
CALL train_encoder('lightly', 'pictures', '{"preset": "lightly", "input_size": 16, "epochs": 0}');
CALL train_encoder('auto', 'pictures', '{"input_size": 16, "epochs": 0}');
SELECT p.key, p.value AS paper, l.value AS lightly, a.value AS auto
	FROM selfclass_model mp, jsonb_each(mp.recipe) p, selfclass_model ml, jsonb_each(ml.recipe) l, selfclass_model ma, jsonb_each(ma.recipe) a
	WHERE mp.name = 'paper' AND ml.name = 'lightly' AND ma.name = 'auto' AND l.key = p.key AND a.key = p.key
	AND p.key NOT IN ('precision', 'input_size', 'epochs') ORDER BY p.key COLLATE "C";

-- Options of a training: each with others that it needs, and whether the loss after two epochs is another by it.
CREATE TABLE training (key text PRIMARY KEY, value jsonb, beside jsonb DEFAULT '{}', moves bool DEFAULT true);
INSERT INTO training (key, value) VALUES
	('preset', '"paper"'), ('seed', '2'), ('input_size', '24'), ('image_side', '16'), ('stem', '"small"'), ('batch_size', '8'),
	('drop_last', 'false'), ('epochs', '3'), ('train_sample', '17'), ('lr', '0.1'), ('momentum', '0.5'), ('weight_decay', '0.1'),
	('warmup_epochs', '1'), ('schedule', '"constant"'), ('schedule_step', '"step"'), ('temperature', '0.2'),
	('batch_pieces', '2'), ('hog_weight', '10'), ('proj_hidden_dim', '64'), ('proj_out_dim', '16'), ('proj_batch_norm', 'false'),
	('min_scale', '0.5'), ('max_scale', '0.5'), ('min_ratio', '1'), ('max_ratio', '1'), ('hf_prob', '0'), ('vf_prob', '0.5'),
	('rr_prob', '0.5'), ('shear', '0.3'), ('morph_prob', '0.5'), ('cj_prob', '0'), ('cj_strength', '0.2'), ('cj_bright', '0'),
	('cj_contrast', '0'), ('cj_sat', '0'), ('cj_hue', '0'), ('random_gray_scale', '1'), ('gaussian_blur', '0'), ('sigmas', '[1, 2]'),
	('kernel_size', '0.3'), ('normalize', '{"mean": [0, 0, 0], "std": [1, 1, 1]}'), ('local_contrast_norm', 'true');
INSERT INTO training (key, value, beside) VALUES
	('rr_degrees', '20', '{"rr_prob": 1}'), ('transform_order', '"rotate_flip"', '{"rr_prob": 0.5}'),
	('elastic', '0.05', '{"elastic_prob": 1}'), ('elastic_prob', '0.5', '{"elastic": 0.05}'),
	('neighbor_prob', '1', '{"neighbor_start": 0}'), ('neighbor_start', '0', '{"neighbor_prob": 1}'), ('neighbors', '7', '{"neighbor_prob": 1, "neighbor_start": 0}'), ('self_label_start', '0', '{}'),
	('init', '"paper@1"', '{"seed": 2, "proj_batch_norm": false}');
INSERT INTO training (key, value, moves) VALUES
	('on_error', '"fail"', false), ('id_column', '"id"', false), ('image_column', '"image"', false), ('optimizer', '"sgd"', false),
	('embed_views', '4', false), ('checkpoint_interval', '"7 seconds"', false), ('retrain', 'true', false), ('precision', '"f32"', NULL), ('time_budget', '"2 seconds"', NULL);
CREATE TABLE trained (key text, loss float8, recipe jsonb, PRIMARY KEY (key, recipe));
SELECT format('CALL train_encoder(%L, %L, %L)', 'o', 'pictures', :base::jsonb || beside || extra),
	format('INSERT INTO trained SELECT %L, loss, recipe FROM selfclass_models WHERE name = %L', key, 'o'),
	'DO $$ BEGIN PERFORM drop_model(''o''); END $$', 'VACUUM selfclass_model_weights'
	FROM training, LATERAL (VALUES (jsonb_build_object(key, value)), ('{}')) AS with_and_without (extra)
	WHERE extra <> '{}' OR beside <> '{}' ORDER BY key, extra \gexec
-- What is not as it should be: none.
SELECT t.key, t.value, w.recipe->t.key AS stored, w.loss, o.loss AS without
	FROM training t JOIN trained w ON w.key = t.key AND w.recipe->t.key = t.value
		JOIN (SELECT key, recipe, loss FROM trained UNION ALL SELECT NULL, recipe, loss FROM selfclass_model WHERE name = 'base') o
			ON o.key IS NOT DISTINCT FROM CASE WHEN t.beside <> '{}' THEN t.key END AND o.recipe->t.key IS DISTINCT FROM t.value
	WHERE (w.loss <> o.loss) <> t.moves;
SELECT t.key, t.value FROM training t WHERE NOT EXISTS (SELECT FROM trained w WHERE w.key = t.key AND w.recipe->t.key = t.value);

-- Options of a clustering, which stay with the model: what they change of it.
\set clustering '\'{"l2_normalize": true, "erase_capture": false, "pca_components": null, "pca_whiten": false, "max_k": 15, "elbow_method": "kneedle", "min_gain": 0.01, "sensitivity": 1, "cluster_method": "kmeans", "n_init": 10, "max_iter": 300, "tol": 1e-4, "kmeans_init": "k-means++", "algorithm": "lloyd", "min_confidence": 0}\''
CREATE TABLE clustering (key text PRIMARY KEY, value jsonb, beside jsonb DEFAULT '{}', changes text);
INSERT INTO clustering VALUES
	('l2_normalize', 'false', '{}', 'pca'), ('erase_capture', 'true', '{}', 'kmeans'), ('pca_components', '0.9', '{}', 'pca'), ('pca_whiten', 'true', '{"pca_components": 5}', 'kmeans'),
	('cluster_method', '"graph"', '{}', 'kmeans'), ('max_k', '5', '{}', 'elbow'), ('elbow_method', '"silhouette"', '{}', 'elbow'),
	('min_gain', '0.5', '{"elbow_method": "last_turn"}', 'elbow'), ('sensitivity', '100', '{"elbow_method": "kneedle"}', 'elbow'),
	('n_init', '1', '{"kmeans_init": "random", "max_iter": 1, "elbow_method": "last_turn"}', 'elbow'),
	('max_iter', '1', '{"n_init": 1, "kmeans_init": "random"}', 'elbow'),
	('tol', '1', '{"n_init": 1, "kmeans_init": "random", "max_k": 20, "pca_components": 1}', 'elbow'), ('kmeans_init', '"random"', '{"n_init": 1, "max_iter": 1}', 'elbow'),
	('algorithm', '"minibatch"', '{"n_init": 1, "kmeans_init": "random", "tol": 0}', 'kmeans'),
	('min_confidence', '1', '{"n_init": 1, "kmeans_init": "random", "max_iter": 1, "max_k": 20, "elbow_method": "last_turn", "min_gain": 0.001}', 'labelled');
CREATE TABLE clustered (key text, recipe jsonb, pca text, kmeans text, elbow text, labelled bigint);
SET client_min_messages = error;
SELECT format('DO $do$ BEGIN PERFORM cluster_images(%L, model => %L, options => %L); END $do$', 'pictures', 'base', :clustering::jsonb || beside || extra),
	format('INSERT INTO clustered SELECT %L, recipe, pca::text, kmeans::text, elbow::text, (SELECT sum(size) FROM selfclass_cluster c WHERE c.model_id = m.model_id) FROM selfclass_model m WHERE name = %L', key, 'base')
	FROM clustering, LATERAL (VALUES (jsonb_build_object(key, value)), ('{}')) AS with_and_without (extra) ORDER BY key, extra \gexec
SELECT c.key, c.value, count(w) AS with, count(o) AS without
	FROM clustering c LEFT JOIN clustered w ON w.key = c.key AND w.recipe->c.key = c.value
		LEFT JOIN clustered o ON o.key = c.key AND o.recipe->c.key <> c.value AND to_jsonb(o)->c.changes <> to_jsonb(w)->c.changes
	GROUP BY c.key, c.value HAVING count(w) <> 1 OR count(o) <> 1;

-- Each key of a recipe was tried.
SELECT key FROM selfclass_model, jsonb_object_keys(recipe) key WHERE name = 'base' EXCEPT SELECT key FROM training EXCEPT SELECT key FROM clustering ORDER BY 1;

-- What is refused.
CREATE FUNCTION refusal(options jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM cluster_images('pictures', options => '{"epochs": 0, "input_size": 16}' || options);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE TABLE refused (key text, values jsonb);
INSERT INTO refused VALUES
	('seed', '[9223372036854775808, -9223372036854775809, 1e30, 1.5, "1"]'), ('input_size', '[15, 513]'), ('image_side', '[15, 4097]'),
	('stem', '["large", ""]'), ('batch_size', '[1, 16385, 25]'), ('batch_pieces', '[0, 8193, 13]'), ('drop_last', '["yes", 1]'), ('epochs', '[-1, 100001, 1.5]'),
	('time_budget', '["soon", "-1 second", "0", 5]'), ('train_sample', '[1, 2147483648]'),
	('checkpoint_interval', '["never", "0", 60]'), ('retrain', '["no"]'), ('optimizer', '["adam"]'),
	('lr', '[0, -1, 1001]'), ('momentum', '[-0.1, 1]'), ('weight_decay', '[-1, 11]'), ('warmup_epochs', '[-1]'),
	('schedule', '["linear"]'), ('schedule_step', '["day"]'), ('temperature', '[0, 1e-8, -1]'),
	('proj_hidden_dim', '[0, 8193]'), ('proj_out_dim', '[0, 8193]'), ('proj_batch_norm', '[0]'),
	('min_scale', '[0, 1.1]'), ('max_scale', '[0, 1.1, 0.01]'), ('min_ratio', '[0, 50]'), ('max_ratio', '[0, 101, 0.1]'),
	('hf_prob', '[-0.1, 1.1]'), ('vf_prob', '[-0.1, 1.1]'), ('rr_prob', '[-0.1, 1.1]'), ('rr_degrees', '[-1, 181]'),
	('shear', '[-1, 3]'), ('elastic', '[-0.1, 1.1]'), ('elastic_prob', '[-0.1, 1.1]'), ('hog_weight', '[-0.1, 1001, "high"]'), ('neighbor_prob', '[-0.1, 1.1]'), ('self_label_start', '[-0.1, 1.1]'), ('neighbor_start', '[-0.1, 1.1]'), ('neighbors', '[0, 33, 1.5]'), ('embed_views', '[0, 33, 1.5]'), ('morph_prob', '[-0.1, 1.1]'), ('cj_prob', '[-0.1, 1.1]'), ('cj_strength', '[-1]'),
	('cj_bright', '[-1]'), ('cj_contrast', '[-1]'), ('cj_sat', '[-1]'), ('cj_hue', '[-0.1, 0.6]'),
	('random_gray_scale', '[-0.1, 1.1]'), ('gaussian_blur', '[-0.1, 1.1]'), ('sigmas', '[[1], [2, 1], [0, 1], [1, 2, 3], [1, "2"], 1]'),
	('kernel_size', '[-0.1, 1.1]'), ('normalize', '[[], 1, {"mean": [0, 0]}, {"std": [0, 1, 1]}, {"sdt": [1, 1, 1]}]'),
	('local_contrast_norm', '["gray", 1]'), ('transform_order', '["none"]'), ('init', '["nothing", 5]'), ('l2_normalize', '["x"]'), ('erase_capture', '["x", 1]'), ('pca_components', '[0, 1.5, 513, -1]'),
	('pca_whiten', '[1]'), ('max_k', '[0, 10001]'), ('elbow_method', '["elbow"]'), ('cluster_method', '["leiden"]'), ('min_gain', '[0, 1.1]'), ('sensitivity', '[0]'),
	('n_init', '[0, 10001]'), ('max_iter', '[0]'), ('tol', '[-1]'), ('kmeans_init', '["kmeans"]'), ('algorithm', '["elkan"]'), ('min_confidence', '[-0.1, 1.1]'), ('keep', '["no"]'), ('replace_groups', '[1]'), ('preset', '["best", 1]'),
	('on_error', '["ignore"]'), ('precision', '["f16", 16]'), ('id_column', '[1]'), ('image_column', '[1]');
SELECT key FROM selfclass_model, jsonb_object_keys(recipe) key WHERE name = 'base' EXCEPT SELECT key FROM refused ORDER BY 1;
SELECT key, value, refusal FROM refused, jsonb_array_elements(values || '[{}]') AS v (value),
	refusal(jsonb_build_object(key, value)) WHERE refusal NOT LIKE '22023 | invalid value for option %' ORDER BY key, value;
SELECT refusal FROM refused, refusal(jsonb_build_object(key, values->0)) ORDER BY key COLLATE "C";
-- What auto chooses is what the option takes, whatever it follows from, and is read again.
CALL train_encoder('slow', 'pictures', '{"epochs": 0, "lr": 1e-7, "input_size": 16, "batch_size": 10}');
SELECT recipe->'lr' AS lr, recipe->'hog_weight' AS hog_weight FROM selfclass_model WHERE name = 'slow';
SELECT count(*) FROM embed_images('pictures', 'slow');
SELECT count(drop_model(name)) FROM selfclass_models;
SET client_min_messages = error;
DROP SCHEMA options_test CASCADE;
