-- On the coordinator. A row check|what|t for each thing that is as on one node: labels and their embeddings are made
-- in a plain table, beside which the same is asked of shards.
SET client_min_messages = warning;
SET citus.enable_ddl_propagation = off;
\i tests/fixtures/gray_jpeg.sql
SET citus.enable_ddl_propagation = on;
CREATE TABLE photos (id int PRIMARY KEY, image bytea);
INSERT INTO photos SELECT i, test_color_picture(i % 3, i) FROM generate_series(1, 60) i;
CALL cluster_images_into('photos', 'labels', 3, 'net', '{"input_size": 16, "batch_size": 8, "epochs": 1, "pca_components": 4}');

-- A worker does not know the model before it is carried there.
SELECT 'check', 'the workers do not have the model', bool_and(NOT success AND result LIKE '%does not exist%')
	FROM run_command_on_workers($$SELECT selfclass.assign_cluster_image('x', 'net')$$);
SELECT 'check', 'the model is carried to both workers', count(*) = 2 AND bool_and(success)
	FROM run_command_on_workers(format('SELECT selfclass.import_encoder(%L, %L)', 'net', export_encoder('net', '{"clusters": true}')));
SELECT 'check', 'it is the same there', count(DISTINCT result) = 1 AND min(result) = (SELECT md5(export_encoder('net', '{"clusters": true}')))
	FROM run_command_on_workers($$SELECT md5(selfclass.export_encoder('net', '{"clusters": true}'))$$);

-- A distributed table, a distributed one in partitions, and a reference table.
CREATE TABLE shards (id int PRIMARY KEY, image bytea);
SELECT create_distributed_table('shards', 'id', shard_count := 8);
INSERT INTO shards SELECT * FROM photos;
SELECT 'check', 'a shard on each worker', count(DISTINCT nodename || nodeport) = 2 FROM citus_shards WHERE table_name = 'shards'::regclass;
CREATE TABLE embedded (id int PRIMARY KEY, emb embedding(512), label int, truth int);
SELECT create_distributed_table('embedded', 'id', colocate_with := 'shards');
INSERT INTO embedded SELECT id, embed_image(image, 'net'), assign_cluster_image(image, 'net'), id % 3 FROM shards;
SELECT 'check', 'embeddings', count(*) = 60 AND bool_and(e.emb = l.embedding) FROM (SELECT * FROM embedded) e JOIN labels l USING (id);
SELECT 'check', 'labels of images', bool_and(e.label = l.label) FROM (SELECT * FROM embedded) e JOIN labels l USING (id);
SELECT 'check', 'labels of embeddings', bool_and(e.label = l.label) FROM (SELECT id, assign_cluster(emb, 'net') AS label FROM embedded) e JOIN labels l USING (id);

CREATE TABLE parts (id int, emb embedding(512)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (25);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (25) TO (100);
SELECT create_distributed_table('parts', 'id');
INSERT INTO parts SELECT id, emb FROM embedded;
CREATE TABLE columns (id int, emb embedding(512)) USING columnar;
SELECT create_distributed_table('columns', 'id');
INSERT INTO columns SELECT id, emb FROM embedded;
CREATE TABLE everywhere (id int, emb embedding(512));
SELECT create_reference_table('everywhere');
INSERT INTO everywhere SELECT id, emb FROM embedded;
CREATE VIEW seen AS SELECT id, emb FROM embedded WHERE id > 0;

CREATE TEMP TABLE local AS SELECT kmeans_train('labels', 'embedding', 3) AS m;
SELECT 'check', 'kmeans_train of ' || items, kmeans_train(items, 'emb', 3)::text = (SELECT m::text FROM local)
	FROM unnest('{embedded,parts,columns,everywhere,seen}'::regclass[]) items;
SET plan_cache_mode = force_generic_plan;
SELECT 'check', 'kmeans_train with generic plans', kmeans_train('embedded', 'emb', 3)::text = (SELECT m::text FROM local);
RESET plan_cache_mode;
SELECT 'check', 'kmeans_predict', bool_and(e.label = kmeans_predict(l.embedding, (SELECT m FROM local)))
	FROM (SELECT id, kmeans_predict(emb, (SELECT m FROM local)) AS label FROM embedded) e JOIN labels l USING (id);

-- Aggregates go to the shards, or fail here.
SET citus.coordinator_aggregation_strategy = 'disabled';
SELECT 'check', 'avg', (SELECT avg(emb)::text FROM embedded) = (SELECT avg(embedding)::text FROM labels);
SELECT 'check', 'pca_fit, to the last digits', max(pca_transform(embedding, a) <-> pca_transform(embedding, b)) < 1e-4
	FROM labels, (SELECT pca_fit(emb, 3) AS a FROM embedded) d, (SELECT pca_fit(embedding, 3) AS b FROM labels) l;
SELECT 'check', 'kmeans_step', (SELECT kmeans_step(emb, (SELECT m FROM local))::text FROM embedded) = (SELECT kmeans_step(embedding, (SELECT m FROM local))::text FROM labels);
SELECT 'check', 'measures', (SELECT row(clustering_purity(truth, label), clustering_accuracy(truth, label), normalized_mutual_info(truth, label), adjusted_rand_index(truth, label))::text FROM embedded)
	= (SELECT row(clustering_purity(id % 3, label), clustering_accuracy(id % 3, label), normalized_mutual_info(id % 3, label), adjusted_rand_index(id % 3, label))::text FROM labels);
RESET citus.coordinator_aggregation_strategy;
-- The others need all rows in one place, and bring them to the coordinator.
SELECT 'check', 'silhouette, to the last digits', abs((SELECT silhouette(emb, label) FROM embedded) - (SELECT silhouette(embedding, label) FROM labels)) < 1e-12;
SELECT 'check', 'elbow', (SELECT elbow(emb, 6)::text FROM embedded) = (SELECT elbow(embedding, 6)::text FROM labels);
SELECT 'check', 'cluster_images of a distributed table', bool_and(c.label = l.label) FROM cluster_images('shards', 3, 'net') c JOIN labels l USING (id);
SELECT 'check', 'embed_images of a distributed table', bool_and(c.embedding = l.embedding) FROM embed_images('shards', 'net') c JOIN labels l USING (id);
