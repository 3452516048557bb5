-- What identifies a row where there is no primary key of one column: views, materialized and foreign tables, unique,
-- deferrable and composite keys, by the option id_column.
CREATE SCHEMA keys_test;
SET search_path = keys_test, public, selfclass;
CREATE TABLE plain (id int PRIMARY KEY, e embedding);
INSERT INTO plain SELECT i, ARRAY[i * i % 17, i] FROM generate_series(1, 12) i;
CREATE VIEW seen AS SELECT * FROM plain;
CREATE MATERIALIZED VIEW stored AS SELECT * FROM plain;
CREATE TABLE uniq (e embedding, code text COLLATE "C" NOT NULL UNIQUE);
INSERT INTO uniq SELECT e, to_char(id, 'FM00') FROM plain;
CREATE TABLE deferred (id bigint PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, e embedding);
INSERT INTO deferred TABLE plain;
CREATE TABLE pairs (part text COLLATE "C", e embedding, number int, PRIMARY KEY (number, part));
INSERT INTO pairs SELECT chr(97 + id % 3), e, id / 3 FROM plain;
CREATE TYPE pair AS (number int, part text);
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE abroad (id int, e embedding) SERVER files OPTIONS (program 'printf "1;[1,1]\n2;[4,2]\n3;[9,3]\n4;[16,4]\n5;[8,5]\n6;[2,6]\n"', format 'csv', delimiter ';');

-- one by one
SELECT * FROM knn('plain', 'e', '[4,3]', 3);
SELECT * FROM knn('seen', NULL::int, 'e', '[4,3]', 3, '{"id_column": "id"}');
SELECT * FROM knn('stored', NULL::int, 'e', '[4,3]', 3, options => '{"id_column": ["id"]}');
SELECT * FROM knn('abroad', NULL::int, 'e', '[4,3]', 3, '{"id_column": "id"}');
SELECT * FROM knn('uniq', NULL::text, 'e', '[4,3]', 3, '{"id_column": "code"}');
SELECT * FROM knn('deferred', 'e', '[4,3]', 3);
SELECT * FROM knn('pairs', NULL::pair, 'e', '[4,3]', 3);
SELECT (id).number * 3 + ascii((id).part) - 97 AS about, distance FROM knn('pairs', NULL::pair, 'e', '[4,3]', 3, '{"id_column": ["number", "part"]}');
-- a primary key can be passed over
ALTER TABLE plain ADD code smallint;
UPDATE plain SET code = 100 - id;
SELECT * FROM knn('plain', NULL::smallint, 'e', '[4,3]', 3, '{"id_column": "code"}');
SELECT * FROM knn('plain', NULL::int, 'e', '[4,3]', 1, '{"id_column": null}');

-- all at once: as with the primary key
CREATE TABLE near AS SELECT id, neighbor, rank, distance FROM knn_join('plain', 'e', 2);
SELECT count(*), bool_and(n.neighbor = o.neighbor AND n.distance = o.distance) AS same
	FROM near n JOIN knn_join('seen', NULL::int, 'e', 2, NULL, '{"id_column": "id"}') o USING (id, rank);
SELECT count(*), bool_and(n.neighbor = o.neighbor::int AND n.distance = o.distance) AS same
	FROM near n JOIN knn_join('uniq', NULL::text, 'e', 2, options => '{"id_column": "code"}') o ON o.id::int = n.id AND o.rank = n.rank;
SELECT count(*), bool_and(n.neighbor = (o.neighbor).number * 3 + ascii((o.neighbor).part) - 97 AND n.distance = o.distance) AS same
	FROM near n JOIN knn_join('pairs', NULL::pair, 'e', 2) o ON (o.id).number * 3 + ascii((o.id).part) - 97 = n.id AND o.rank = n.rank;
SELECT id, neighbor, distance FROM knn_join('pairs', NULL::pair, 'e', 1, 'pairs') WHERE distance > 0 OR id <> neighbor;
SELECT * FROM knn_join('seen', NULL::int, 'e', 1, 'abroad', '{"id_column": "id"}') ORDER BY id LIMIT 3;
SELECT o.*, n.* FROM near_duplicates('plain', 'e', 2.5) o FULL JOIN near_duplicates('seen', NULL::int, 'e', 2.5, '{"id_column": "id"}') n USING (id, duplicate) ORDER BY 1, 2;
SELECT * FROM near_duplicates('pairs', NULL::pair, 'e', 2.5) ORDER BY id, duplicate;

