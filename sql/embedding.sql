-- The SQL type embedding: text and binary form, modifier, distances,
-- arithmetic, order, hash, casts, aggregates.

--
-- text
--
SELECT '[1,2,3]'::embedding, ' [ 1 ,2.5	, -3e-2 ] '::embedding, '[+.5,5.,-0,0]'::embedding;
SELECT '[3.4028235e38,-3.4028235e38,1e-45,1e-46,-1e-46]'::embedding;
SELECT '[0.1,0.3333333333333333,16777217]'::embedding;
SELECT literal, failure(format('SELECT %L::embedding', literal)) FROM (VALUES
	(''), ('   '), ('1,2'), ('{1,2}'), ('['), ('[]'), ('[ ]'), ('[1'), ('[1,'), ('[1,]'), ('[,1]'), ('[1,,2]'),
	('[1 2]'), ('[1,2'), ('[1,2]]'), ('[1,2] x'), ('[1,a]'), ('[1e]'), ('[--1]'), ('[[1]]'), ('[1;2]'),
	('[NaN]'), ('[1,nan]'), ('[Infinity]'), ('[-inf,1]'), ('[4e38]'), ('[1,-4e38]'), ('[1e400]'),
	(repeat('é', 100))) t(literal);
SELECT failure(format('SELECT %L::embedding', '[' || repeat('1,', n - 1) || '1]'))
FROM unnest(ARRAY[16000, 16001, 100000]) n;

--
-- type modifier
--
SELECT '[1,2,3]'::embedding(3), '{1,2}'::real[]::embedding(2), NULL::embedding(2);
SELECT failure(s) FROM unnest(ARRAY[
	$$SELECT '[1,2]'::embedding(3)$$, $$SELECT '{1,2}'::real[]::embedding(3)$$,
	$$SELECT '[1,2]'::embedding(0)$$, $$SELECT '[1,2]'::embedding(-1)$$, $$SELECT '[1,2]'::embedding(16001)$$,
	$$SELECT '[1,2]'::embedding(1,2)$$, $$SELECT '[1,2]'::embedding('a')$$]) s;
CREATE TABLE e3 (id int, e embedding(3));
INSERT INTO e3 VALUES (1, '[1,2,3]'), (2, '[4,5,6]'::embedding), (3, ARRAY[7,8,9]), (4, NULL);
SELECT failure($$INSERT INTO e3 VALUES (5, '[1,2]')$$),
	failure($$INSERT INTO e3 VALUES (5, '[1,2]'::embedding)$$),
	failure($$INSERT INTO e3 VALUES (5, '{1,2}'::float8[])$$),
	failure($$UPDATE e3 SET e = subvector(e, 1, 2)$$),
	failure($$ALTER TABLE e3 ALTER e TYPE embedding(2)$$);
SELECT format_type(atttypid, atttypmod), attstorage FROM pg_attribute WHERE attrelid = 'e3'::regclass AND attname = 'e';
SELECT * FROM e3 ORDER BY id;
SELECT typlen, typalign, typstorage, typbyval FROM pg_type WHERE typname = 'embedding';

-- VALUES, arrays, domains, composite types
SELECT * FROM (VALUES ('[1,2]'::embedding), ('[3]'), (NULL)) v(e);
SELECT ARRAY['[1,2]'::embedding, '[3]', NULL], '{"[1,2]","[3]"}'::embedding[], ('{"[1,2]","[3]"}'::embedding[])[2];
SELECT failure($$SELECT '{"[1,2]","[3]"}'::embedding(2)[]$$);
SELECT unnest(array_agg(e ORDER BY id)) FROM e3;
SELECT '[1,2]'::embedding = ANY (ARRAY['[1,2]', '[3]']::embedding[]);
CREATE DOMAIN unit_embedding AS embedding(2) CHECK (abs(embedding_norm(VALUE) - 1) < 1e-6);
SELECT '[0.6,0.8]'::unit_embedding, failure($$SELECT '[1,2]'::unit_embedding$$), failure($$SELECT '[1]'::unit_embedding$$);
DROP DOMAIN unit_embedding;

