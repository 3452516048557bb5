-- near_duplicates, by integer keys and by keys of other types.
-- the same as one by one, for thresholds that few, many and all pairs are within
SELECT threshold, n.pairs > 0 AS some, n.pairs = o.pairs AS pairs, n.keys = o.keys AS keys, abs(n.distance - o.distance) <= 1e-9 * o.distance AS distance
	FROM (VALUES (1.5), (3), (1e6), ('Infinity'::float8)) t (threshold),
		LATERAL (SELECT count(*) AS pairs, coalesce(sum(id * 1000 + duplicate), 0) AS keys, coalesce(sum(distance), 0) AS distance FROM near_duplicates('points', 'e', threshold)) n,
		LATERAL (SELECT count(*) AS pairs, coalesce(sum(p.id * 1000 + q.id), 0) AS keys, coalesce(sum(p.e <-> q.e), 0) AS distance FROM points p JOIN points q ON p.id < q.id WHERE p.e <-> q.e <= threshold) o;
SELECT count(*) FROM near_duplicates('points', 'e', 0);
SELECT count(*) FROM near_duplicates(threshold => 0, emb => 'e', items => 'points');
SET selfclass.threads = 1;
SELECT count(*), bool_and(id < duplicate) AS ordered FROM near_duplicates('points', 'e', 1e6);
SET selfclass.threads = 5;
SELECT count(*), count(DISTINCT (id, duplicate)) FROM near_duplicates('points', 'e', 1e6);
RESET selfclass.threads;

-- keys of other types, NULL embeddings, the order of the keys and not of the table
CREATE TABLE copies (name text COLLATE "C" PRIMARY KEY, e embedding);
INSERT INTO copies SELECT chr(97 + i), ARRAY[i % 3, 0] FROM generate_series(8, 0, -1) i;
INSERT INTO copies VALUES ('z', NULL), ('y', '[7,4]'), ('x', '[10,0]');
SELECT * FROM near_duplicates('copies', NULL::text, 'e', 0) ORDER BY id, duplicate;
SELECT * FROM near_duplicates('copies', NULL::text, 'e', 5) WHERE distance > 3 ORDER BY id, duplicate;
DELETE FROM copies WHERE name <> 'a' AND name <> 'z';
SELECT * FROM near_duplicates('copies', NULL::text, 'e', 5);
DELETE FROM copies;
SELECT * FROM near_duplicates('copies', NULL::text, 'e', 5);

\pset format unaligned
\pset tuples_only on
-- errors
SELECT failure($$SELECT near_duplicates('copies', 'e', 1)$$);
SELECT failure($$SELECT near_duplicates('copies', NULL::uuid, 'e', 1)$$);
SELECT failure($$SELECT near_duplicates('copies', 'x'::text, 'e', 1)$$);
SELECT failure($$SELECT near_duplicates('points', 'e', -1)$$);
SELECT failure($$SELECT near_duplicates('points', 'e', 'NaN')$$);
SELECT failure($$SELECT near_duplicates('points', 'e', NULL)$$);
SELECT failure($$SELECT near_duplicates(NULL, 'e', 1)$$);
SELECT failure($$SELECT near_duplicates('points', NULL, 1)$$);
SELECT failure($$SELECT near_duplicates('points', 'truth', 1)$$);
INSERT INTO copies VALUES ('a', '[1]'), ('b', '[1,2]');
SELECT failure($$SELECT near_duplicates('copies', NULL::text, 'e', 1)$$);
\pset format aligned
\pset tuples_only off
DROP TABLE copies;
