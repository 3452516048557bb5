-- An embedding as the mean of several views of the picture: the same bits wherever the same bytes are embedded.
CREATE SCHEMA views_test;
SET search_path = views_test, public, selfclass;
SET client_min_messages = warning;
\set ECHO none
\i tests/fixtures/gray_jpeg.sql
\set ECHO all
CREATE TABLE photos (id int PRIMARY KEY, image bytea);
-- Number 30 has the bytes of number 3.
INSERT INTO photos SELECT i, test_color_picture(i % 3, i % 27) FROM generate_series(1, 30) i;
\set recipe '"input_size": 16, "batch_size": 8, "epochs": 1, "precision": "f32", "seed": 7, "elastic": 0.05, "elastic_prob": 0.5'
SELECT format('{%s, "embed_views": 5}', :'recipe') AS mean, format('{%s}', :'recipe') AS plain \gset
CALL cluster_images_into('photos', 'labels', k => 3, model => 'mean', options => :'mean');
CALL train_encoder('plain', 'photos', :'plain');
SELECT name, recipe->'embed_views' AS embed_views, recipe->'elastic' AS elastic, recipe->'elastic_prob' AS elastic_prob FROM selfclass_models ORDER BY name;

-- One by one, in a batch, by the clustering, by the trigger, on any number of threads.
CREATE TABLE embedded AS SELECT id, embedding FROM embed_images('photos', 'mean');
SELECT count(*), bool_and(e.embedding = l.embedding) AS clustering, bool_and(e.embedding = embed_image(p.image, 'mean')) AS alone,
		bool_and(e.embedding <> embed_image(p.image, 'plain')) AS another
	FROM embedded e JOIN labels l USING (id) JOIN photos p USING (id);
SELECT a.embedding = b.embedding AS same_bytes FROM embedded a, embedded b WHERE a.id = 3 AND b.id = 30;
SET selfclass.threads = 1;
SELECT bool_and(e.embedding = a.embedding) AS one_thread FROM embedded e JOIN embed_images('photos', 'mean') a USING (id);
SET selfclass.threads = 3;
SELECT bool_and(e.embedding = a.embedding) AS three_threads FROM embedded e JOIN embed_images('photos', 'mean') a USING (id);
RESET selfclass.threads;
CREATE TABLE album (id int PRIMARY KEY, image bytea, emb embedding(512));
CREATE TRIGGER embed BEFORE INSERT ON album FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('mean', 'image', 'emb');
INSERT INTO album (id, image) SELECT id, image FROM photos ORDER BY id DESC;
SELECT bool_and(e.embedding = a.emb) AS trigger FROM embedded e JOIN album a USING (id);
SELECT bool_and(assign_cluster(embed_image(image, 'mean'), 'mean') = assign_cluster_image(image, 'mean')) AS labels FROM photos;
DROP TRIGGER embed ON album;

-- The weights are the same: views of an embedding have no part in the training.
SELECT a.weights_crc = b.weights_crc AS weights FROM selfclass_model a, selfclass_model b WHERE a.name = 'mean' AND b.name = 'plain';
-- Views of local contrast: the same by every way, and other features.
CALL train_encoder('flat', 'photos', format('{%s, "local_contrast_norm": true}', :'recipe')::jsonb);
SELECT count(*), bool_and(e.embedding = embed_image(p.image, 'flat')) AS alone, bool_and(e.embedding <> embed_image(p.image, 'plain')) AS another
	FROM embed_images('photos', 'flat') e JOIN photos p USING (id);
SELECT count(*) FROM cluster_images('photos', k => 3, model => 'flat', options => '{"local_contrast_norm": false}');
SELECT count(*) FROM cluster_images('photos', k => 3, model => 'flat', options => '{"local_contrast": true}');
SELECT import_encoder('flat_again', export_encoder('flat'));
SELECT bool_and(embed_image(image, 'flat') = embed_image(image, 'flat_again')) AS carried FROM photos;
-- A model that is ready keeps them.
SELECT count(*) FROM cluster_images('photos', k => 3, model => 'mean', options => '{"embed_views": 4}');
SELECT count(*) FROM cluster_images('photos', k => 3, model => 'mean', options => '{"embed_views": 5, "seed": 8}');
SELECT bool_and(e.embedding = embed_image(p.image, 'mean')) AS kept FROM embedded e JOIN photos p USING (id);

