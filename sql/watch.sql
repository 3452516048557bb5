-- Watching: what a training has done, and whose it is; what is worked on now.
CREATE SCHEMA watch_test;
SET search_path = watch_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
INSERT INTO pictures SELECT i, test_picture(i % 3, i) FROM generate_series(1, 16) i;
CREATE ROLE watch_anna;
CREATE ROLE watch_guest;
GRANT USAGE, CREATE ON SCHEMA watch_test TO PUBLIC;
GRANT USAGE ON SCHEMA selfclass TO PUBLIC;
GRANT SELECT ON pictures TO PUBLIC;

-- An epoch a row, for those who may use the model.
SET ROLE watch_anna;
CALL train_encoder('watched', 'pictures', '{"preset": "lightly", "input_size": 16, "epochs": 2, "batch_size": 8}');
CALL train_encoder('watched', 'pictures', '{"preset": "lightly", "input_size": 16, "epochs": 1, "batch_size": 8, "retrain": true}');
SELECT owner, model, version, current, epoch, loss > 0 AS loss, lr > 0 AS lr, images_per_second > 0 AS speed,
	at BETWEEN now() - interval '1 day' AND clock_timestamp() AS at
	FROM selfclass_epochs ORDER BY model_id, epoch;
SET ROLE watch_guest;
SELECT count(*) FROM selfclass_epochs WHERE model = 'watched';
SELECT failure('SELECT count(*) FROM selfclass_training_log');
SET ROLE watch_anna;
SELECT grant_model('watched', 'watch_guest');
SET ROLE watch_guest;
SELECT owner, version, epoch FROM selfclass_epochs WHERE model = 'watched' ORDER BY version, epoch;
SET ROLE watch_anna;
SELECT revoke_model('watched', 'watch_guest');
SET ROLE watch_guest;
SELECT count(*) FROM selfclass_epochs WHERE model = 'watched';
RESET ROLE;
SELECT failure('DELETE FROM selfclass_epochs') ~ '^55000', failure('DELETE FROM selfclass_progress') ~ '^55000';

-- A command sees itself, where a view of the pictures looks.
CREATE VIEW looking AS SELECT p.id, p.image, w.* FROM pictures p, LATERAL (SELECT w.pid = pg_backend_pid() AS own,
	w.datname = current_database() AS here, w.relid::regclass, w.command, w.model, w.phase FROM selfclass_progress w) w;
CREATE TABLE seen (own boolean, here boolean, relid regclass, command text, model text, phase text);
CREATE FUNCTION note(looking) RETURNS boolean LANGUAGE sql AS
	'INSERT INTO seen VALUES ($1.own, $1.here, $1.relid, $1.command, $1.model, $1.phase) RETURNING true';
CREATE VIEW noting AS SELECT id, image FROM looking l WHERE note(l);
SELECT count(*) FROM embed_images('noting', NULL::int, 'watch_anna.watched', '{"id_column": "id"}');
SELECT DISTINCT * FROM seen;
SELECT count(*) FROM selfclass_progress;
\d selfclass_progress
SET ROLE watch_anna;
SELECT drop_model('watched');
RESET ROLE;
DROP SCHEMA watch_test CASCADE;
DROP ROLE watch_anna, watch_guest;
