-- Reading and keeping the images of a table.
CREATE SCHEMA dataset_test;
SET search_path = dataset_test, public, selfclass;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE FUNCTION dataset(images regclass, id_column text DEFAULT NULL, max_side int DEFAULT 24,
	fail_on_error bool DEFAULT false, across_transactions bool DEFAULT false,
	OUT rows bigint, OUT images_read bigint, OUT skipped bigint, OUT in_file bool,
	OUT median_side float8, OUT gray_share float8, OUT pixels bigint, OUT pixels_of_rows bigint)
	AS '$libdir/selfclass', 'scpg_dataset_test' LANGUAGE C VOLATILE;

CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
INSERT INTO pictures SELECT i, test_picture(i % 3, i) FROM generate_series(1, 150) i;
SELECT rows, images_read, skipped, in_file, median_side, gray_share FROM dataset('pictures');
SELECT pixels, pixels_of_rows FROM dataset('pictures') \gset

-- The order of rows does not matter, nor do the form and type of the key.
CREATE TABLE backwards AS SELECT * FROM pictures ORDER BY id DESC;
CREATE VIEW seen AS SELECT image, id::text AS key FROM backwards WHERE id > 0;
CREATE TABLE parted (id bigint PRIMARY KEY, image bytea) PARTITION BY HASH (id);
CREATE TABLE part0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT * FROM pictures;
SELECT rows, pixels = :pixels AS same_pixels, pixels_of_rows = :pixels_of_rows AS same_rows FROM dataset('backwards', 'id');
SELECT rows, pixels = :pixels AS same_pixels, pixels_of_rows = :pixels_of_rows AS same_rows FROM dataset('seen', 'key');
SELECT rows, pixels = :pixels AS same_pixels, pixels_of_rows = :pixels_of_rows AS same_rows FROM dataset('parted');
CREATE TABLE by_uuid AS SELECT md5(id::text)::uuid AS id, image FROM pictures;
CREATE TABLE by_uuid_again AS SELECT * FROM by_uuid ORDER BY id;
SELECT a.pixels = :pixels AS same_pixels, a.pixels_of_rows = b.pixels_of_rows AS same_rows
	FROM dataset('by_uuid', 'id') a, dataset('by_uuid_again', 'id') b;
CREATE DOMAIN picture AS bytea;
CREATE DOMAIN tag AS varchar(10000) CHECK (VALUE <> '');
CREATE TABLE by_domain AS SELECT (repeat('x', 5000) || id)::tag AS id, image::picture AS image FROM pictures;
SELECT rows, pixels = :pixels AS same_pixels FROM dataset('by_domain', 'id');

-- The same bytes several times are several images; which is which does not matter.
INSERT INTO backwards SELECT id + 1000, image FROM pictures WHERE id <= 3;
INSERT INTO backwards SELECT id + 2000, image FROM pictures WHERE id <= 2;
CREATE TABLE forwards AS SELECT * FROM backwards ORDER BY id;
SELECT a.rows, a.images_read, a.pixels = b.pixels AS same_pixels, a.pixels_of_rows = b.pixels_of_rows AS same_rows,
	a.pixels <> :pixels AS more
	FROM dataset('backwards', 'id') a, dataset('forwards', 'id') b;

-- Kept for longer than a transaction, it is the same.
SELECT pixels = :pixels AS same_pixels, pixels_of_rows = :pixels_of_rows AS same_rows
	FROM dataset('pictures', across_transactions => true);

-- Images that are larger than what they are reduced to; none is enlarged.
CREATE TABLE sizes AS SELECT i AS id, gray_jpeg(1 + i % 4, 5, array_fill(i, ARRAY[20])) AS image
	FROM generate_series(1, 20) i;
SELECT rows, images_read, median_side FROM dataset('sizes', 'id', 16);
INSERT INTO sizes VALUES (21, gray_jpeg(4, 4, array_fill(0, ARRAY[16])));
SELECT median_side FROM dataset('sizes', 'id', 16);
SELECT a.pixels = b.pixels AS as_stored FROM dataset('sizes', 'id', 0) a, dataset('sizes', 'id', 4096) b;

-- No rows; no images.
CREATE TABLE nothing (id int PRIMARY KEY, image bytea);
SELECT * FROM dataset('nothing');
INSERT INTO nothing VALUES (7, NULL);
SELECT rows, images_read, skipped, median_side, gray_share FROM dataset('nothing');

-- More than memory may hold goes to a file, and is the same.
CREATE TABLE large AS SELECT i AS id, gray_jpeg(64, 64, array_agg(((i * x) % 101 - 50)::int)) AS image
	FROM generate_series(1, 40) i, generate_series(1, 4096) x GROUP BY i;
SELECT in_file, pixels, pixels_of_rows FROM dataset('large', 'id', 0) \gset large_
SELECT :'large_in_file'::bool AS in_file;
SET selfclass.max_memory = '16MB';
SELECT in_file, pixels = :large_pixels AS same_pixels, pixels_of_rows = :large_pixels_of_rows AS same_rows
	FROM dataset('large', 'id', 0);
SELECT in_file, pixels = :large_pixels AS same_pixels, pixels_of_rows = :large_pixels_of_rows AS same_rows
	FROM dataset('large', 'id', 0, false, true);
-- A value too large for the memory there is costs its own row, compressed or not, and is not read.
CREATE TABLE huge (id int, image bytea);
INSERT INTO huge SELECT i, gray_jpeg(64, 64, array_fill(0, ARRAY[4096])) || decode(repeat('00', CASE WHEN i % 2 = 0 THEN 17 << 20 ELSE 0 END), 'hex')
	FROM generate_series(1, 5) i;