-- In a file, and back; where the views are others, the groups are none.
SET client_min_messages = notice;
SELECT import_encoder('back', export_encoder('mean', '{"clusters": true}'));
SELECT bool_and(e.embedding = embed_image(p.image, 'back') AND assign_cluster(e.embedding, 'back') = assign_cluster(e.embedding, 'mean')) AS back
	FROM embedded e JOIN photos p USING (id);
SELECT import_encoder('single', export_encoder('mean', '{"clusters": true}'), '{"embed_views": 1}');
SELECT import_encoder('others', export_encoder('mean', '{"clusters": true}'), '{"seed": 9}');
SELECT bool_and(embed_image(image, 'single') = embed_image(image, 'plain')) AS plain, bool_and(embed_image(image, 'others') <> embed_image(image, 'mean')) AS others FROM photos;

SET client_min_messages = warning;

-- Preset auto: of pictures that all face one way views are not mirrored, nearly whole and a little turned, and more; where
-- the mirror images are in the set as well, or there are too few to tell, they are as of other photos,
-- whole and turned of 64 pixels and more. Options by hand win.
CREATE FUNCTION corner(n int, mirror bool, squares int DEFAULT 4) RETURNS bytea LANGUAGE sql AS $$
	SELECT square_jpeg(squares, squares, 3, array_agg((52 * (u + y) / squares - 45 - 5 * plane + (n * n * (7 + u * 5 + y * 11)) % 23)::int ORDER BY y, x, plane))
	FROM generate_series(0, squares - 1) x, generate_series(0, squares - 1) y, generate_series(0, 2) plane,
		LATERAL (SELECT CASE WHEN mirror THEN squares - 1 - x ELSE x END) AS side (u) $$;
CREATE TABLE one_way (id int PRIMARY KEY, image bytea);
INSERT INTO one_way SELECT i, corner(i, false) FROM generate_series(1, 40) i;
CREATE TABLE both_ways (id int PRIMARY KEY, image bytea);
INSERT INTO both_ways SELECT i, corner(i, i % 2 = 0) FROM generate_series(1, 40) i;
CREATE TABLE photos_of_64 (id int PRIMARY KEY, image bytea);
INSERT INTO photos_of_64 SELECT i, corner(i, i % 2 = 0, 8) FROM generate_series(1, 40) i;
CREATE VIEW few AS SELECT * FROM one_way WHERE id < 20;
CALL train_encoder('one_way', 'one_way', '{"input_size": 16, "epochs": 0}');
CALL train_encoder('both_ways', 'both_ways', '{"input_size": 16, "epochs": 0}');
CALL train_encoder('photos_of_64', 'photos_of_64', '{"input_size": 16, "epochs": 0}');
CALL train_encoder('few', 'few', '{"input_size": 16, "epochs": 0, "id_column": "id"}');
CALL train_encoder('by_hand', 'one_way', '{"input_size": 16, "epochs": 0, "hf_prob": 0.25, "max_scale": 0.4, "rr_prob": 0.125, "temperature": 0.4, "embed_views": 2, "cj_prob": 0}');
SELECT name, recipe->'hf_prob' AS hf_prob, recipe->'min_scale' AS min_scale, recipe->'rr_prob' AS rr_prob, recipe->'rr_degrees' AS rr_degrees,
		recipe->'temperature' AS temperature, recipe->'embed_views' AS embed_views, recipe->'local_contrast_norm' AS local_contrast
	FROM selfclass_models WHERE recipe->>'epochs' = '0' ORDER BY name;
-- A pose is seen at 40 pixels, other pictures at 64.
CALL train_encoder('size_one_way', 'one_way', '{"epochs": 0}');
CALL train_encoder('size_both_ways', 'both_ways', '{"epochs": 0}');
SELECT name, recipe->'input_size' AS input_size FROM selfclass_models WHERE name LIKE 'size%' ORDER BY name;

SET client_min_messages = error;
SELECT count(drop_model(name)) FROM selfclass_models;
DROP SCHEMA views_test CASCADE;
