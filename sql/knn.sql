-- knn and knn_join, by integer keys and by keys of other types.
SELECT * FROM knn('points', 'e', (SELECT e FROM points WHERE id = 7), 1);
SELECT count(*), bool_and(x.distance = y.distance AND x.id = y.id) AS same
	FROM (SELECT *, row_number() OVER () FROM knn('points', 'e', (SELECT e FROM points WHERE id = 7), 20)) x
	JOIN (SELECT id, e <-> (SELECT e FROM points WHERE id = 7) AS distance, row_number() OVER (ORDER BY e <-> (SELECT e FROM points WHERE id = 7), id) FROM points) y USING (row_number);
SELECT count(*) FROM knn('points', 'e', (SELECT e FROM points WHERE id = 7), 1000);
SELECT count(*) FROM knn('points', 'e', NULL, 5);
SELECT id, distance FROM knn(k => 1, query => (SELECT e FROM points WHERE id = 3), emb => 'e', items => 'points');

-- all rows at once: the same as one by one
CREATE TABLE near AS SELECT * FROM knn_join('points', 'e', 6);
SELECT count(*), count(DISTINCT id) AS ids, min(rank), max(rank), bool_and(id <> neighbor) AS never_itself FROM near;
SELECT bool_and(n.neighbor = o.neighbor AND abs(n.distance - o.distance) < 1e-12) AS same, count(*)
	FROM near n JOIN (SELECT p.id, q.id AS neighbor, p.e <-> q.e AS distance, row_number() OVER (PARTITION BY p.id ORDER BY p.e <-> q.e, q.id) AS rank
		FROM points p JOIN points q ON p.id <> q.id) o ON (o.id, o.rank) = (n.id, n.rank);
SELECT bool_and(p.truth = q.truth) AS neighbours_are_alike FROM near JOIN points p USING (id) JOIN points q ON q.id = neighbor;
-- another table's rows
CREATE TABLE asked (id smallint PRIMARY KEY, e embedding);
INSERT INTO asked SELECT id, e FROM points WHERE id % 100 = 0 UNION ALL SELECT 9999, NULL;
SELECT a.id, a.neighbor, a.rank, a.distance = 0 AS itself FROM knn_join('points', 'e', 2, 'asked') a WHERE rank = 1 ORDER BY 1;
SELECT bool_and(a.neighbor = n.neighbor AND a.distance = n.distance) AS same FROM knn_join('points', 'e', 6, queries => 'asked') a JOIN near n ON a.id = n.id AND a.rank = n.rank + 1;
SELECT count(*), count(DISTINCT id) FROM knn_join('asked', 'e', 100);
SELECT count(*) FROM knn_join('asked', 'e', 3, 'points');
-- more neighbours than one run takes queries for
SELECT count(*), sum(rank) FROM knn_join('points', 'e', 2147483647) WHERE id IN (0, 599);

-- ties: the lower key first, whatever the order in the table
CREATE TABLE ties (name text COLLATE "C" PRIMARY KEY, u uuid UNIQUE, e embedding(1));
INSERT INTO ties SELECT chr(97 + i), md5(i::text)::uuid, ARRAY[i % 3] FROM generate_series(8, 0, -1) i;
SELECT * FROM knn('ties', NULL::text, 'e', '[1]', 4);
SELECT id, string_agg(neighbor || '@' || distance, ' ' ORDER BY rank) FROM knn_join('ties', NULL::text, 'e', 3) GROUP BY id ORDER BY id;
ALTER TABLE ties DROP CONSTRAINT ties_pkey;
ALTER TABLE ties ADD PRIMARY KEY (u);
SELECT count(*), bool_and(pg_typeof(id) = 'uuid'::regtype) AS uuid FROM knn_join('ties', NULL::uuid, 'e', 3);
SELECT count(*) FROM knn_join('ties', NULL::uuid, 'e', 3, 'ties');
-- names that need quotes, a domain, a partitioned table
CREATE DOMAIN emb2 AS embedding(2);
CREATE SCHEMA "odd ""schema";
CREATE TABLE "odd ""schema"."it's; --" ("the ""key" int, "an e" emb2) PARTITION BY RANGE ("the ""key");
CREATE TABLE odd1 PARTITION OF "odd ""schema"."it's; --" FOR VALUES FROM (0) TO (2);
CREATE TABLE odd2 PARTITION OF "odd ""schema"."it's; --" FOR VALUES FROM (2) TO (5);
ALTER TABLE "odd ""schema"."it's; --" ADD PRIMARY KEY ("the ""key");
INSERT INTO "odd ""schema"."it's; --" SELECT i, ARRAY[i, 0]::embedding FROM generate_series(0, 4) i;
SELECT * FROM knn('"odd ""schema"."it''s; --"', 'an e', '[3,0]', 2);
SELECT * FROM knn_join('"odd ""schema"."it''s; --"', 'an e', 1);

