-- Measures of a clustering against truth.
-- The labels that scikit-learn's values were made of.
CREATE TABLE labels AS
	SELECT i, ((i * 7 + i / 3) % 4)::int AS truth, CASE WHEN i % 4 <> 0 THEN (i * 7 + i / 3) % 4 * 2 % 5 ELSE i % 6 END::int AS label FROM generate_series(0, 199) i;
SELECT abs(clustering_purity(label, truth) - 0.835) < 1e-12 AS purity, abs(clustering_accuracy(label, truth) - 0.835) < 1e-12 AS accuracy,
	abs(normalized_mutual_info(label, truth) - 0.7751205802947293) < 1e-12 AS nmi, abs(adjusted_rand_index(label, truth) - 0.7251975304031562) < 1e-12 AS ari,
	majority_truth(label, truth) FROM labels;
-- a text instead of a number, and another order of the rows
SELECT abs(clustering_purity(label, 'class ' || truth ORDER BY i DESC) - 0.835) < 1e-12 AS purity, abs(clustering_accuracy(label, 'class ' || truth ORDER BY md5(i::text)) - 0.835) < 1e-12 AS accuracy,
	abs(normalized_mutual_info(label, 'class ' || truth) - 0.7751205802947293) < 1e-12 AS nmi, abs(adjusted_rand_index(label, 'class ' || truth) - 0.7251975304031562) < 1e-12 AS ari,
	majority_truth(label, 'class ' || truth) FROM labels;
-- one-to-one: two clusters of one class, only one of them can be right
SELECT clustering_purity(l, t) AS purity, abs(clustering_accuracy(l, t) - 2.0 / 3) < 1e-12 AS accuracy, majority_truth(l, t) FROM (VALUES (0, 'a'), (0, 'a'), (0, 'a'), (1, 'a'), (1, 'a'), (2, 'b')) v (l, t);
-- any labels: negative, far apart; a perfect clustering; none
SELECT clustering_purity(l, t), clustering_accuracy(l, t), normalized_mutual_info(l, t), adjusted_rand_index(l, t), majority_truth(l, t)
	FROM (VALUES (-2147483648, 9223372036854775807), (-2147483648, 9223372036854775807), (2147483647, -9223372036854775808), (0, 0)) v (l, t);
SELECT clustering_purity(1, t), clustering_accuracy(1, t), normalized_mutual_info(1, t), adjusted_rand_index(1, t), majority_truth(1, t) FROM (VALUES ('b'), ('a'), (''), ('ü')) v (t);
-- of classes as frequent the first: numbers by value
SELECT majority_truth(0, t) FROM (VALUES (10::bigint), (9), (100)) v (t);
SELECT majority_truth(0, t) FROM (VALUES (-1::bigint), (-20), (3)) v (t);
SELECT majority_truth(0, t) FROM (VALUES ('b'), ('ab'), ('a')) v (t);

-- a NULL label counts as wrong, a NULL truth leaves the row out
SELECT clustering_purity(l, t) AS purity, clustering_accuracy(l, t) AS accuracy, abs(normalized_mutual_info(l, t) - 0.4) < 1e-12 AS nmi, adjusted_rand_index(l, t) < 1 AS ari, majority_truth(l, t)
	FROM (VALUES (0, 'a'), (0, 'a'), (1, 'b'), (1, 'b'), (NULL, 'a'), (NULL, 'b'), (NULL, 'b'), (NULL, 'a'), (1, NULL), (0, NULL), (NULL, NULL)) v (l, t);
SELECT clustering_purity(NULL, t), clustering_accuracy(NULL, t), normalized_mutual_info(NULL, t), adjusted_rand_index(NULL, t), majority_truth(NULL, t) FROM (VALUES ('a'), ('a')) v (t);
SELECT clustering_purity(l, NULL::text), clustering_accuracy(l, NULL::bigint), normalized_mutual_info(l, NULL::text), adjusted_rand_index(l, NULL::text), majority_truth(l, NULL::bigint) FROM (VALUES (1), (2)) v (l);
SELECT clustering_purity(label, truth), clustering_accuracy(label, truth), normalized_mutual_info(label, truth), adjusted_rand_index(label, truth), majority_truth(label, truth) FROM labels WHERE false;

