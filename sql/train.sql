-- Training from SQL: train_encoder and what it leaves in the tables.
CREATE SCHEMA train_test;
SET search_path = train_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
INSERT INTO pictures SELECT i, test_picture(i % 3, i) FROM generate_series(1, 24) i;
\set tiny '\'{"preset": "lightly", "input_size": 16, "epochs": 2, "batch_size": 8}\''

CALL train_encoder('tiny', 'pictures', :tiny);
SELECT version, state, backbone, dim, source, images, skipped, epochs_done, loss > 0 AS loss, finished IS NOT NULL AS finished,
	recipe->>'epochs' AS epochs, recipe->>'input_size' AS input_size, recipe->>'lr' AS lr
	FROM selfclass_models WHERE name = 'tiny';
SELECT epoch, l.loss > 0 AS loss, lr > 0 AS lr, images_per_second > 0 AS speed
	FROM selfclass_training_log l JOIN selfclass_model USING (model_id) WHERE name = 'tiny' ORDER BY epoch;
-- The optimiser's state does not stay.
SELECT weights_bytes = (SELECT sum(octet_length(data)) FROM selfclass_model_weights w WHERE w.model_id = m.model_id) AS all_there,
	weights_bytes < 50000000 AS without_momenta FROM selfclass_model m WHERE name = 'tiny';

-- The same again, for any order of rows and any number of threads: the same bits.
CREATE TABLE backwards AS SELECT * FROM pictures ORDER BY id DESC;
ALTER TABLE backwards ADD PRIMARY KEY (id);
SET selfclass.threads = 1;
CALL train_encoder('one_thread', 'pictures', :tiny);
SET selfclass.threads = 3;
CALL train_encoder('backwards', 'backwards', :tiny);
RESET selfclass.threads;
CALL train_encoder('other_seed', 'pictures', :tiny::jsonb || '{"seed": 2}');
SELECT o.name, o.weights_crc = t.weights_crc AS same, o.loss = t.loss AS same_loss
	FROM selfclass_model o, selfclass_model t WHERE t.name = 'tiny' AND o.name <> 'tiny' ORDER BY o.name;

-- A batch in pieces: by hand; where preset auto has not the memory for the whole batch; with the same bits for any number
-- of threads. What goes on with less memory does not take others. (60 MB: of the checkpoint, whose 88 MB are no part of what is needed.)
CREATE FUNCTION needed(options jsonb) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM count(*) FROM cluster_images('more', 2, options => options || '{"epochs": 0}');
	RETURN 0;
EXCEPTION WHEN program_limit_exceeded THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN (regexp_match(detail, 'needs (\d+) MB'))[1];
END $$;
\set batch '\'{"epochs": 1, "batch_size": 32, "input_size": 64, "precision": "f32"}\''
CREATE TABLE more AS SELECT i AS id, test_picture(i % 3, i) AS image FROM generate_series(1, 32) i;
ALTER TABLE more ADD PRIMARY KEY (id);
CALL train_encoder('whole', 'more', :batch);
SET selfclass.threads = 3;
CALL train_encoder('by_hand', 'more', :batch::jsonb || '{"batch_pieces": 2}');
SET selfclass.threads = 1;
SET selfclass.max_memory = '64MB';
SELECT needed(:batch::jsonb || '{"batch_pieces": 1}') + 60 || 'MB' AS memory \gset
SET selfclass.max_memory = :'memory';
CALL train_encoder('by_itself', 'more', :batch);
SELECT o.name, o.recipe->>'batch_pieces' AS pieces, o.weights_crc = h.weights_crc AS as_by_hand, o.loss = h.loss AS same_loss
	FROM selfclass_model o, selfclass_model h WHERE h.name = 'by_hand' AND o.name IN ('whole', 'by_hand', 'by_itself') ORDER BY o.name;
UPDATE selfclass_model SET state = 'training' WHERE name = 'by_itself';
SET selfclass.max_memory = '100MB';
\set VERBOSITY sqlstate
CALL resume_encoder('by_itself');
\set VERBOSITY default
RESET selfclass.max_memory;
CALL resume_encoder('by_itself');
RESET selfclass.threads;
SELECT state, recipe->>'batch_pieces' AS pieces FROM selfclass_models WHERE name = 'by_itself';

