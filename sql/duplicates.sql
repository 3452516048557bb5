-- duplicate_groups, diverse_sample, and the option metric.
-- chains of pairs are one group; the same whatever the order in the table, for any number of threads
CREATE TABLE copies (name text COLLATE "C" PRIMARY KEY, e embedding);
INSERT INTO copies VALUES ('a', '[0,0]'), ('b', '[1,0]'), ('c', '[2,0]'), ('d', '[9,9]'), ('e', '[9,9]'), ('f', '[9,9]'), ('g', '[9,9]'),
	('h', '[30,0]'), ('i', '[-7,-7]'), ('j', '[-7,-7.5]'), ('k', '[2,3]'), ('l', NULL);
SELECT * FROM duplicate_groups('copies', NULL::text, 'e', 1);
SELECT * FROM duplicate_groups('copies', NULL::text, 'e', 0);
SELECT * FROM duplicate_groups('copies', NULL::text, 'e', 1, '{"max_groups": 1}');
SELECT group_id, count(*), max(size) AS size FROM duplicate_groups('copies', NULL::text, 'e', 'Infinity', '{"max_groups": null}') GROUP BY 1;
CREATE TABLE turned AS SELECT * FROM copies ORDER BY name DESC;
ALTER TABLE turned ADD PRIMARY KEY (name);
SET selfclass.threads = 3;
SELECT count(*) FROM duplicate_groups('turned', NULL::text, 'e', 1);
(SELECT * FROM duplicate_groups('turned', NULL::text, 'e', 1)) EXCEPT (SELECT * FROM duplicate_groups('copies', NULL::text, 'e', 1));
RESET selfclass.threads;
-- as by hand
WITH RECURSIVE pair AS MATERIALIZED (SELECT id, duplicate FROM near_duplicates('points', 'e', 1.3)),
	edge AS MATERIALIZED (SELECT * FROM pair UNION SELECT duplicate, id FROM pair),
	reach AS (SELECT id, id AS other FROM edge UNION SELECT r.id, e.duplicate FROM reach r JOIN edge e ON e.id = r.other),
	hand AS (SELECT id, min(other) AS first, count(*) AS size FROM reach GROUP BY id),
	found AS (SELECT id, min(id) OVER (PARTITION BY group_id) AS first, size FROM duplicate_groups('points', 'e', 1.3))
	SELECT count(h.first) > 50 AS some, count(*) = count(h.first) AS none_more, bool_and(f IS NOT DISTINCT FROM h) AS same
	FROM hand h FULL JOIN found f USING (id);
-- the largest first, of equal ones that with the lowest key; each distance is to one row of the group
SELECT bool_and(size <= coalesce(before, size)) AS by_size, bool_and(size < before OR first > lower) AS by_key, bool_and(medoids >= 1) AS medoids
	FROM (SELECT size, first, medoids, lag(size) OVER (ORDER BY group_id) AS before, coalesce(lag(first) OVER (ORDER BY group_id), -1) AS lower
		FROM (SELECT group_id, max(size) AS size, min(id) AS first, count(*) FILTER (WHERE distance = 0) AS medoids FROM duplicate_groups('points', 'e', 1.3) GROUP BY 1) g) o;

-- without a threshold: one that finds copies, and no pairs by chance
CREATE TABLE pile AS SELECT i AS id, (SELECT array_agg((('x' || substr(md5(format('%s %s', i % 200, j)), 1, 6))::bit(24)::int / 16777216.0 + i / 200 * 0.001 * (j % 3))::real ORDER BY j)
	FROM generate_series(1, 10) j)::embedding AS e FROM generate_series(0, 239) i;
