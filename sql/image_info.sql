-- image_info: what a picture is, how good it looks, why it cannot be read.
CREATE SCHEMA image_info_test;
SET search_path = image_info_test, public, selfclass;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
\pset null (null)
CREATE TABLE shots (id int PRIMARY KEY, image bytea);
INSERT INTO shots VALUES
	(1, test_picture(0, 1)), -- rings
	(2, test_color_picture(1, 1)),
	(3, gray_jpeg(4, 2, array_fill(0, ARRAY[8]))), -- one shade
	(4, gray_jpeg(4, 4, array_fill(-63, ARRAY[16]))), -- dark
	(5, substr(test_picture(0, 1), 1, 160)), -- torn
	(6, 'GIF89a'::bytea),
	(7, 'hello'::bytea),
	(8, ''::bytea),
	(9, '\x89504e470d0a1a0a'::bytea),
	-- 12 by 8 pixels without loss, the right half transparent, by WebPEncodeLosslessRGBA; the same, torn
	(10, '\x5249464632000000574542505650384c250000002f0bc00110993244f43f3611d1ff009930c492e8df935380a118b20998009246e800e6170000'::bytea);
INSERT INTO shots SELECT 11, substr(image, 1, length(image) - 20) FROM shots WHERE id = 10;
SELECT id, format, width, height, channels, orientation, sqlstate, message FROM shots, image_info(image) ORDER BY id;
SELECT id, sharpness BETWEEN 0 AND 1 AS sharpness, brightness BETWEEN 0 AND 1 AS brightness, entropy BETWEEN 0 AND 1 AS entropy
	FROM shots, image_info(image) ORDER BY id;
-- low is bad
SELECT i.sharpness < r.sharpness AS sharp, i.entropy < r.entropy AS varied, round(i.brightness::numeric, 2) AS brightness
	FROM image_info((SELECT image FROM shots WHERE id = 3)) i, image_info((SELECT image FROM shots WHERE id = 1)) r;
SELECT id FROM shots, image_info(image) WHERE brightness < 0.3;
-- upright: a quarter turn in EXIF, and so width and height change places
SELECT width, height, orientation FROM image_info((SELECT substr(image, 1, 2) ||
	'\xffe10022457869660000'::bytea || '\x49492a0008000000010012010300010000000600000000000000'::bytea || substr(image, 3)
	FROM shots WHERE id = 3));
-- limits are reasons
SET selfclass.max_image_pixels = 100;
SELECT format, width, sqlstate, message FROM shots, image_info(image) WHERE id = 1;
RESET selfclass.max_image_pixels;
SELECT failure('SELECT image_info(NULL)');
SELECT provolatile, proparallel, proisstrict FROM pg_proc WHERE proname = 'image_info';
SET client_min_messages = warning;
DROP SCHEMA image_info_test CASCADE;