-- two forms, told apart by the number of arguments, whatever their types
PREPARE a AS SELECT count(*) FROM knn($1, $2, $3, $4);
EXECUTE a('plain', 'e', '[1,1]', 3);
PREPARE b(regclass, int, name, embedding, bigint) AS SELECT count(*) FROM knn($1, $2, $3, $4, $5);
EXECUTE b('plain', NULL, 'e', '[1,1]', 3);
PREPARE c(regclass, int, text, text, bigint, jsonb) AS SELECT count(*) FROM knn($1, $2, $3::name, $4::embedding, $5, $6);
EXECUTE c('seen', NULL, 'e', '[1,1]', 3, '{"id_column": "id"}');
PREPARE d(regclass, text, float8) AS SELECT count(*) FROM near_duplicates($1, $2, $3);
EXECUTE d('plain', 'e', 2.5);
PREPARE f(regclass, text, bigint) AS SELECT count(*) FROM knn_join($1, $2, $3);
EXECUTE f('plain', 'e', 2);
DEALLOCATE ALL;

-- the call that works
\pset format unaligned
\pset tuples_only on
SELECT failure($$SELECT knn('seen', 'e', '[1,1]', 1)$$);
SELECT failure($$SELECT knn('stored', NULL::int, 'e', '[1,1]', 1)$$);
SELECT failure($$SELECT knn('uniq', 'e', '[1,1]', 1)$$);
SELECT failure($$SELECT knn('abroad', 'e', '[1,1]', 1)$$);
SELECT failure($$SELECT knn('pairs', 'e', '[1,1]', 1)$$);
CREATE VIEW "it's" AS SELECT part AS "a ""b""", e FROM pairs;
SELECT failure($$SELECT knn_join('it''s', 'e', 1)$$);
SELECT count(*) FROM knn_join('keys_test."it''s"', NULL::text, 'e', 5, NULL, '{"id_column": "a \"b\""}');
SELECT failure($$SELECT near_duplicates('seen', 'e', 1)$$);
SELECT failure($$SELECT knn_join('plain', 'e', 1, 'seen')$$);
SELECT failure($$SELECT knn('uniq', NULL::int, 'e', '[1,1]', 1, '{"id_column": "code"}')$$);
SELECT failure($$SELECT knn('seen', 5, 'e', '[1,1]', 1, '{"id_column": "id"}')$$);
-- two tables have one key: a call that works, in one step
CREATE TABLE wide (id bigint PRIMARY KEY, e embedding(2));
CREATE TABLE named (name text PRIMARY KEY, wide_id bigint, "100%" smallint, e embedding(2));
CREATE TABLE paired (a text, b int, e embedding(2), PRIMARY KEY (a, b));
INSERT INTO wide SELECT i, ARRAY[i, 0]::embedding FROM generate_series(1, 4) i;
INSERT INTO named SELECT chr(96 + i::int), i, i, e FROM wide w(i, e);
INSERT INTO paired SELECT chr(96 + i::int), i, e FROM wide w(i, e);
SELECT failure($$SELECT knn_join('wide', NULL::bigint, 'e', 2, 'plain')$$);
SELECT count(*) FROM knn_join('keys_test.wide', 'e', 2, 'keys_test.plain');
SELECT failure($$SELECT knn_join('wide', 'e', 2, 'named')$$);
SELECT failure($$SELECT knn_join('wide', NULL::text, 'e', 2, 'named')$$);
SELECT failure($$SELECT knn_join('named', NULL::int, 'e', 2, 'wide', '{"id_column": null}')$$);
CREATE VIEW wide_text AS SELECT id::text AS id, e FROM keys_test.wide;
CREATE VIEW named_text AS SELECT name::text AS id, e FROM keys_test.named;
SELECT id, neighbor, distance FROM knn_join('wide_text', NULL::text, 'e', 1, 'named_text', '{"id_column": "id"}') ORDER BY id;
SELECT failure($$SELECT knn_join('paired', NULL::text, 'e', 2, 'named')$$);
SELECT failure($$SELECT knn_join('pairs', 'e', 2, 'paired')$$);
SELECT failure($$SELECT knn_join('paired', 'e', 2, 'keys_test.paired')$$);
-- a table without a key, whose likely one the other lacks, or has
CREATE VIEW nameless AS SELECT wide_id AS number, e FROM named;
SELECT failure($$SELECT knn_join('nameless', 'e', 3, 'wide')$$);
CREATE VIEW numbered AS SELECT wide_id AS id, e FROM named;
SELECT failure($$SELECT knn_join('numbered', 'e', 3, 'wide')$$);
SELECT count(*) FROM knn_join('keys_test.numbered', NULL::bigint, 'e', 3, 'keys_test.wide', '{"id_column": "id"}');
SELECT failure($$SELECT knn_join('wide', 'e', 3, 'numbered')$$);
SELECT failure($$SELECT knn_join('named', NULL::text, 'e', 1, 'named', '{"id_column": "100%"}')$$);
SELECT failure($$SELECT knn_join('wide', NULL::bigint, 'e', 1, 'named', '{"id_column": "100%"}')$$);
-- wrong columns and types
CREATE TYPE swapped AS (part text, number int);
CREATE TYPE three AS (number int, part text, more int);
SELECT failure($$SELECT knn('pairs', NULL::swapped, 'e', '[1,1]', 1)$$);
SELECT failure($$SELECT knn('pairs', NULL::three, 'e', '[1,1]', 1)$$);
SELECT failure($$SELECT knn('pairs', NULL::text, 'e', '[1,1]', 1, '{"id_column": ["number", "part"]}')$$);
SELECT failure($$SELECT knn('pairs', NULL::record, 'e', '[1,1]', 1)$$);
SELECT knn('pairs', NULL::swapped, 'e', '[4,3]', 1, '{"id_column": ["part", "number"]}');
SELECT failure($$SELECT knn('seen', NULL::int, 'e', '[1,1]', 1, '{"id_column": "key"}')$$);
SELECT failure($$SELECT knn('seen', NULL::int, 'e', '[1,1]', 1, '{"id_column": []}')$$);
SELECT failure($$SELECT knn('seen', NULL::int, 'e', '[1,1]', 1, '{"id_column": ["id", 1]}')$$);
SELECT failure($$SELECT knn('seen', NULL::int, 'e', '[1,1]', 1, '{"id_column": {"id": 1}}')$$);
SELECT failure($$SELECT knn('pairs', NULL::pair, 'e', '[1,1]', 1, '{"id_column": ["number", "number"]}')$$);
-- neither a picture nor an embedding is advised as a key
CREATE TABLE bare (image bytea, e embedding);
SELECT failure($$SELECT knn('bare', 'e', '[1,1]', 1)$$);
ALTER TABLE bare ADD code text;
SELECT failure($$SELECT knn('bare', 'e', '[1,1]', 1)$$);
SELECT failure($$SELECT knn('seen', NULL::int, 'e', '[1,1]', 1, '{"image_column": "id"}')$$);
SELECT failure($$SELECT knn('seen', NULL::int, 'e', '[1,1]', 1, '[]')$$);
-- rows without a key
CREATE VIEW lacking AS SELECT nullif(id, 2) AS id, e FROM plain;
SELECT failure($$SELECT knn('lacking', NULL::int, 'e', '[4,2]', 1, '{"id_column": "id"}')$$);
SELECT failure($$SELECT knn_join('lacking', NULL::int, 'e', 1, options => '{"id_column": "id"}')$$);
SELECT failure($$SELECT knn_join('plain', NULL::int, 'e', 1, 'lacking', '{"id_column": "id"}')$$);
SELECT failure($$SELECT near_duplicates('lacking', NULL::int, 'e', 1, '{"id_column": "id"}')$$);
\pset format aligned
\pset tuples_only off
-- keys that are not unique name several rows
CREATE VIEW twice AS SELECT id / 2 AS id, e FROM plain;
SELECT * FROM knn('twice', NULL::int, 'e', '[4,2]', 3, '{"id_column": "id"}');
SELECT count(*) FROM knn_join('twice', NULL::int, 'e', 100, options => '{"id_column": "id"}');

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA keys_test CASCADE;