-- Versions.
CALL train_encoder('tiny', 'pictures', :tiny);
CALL train_encoder('tiny', 'pictures', :tiny::jsonb || '{"retrain": true, "epochs": 1, "drop_last": false, "train_sample": 17}');
SELECT version, state, epochs_done, images FROM selfclass_models WHERE name = 'tiny' ORDER BY version;
CALL resume_encoder('tiny');

-- Not trained at all, for comparison; from another model's weights; for a time.
SET client_min_messages = notice;
CALL train_encoder('untrained', 'pictures', :tiny::jsonb || '{"epochs": 0}');
CALL train_encoder('warm', 'pictures', :tiny::jsonb || '{"epochs": 0, "init": "tiny@1", "seed": 5}');
SET client_min_messages = warning;
CALL train_encoder('timed', 'pictures', :tiny::jsonb || '{"time_budget": "1 second", "warmup_epochs": 5}');
SELECT name, state, epochs_done, loss IS NULL AS no_loss, recipe->>'init' AS init,
	weights_crc = (SELECT weights_crc FROM selfclass_model WHERE name = 'untrained') AS as_initialised
	FROM selfclass_model WHERE name IN ('untrained', 'warm') ORDER BY name;
SELECT epochs_done >= 1 AND epochs_done = (recipe->>'epochs')::int AS epochs, recipe->>'time_budget' AS budget
	FROM selfclass_models WHERE name = 'timed';
CALL train_encoder('no_init', 'pictures', :tiny::jsonb || '{"init": "nothing"}');
CALL train_encoder('no_init', 'pictures', :tiny::jsonb || '{"init": "tiny@1", "stem": "small"}');

