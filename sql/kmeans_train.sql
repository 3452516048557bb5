-- kmeans_step and kmeans_train, and k-means from given centroids.
-- one iteration: means in the order of the centroids, sizes and inertia of the centroids given
SELECT kmeans_step(e, '(2,1,0,0;0,0,0,1,10)') FROM (VALUES ('[0]'::embedding), (NULL), ('[2]'), ('[8]'), ('[12]'), ('[13]')) v (e);
SELECT kmeans_step(e, '(2,1,7,0;0,0,0,1,11)') FROM (VALUES ('[0]'::embedding), ('[2]'), ('[9]'), ('[11]'), ('[13]')) v (e);
-- an empty cluster takes the farthest row, another one the next that is not the same; none without such a row
SELECT kmeans_step(e, '(4,1,0,0;0,0,0,0,0,1,500,600,700)') FROM (VALUES ('[0]'::embedding), ('[2]'), ('[90]'), ('[90]'), ('[9]')) v (e);
SELECT kmeans_step(e, '(3,1,0,0;0,0,0,0,1,5,5)') FROM (VALUES ('[1]'::embedding), ('[1]'), ('[1]')) v (e);
SELECT kmeans_step(e, '(2,1,0,0;0,0,0,1,5)') IS NULL AS no_rows FROM points WHERE false;
SELECT kmeans_step(NULL, '(2,1,0,0;0,0,0,1,5)') IS NULL AS only_nulls FROM points;
SELECT kmeans_step(e, '(1,1,0,0;0,0,1)') FROM (VALUES ('[3e38]'::embedding), ('[3.3e38]')) v (e);
-- groups, a model for each
SELECT g, kmeans_step(e, m) FROM (VALUES (1, '[1]'::embedding, '(1,1,0,0;0,0,0)'::kmeans_model), (2, '[2]', '(1,1,0,0;0,0,9)'), (1, '[3]', '(1,1,0,0;0,0,0)')) v (g, e, m) GROUP BY g ORDER BY g;
SELECT kmeans_step(e, '(1,1,0,0;0,0,0)') OVER (ORDER BY e) FROM (VALUES ('[1]'::embedding), ('[3]')) v (e);

-- against the definition
CREATE TABLE start AS SELECT kmeans_fit(e, 5) AS best, kmeans_fit(e, 7, '{"max_iter": 1, "n_init": 1}') AS rough FROM points;
CREATE TABLE stepped AS SELECT kmeans_step(e, (SELECT rough FROM start)) AS m FROM points;
SELECT bool_and(centroid <-> mean < 1e-5 AND c.size = n) AS means
	FROM (SELECT kmeans_predict(e, rough) AS label, avg(e) AS mean, count(*) AS n FROM points, start GROUP BY 1) g JOIN (SELECT (kmeans_centroids(m)).* FROM stepped) c USING (label);
SELECT abs(kmeans_inertia(m) / (SELECT sum(kmeans_distance(e, rough) ^ 2) FROM points, start) - 1) < 1e-12 AS inertia, kmeans_iterations(m) - kmeans_iterations(rough) AS iterations, kmeans_converged(m) FROM stepped, start;

