-- contact_sheet: the images of a group as one JPEG.
SET search_path = pictures_test, public, selfclass;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
-- Width and height of a baseline JPEG, from its frame header.
CREATE FUNCTION jpeg_size(picture bytea) RETURNS text LANGUAGE sql AS $$
	SELECT get_byte(picture, at + 6) * 256 + get_byte(picture, at + 7) || 'x' ||
		get_byte(picture, at + 4) * 256 + get_byte(picture, at + 5)
	FROM (SELECT position('\xffc0'::bytea IN picture)) AS p(at)
$$;
CREATE FUNCTION is_jpeg(picture bytea) RETURNS boolean LANGUAGE sql AS
	'SELECT substr(picture, 1, 3) = ''\xffd8ff'' AND substr(picture, length(picture) - 1) = ''\xffd9''';
CREATE TABLE shot AS SELECT i, test_picture(i % 3, i) AS image FROM generate_series(1, 150) i;

-- tiles of 32 pixels, 4 pixels around each; fewer images than columns make it narrower
SELECT n, is_jpeg(s), jpeg_size(s) FROM (
	SELECT n, contact_sheet(image, 10, 32 ORDER BY i) FROM shot, unnest(ARRAY[1, 7, 10, 11, 150]) n
	WHERE i <= n GROUP BY n) AS t(n, s) ORDER BY n;
-- what comes out is an image that goes in: no warning
SELECT jpeg_size(contact_sheet(s, 3, 100)) FROM (SELECT contact_sheet(image, 10, 32) FROM shot) AS t(s);
-- the order is that of the aggregate, and shows
SELECT contact_sheet(image, 10, 32 ORDER BY i) = contact_sheet(image, 10, 32 ORDER BY -i) AS same,
	contact_sheet(image, 10, 32 ORDER BY i) = contact_sheet(image, 10, 32 ORDER BY i) AS again FROM shot;
-- a picture fits its tile, keeps its aspect ratio and lies in the middle
SELECT count(DISTINCT contact_sheet) FROM (
	SELECT contact_sheet(gray_jpeg(w, h, array_fill(-20, ARRAY[w * h])), 1, 64)
	FROM (VALUES (2, 1), (4, 2), (8, 4), (16, 8), (40, 20)) v(w, h) GROUP BY w) AS s;
SELECT count(DISTINCT contact_sheet) FROM (
	SELECT contact_sheet(gray_jpeg(w, h, array_fill(-20, ARRAY[w * h])), 1, 64)
	FROM (VALUES (1, 2), (2, 1), (2, 2), (1, 500)) v(w, h) GROUP BY w, h) AS s;
-- no rows; one group each; every row of a window, whose last is the aggregate
SELECT contact_sheet(image, 10, 32) IS NULL AS nothing FROM shot WHERE false;
SELECT i % 3 AS kind, jpeg_size(contact_sheet(image, 10, 32)) FROM shot GROUP BY i % 3 ORDER BY 1;
SELECT count(DISTINCT s), bool_or(s = whole) AS whole FROM
	(SELECT contact_sheet(image, 4, 16) OVER (ORDER BY i) FROM shot WHERE i <= 80) AS w(s),
	(SELECT contact_sheet(image, 4, 16 ORDER BY i) FROM shot WHERE i <= 80) AS a(whole);

-- what is no image is a tile with a cross, and one warning counts them
SELECT jpeg_size(contact_sheet(image, 4, 32 ORDER BY n)) FROM (
	SELECT 1, image FROM shot WHERE i = 1
	UNION ALL VALUES (2, NULL::bytea), (3, ''), (4, '\x00'), (5, 'GIF89a')
	UNION ALL SELECT 6, substr(image, 1, length(image) - 40) FROM shot WHERE i = 2
	UNION ALL SELECT 7, image FROM shot WHERE i = 3) AS t(n, image);
SELECT contact_sheet(NULL, 4, 32) = contact_sheet('\xffd8ffe0', 4, 32) AS same_cross;
-- the hint is that of the first
SELECT is_jpeg(contact_sheet(convert_to(encode(image, 'base64'), 'UTF8'), 1, 32)) FROM shot WHERE i = 1;
SET client_min_messages = error;
SELECT jpeg_size(contact_sheet(CASE WHEN i % 2 = 0 THEN image END, 10, 32)) FROM shot;
RESET client_min_messages;

-- arguments
SELECT failure('SELECT contact_sheet(image, ' || a || ') FROM shot')
	FROM unnest(ARRAY['0, 32', '-1, 32', '1001, 32', '4, 7', '4, 1025', 'NULL, 32', '4, NULL', 'i, 32']) a;
SELECT contact_sheet(image, 10, 32 ORDER BY i) AS before FROM shot \gset
-- sheets that cannot be
SELECT failure('SELECT contact_sheet(image, 1000, 1000) FROM shot');
SELECT failure('SELECT contact_sheet(image, 1, 1024) FROM shot');
SET selfclass.max_image_pixels = 100000;
SELECT failure('SELECT contact_sheet(image, 10, 100) FROM shot');
RESET selfclass.max_image_pixels;
SET selfclass.max_memory = '16MB';
SELECT failure('SELECT contact_sheet(image, 10, 200) FROM shot') ~ '^54000 \| not enough memory for a sheet of pictures \| ' AS refused;
RESET selfclass.max_memory;
-- and the session goes on, at any number of threads
SET selfclass.threads = 3;
SELECT contact_sheet(image, 10, 32 ORDER BY i) = :'before'::bytea AS same FROM shot;