ALTER TABLE pile ADD PRIMARY KEY (id);
SELECT count(*), count(DISTINCT group_id) AS groups, bool_and(size = 2) AS pairs, bool_and(distance < 0.01) AS near FROM duplicate_groups('pile', 'e');
SELECT count(*) FROM duplicate_groups('pile', NULL::int, 'e', NULL, '{"metric": "cosine"}');
SELECT * FROM duplicate_groups('copies', NULL::text, 'e', NULL) WHERE group_id = 0;
SELECT count(*) FROM duplicate_groups('turned', NULL::text, 'e', NULL, '{"id_column": "name", "max_groups": 1}');
-- of any number of rows
SET client_min_messages = warning;
DELETE FROM pile WHERE id > 232;
SELECT count(*), count(DISTINCT group_id) AS groups FROM duplicate_groups('pile', 'e');
RESET client_min_messages;
-- many equal rows, and many that hang together
CREATE TABLE same AS SELECT i AS id, '[1,2,3,4]'::embedding AS e FROM generate_series(1, 20000) i;
ALTER TABLE same ADD PRIMARY KEY (id);
SELECT count(*), min(size), max(distance), max(group_id) FROM duplicate_groups('same', 'e', 0.5);
SELECT count(*) FROM duplicate_groups('same', 'e');
UPDATE same SET e = ARRAY[id % 3000 / 1e6, 2, 3, 4] WHERE id <= 3000;
SELECT count(*), min(size), max(size) FROM duplicate_groups('same', 'e', 0.5);
-- few rows
CREATE TABLE few (id int PRIMARY KEY, e embedding);
SELECT * FROM duplicate_groups('few', 'e', 1);
SELECT * FROM duplicate_groups('few', 'e');
SELECT * FROM diverse_sample('few', 'e', 3);
INSERT INTO few VALUES (7, '[1,2]');
SELECT * FROM duplicate_groups('few', 'e');
SELECT * FROM diverse_sample('few', 'e', 3);
INSERT INTO few VALUES (6, '[1,3]');
SELECT * FROM duplicate_groups('few', 'e');
SELECT * FROM duplicate_groups('few', 'e', 1);
-- written nowhere: in a read-only transaction
BEGIN READ ONLY;
SELECT count(*) FROM duplicate_groups('few', 'e', 1);
ROLLBACK;

-- far from each other: first the row nearest to the mean, then the farthest ones; the lower key where two are as far
CREATE TABLE line AS SELECT i AS id, ARRAY[i]::embedding AS e FROM generate_series(0, 8) i;
ALTER TABLE line ADD PRIMARY KEY (id);
SELECT * FROM diverse_sample('line', 'e', 5);
SELECT count(*), count(DISTINCT id), max(rank) FROM diverse_sample('line', 'e', 100);
SELECT * FROM diverse_sample('copies', NULL::text, 'e', 4, '{"id_column": "name"}');
SELECT * FROM diverse_sample('turned', NULL::text, 'e', 4);
SELECT count(DISTINCT p.truth) FROM diverse_sample(n => 5, emb => 'e', items => 'points') s JOIN points p USING (id);

-- metric: rows by their direction, as the operator <=> has it; rows of zeros have none and are left out
CREATE TABLE rays AS SELECT i AS id, ARRAY[cos(i % 7) * (1 + i), sin(i % 7) * (1 + i)]::embedding AS e FROM generate_series(0, 20) i;
ALTER TABLE rays ADD PRIMARY KEY (id);
INSERT INTO rays VALUES (90, '[0,0]'), (91, '[0,0]'), (92, NULL);
SELECT id, round(distance::numeric, 6) AS distance FROM knn('rays', NULL::int, 'e', '[1,0]', 4, '{"metric": "cosine"}');
SELECT count(*), max(id) FROM knn('rays', NULL::int, 'e', '[1,0]', 100, '{"metric": "cosine"}');
SELECT count(*) FROM knn('rays', NULL::int, 'e', '[0,0]', 4, '{"metric": "cosine"}');
SELECT count(*), max(id) FROM knn('rays', NULL::int, 'e', '[0,0]', 100, '{"metric": "l2"}');
SELECT count(*), max(n.id) AS id, max(neighbor) AS neighbor, max(abs(n.distance - (r.e <=> o.e))) < 1e-6 AS same, bool_and(n.id % 7 = neighbor % 7) AS along
	FROM knn_join('rays', NULL::int, 'e', 2, NULL, '{"metric": "cosine"}') n JOIN rays r USING (id) JOIN rays o ON o.id = n.neighbor;
