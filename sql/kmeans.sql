-- kmeans_fit, the window function kmeans, and what is done with a kmeans_model.
-- Five clear groups, as scikit-learn finds them.
CREATE TABLE km AS SELECT kmeans_fit(e, 5) AS m FROM points;
SELECT abs(kmeans_inertia(m) / 2787.163803488659 - 1) < 1e-6 AS inertia, kmeans_iterations(m) BETWEEN 1 AND 20 AS few, kmeans_converged(m) FROM km;
SELECT label, size, embedding_dims(centroid) FROM km, kmeans_centroids(m);
SELECT count(DISTINCT truth) AS truths, count(DISTINCT kmeans_predict(e, m)) AS labels, count(DISTINCT (truth, kmeans_predict(e, m))) AS pairs FROM points, km;
SELECT abs(sum(kmeans_distance(e, m) ^ 2) / (SELECT kmeans_inertia(m) FROM km) - 1) < 1e-9 AS distance FROM points, km;
-- Two ways to add up: with some compilers the last digit is another.
SELECT bool_and(abs(kmeans_distance(e, m) - (e <-> centroid)) <= 1e-12 * (e <-> centroid)) AS own FROM points, km, kmeans_centroids(m) c WHERE c.label = kmeans_predict(e, m);
SELECT c.* FROM kmeans_centroids((SELECT kmeans_fit(e, 3) FROM (VALUES ('[26,110]'::embedding), ('[26,110]'), ('[26,110]'), ('[26,110]'), ('[0.1,7]'), ('[0.3,8]'), ('[30000,5]')) v (e))) c;
SELECT c.label, c.size FROM kmeans_centroids((SELECT kmeans_fit(e, 3) FROM (VALUES ('[1e8]'::embedding), ('[0]'), ('[0.001]'), ('[1]'), ('[1.001]')) v (e))) c;
SELECT bool_and(centroid <-> mean < 1e-5) AS centroids_are_means
	FROM (SELECT kmeans_predict(e, m) AS label, avg(e) AS mean FROM points, km GROUP BY 1) g JOIN (SELECT (kmeans_centroids(m)).* FROM km) c USING (label);
SELECT bool_and(abs(kmeans_inertia(m) / (ARRAY[65740.79138739489, 43741.309206981256, 23740.08071485441, 10468.333197442227])[k] - 1) < 1e-6) AS other_k
	FROM (SELECT k, kmeans_fit(e, k) AS m FROM points, generate_series(1, 4) k GROUP BY k) x;

-- the order of the rows and the number of threads change no bit
SELECT kmeans_fit(e, 5 ORDER BY id DESC)::text = (SELECT m::text FROM km) AS reversed, kmeans_fit(e, 5 ORDER BY md5(id::text))::text = (SELECT m::text FROM km) AS shuffled FROM points;
SET selfclass.threads = 1;
SELECT kmeans_fit(e, 5)::text = (SELECT m::text FROM km) AS one_thread FROM points;
SET selfclass.threads = 3;
SELECT kmeans_fit(e, 5)::text = (SELECT m::text FROM km) AS three_threads FROM points;
RESET selfclass.threads;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
ALTER TABLE points SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT kmeans_fit(e, 5) FROM points;
SELECT kmeans_fit(e, 5)::text = (SELECT m::text FROM km) AS parallel FROM points;
ROLLBACK;

-- options
SELECT kmeans_fit(e, 5, '{}')::text = (SELECT m::text FROM km) AS defaults, kmeans_fit(e, 5, '{"n_init": 10, "max_iter": 300, "tol": 0.0001, "seed": 1, "init": "k-means++"}')::text = (SELECT m::text FROM km) AS spelt FROM points;
SELECT bool_and(abs(kmeans_inertia(m) / 2787.163803488659 - 1) < 1e-6) AS same
	FROM (SELECT kmeans_fit(e, 5, '{"seed": -9}') AS m FROM points UNION ALL SELECT kmeans_fit(e, 5, '{"init": "random", "n_init": 50}') FROM points) x;
SELECT kmeans_converged(kmeans_fit(e, 40, '{"max_iter": 1, "n_init": 1}')) FROM points;