-- neighbor_sheet: each row a query, set off by a line in 20 pixels, and its neighbours in tiles of 96
RESET selfclass.threads;
CREATE TABLE near (id text PRIMARY KEY, emb embedding, image bytea);
INSERT INTO near SELECT 'n' || i, ARRAY[i % 3, i / 150.0]::float8[]::embedding, image FROM shot;
SELECT q, k, is_jpeg(s), jpeg_size(s) FROM (VALUES (1, 1), (5, 6), (2, 20)) v(q, k), neighbor_sheet('near', 'image', 'emb', q, k) s;
SELECT neighbor_sheet('near', 'image', 'emb', 5, 6) AS before \gset
-- the query is the image with the smallest hash, the neighbours are those of knn_join: nothing else shows
CREATE TABLE few AS SELECT * FROM near WHERE id IN (
	SELECT unnest(ARRAY[id, neighbor]) FROM knn_join('near', NULL::text, 'emb', 3)
	WHERE id = (SELECT id FROM near ORDER BY sha256(image), id LIMIT 1));
ALTER TABLE few ADD PRIMARY KEY (id);
SELECT neighbor_sheet('few', 'image', 'emb', 1, 3) = neighbor_sheet('near', 'image', 'emb', 1, 3) AS same;
-- more than there are; one row alone; none
SELECT jpeg_size(neighbor_sheet('few', 'image', 'emb', 10, 10));
DELETE FROM few WHERE id <> (SELECT min(id) FROM few);
SELECT jpeg_size(neighbor_sheet('few', 'image', 'emb', 10, 10));
UPDATE few SET emb = NULL;
SELECT neighbor_sheet('few', 'image', 'emb', 10, 10) IS NULL AS nothing;
-- the same for another order of rows, other keys and any number of threads
CREATE TABLE backwards AS SELECT row_number() OVER (ORDER BY id) AS number, emb AS "The emb", image AS "The image" FROM near ORDER BY md5(id);
ALTER TABLE backwards ADD PRIMARY KEY (number);
SET selfclass.threads = 1;
SELECT neighbor_sheet('backwards', 'The image', 'The emb', 5, 6) = :'before'::bytea AS same;
RESET selfclass.threads;
-- by a key of two columns, and by those of a view, which may even be the same
CREATE TABLE paired AS SELECT left(id, 2) AS a, substr(id, 3) AS b, emb, image FROM near;
ALTER TABLE paired ADD PRIMARY KEY (b, a);
SELECT jpeg_size(neighbor_sheet('paired', 'image', 'emb', 5, 6)), neighbor_sheet('paired', 'image', 'emb', 2::bigint, 3::bigint, '{"id_column": ["a", "b"]}') IS NOT NULL AS both;
CREATE VIEW seen AS SELECT *, left(id, 1) AS one FROM near;
SELECT neighbor_sheet('seen', 'image', 'emb', 5, 6, '{"id_column": "id"}') = :'before'::bytea AS same,
	neighbor_sheet('seen', 'image', 'emb', 5, 6, '{"id_column": "one"}') IS NOT NULL AS one;
-- rows without an embedding are left out, without an image are no queries; what cannot be read is a tile with a cross
UPDATE near SET emb = NULL WHERE id > 'n5';
UPDATE near SET image = CASE id WHEN 'n1' THEN NULL ELSE '\x00'::bytea END WHERE id IN ('n1', 'n10', 'n11');
SELECT jpeg_size(neighbor_sheet('near', 'image', 'emb', 1000, 10));
SELECT count(*), count(DISTINCT image) FROM near WHERE emb IS NOT NULL;
-- arguments
SELECT failure('SELECT neighbor_sheet(' || a || ')') FROM unnest(ARRAY[
	$$NULL, 'image', 'emb', 1, 1$$, $$'near', NULL, 'emb', 1, 1$$, $$'near', 'image', NULL, 1, 1$$,
	$$'near', 'image', 'emb', NULL, 1$$, $$'near', 'image', 'emb', 1, NULL$$,
	$$'near', 'image', 'emb', 0, 1$$, $$'near', 'image', 'emb', 1001, 1$$, $$'near', 'image', 'emb', 1, 0$$,
	$$'near', 'image', 'emb', 1, 1000$$, $$'near', 'image', 'emb', -2147483648, 2147483647$$,
	$$'near', 'picture', 'emb', 1, 1$$, $$'near', 'image', 'vector', 1, 1$$, $$'near', 'emb', 'image', 1, 1$$,
	$$'near', 'image', 'id', 1, 1$$, $$'shot', 'image', 'i', 1, 1$$, $$'near_pkey', 'image', 'emb', 1, 1$$,
	$$4000000000::regclass, 'image', 'emb', 1, 1$$, $$'near', 'image', 'emb', 3000000000, 1$$, $$'seen', 'image', 'emb', 1, 1$$,
	$$'seen', 'image', 'emb', 1, 1, '{"id_column": "none"}'$$, $$'near', 'image', 'emb', 1, 1, '{"id": "id"}'$$]) a;
SET selfclass.max_image_pixels = 100000;
SELECT failure($$SELECT neighbor_sheet('near', 'image', 'emb', 5, 5)$$);
RESET selfclass.max_image_pixels;
UPDATE near SET emb = '[1,2,3]' WHERE id = 'n2';
SELECT failure($$SELECT neighbor_sheet('near', 'image', 'emb', 1, 1)$$);
CREATE ROLE neighbor_sheet_reader;
GRANT USAGE ON SCHEMA pictures_test, selfclass TO neighbor_sheet_reader;
SET ROLE neighbor_sheet_reader;
SELECT failure($$SELECT neighbor_sheet('near', 'image', 'emb', 1, 1)$$);
RESET ROLE;
REVOKE ALL ON SCHEMA pictures_test, selfclass FROM neighbor_sheet_reader;
DROP ROLE neighbor_sheet_reader;