CREATE TABLE asked (id int PRIMARY KEY, e embedding);
INSERT INTO asked VALUES (1, '[0,0]'), (2, '[0,-5]'), (3, '[400,0]');
SELECT id, neighbor % 7 AS ray, rank FROM knn_join('rays', NULL::int, 'e', 1, 'asked', '{"metric": "cosine"}');
SELECT count(*), count(*) FILTER (WHERE id % 7 = duplicate % 7) AS along, max(distance) < 1e-6 AS near FROM near_duplicates('rays', NULL::int, 'e', 1e-6, '{"metric": "cosine"}');
SELECT count(*) = (SELECT count(*) FROM rays p JOIN rays q ON p.id < q.id AND p.e <=> q.e <= 0.4) AS same FROM near_duplicates('rays', NULL::int, 'e', 0.4, '{"metric": "cosine"}');
SELECT group_id, array_agg(id) FROM duplicate_groups('rays', NULL::int, 'e', 1e-6, '{"metric": "cosine"}') GROUP BY 1 ORDER BY 1;
SELECT count(*), max(id), count(DISTINCT id % 7) AS rays FROM diverse_sample('rays', NULL::int, 'e', 7, '{"metric": "cosine"}');
SELECT count(*) FROM duplicate_groups('rays', NULL::int, 'e', 2, '{"metric": "cosine"}');
-- also where neither the operator nor the function is in the search_path
SET search_path = public;
SELECT count(*) FROM selfclass.knn('rays', NULL::int, 'e', selfclass.l2_normalize('[1,0]'), 3, '{"metric": "cosine"}');
SELECT count(*) FROM selfclass.near_duplicates('rays', NULL::int, 'e', 1e-6, '{"metric": "cosine"}');
RESET search_path;

\pset format unaligned
\pset tuples_only on
-- errors
SELECT failure($$SELECT duplicate_groups('copies', 'e', 1)$$);
SELECT failure($$SELECT duplicate_groups('copies', 'e')$$);
SELECT failure($$SELECT duplicate_groups('copies', NULL::uuid, 'e', 1)$$);
SELECT failure($$SELECT duplicate_groups('copies', 'x'::text, 'e', 1)$$);
SELECT failure($$SELECT duplicate_groups('points', 'e', -1)$$);
SELECT failure($$SELECT duplicate_groups('points', 'e', 'NaN')$$);
SELECT failure($$SELECT duplicate_groups(NULL, 'e', 1)$$);
SELECT failure($$SELECT duplicate_groups('points', NULL, 1)$$);
SELECT failure($$SELECT duplicate_groups('points', 'truth', 1)$$);
SELECT failure($$SELECT duplicate_groups('points', NULL::bigint, 'e', 1, '{"max_groups": 0}')$$);
SELECT failure($$SELECT duplicate_groups('points', NULL::bigint, 'e', 1, '{"metric": "l1"}')$$);
SELECT failure($$SELECT near_duplicates('points', NULL::bigint, 'e', 1, '{"max_groups": 1}')$$);
SELECT failure($$SELECT knn('points', NULL::bigint, 'e', '[1]', 1, '{"metrics": "l2"}')$$);
SELECT failure($$SELECT knn('points', NULL::bigint, 'e', '[1]', 1, '{"metric": "cosine"}')$$);
SELECT failure($$SELECT diverse_sample('copies', 'e', 1)$$);
SELECT failure($$SELECT diverse_sample('points', 'e', 0)$$);
SELECT failure($$SELECT diverse_sample('points', 'e', 3000000000)$$);
SELECT failure($$SELECT diverse_sample('points', 'e', NULL)$$);
SELECT failure($$SELECT diverse_sample('points', NULL::bigint, 'e', 3, '{"max_groups": 1}')$$);
INSERT INTO few VALUES (8, '[1]');
SELECT failure($$SELECT duplicate_groups('few', 'e', 1)$$);
SELECT failure($$SELECT diverse_sample('few', 'e', 1)$$);
\pset format aligned
\pset tuples_only off
DROP TABLE copies, turned, pile, same, few, line, rays, asked;