-- the window function: labels that any key joins to
CREATE TABLE keyed AS SELECT md5(id::text)::uuid AS key, 'name ' || id AS name, CASE WHEN id % 50 <> 7 THEN e END AS e, truth, id % 2 AS half FROM points;
SELECT label, count(*) FROM (SELECT key, kmeans(e, 5) OVER () AS label FROM keyed) w GROUP BY label ORDER BY label;
SELECT count(DISTINCT (truth, label)) AS pairs, count(*) FILTER (WHERE label IS NULL) AS no_label, bool_and((e IS NULL) = (label IS NULL)) AS null_for_null
	FROM (SELECT truth, e, kmeans(e, 5, '{"n_init": 3}') OVER (ORDER BY name DESC) AS label FROM keyed) w;
SELECT half, count(DISTINCT label) AS labels, count(DISTINCT (truth, label)) AS pairs, min(label), max(label)
	FROM (SELECT half, truth, kmeans(e, 5) OVER (PARTITION BY half ORDER BY key) AS label FROM keyed WHERE e IS NOT NULL) w GROUP BY half ORDER BY half;
SELECT bool_and(label = kmeans_predict(e, m)) AS same_as_fit FROM (SELECT e, kmeans(e, 5) OVER () AS label FROM points) w, km;
SELECT kmeans(e, 1) OVER () FROM (VALUES (NULL::embedding), (NULL)) v (e);
SELECT kmeans(e, 5) OVER () FROM points WHERE false;
DROP TABLE keyed;

-- none, one, NULL, equal points, a NOTICE
SELECT kmeans_fit(e, 2) IS NULL AS no_rows FROM points WHERE false;
SELECT kmeans_fit(NULL::embedding, 2) IS NULL AS only_nulls FROM points;
SELECT kmeans_fit(e, 1) FROM (VALUES (NULL), ('[1,2]'::embedding)) v (e);
SELECT kmeans_fit(e, 3) FROM (VALUES ('[1,2]'::embedding), ('[1,2]'), ('[3,4]'), ('[1,2]')) v (e);
SELECT v.e, kmeans(e, 3) OVER () FROM (VALUES ('[1,2]'::embedding), ('[1,2]'), ('[3,4]')) v (e);
-- partitions of fewer rows than clusters: as many clusters as rows, said once
SELECT album, count(*), count(DISTINCT label) AS labels, max(label) FROM (SELECT album, kmeans(e, 5) OVER (PARTITION BY album) AS label
	FROM (SELECT CASE WHEN id < 3 THEN 'three' WHEN id < 5 THEN 'two' WHEN id = 5 THEN 'one' ELSE 'all' END AS album, e FROM points) p
	UNION ALL SELECT 'none', kmeans(NULL::embedding, 5) OVER ()) w GROUP BY album ORDER BY album;
-- and fewer different points, once as well
SELECT half, string_agg(label::text, ' ' ORDER BY label) FROM (SELECT i % 2 AS half, kmeans('[1]', 2) OVER (PARTITION BY i % 2) AS label FROM generate_series(1, 6) i) w GROUP BY half ORDER BY half;
SELECT kmeans_predict('[2,3]', '(2,2,1,1;0,3,1,1,2,3,4)') AS tie_to_the_first;
SELECT kmeans_predict(NULL, m) IS NULL AND kmeans_distance('[1]', NULL) IS NULL AND kmeans_inertia(NULL) IS NULL AS nulls FROM km;
SELECT kmeans_inertia(kmeans_fit(e, 2)) = 0 AS large_values FROM (VALUES ('[3e38,-3e38]'::embedding), ('[-3e38,3e38]')) v (e);