-- many labels and classes; long texts
SELECT clustering_purity(i, i::text) = 1 AS purity, clustering_accuracy(i, i::bigint) = 1 AS accuracy, normalized_mutual_info(i, i::text) = 1 AS nmi, adjusted_rand_index(i, i::bigint) = 1 AS ari FROM generate_series(1, 300) i;
SELECT clustering_purity(i % 10, repeat(chr(65 + i % 20), 10000)) AS purity, clustering_accuracy(i % 10, repeat(chr(65 + i % 20), 10000)) AS accuracy FROM generate_series(1, 400) i;
SELECT count(*), bool_and(purity = 1) FROM (SELECT g, clustering_purity(i, i::text) AS purity FROM generate_series(1, 40) i, generate_series(1, 5) g GROUP BY g) x;

-- parallel workers, each with its part
ALTER TABLE labels SET (parallel_workers = 3);
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT clustering_purity(label, truth) FROM labels;
SELECT abs(clustering_purity(label, truth) - 0.835) < 1e-12 AS purity, abs(clustering_accuracy(label, 'class ' || truth) - 0.835) < 1e-12 AS accuracy, majority_truth(label, truth) FROM labels;
COMMIT;
SELECT majority_truth_final(label_tally_combine(
	(SELECT label_tally_accum(label_tally_accum(NULL, 1, 'a'), NULL, 'b')),
	(SELECT label_tally_accum(label_tally_accum(label_tally_accum(NULL, 2, 'c'), 1, 'b'), 1, 'b'))));

-- k-NN, leave one out
SELECT knn_accuracy(e, truth::text, 1), knn_accuracy(e, truth::text, 15) FROM points;
SELECT knn_accuracy(e, (id % 7)::text, 3) = knn_accuracy(e, (id % 7)::text, 3 ORDER BY id DESC) AS any_order FROM points;
SELECT knn_accuracy(e, t, 1) AS k1, knn_accuracy(e, t, 2) AS k2, knn_accuracy(e, t, 3) AS k3, knn_accuracy(e, t, 1000) AS all
	FROM (VALUES ('[0]'::embedding, 'a'), ('[1]', 'a'), ('[3]', 'b'), ('[6]', 'b'), (NULL, 'b'), ('[0]', NULL)) v (e, t);
SELECT knn_accuracy(e, t, 1) = knn_accuracy(e, t, 1 ORDER BY n DESC) AS equal_rows
	FROM (VALUES (1, '[0]'::embedding, 'a'), (2, '[0]', 'b'), (3, '[0]', 'a'), (4, '[-0]', 'b'), (5, '[1]', 'c')) v (n, e, t);
SELECT knn_accuracy(e, 'a', 1) IS NULL AS one_row FROM points WHERE id = 1;
SELECT knn_accuracy(e, 'a', 1) IS NULL AS no_rows FROM points WHERE false;

-- what is refused
\pset format unaligned
\pset tuples_only on
SELECT failure($$SELECT knn_accuracy(e, 'a', 0) FROM points$$);
SELECT failure($$SELECT knn_accuracy(e, 'a', NULL) FROM points$$);
SELECT failure($$SELECT knn_accuracy(e, 'a', 1 + (id % 2)::int) FROM points$$);
SELECT failure($$SELECT knn_accuracy(CASE WHEN id < 300 THEN e ELSE '[1,2]' END, 'a', 1) FROM points$$);
SELECT failure($$SELECT label_tally_accum('\x', 1, 'a')$$);
SELECT failure($$SELECT label_tally_accum(substr(label_tally_accum(NULL, 1, 'a'), 1, 100), 1, 'a')$$);
SELECT failure($$SELECT label_tally_accum(label_tally_accum(NULL, 1, 'a'), 1, 2)$$);
SELECT failure($$SELECT label_tally_combine(label_tally_accum(NULL, 1, 'a'), label_tally_accum(NULL, 1, 2))$$);
-- every byte of a state changed: an error or an answer, never a crash
SELECT DISTINCT left(failure(format('SELECT majority_truth_final(label_tally_combine(label_tally_accum(%L, 7, %L), %L))', set_byte(s, i, b), repeat('x', 300), set_byte(s, i, b))), 8)
	FROM (SELECT label_tally_accum(label_tally_accum(NULL, 1, 'a'), 2, 'bc') AS s) x, generate_series(0, octet_length(s) - 1) i, (VALUES (1), (127), (255)) v (b) ORDER BY 1;
SELECT DISTINCT left(failure(format('SELECT pca_final(pca_combine(pca_accum(%L, %L, 1), %L))', set_byte(s, i, b), '[1,5]', set_byte(s, i, b))), 5)
	FROM (SELECT pca_accum(pca_accum(NULL, '[1,2]', 1), '[1,3]', 1) AS s) x, generate_series(0, 160) i, (VALUES (1), (127), (255)) v (b) ORDER BY 1;
\pset format aligned
\pset tuples_only off
DROP TABLE labels;