SELECT rows, images_read, skipped FROM dataset('huge', 'id');
ALTER TABLE huge ALTER image SET STORAGE EXTERNAL;
UPDATE huge SET image = decode(repeat('00', 17 << 20), 'hex') WHERE id % 2 = 0;
SELECT rows, images_read, skipped FROM dataset('huge', 'id');
SELECT * FROM dataset('huge', 'id', fail_on_error => true);
-- One that fits alone, but not beside the one before it.
CREATE TABLE turns AS SELECT i AS id, gray_jpeg(8, 8, array_fill(i, ARRAY[64])) || decode(repeat('00', CASE i % 2 WHEN 0 THEN 15000000 ELSE 1800000 END), 'hex') AS image
	FROM generate_series(1, 4) i;
SELECT rows, images_read, skipped FROM dataset('turns', 'id');
SET temp_file_limit = '1MB';
\set VERBOSITY sqlstate
SELECT * FROM dataset('large', 'id', 0);
SELECT * FROM dataset('large', 'id', 0, false, true);
\set VERBOSITY default
RESET temp_file_limit;
SELECT count(*) AS files_left FROM pg_ls_tmpdir();
RESET selfclass.max_memory;
SELECT rows, in_file FROM dataset('large', 'id', 0);

-- Images that cannot be read are counted, and the first few told with their reasons.
CREATE TABLE bad (id int PRIMARY KEY, image bytea);
INSERT INTO bad SELECT i, test_picture(i % 3, i) FROM generate_series(10, 20) i;
INSERT INTO bad VALUES (1, NULL), (2, ''), (3, 'GIF89a'), (4, '\xffd8ff'), (5, substr(test_picture(0, 1), 1, 150)),
	(6, '\x00'), (7, NULL);
SELECT rows, images_read, skipped FROM dataset('bad');
SELECT dataset('bad', fail_on_error => true);
\set VERBOSITY sqlstate
SELECT dataset('bad', fail_on_error => true);
DELETE FROM bad WHERE id = 1;
SELECT dataset('bad', fail_on_error => true);
\set VERBOSITY default
DELETE FROM bad WHERE id < 5;
SELECT dataset('bad', fail_on_error => true);

-- Limits are the operator's, and are met before anything is decoded.
SET selfclass.max_image_pixels = 1000;
SELECT rows, skipped FROM dataset('bad');
RESET selfclass.max_image_pixels;

-- Among more than are shown, the reasons are counted, the most frequent first.
CREATE TABLE torn AS SELECT i AS id, CASE WHEN i % 10 = 0 THEN substr(image, 1, 150) WHEN i % 10 = 5 THEN ''
	WHEN i = 1 THEN 'GIF89a' WHEN i = 2 THEN '%PDF-1.7' ELSE image END AS image
	FROM pictures, LATERAL (SELECT pictures.id AS i) n WHERE id <= 60;
SELECT rows, images_read, skipped FROM dataset('torn', 'id');

-- Images as text are told from others, and the hint makes bytes of them.
CREATE TABLE texts (id int PRIMARY KEY, image bytea);
INSERT INTO texts SELECT i, convert_to(CASE WHEN i = 6 THEN E'\n  ' || encode(image, 'base64')
	WHEN i = 7 THEN rtrim(translate(encode(image, 'base64'), E'+/\n', '-_'), '=') WHEN i = 8 THEN encode(image, 'escape') ELSE CASE i % 4 WHEN 0 THEN encode(image, 'base64') WHEN 1 THEN image::text WHEN 2 THEN encode(image, 'hex')
	ELSE 'data:image/jpeg;base64,' || encode(image, 'base64') END END, 'UTF8') FROM pictures, LATERAL (SELECT id AS i) n WHERE id <= 8;
SELECT rows, images_read, skipped FROM dataset('texts');
CREATE TABLE one_text (id int, image bytea);
DO $$
DECLARE
	t record;
	hint text;
	made bytea;
BEGIN
	FOR t IN SELECT texts.id, texts.image, pictures.image AS picture FROM texts JOIN pictures USING (id) ORDER BY id LOOP
		TRUNCATE one_text;
		INSERT INTO one_text VALUES (t.id, t.image);
		BEGIN
			PERFORM dataset('one_text', 'id', fail_on_error => true);
		EXCEPTION WHEN invalid_binary_representation THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
		END;
		EXECUTE 'SELECT ' || substring(hint FROM 'decode.*[)]') || ' FROM one_text' INTO made;
		RAISE NOTICE '% %', hint, made = t.picture;
	END LOOP;
END $$;

-- A key must be there.
CREATE TABLE keyless (id int, image bytea);
INSERT INTO keyless VALUES (NULL, '');
SELECT dataset('keyless', 'id');
SELECT dataset('keyless');

-- Rows are those that the caller may see.
CREATE ROLE dataset_reader;
GRANT USAGE ON SCHEMA dataset_test, selfclass TO dataset_reader;
SET ROLE dataset_reader;
SELECT dataset('pictures');
RESET ROLE;
GRANT SELECT ON pictures TO dataset_reader;
ALTER TABLE pictures ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON pictures USING (id <= 10);
SET ROLE dataset_reader;
SELECT rows, images_read FROM dataset('pictures');
RESET ROLE;

-- A cancel while images are read leaves a session that goes on.
CREATE VIEW slow AS SELECT id, image FROM pictures, LATERAL (SELECT pg_sleep(0.01 * (id > 0)::int)) s;
SET statement_timeout = '150ms';
SELECT dataset('slow', 'id');
RESET statement_timeout;
SELECT rows, pixels = :pixels AS same_pixels FROM dataset('pictures');

SET client_min_messages = warning;
DROP SCHEMA dataset_test CASCADE;
REVOKE ALL ON SCHEMA selfclass FROM dataset_reader;
DROP ROLE dataset_reader;
