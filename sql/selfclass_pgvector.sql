-- The companion extension: embeddings in pgvector's indexes. Skipped where
-- pgvector is not installed (expected/selfclass_pgvector_1.out).
SELECT count(*) = 0 AS skip FROM pg_available_extensions WHERE name = 'vector' \gset
\if :skip
\echo pgvector is not installed
\quit
\endif
CREATE SCHEMA vectors;
SET client_min_messages = warning;
CREATE EXTENSION vector SCHEMA vectors;
CREATE EXTENSION selfclass_pgvector;
RESET client_min_messages;
SET search_path = public, selfclass, vectors;

SELECT '[1,2.5,-3]'::embedding::vector, '[1,2.5,-3]'::vector::embedding;
SELECT embedding_send('[1,2.5,-3]') = vector_send('[1,2.5,-3]'::embedding::vector);
-- the modifier is checked on the way
SELECT '[1,2]'::embedding::vector(2), '[1,2]'::vector::embedding(2);
\set VERBOSITY sqlstate
SELECT '[1,2]'::embedding::vector(3);
SELECT '[1,2]'::vector::embedding(3);
-- the two types do not mix by themselves
SELECT '[1,2]'::embedding <-> '[1,2]'::vector;
\set VERBOSITY default
SELECT '[1,2]'::embedding <-> '[1,3]'::vector::embedding;

-- assignment
CREATE TABLE v (id int, e embedding(2), v vector(2));
INSERT INTO v SELECT i, ARRAY[i, 1]::embedding, ARRAY[1, i]::embedding FROM generate_series(1, 50) i;
UPDATE v SET e = v WHERE id = 50;
SELECT * FROM v WHERE id >= 49 ORDER BY id;

-- an index of pgvector over an embedding column finds the neighbours
CREATE INDEX v_hnsw ON v USING hnsw ((e::vector(2)) vector_l2_ops);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM v ORDER BY e::vector(2) <-> '[7,1]' LIMIT 3;
SELECT id FROM v ORDER BY e::vector(2) <-> '[7.1,1]' LIMIT 3;
RESET enable_seqscan;

-- by way of vector to pgvector's other types, and to bits
SELECT e::vector::halfvec(2), binary_quantize(e)::bit(2), binary_quantize(e) = binary_quantize(v) AS same, e || e AS both FROM v WHERE id = 2;
CREATE INDEX v_half ON v USING hnsw ((e::vector::halfvec(2)) halfvec_l2_ops);
CREATE INDEX v_bits ON v USING hnsw ((binary_quantize(e)::bit(2)) bit_hamming_ops);
CREATE INDEX v_id ON v (id);
CREATE INDEX v_other ON v USING hnsw (v vector_l2_ops);
-- the indexes over the casts, which are to be dropped with them
SELECT i.indexrelid::regclass, pg_get_indexdef(i.indexrelid) FROM pg_index i
WHERE EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
	AND d.refclassid = 'pg_type'::regclass AND d.refobjid = 'vector'::regtype)
	AND EXISTS (SELECT FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
		WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refclassid = 'pg_class'::regclass
			AND a.atttypid = 'embedding'::regtype) ORDER BY 1::text;
DROP INDEX v_half, v_bits, v_other;

-- a column changes its type without a rewrite (without a modifier to check)
DROP INDEX v_hnsw;
SELECT pg_relation_filenode('v') AS filenode \gset
ALTER TABLE v ALTER e TYPE vector;
SELECT pg_relation_filenode('v') = :filenode AS kept, vector_dims(e) FROM v WHERE id = 1;

DROP TABLE v;
DROP EXTENSION selfclass_pgvector;
DROP EXTENSION vector;
DROP SCHEMA vectors;