--
-- binary
--
SELECT embedding_send('[1,-2.5]'), embedding_send('[0]');
-- In memory 8 + 4 n bytes: header, dimension, zero, elements (pgvector's layout); a short header in a row.
SELECT pg_column_size('[1,2,3]'::embedding), pg_column_size((SELECT e FROM e3 WHERE id = 1));

-- COPY: text and binary there and back; then binary made by hand, field by field
\getenv dir SELFCLASS_DIR
\set file :dir '/data/embedding.copy'
CREATE TABLE big AS
	SELECT i AS id, (SELECT array_agg(sin(i * j)::real ORDER BY j) FROM generate_series(1, 512) j)::embedding(512) AS e
	FROM generate_series(1, 20) i;
INSERT INTO big VALUES (21, NULL);
CREATE TABLE copied (LIKE big);
COPY big TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
COPY big TO :'file';
COPY copied FROM :'file';
SELECT count(*), count(DISTINCT c.id), bool_and(c.e IS NOT DISTINCT FROM b.e AND embedding_send(c.e) IS NOT DISTINCT FROM embedding_send(b.e))
FROM copied c JOIN big b USING (id);

-- A binary field as COPY reads it: bytes behind the file's header, one column, then the trailer.
CREATE FUNCTION pg_temp.receive(field bytea, type text, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	content bytea := '\x5047434f50590aff0d0a000000000000000000' || '\x0001'::bytea
		|| int4send(length(field)) || field || '\xffff'::bytea;
	loid oid := lo_from_bytea(0, content);
	result text;
BEGIN
	PERFORM lo_export(loid, file);
	PERFORM lo_unlink(loid);
	EXECUTE format('CREATE TEMP TABLE received (e %s)', type);
	result := failure(format('COPY received FROM %L (FORMAT binary)', file));
	IF result = 'no error' THEN
		EXECUTE 'SELECT e FROM received' INTO result;
	END IF;
	DROP TABLE received;
	RETURN result;
END $$;
SELECT what, pg_temp.receive(bytes, 'embedding(2)', :'file') FROM (VALUES
	(1, 'good', '\x000200003f80000040000000'::bytea),
	(2, 'nothing', ''),
	(3, 'half a header', '\x0002'),
	(4, 'header alone', '\x00020000'),
	(5, 'short', '\x000200003f800000'),
	(6, 'half an element', '\x000200003f8000004000'),
	(7, 'long', '\x000200003f8000004000000000000000'),
	(8, 'zero dimensions', '\x00000000'),
	(9, 'negative', '\xffff0000'),
	(10, 'too many', '\x3e810000'),
	(11, 'reserved field', '\x000200013f80000040000000'),
	(12, 'NaN', '\x000200003f8000007fc00000'),
	(13, 'infinity', '\x00020000ff8000003f800000'),
	(14, 'modifier', '\x000100003f800000')) t(n, what, bytes) ORDER BY n;

--
-- functions
--
SELECT embedding_dims('[1,2,3]'), embedding_dims((SELECT e FROM big WHERE id = 1)), embedding_dims(NULL);
SELECT embedding_norm('[3,4]'), embedding_norm('[0,0]'), embedding_norm('[3e38,3e38]') / 3e38::float4;
SELECT l2_normalize('[3,4]'), l2_normalize('[0,0]'), l2_normalize('[3e38,0]'), l2_normalize('[1e-45,0]');
SELECT subvector('[1,2,3,4]', 2, 2), subvector('[1,2,3,4]', 3, 10), subvector('[1,2,3,4]', -1, 4),
	subvector('[1,2,3,4]', 1, 2147483647), subvector('[1,2,3,4]', 4, 1);
-- one after the other, as in pgvector; a text is made of an embedding by a cast
SELECT '[1,2,3]'::embedding || '[4,5]', '[4]' || '[1,2,3]'::embedding, 'e: ' || '[1]'::embedding::text, '[1]'::embedding || NULL AS none;
SELECT failure($$SELECT '[1]'::embedding || 'x'$$),
	failure($$SELECT array_fill(0::real, ARRAY[16000])::embedding || '[1]'$$);
SELECT embedding_dims(e || e) FROM (SELECT array_fill(0::real, ARRAY[8000])::embedding AS e) x;
-- a bit for each element that is above 0
SELECT binary_quantize('[1,0,-1]'::embedding), binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'::embedding), binary_quantize(NULL::embedding);
SELECT length(b), bit_count(b) FROM (SELECT binary_quantize(array_fill(1::real, ARRAY[16000])::embedding) AS b) x;
SELECT failure(format('SELECT subvector(%L, %s)', '[1,2]', a))
FROM unnest(ARRAY['1, 0', '3, 1', '-5, 2', '1, -1', '2147483647, 2147483647', '-2147483648, -2147483648']) a;

--
-- distances
--
SELECT '[0,0]'::embedding <-> '[3,4]', '[1,2,3]'::embedding <#> '[4,5,6]', '[1,0]'::embedding <=> '[0,2]', '[1,-2]'::embedding <+> '[-3,4]';
SELECT '[1,2]'::embedding <=> '[2,4]', '[1,2]'::embedding <=> '[-2,-4]', '[0,0]'::embedding <=> '[1,1]', '[0]'::embedding <=> '[0]';
SELECT embedding_l2_distance('[0,0]', '[3,4]'), embedding_inner_product('[1,2,3]', '[4,5,6]'),
	embedding_negative_inner_product('[1,2,3]', '[4,5,6]'), embedding_cosine_distance('[1,0]', '[1,1]'),
	embedding_l1_distance('[1,-2]', '[-3,4]');
-- no overflow, no underflow: sums are double
SELECT '[3e38,3e38]'::embedding <-> '[-3e38,-3e38]' > 8e38, '[3e38]'::embedding <+> '[-3e38]' > 5e38,
	'[1e-45]'::embedding <-> '[0]' > 0, '[1e-45,0]'::embedding <=> '[1e-45,1e-45]', '[3e38,0]'::embedding <=> '[3e38,3e38]';
-- every length against plain SQL arithmetic, so that no tail of a vectorised loop is lost
WITH v AS MATERIALIZED (
	SELECT n, array_agg(sin(n + i)::real ORDER BY i) a, array_agg(cos(n * i)::real ORDER BY i) b
	FROM generate_series(1, 70) n, generate_series(1, n) i GROUP BY n
), s AS (
	SELECT n, a::embedding AS a, b::embedding AS b, x.*
	FROM v, LATERAL (
		SELECT sum((p::float8 - q::float8) ^ 2) AS l2, sum(p::float8 * q::float8) AS ip, sum(abs(p::float8 - q::float8)) AS l1,
			sum(p::float8 ^ 2) AS pp, sum(q::float8 ^ 2) AS qq
		FROM unnest(a, b) u(p, q)) x
)
SELECT count(*), max(abs((a <-> b) - sqrt(l2))) < 1e-14 AS l2, max(abs((a <#> b) + ip)) < 1e-14 AS ip,
	max(abs((a <+> b) - l1)) < 1e-13 AS l1, max(abs((a <=> b) - (1 - ip / sqrt(pp * qq)))) < 1e-14 AS cosine,
	max(abs(embedding_norm(a) - sqrt(pp))) < 1e-14 AS norm, max(abs(embedding_norm(l2_normalize(a)) - 1)) < 1e-7 AS unit
FROM s;
SELECT op, failure(format('SELECT %L::embedding %s %L::embedding', '[1,2]', op, '[1,2,3]'))
FROM unnest('{<->,<=>,<#>,<+>,+,-,*}'::text[]) op;
SELECT id, e <-> '[4,5,7]' AS distance FROM e3 ORDER BY e <-> '[4,5,7]', id;
SELECT id FROM big ORDER BY e <-> (SELECT e FROM big WHERE id = 7), id LIMIT 1;

--
-- arithmetic
--
SELECT '[1,2,3]'::embedding + '[4,5,6]', '[1,2,3]'::embedding - '[4,5,6]', '[1,2,3]'::embedding * '[4,5,6]', '[1,0]'::embedding * '[0,-1]';
SELECT failure(s) FROM unnest(ARRAY[
	$$SELECT '[3e38]'::embedding + '[3e38]'$$, $$SELECT '[-3e38]'::embedding - '[3e38]'$$,
	$$SELECT '[1e37]'::embedding * '[1e37]'$$, $$SELECT '[1e-37]'::embedding * '[1e-37]'$$]) s;

--
-- order and hash
--
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, embedding_cmp(a, b) AS cmp
FROM (VALUES ('[1,2]'::embedding, '[1,2]'::embedding), ('[1,2]', '[1,3]'), ('[2]', '[1,3]'), ('[1]', '[1,0]'), ('[-0]', '[0]')) t(a, b);
SELECT e FROM (VALUES ('[2]'::embedding), ('[1,2]'), ('[1]'), (NULL), ('[-1,5]'), ('[1,1]')) t(e) ORDER BY e;
SELECT embedding_hash('[-0,1]') = embedding_hash('[0,1]') AS zeros, embedding_hash('[0]') <> embedding_hash('[0,0]') AS lengths,
	embedding_hash_extended('[-0,1]', 42) = embedding_hash_extended('[0,1]', 42) AS extended,
	embedding_hash_extended('[1]', 1) <> embedding_hash_extended('[1]', 2) AS seeds;
-- the hash opclass wants the low half of the extended hash with seed 0 to be the hash
SELECT bool_and(embedding_hash(e) = (embedding_hash_extended(e, 0)::bit(64) << 32)::bit(32)::int) FROM big WHERE e IS NOT NULL;

CREATE TABLE dup AS SELECT i, ('[' || i % 3 || ',' || CASE WHEN i % 2 = 0 THEN '-0' ELSE '0' END || ']')::embedding AS e FROM generate_series(1, 30) i;
ANALYZE dup;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT e, count(*) FROM dup GROUP BY e;
SELECT (subvector(e, 1, 1)), count(*) FROM dup GROUP BY e ORDER BY 1;
SELECT count(*) FROM (SELECT DISTINCT e FROM dup) d;
RESET enable_sort;
SET enable_hashagg = off;
EXPLAIN (COSTS OFF) SELECT e, count(*) FROM dup GROUP BY e;
SELECT (subvector(e, 1, 1)), count(*) FROM dup GROUP BY e ORDER BY 1;
SELECT count(*) FROM (SELECT DISTINCT e FROM dup) d;
RESET enable_hashagg;
SELECT count(*) FROM dup a JOIN dup b USING (e);
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM dup a JOIN dup b USING (e);
RESET enable_hashjoin;
RESET enable_nestloop;

CREATE UNIQUE INDEX big_e ON big (e);
CREATE INDEX big_hash ON big USING hash (e);
SET enable_seqscan = off;
SELECT id FROM big WHERE e = (SELECT e FROM copied WHERE id = 9 LIMIT 1);
DROP INDEX big_e;
SELECT id FROM big WHERE e = (SELECT e FROM copied WHERE id = 9 LIMIT 1);
RESET enable_seqscan;
CREATE UNIQUE INDEX e3_e ON e3 (e);
SELECT failure($$INSERT INTO e3 VALUES (9, '[1,2,3]')$$);
CREATE TABLE parts (e embedding) PARTITION BY HASH (e);
CREATE TABLE parts0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT e FROM big;
SELECT count(*), (SELECT count(*) > 0 FROM parts0), (SELECT count(*) > 0 FROM parts1) FROM parts;

-- rows out of line (TOAST), and compressed
CREATE TABLE wide (e embedding);
INSERT INTO wide SELECT array_agg(0.5::real) FROM generate_series(1, 16000);
INSERT INTO wide SELECT array_agg(sin(i * i)::real ORDER BY i) FROM generate_series(1, 16000) i;
SELECT embedding_dims(e), e = e, e <-> e, pg_column_size(e) < 64000 AS compressed FROM wide ORDER BY compressed;

--
-- casts
--
SELECT '[1,2.5]'::embedding::real[], '[1,2.5]'::embedding::double precision[], '[1,2.5,3.5]'::embedding::integer[], '[1,2.5]'::embedding::numeric[];
SELECT '{1,2.5}'::real[]::embedding, '{1,2.5}'::double precision[]::embedding, '{1,-2}'::integer[]::embedding, '{1,2.5}'::numeric[]::embedding;
SELECT '[2:3]={1,2}'::real[]::embedding, ARRAY[0.1, 1e-50]::float8[]::embedding, '[0.1]'::embedding::float8[];
-- implicit to real[] alone
SELECT castsource::regtype, casttarget::regtype, castcontext
FROM pg_cast WHERE 'embedding'::regtype IN (castsource, casttarget) ORDER BY castsource::regtype::text, casttarget::regtype::text;
SELECT failure(s) FROM unnest(ARRAY[
	$$SELECT '{}'::real[]::embedding$$, $$SELECT '{{1,2},{3,4}}'::real[]::embedding$$, $$SELECT '{1,NULL}'::real[]::embedding$$,
	$$SELECT '{NaN}'::real[]::embedding$$, $$SELECT '{Infinity}'::real[]::embedding$$,
	$$SELECT '{NaN}'::float8[]::embedding$$, $$SELECT '{-Infinity}'::float8[]::embedding$$, $$SELECT '{1e39}'::float8[]::embedding$$,
	$$SELECT '{1e39}'::numeric[]::embedding$$, $$SELECT '{NaN}'::numeric[]::embedding$$, $$SELECT '{1,NULL}'::numeric[]::embedding$$,
	$$SELECT '{{1}}'::integer[]::embedding$$, $$SELECT '{1,NULL}'::integer[]::embedding$$,
	$$SELECT array_fill(1::real, ARRAY[16001])::embedding$$, $$SELECT '[3e9]'::embedding::integer[]$$]) s;

--
-- avg and sum
--
SELECT avg(e), sum(e), count(e) FROM e3;
SELECT avg(e), sum(e) FROM e3 WHERE e IS NULL;
SELECT avg(e), sum(e) FROM e3 WHERE false;
SELECT id % 2 AS odd, avg(e), sum(e) FROM e3 GROUP BY 1 ORDER BY 1;
SELECT id, sum(e) OVER (ORDER BY id), avg(e) OVER (ORDER BY id ROWS 1 PRECEDING) FROM e3 ORDER BY id;
SELECT avg(DISTINCT e), sum(DISTINCT e) FROM dup;
SELECT avg(e) FROM (VALUES ('[3e38]'::embedding), ('[3e38]')) t(e);
SELECT failure(s) FROM unnest(ARRAY[
	$$SELECT sum(e) FROM (VALUES ('[3e38]'::embedding), ('[3e38]')) t(e)$$,
	$$SELECT avg(e) FROM (VALUES ('[1,2]'::embedding), ('[1]')) t(e)$$,
	$$SELECT sum(e) FROM (VALUES ('[1]'::embedding), ('[1,2]')) t(e)$$]) s;
-- states made by hand
SELECT embedding_accum('{0}', '[1,2]'), embedding_combine('{1,2}', '{0}'), embedding_combine('{0}', '{1,2}'), embedding_combine('{1,2}', '{2,3}'),
	embedding_avg_final('{2,3}'), embedding_sum_final('{2,3}'), embedding_avg_final('{0}');
SELECT s, failure(format('SELECT embedding_accum(%L, %L)', s, '[1]')), failure(format('SELECT embedding_avg_final(%L)', s))
FROM unnest(ARRAY['{}', '{1}', '{0,1}', '{-1,1}', '{NaN,1}', '{Infinity,1}', '{{1,2}}', '{1,NULL}', '{1,2,3}', '{1,NaN}']) s;
SELECT failure($$SELECT embedding_combine('{1,2}', '{1,2,3}')$$),
	failure($$SELECT embedding_accum(array_fill(1::float8, ARRAY[16002]), '[1]')$$);

-- parallel
CREATE TABLE many AS SELECT i AS id, ('[' || i % 7 || ',' || i % 11 || ']')::embedding(2) AS e FROM generate_series(1, 20000) i;
ANALYZE many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT avg(e), sum(e) FROM many;
SELECT sum(e) FROM many;
CREATE TEMP TABLE result AS SELECT avg(e) AS parallel FROM many;
EXPLAIN (COSTS OFF) SELECT id FROM many ORDER BY e <-> '[3,5]' LIMIT 3;
SET max_parallel_workers_per_gather = 0;
SELECT parallel = (SELECT avg(e) FROM many), parallel <-> ARRAY[(SELECT avg(id % 7) FROM many), (SELECT avg(id % 11) FROM many)]::embedding < 1e-6 FROM result;
-- a worker without rows: no state beside a full one
SELECT embedding_avg_final(embedding_combine(embedding_combine('{0}', '{0}'), embedding_accum('{0}', '[1,2]')));
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- nothing depends on search_path
SET search_path = pg_catalog;
SELECT selfclass.avg(e), min(e OPERATOR(selfclass.<->) '[1,1]') FROM public.many;
SELECT id FROM public.e3 WHERE e OPERATOR(selfclass.=) '[4,5,6]' ORDER BY e;
RESET search_path;

-- every object of the type has a comment (but the array and row types that PostgreSQL makes, which 17 records too)
SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'selfclass')
	AND obj_description(objid, classid::regclass::name) IS NULL
	AND NOT (classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = objid AND (t.typrelid <> 0 OR t.typcategory = 'A')))
	ORDER BY 1;
-- what takes and gives only values may run in parallel workers
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.proname ~ '^(embedding|l2_normalize|subvector|avg|sum)' AND p.pronamespace = 'selfclass'::regnamespace
	AND 'embedding'::regtype = ANY (p.proargtypes || p.prorettype) AND p.proparallel <> 's';

DROP TABLE e3, big, copied, dup, parts, wide, many;