-- the same bits for any order, any workers, with and without partitions, and where the model is not a constant
CREATE TABLE parts (id bigint, e embedding) PARTITION BY RANGE (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (100) TO (600);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (600) TO (1000);
INSERT INTO parts SELECT id, e FROM points;
VACUUM ANALYZE parts;
SELECT kmeans_step(e, (SELECT rough FROM start) ORDER BY id DESC)::text = (SELECT m::text FROM stepped) AS reversed FROM points;
SELECT kmeans_step(e, rough ORDER BY md5(id::text))::text = (SELECT m::text FROM stepped) AS shuffled FROM points, start;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_partitionwise_aggregate = on;
EXPLAIN (COSTS OFF) SELECT kmeans_step(e, '(1,1,0,0;0,0,0)') FROM points;
EXPLAIN (COSTS OFF) SELECT kmeans_step(e, '(1,1,0,0;0,0,0)') FROM parts;
SET max_parallel_workers_per_gather = 0;
SELECT kmeans_step(e, (SELECT rough FROM start))::text = (SELECT m::text FROM stepped) AS workers_0 FROM parts;
SET max_parallel_workers_per_gather = 1;
SELECT kmeans_step(e, (SELECT rough FROM start))::text = (SELECT m::text FROM stepped) AS workers_1 FROM parts;
SET max_parallel_workers_per_gather = 2;
SELECT kmeans_step(e, (SELECT rough FROM start))::text = (SELECT m::text FROM stepped) AS workers_2 FROM points;
ALTER TABLE points SET (parallel_workers = 4);
SET max_parallel_workers_per_gather = 4;
SELECT kmeans_step(e, (SELECT rough FROM start))::text = (SELECT m::text FROM stepped) AS workers_4 FROM points;
ALTER TABLE points RESET (parallel_workers);
RESET enable_partitionwise_aggregate;

-- training: a NOTICE an iteration, the answer of k-means in memory
SET client_min_messages = warning;
CREATE TABLE trained AS SELECT kmeans_train('points', 'e', 5) AS m;
RESET client_min_messages;
SELECT abs(kmeans_inertia(m) / 2787.163803488659 - 1) < 1e-6 AS inertia, kmeans_converged(m), kmeans_iterations(m) BETWEEN 1 AND 20 AS few FROM trained;
SELECT label, size, embedding_dims(centroid) FROM trained, kmeans_centroids(m);
SELECT abs(sum(kmeans_distance(e, m) ^ 2) / (SELECT kmeans_inertia(m) FROM trained) - 1) < 1e-9 AS distance FROM points, trained;
SET client_min_messages = warning;
SELECT kmeans_train('parts', 'e', 5)::text = m::text AS partitioned FROM trained;
SET max_parallel_workers_per_gather = 0;
SELECT kmeans_train('parts', 'e', 5)::text = m::text AS serial FROM trained;
RESET max_parallel_workers_per_gather;
SET plan_cache_mode = force_custom_plan;
SELECT kmeans_train('parts', 'e', 5)::text = m::text AS custom_plan FROM trained;
SET plan_cache_mode = force_generic_plan;
SELECT kmeans_train('parts', 'e', 5)::text = m::text AS generic_plan FROM trained;
RESET plan_cache_mode;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- from a sample that is not all: a tenth of 6,000 rows, the same whatever the order
CREATE TABLE many AS SELECT (i || p.e::text)::text AS name, subvector(p.e, 1, 11) AS e FROM points p, generate_series(1, 1) i;
INSERT INTO many SELECT name, l2_normalize(e) + e FROM many, generate_series(1, 2);
INSERT INTO many SELECT p.name || i, p.e + ('[' || repeat(i * 1e-4 || ',', 10) || '0]')::embedding FROM many p, generate_series(1, 19) i;
SELECT count(*) FROM many;
SELECT abs(kmeans_inertia(t) / kmeans_inertia(f) - 1) < 1e-3 AS as_good, (SELECT sum(size) FROM kmeans_centroids(t))
	FROM (SELECT kmeans_train('many', 'e', 5, '{"sample": 1000}') AS t, (SELECT kmeans_fit(e, 5) FROM many) AS f) x;
-- by mini-batches: hardly worse, in fewer iterations, the same whatever the order
CREATE TABLE cloud AS SELECT i AS id, ARRAY[(hashint8(i) % 1000)::real, hashint8(i + 90000) % 1000, hashint8(i + 180000) % 1000]::embedding AS e FROM generate_series(1, 5000) i;
CREATE TABLE clouds AS SELECT kmeans_train('cloud', 'e', 6, '{"sample": 1000}') AS lloyd, kmeans_train('cloud', 'e', 6, '{"sample": 1000, "algorithm": "minibatch"}') AS batches,
	(SELECT kmeans_fit(e, 6) FROM cloud) AS fit, (SELECT kmeans_fit(e, 6, '{"algorithm": "minibatch"}') FROM cloud) AS fit_batches;
SELECT kmeans_inertia(batches) < 1.01 * kmeans_inertia(lloyd) AS trained, kmeans_inertia(fit_batches) < 1.01 * kmeans_inertia(fit) AS fitted, kmeans_converged(batches) AND kmeans_converged(fit_batches) AS converged,
	kmeans_iterations(batches) < kmeans_iterations(lloyd) AS few, kmeans_iterations(fit_batches) < kmeans_iterations(fit) AS fewer FROM clouds;
SELECT kmeans_fit(e, 6, '{"algorithm": "minibatch"}' ORDER BY id DESC)::text = (SELECT fit_batches::text FROM clouds) AS any_order FROM cloud;
SELECT count(*) = 5000 AS same FROM (SELECT kmeans(e, 6, '{"algorithm": "minibatch"}') OVER () AS label, kmeans_predict(e, fit_batches) AS wanted FROM cloud, clouds) w WHERE label = wanted;
CREATE VIEW cloud_shuffled AS SELECT * FROM cloud ORDER BY md5(id::text);
SELECT kmeans_train('cloud_shuffled', 'e', 6, '{"sample": 1000, "algorithm": "minibatch"}')::text = batches::text AS any_order FROM clouds;
SELECT kmeans_train('cloud', 'e', 6, '{"algorithm": "elkan"}');
SELECT elbow_k(elbow(e, 4, '{"algorithm": "minibatch"}')) BETWEEN 1 AND 4 AS elbow FROM cloud;
DROP VIEW cloud_shuffled;
DROP TABLE cloud, clouds;
CREATE VIEW shuffled AS SELECT * FROM many ORDER BY md5(name);
SELECT kmeans_train('many', 'e', 8, '{"sample": 1000, "max_iter": 3}')::text = kmeans_train('shuffled', 'e', 8, '{"sample": 1000, "max_iter": 3}')::text AS any_order;
SELECT kmeans_train('many', 'e', 8, '{"sample": 1000, "seed": 5, "n_init": 1, "init": "random"}') IS NOT NULL AS random;
-- from a model: nothing is left to do
SELECT kmeans_iterations(again) AS iterations, kmeans_inertia(again) = kmeans_inertia(m) AS inertia
	FROM (SELECT m, kmeans_train('points', 'e', 5, jsonb_build_object('init', m, 'tol', 0.01)) AS again FROM trained) x;
-- only a few rows are different
CREATE TABLE alike AS SELECT ARRAY[i % 3]::embedding AS e FROM generate_series(1, 20000) i;
INSERT INTO alike VALUES (NULL), ('[100]');
SET client_min_messages = notice;
SELECT kmeans_train('alike', 'e', 3, '{"sample": 1000}');
SELECT kmeans_train('alike', 'e', 7, '{"sample": 1000}');
SELECT kmeans_train('alike', 'e', 2, '{"sample": 1000, "max_iter": 1, "tol": 0, "init": [[5], [0]]}');
SELECT kmeans_train('alike', 'e', 1) IS NOT NULL AS one;
DELETE FROM alike WHERE e IS NOT NULL;
SELECT kmeans_train('alike', 'e', 2) IS NULL AS no_rows;
DROP TABLE alike;
DROP VIEW shuffled;
DROP TABLE many, parts;

-- given centroids: arrays of numbers, embeddings, a model
SELECT kmeans_fit(e, 2, '{"init": [[0], [10.0]]}') FROM (VALUES ('[0]'::embedding), ('[2]'), ('[8]'), ('[12]'), ('[13]')) v (e);
SELECT kmeans_fit(e, 2, '{"init": ["[0]", [10]], "tol": 0}') FROM (VALUES ('[0]'::embedding), ('[2]'), ('[8]'), ('[12]'), ('[13]')) v (e);
SELECT kmeans_iterations(m) AS iterations, abs(kmeans_inertia(m) / kmeans_inertia(best) - 1) < 1e-9 AS inertia, kmeans_converged(m)
	FROM start, LATERAL (SELECT kmeans_fit(e, 5, jsonb_build_object('init', best)) AS m FROM points) f;
SELECT kmeans_iterations(m) AS iterations, abs(kmeans_inertia(m) / kmeans_inertia(best) - 1) < 1e-9 AS inertia
	FROM start, LATERAL (SELECT kmeans_fit(e, 5, (SELECT jsonb_build_object('init', jsonb_agg(centroid)) FROM kmeans_centroids(best))) AS m FROM points) f;
SELECT count(DISTINCT (truth, label)) FROM (SELECT truth, kmeans(e, 5, (SELECT jsonb_build_object('init', best) FROM start)) OVER () AS label FROM points) w;
-- more given than there are distinct points
SELECT kmeans_fit(e, 2, '{"init": [[7], [9]]}') FROM (VALUES ('[1]'::embedding), ('[1]')) v (e);

\pset format unaligned
\pset tuples_only on
-- errors
SELECT failure($$SELECT kmeans_step(e, NULL) FROM points$$);
SELECT failure($$SELECT kmeans_step('[1,2]', best) FROM start$$);
SELECT failure($$SELECT kmeans_step(e, '(1,1,0,0;0,0,0)') FROM points$$);
SELECT failure($$SELECT kmeans_step(e, m) FROM (VALUES ('[1]'::embedding, '(1,1,0,0;0,0,0)'::kmeans_model), ('[2]', '(1,1,0,0;0,0,9)')) v (e, m)$$);
SELECT failure($$SELECT kmeans_step_accum('\x00', '[1]', '(1,1,0,0;0,0,0)')$$);
SELECT failure($$SELECT kmeans_step_final(substr(kmeans_step_accum(NULL, '[1]', '(1,1,0,0;0,0,0)'), 2))$$);
SELECT failure($$SELECT kmeans_step_combine(kmeans_step_accum(NULL, '[1]', '(1,1,0,0;0,0,0)'), kmeans_step_accum(NULL, '[1]', '(1,1,0,0;0,0,1)'))$$);
SELECT kmeans_step_final(kmeans_step_combine(kmeans_step_accum(NULL, '[1]', '(1,1,0,0;0,0,0)'), kmeans_step_accum(NULL, '[4]', '(1,1,0,0;0,0,0)')));
SELECT failure($$SELECT kmeans_train(NULL, 'e', 2)$$);
SELECT failure($$SELECT kmeans_train('points', 'e', NULL)$$);
SELECT kmeans_train('points', 'e', 2, NULL)::text = kmeans_train('points', 'e', 2)::text;
SELECT failure($$SELECT kmeans_train('points', 'e', 0)$$);
SELECT failure($$SELECT kmeans_train('points', 'e', 601)$$);
SELECT failure($$SELECT kmeans_train('points', 'f', 2)$$);
SELECT failure($$SELECT kmeans_train('points', 'id', 2)$$);
SELECT failure($$SELECT kmeans_train('points_pkey', 'e', 2)$$);
SELECT failure($$SELECT kmeans_train('points', 'e', 2, '{"sample": 10}')$$);
SELECT failure($$SELECT kmeans_train('points', 'e', 2, '{"samples": 1000}')$$);
SELECT failure($$SELECT kmeans_train('points', 'e', 2, '{"seed": 1e30}')$$);
SELECT failure($$SELECT kmeans_train('points', 'e', 2, '{"init": "kmeans"}')$$);
SELECT failure($$SELECT kmeans_train('points', 'e', 2, '{"init": [[1, 2]]}')$$);
SELECT failure($$SELECT kmeans_train('points', 'e', 2, '{"init": [[1, 2], [3, 4]]}')$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": [[1, 2], [3, 4]]}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": [[1, 2], [3]]}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": [[1], [1e39]]}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": ["[1]", "[NaN]"]}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": [[1], ["2"]]}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": [[1], []]}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": [1, 2]}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": {"a": 1}}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": "(1,2;3)"}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": null}') FROM points$$);
SELECT failure($$SELECT elbow(e, 2, '{"init": [[1], [2]]}') FROM points$$);
\pset format aligned
\pset tuples_only off
SET selfclass.max_memory = '16MB';
SELECT failure($$SELECT kmeans_step('[1]', ('(900000,1,0,0;0' || repeat(',0', 1800000) || ')')::kmeans_model)$$) LIKE '54000 | not enough memory for %' AS limited;
RESET selfclass.max_memory;
DROP TABLE start, stepped, trained;