-- A model that a table holds, out of line or compressed, is read once for a query and not for every row.
CREATE FUNCTION blocks(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ' || query INTO plan;
	RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END $$;
SET client_min_messages = error;
CREATE TABLE stored (id int, plain text, m kmeans_model, p pca_model) WITH (toast_tuple_target = 128);
ALTER TABLE stored ALTER m SET STORAGE EXTERNAL, ALTER p SET STORAGE EXTERNAL;
INSERT INTO stored SELECT i, m::text, m, (SELECT pca_fit(e, 11) FROM points) FROM (SELECT i, kmeans_fit(e, 40 + i, '{"n_init": 1, "max_iter": 1, "tol": 1}') AS m
	FROM points, generate_series(1, 12) i GROUP BY i) x;
RESET client_min_messages;
CREATE TABLE packed AS SELECT id, plain, plain::kmeans_model AS m FROM stored;
INSERT INTO packed SELECT 13, m, m::kmeans_model FROM (SELECT '(200,12,1,1;0' || repeat(',3', 200) || repeat(',1,2,3', 800) || ')' AS m) x;
SELECT blocks('SELECT sum(kmeans_predict(e, (SELECT m FROM stored WHERE id = 1))) FROM points') < 300 AS predict,
	blocks('SELECT sum(kmeans_distance(e, m)) FROM points, stored WHERE stored.id <= 4') < 300 AS joined,
	blocks('SELECT count(pca_transform(e, (SELECT p FROM stored WHERE id = 1))) FROM points') < 300 AS transform,
	blocks('SELECT kmeans_step(e, m) FROM points, stored WHERE stored.id = 2') < 300 AS step;
-- More models than are kept, one after the other for each row, give what each gives by itself.
SELECT bool_and(kmeans_predict(e, m) = kmeans_predict(e, plain::kmeans_model) AND kmeans_distance(e, m) = kmeans_distance(e, plain::kmeans_model)) AS same, count(*)
	FROM points p, (TABLE packed UNION ALL SELECT id, plain, m FROM stored) s WHERE p.id % 20 = 0;
SELECT bool_and(pca_transform(e, p) = pca_transform(e, p::text::pca_model)) AS same FROM points, stored WHERE points.id % 20 = 0;
DROP TABLE stored, packed;
DROP FUNCTION blocks;

-- what is refused
\pset format unaligned
\pset tuples_only on
SELECT failure($$SELECT kmeans_fit(e, 0) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, -5) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 601) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2147483647) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, NULL) FROM points$$);
SELECT kmeans_fit(e, 2, NULL)::text = kmeans_fit(e, 2)::text FROM points;
SELECT kmeans_fit(e, 2, CASE WHEN id % 2 = 0 THEN '{}'::jsonb END)::text = kmeans_fit(e, 2)::text FROM points;
SELECT failure($$SELECT kmeans_fit(e, 2, CASE WHEN id % 2 = 0 THEN '{"seed": 5}'::jsonb END) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, CASE WHEN id % 2 = 1 THEN '{"seed": 5}'::jsonb END) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 1 + (id % 2)::int) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, ('{"seed": ' || id || '}')::jsonb) FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"n_inti": 3}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"n_init": 0}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"tol": -1}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"seed": 1.5}') FROM points$$);
SELECT failure(format('SELECT kmeans_fit(e, 2, %L) FROM points', format('{"seed": 1%s}', repeat('0', 300))));
SELECT failure($$SELECT kmeans_fit(e, 2, '{"init": "kmeans++"}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(e, 2, '{"max_iter": "many"}') FROM points$$);
SELECT failure($$SELECT kmeans_fit(CASE WHEN id < 300 THEN e ELSE '[1,2]' END, 2) FROM points$$);
SELECT failure($$SELECT kmeans(e, 0) OVER () FROM points$$);
SELECT failure($$SELECT kmeans(e, 3, '{"init": [[0],[5],[9]]}') OVER () FROM (VALUES ('[1]'::embedding), ('[2]')) v (e)$$);
SELECT failure($$SELECT kmeans(e, NULL) OVER () FROM points$$);
SELECT bool_and(a = b) FROM (SELECT kmeans(e, 2, NULL) OVER () AS a, kmeans(e, 2) OVER () AS b FROM points) k;
SELECT failure($$SELECT kmeans(e, 2, '{"k": 2}') OVER () FROM points$$);
SELECT failure($$SELECT kmeans(CASE WHEN id < 300 THEN e ELSE '[1,2]' END, 2) OVER () FROM points$$);
SELECT failure($$SELECT kmeans(e, 2) FROM points$$);
SELECT failure($$SELECT kmeans_predict('[1,2]', m) FROM km$$);
SELECT failure($$SELECT kmeans_distance('[1,2]', m) FROM km$$);
\pset format aligned
\pset tuples_only off
-- memory has a limit, and what was taken is given back
SET selfclass.max_memory = '16MB';
SELECT failure($$SELECT kmeans_fit(('[' || i || repeat(',1', 15999) || ']')::embedding, 2) FROM generate_series(1, 300) i$$) LIKE '54000 | not enough memory for %' AS limited;
SELECT kmeans_fit(e, 2) IS NOT NULL AS again FROM points;
RESET selfclass.max_memory;
DROP TABLE km;
