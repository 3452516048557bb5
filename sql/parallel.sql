-- The aggregates whose states combine: in parallel plans with any number of
-- workers, on a partitioned table with an empty partition, the answer of one process.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE TABLE piece (id int, e embedding(6), label int, truth text, kind bigint) PARTITION BY RANGE (id);
CREATE TABLE piece_1 PARTITION OF piece FOR VALUES FROM (0) TO (1000);
CREATE TABLE piece_2 PARTITION OF piece FOR VALUES FROM (1000) TO (1500);
CREATE TABLE piece_3 PARTITION OF piece FOR VALUES FROM (1500) TO (1600);
CREATE TABLE piece_4 PARTITION OF piece FOR VALUES FROM (1600) TO (9000);
INSERT INTO piece
SELECT i, CASE WHEN i % 50 <> 0 THEN ARRAY[sin(i), cos(i * 1.7) * 3, i % 7, sin(i * i), 100 + i % 3, i / 4000.0]::real[]::embedding END,
	CASE WHEN i % 31 <> 0 THEN i % 5 END, CASE WHEN i % 37 <> 0 THEN 'kind ' || (i * i % 6) END, i * i % 6
FROM generate_series(0, 3999) i WHERE i NOT BETWEEN 1500 AND 1599;
ALTER TABLE piece_1 SET (parallel_workers = 4);
ALTER TABLE piece_2 SET (parallel_workers = 4);
ALTER TABLE piece_3 SET (parallel_workers = 4);
ALTER TABLE piece_4 SET (parallel_workers = 4);
ANALYZE piece;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;

-- Workers that the plan of a query asks for; 0 unless each of them aggregates its part.
CREATE FUNCTION pg_temp.workers(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	line text;
	planned int := 0;
	partial boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		partial := partial OR line ~ 'Partial Aggregate';
		planned := greatest(planned, substring(line FROM 'Workers Planned: (\d+)')::int);
	END LOOP;
	RETURN CASE WHEN partial THEN planned ELSE 0 END;
END $$;

\set query 'SELECT sum(e), avg(e), pca_fit(e, 3) AS pca, pca_fit(e, 0.9::float8) AS share, kmeans_step(e, \'(2,6,0,0;0,0,0,0,1,0,0,100,0,0,0,6,0,101,0)\') AS step, clustering_purity(label, truth) AS purity, clustering_accuracy(label, truth) AS accuracy, normalized_mutual_info(label, truth) AS nmi, adjusted_rand_index(label, truth) AS ari, majority_truth(label, truth) AS majority, clustering_purity(label, kind) AS purity_of_kinds, majority_truth(label, kind) AS majority_of_kinds FROM piece'

SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.workers(:'query');
CREATE TABLE answer_0 AS :query;
SET max_parallel_workers_per_gather = 1;
SELECT pg_temp.workers(:'query');
CREATE TABLE answer_1 AS :query;
SET max_parallel_workers_per_gather = 2;
SELECT pg_temp.workers(:'query');
CREATE TABLE answer_2 AS :query;
SET max_parallel_workers_per_gather = 4;
SELECT pg_temp.workers(:'query');
CREATE TABLE answer_4 AS :query;

CREATE VIEW answers AS
SELECT 1 AS workers, * FROM answer_1 UNION ALL SELECT 2, * FROM answer_2 UNION ALL SELECT 4, * FROM answer_4;
-- The measures count, so they are the same to the bit; sums are so but for their rounding.
SELECT a.workers, a.purity = b.purity AS purity, a.accuracy = b.accuracy AS accuracy, a.nmi = b.nmi AS nmi, a.ari = b.ari AS ari,
	a.majority = b.majority AS majority, a.purity_of_kinds = b.purity_of_kinds AND a.majority_of_kinds = b.majority_of_kinds AS kinds
FROM answers a, answer_0 b ORDER BY 1;
SELECT a.workers, a.sum <-> b.sum <= 1e-6 * embedding_norm(b.sum) AS sum, a.avg <-> b.avg <= 1e-6 * embedding_norm(b.avg) AS avg
FROM answers a, answer_0 b ORDER BY 1;
SELECT a.workers, count(*), bool_and(x.embedding <-> y.embedding < 1e-6) AS components,
	bool_and(abs(x.explained_variance - y.explained_variance) <= 1e-9 * y.explained_variance) AS variance
FROM answers a, answer_0 b, pca_components(a.pca) x JOIN pca_components(b.pca) y USING (component) GROUP BY 1 ORDER BY 1;
SELECT a.workers, (SELECT count(*) FROM pca_components(a.share)) = (SELECT count(*) FROM pca_components(b.share)) AS share
FROM answers a, answer_0 b ORDER BY 1;
SELECT a.workers, bool_and(x.centroid <-> y.centroid <= 1e-6 * embedding_norm(y.centroid) AND x.size = y.size) AS centroids
FROM answers a, answer_0 b, kmeans_centroids(a.step) x JOIN kmeans_centroids(b.step) y USING (label) GROUP BY 1 ORDER BY 1;

-- and of no row at all
SELECT sum(e), avg(e), pca_fit(e, 3), clustering_purity(label, truth), majority_truth(label, truth) FROM piece WHERE id < 0;
DROP VIEW answers;
DROP TABLE piece, answer_0, answer_1, answer_2, answer_4;