-- Precision bf16, where the CPU has it: it trains, for any number of threads to the same bits, and its model embeds.
-- Elsewhere it is an error. A recipe says which precision auto was.
CREATE FUNCTION bf16_error(options jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM count(*) FROM cluster_images('pictures', 2, options => options || '{"epochs": 0, "precision": "bf16"}');
	RETURN '';
EXCEPTION WHEN feature_not_supported THEN
	RETURN SQLERRM;
END $$;
SELECT message = '' AS has_bf16, message = '' OR message LIKE '%no bf16 arithmetic' AS known FROM bf16_error(:tiny) message \gset
SELECT :'known'::bool AS known;
\if :has_bf16
CALL train_encoder('half', 'pictures', :tiny::jsonb || '{"precision": "bf16"}');
SET selfclass.threads = 1;
CALL train_encoder('half_one_thread', 'pictures', :tiny::jsonb || '{"precision": "bf16"}');
RESET selfclass.threads;
\endif
SELECT NOT :'has_bf16' OR (count(DISTINCT weights_crc) = 1 AND count(*) = 2 AND bool_and(recipe->>'precision' = 'bf16')) AS same_bits
	FROM selfclass_model WHERE name LIKE 'half%';
SELECT count(embedding) AS embedded FROM embed_images('pictures', CASE WHEN :'has_bf16' THEN 'half' ELSE 'tiny' END);
SELECT bool_and(recipe->>'precision' IN ('f32', 'bf16')) AS resolved FROM selfclass_models;
SELECT count(drop_model(name)) IN (0, 2) AS dropped FROM selfclass_models WHERE name LIKE 'half%';

-- A loss that is no number any more.
\set VERBOSITY sqlstate
CALL train_encoder('diverged', 'pictures', :tiny::jsonb || '{"lr": 1000, "weight_decay": 10, "epochs": 50}');
\set VERBOSITY default
SELECT state, finished FROM selfclass_models WHERE name = 'diverged';
CALL resume_encoder('diverged');
SELECT embed_image(image, 'diverged') FROM pictures LIMIT 1;
CALL train_encoder('diverged', 'pictures', :tiny);
SELECT version, state FROM selfclass_models WHERE name = 'diverged' ORDER BY version;

-- Weights that are numbers and see the same in all images are no model either; the training that goes on ends the same.
\set collapsing '\'{"preset": "lightly", "input_size": 16, "epochs": 8, "batch_size": 8, "lr": 1000, "checkpoint_interval": "1 ms"}\''
\set VERBOSITY terse
CALL train_encoder('collapsed', 'pictures', :collapsing);
SELECT state, epochs_done FROM selfclass_models WHERE name = 'collapsed';
UPDATE selfclass_model SET state = 'training' WHERE name = 'collapsed';
CALL resume_encoder('collapsed');
SELECT state, finished IS NOT NULL AS finished FROM selfclass_models WHERE name = 'collapsed';
\set VERBOSITY default
SELECT sqlstate[1], sqlstate[2], sqlstate[4] FROM string_to_array(failure(format('SELECT count(*) FROM cluster_images(''pictures'', 2, ''none'', %L)', :collapsing)), ' | ') sqlstate;
SELECT left(failure(format('SELECT count(*) FROM cluster_images(''pictures'', 2, options => %L)', :collapsing)), 5) AS without_model;
-- At a temperature so low one direction in different lengths is alike too. After a few steps of any training directions are,
-- by running statistics that have not settled: that is no collapse.
SELECT preset, left(failure(format('SELECT count(*) FROM cluster_images(''pictures'', 2, options => %L)',
	:collapsing::jsonb || '{"lr": 0.06, "epochs": 2, "temperature": 1e-5, "seed": 2}' || jsonb_build_object('preset', preset))), 5) AS temperature_1e_5
	FROM unnest('{paper,lightly}'::text[]) preset ORDER BY 1;
SELECT preset, temperature, seed, failure(format('SELECT count(*) FROM cluster_images(''pictures'', 2, options => %L)',
	:collapsing::jsonb || '{"lr": 0.06, "epochs": 4}' || jsonb_build_object('preset', preset, 'temperature', temperature, 'seed', seed))) AS ordinary
	FROM (VALUES ('lightly', 0.1, 2), ('lightly', 0.1, 5), ('lightly', 0.5, 1), ('paper', 0.5, 1)) t (preset, temperature, seed) ORDER BY 1, 2, 3;
SELECT count(*) AS left_behind FROM selfclass_model WHERE name = 'none';
-- Images that are all the same have the same embedding, and nobody is to blame.
CREATE TABLE copies AS SELECT i AS id, (SELECT image FROM pictures WHERE id = 1) FROM generate_series(1, 24) i;
ALTER TABLE copies ADD PRIMARY KEY (id);
CALL train_encoder('copies', 'copies', :collapsing::jsonb || '{"epochs": 2}');
CALL train_encoder('untrained_1000', 'pictures', :tiny::jsonb || '{"epochs": 0, "lr": 1000}');
SELECT name, state FROM selfclass_models WHERE name IN ('copies', 'untrained_1000') ORDER BY name;
SELECT count(drop_model(name)) FROM selfclass_models WHERE name IN ('collapsed', 'copies', 'untrained_1000');
-- A checkpoint is not due more often than it can be written.
SELECT recipe->>'checkpoint_interval' AS interval FROM selfclass_models WHERE name = 'tiny' AND version = 1;
CALL train_encoder('wide', 'pictures', :tiny::jsonb || '{"epochs": 0, "proj_hidden_dim": 4096, "proj_out_dim": 4096}');
SELECT recipe->>'checkpoint_interval' AS interval FROM selfclass_models WHERE name = 'wide';
SELECT drop_model('wide');
SELECT c.relname, count(*) FILTER (WHERE option LIKE 'autovacuum_vacuum_%') AS own_settings FROM pg_class c, unnest(c.reloptions || (SELECT reloptions FROM pg_class WHERE oid = c.reltoastrelid)) option
	WHERE c.oid = 'selfclass_model_weights'::regclass GROUP BY 1;

-- Bad input. Nothing is left behind.
CALL train_encoder(NULL, 'pictures');
CALL train_encoder('', 'pictures');
CALL train_encoder('a b', 'pictures');
CALL train_encoder('tiny@1', 'pictures');
CALL train_encoder('bad', NULL);
CALL train_encoder('bad', 'no_such_table');
CALL train_encoder('bad', 4000000000::regclass);
CALL train_encoder('bad', 'pictures', '{"epoch": 3}');
CALL train_encoder('bad', 'pictures', '{"epochs": -1}');
CALL train_encoder('bad', 'pictures', '{"epochs": "many"}');
CALL train_encoder('bad', 'pictures', '{"batch_size": 25}');
CALL train_encoder('bad', 'pictures', '{"image_column": "picture"}');
CALL train_encoder('bad', 'pictures', '{"image_column": "id"}');
CALL train_encoder('bad', 'pictures', '[]');
CREATE TABLE one AS SELECT * FROM pictures WHERE id = 1;
CALL train_encoder('bad', 'one', NULL);
ALTER TABLE one ADD PRIMARY KEY (id);
CALL train_encoder('bad', 'one');
INSERT INTO one VALUES (2, NULL), (3, ''), (4, '\xffd8ff'), (5, 'no image at all');
CALL train_encoder('bad', 'one');
CALL train_encoder('bad', 'one', '{"on_error": "fail"}');
DELETE FROM one;
CALL train_encoder('bad', 'one');
CALL resume_encoder(NULL);
CALL resume_encoder('bad');
CALL resume_encoder('tyni');
BEGIN;
CALL train_encoder('bad', 'pictures');
ROLLBACK;
BEGIN READ ONLY;
CALL train_encoder('bad', 'pictures');
ROLLBACK;
BEGIN READ ONLY;
CALL resume_encoder('tiny');
ROLLBACK;
DO $$ BEGIN CALL train_encoder('bad', 'pictures'); EXCEPTION WHEN division_by_zero THEN NULL; END $$;
-- The SQLSTATEs.
\set VERBOSITY sqlstate
CALL train_encoder(NULL, 'pictures');
CALL train_encoder('a b', 'pictures');
CALL train_encoder('tiny', 'pictures');
CALL train_encoder('bad', NULL);
CALL train_encoder('bad', 'no_such_table');
CALL train_encoder('bad', 4000000000::regclass);
CALL train_encoder('bad', 'pictures', '{"epoch": 3}');
CALL train_encoder('bad', 'pictures', '{"batch_size": 25}');
CALL train_encoder('bad', 'pictures', '{"image_column": "picture"}');
CALL train_encoder('bad', 'pictures', '{"image_column": "id"}');
CALL train_encoder('bad', 'pictures', '{"init": "nothing"}');
CALL train_encoder('bad', 'one');
CALL resume_encoder('bad');
CALL resume_encoder('tiny');
BEGIN;
CALL resume_encoder('tiny');
ROLLBACK;
BEGIN READ ONLY;
CALL train_encoder('bad', 'pictures');
ROLLBACK;
SET selfclass.max_memory = '64MB';
CALL train_encoder('bad', 'pictures', :tiny);
CALL train_encoder('bad', 'pictures', '{"input_size": 512, "batch_size": 24}');
RESET selfclass.max_memory;
\set VERBOSITY default
SELECT count(*) FROM selfclass_model WHERE name = 'bad';
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';

-- As another role: rights on the table are the caller's, models are one's own.
CREATE ROLE train_test_other;
GRANT USAGE ON SCHEMA selfclass, train_test TO train_test_other;
SET ROLE train_test_other;
CALL train_encoder('tiny', 'pictures', :tiny);
CALL resume_encoder('tiny');
RESET ROLE;
GRANT SELECT ON pictures TO train_test_other;
SET ROLE train_test_other;
CALL train_encoder('tiny', 'pictures', :tiny::jsonb || '{"epochs": 1}');
SELECT name, version, owner, state FROM selfclass_models;
SELECT drop_model('tiny');
RESET ROLE;

-- From a procedure, and without progress messages in between.
CREATE PROCEDURE train_two() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 2 LOOP
		CALL train_encoder('loop_' || i, 'pictures', '{"preset": "lightly", "input_size": 16, "epochs": 0, "batch_size": 8}');
	END LOOP;
END $$;
CALL train_two();
SELECT name, state FROM selfclass_models WHERE name LIKE 'loop%' ORDER BY name;

SELECT count(drop_model(name)) FROM (SELECT DISTINCT name FROM selfclass_models) m;
REVOKE ALL ON pictures FROM train_test_other;
REVOKE ALL ON SCHEMA selfclass, train_test FROM train_test_other;
DROP ROLE train_test_other;
SET client_min_messages = error;
DROP SCHEMA train_test CASCADE;