-- nothing to find
CREATE TABLE bare (id int PRIMARY KEY, e embedding);
SELECT * FROM knn('bare', 'e', '[1]', 5);
SELECT * FROM knn_join('bare', 'e', 5);
SELECT * FROM knn_join('bare', 'e', 5, 'points');
INSERT INTO bare VALUES (1, NULL), (2, '[1]');
SELECT * FROM knn('bare', 'e', '[1]', 5);
SELECT * FROM knn_join('bare', 'e', 5);

-- rights and row security are the caller's
CREATE ROLE regress_knn;
GRANT USAGE ON SCHEMA public, selfclass TO regress_knn;
SET ROLE regress_knn;
SELECT failure($$SELECT * FROM knn('points', 'e', '[1]', 5)$$);
SELECT failure($$SELECT * FROM knn_join('points', 'e', 5)$$);
RESET ROLE;
GRANT SELECT ON bare TO regress_knn;
ALTER TABLE bare ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON bare TO regress_knn USING (id > 2);
INSERT INTO bare VALUES (3, '[2]'), (4, '[9]');
SET ROLE regress_knn;
SELECT failure($$SELECT * FROM knn_join('bare', 'e', 5, 'points')$$);
SELECT * FROM knn('bare', 'e', '[1]', 5);
SELECT id, neighbor FROM knn_join('bare', 'e', 5);
RESET ROLE;
-- operators of another schema are never called
CREATE SCHEMA shadow;
CREATE FUNCTION shadow.far(embedding, embedding) RETURNS float8 LANGUAGE sql AS 'SELECT -1.0::float8';
CREATE OPERATOR shadow.<-> (LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = shadow.far);
SET search_path = shadow, public, selfclass;
SELECT * FROM knn('bare', 'e', '[1]', 1);
SET search_path = pg_catalog;
SELECT id, distance FROM selfclass.knn('public.bare', 'e', '[1]', 1);
RESET search_path;

-- what is refused
CREATE TABLE keyless (id int, e embedding);
CREATE TABLE twokeys (a int, b int, e embedding, PRIMARY KEY (a, b));
CREATE VIEW looking AS SELECT * FROM points;
CREATE SEQUENCE counter;
\pset format unaligned
\pset tuples_only on
SELECT failure($$SELECT * FROM knn('points', 'e', '[1]', 5)$$);
SELECT failure($$SELECT * FROM knn('points', 'e', (SELECT e FROM points LIMIT 1), 0)$$);
SELECT failure($$SELECT * FROM knn('points', 'e', '[1]', NULL)$$);
SELECT failure($$SELECT * FROM knn('points', NULL, '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn(NULL, 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('nowhere', 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('points', 'f', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('points', 'truth', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('keyless', 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('twokeys', 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('looking', 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('counter', 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('ties', 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('ties', NULL::text, 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn('points', 5::bigint, 'e', '[1]', 1)$$);
SELECT failure($$SELECT * FROM knn_join('points', 'e', -1)$$);
SELECT failure($$SELECT * FROM knn_join('points', 'e', 1, 'bare')$$);
SELECT failure($$SELECT * FROM knn_join('points', NULL::int, 'e', 1)$$);
SELECT failure($$SELECT * FROM knn_join('points', 'e', 1, 'ties')$$);
SELECT failure($$SELECT * FROM knn_join('points', NULL::bigint, 'e', 1, 'asked')$$);
SELECT failure($$SELECT * FROM knn_join('points', 'e', 1, 'keyless')$$);
INSERT INTO bare VALUES (5, '[1,2]');
SELECT failure($$SELECT * FROM knn_join('bare', 'e', 1)$$);
\pset format aligned
\pset tuples_only off
DROP TABLE near, asked, ties, bare, keyless, twokeys;
DROP VIEW looking;
DROP SEQUENCE counter;
SET client_min_messages = warning;
DROP SCHEMA "odd ""schema", shadow CASCADE;
DROP DOMAIN emb2;
REVOKE USAGE ON SCHEMA public, selfclass FROM regress_knn;
DROP ROLE regress_knn;
