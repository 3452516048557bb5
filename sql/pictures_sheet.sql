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
SET client_min_messages = error;
SELECT jpeg_size(contact_sheet(CASE WHEN i % 2 = 0 THEN image END, 10, 32)) FROM shot;
RESET client_min_messages;

-- arguments
SELECT picture_fails('SELECT contact_sheet(image, ' || a || ') FROM shot')
	FROM unnest(ARRAY['0, 32', '-1, 32', '1001, 32', '4, 7', '4, 1025', 'NULL, 32', '4, NULL', 'i, 32']) a;
SELECT contact_sheet(image, 10, 32 ORDER BY i) AS before FROM shot \gset
-- sheets that cannot be
SELECT picture_fails('SELECT contact_sheet(image, 1000, 1000) FROM shot');
SELECT picture_fails('SELECT contact_sheet(image, 1, 1024) FROM shot');
SET selfclass.max_image_pixels = 100000;
SELECT picture_fails('SELECT contact_sheet(image, 10, 100) FROM shot');
RESET selfclass.max_image_pixels;
SET selfclass.max_memory = '16MB';
SELECT picture_fails('SELECT contact_sheet(image, 10, 200) FROM shot') ~ '^54000 \| not enough memory for a contact sheet \| ' AS refused;
RESET selfclass.max_memory;
-- and the session goes on, at any number of threads
SET selfclass.threads = 3;
SELECT contact_sheet(image, 10, 32 ORDER BY i) = :'before'::bytea AS same FROM shot;
