/* sql/selfclass--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION selfclass" to load this file. \quit

-- ---------------------------------------------------------------------------
-- type embedding
-- ---------------------------------------------------------------------------

-- Stored byte for byte as pgvector's type vector: int2 dim, int2 zero, float4s.
CREATE TYPE embedding;

CREATE FUNCTION embedding_in(cstring, oid, integer) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_out(embedding) RETURNS cstring
	AS 'MODULE_PATHNAME', 'scpg_embedding_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_typmod_in(cstring[]) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_embedding_typmod_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_recv(internal, oid, integer) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION embedding_send(embedding) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_embedding_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE embedding (
	INPUT = embedding_in,
	OUTPUT = embedding_out,
	TYPMOD_IN = embedding_typmod_in,
	RECEIVE = embedding_recv,
	SEND = embedding_send,
	ALIGNMENT = int4,
	STORAGE = external
);
COMMENT ON TYPE embedding IS 'point of up to 16,000 dimensions in single precision: [1,2,3]';
COMMENT ON FUNCTION embedding_in(cstring, oid, integer) IS 'I/O';
COMMENT ON FUNCTION embedding_out(embedding) IS 'I/O';
COMMENT ON FUNCTION embedding_typmod_in(cstring[]) IS 'I/O typmod';
COMMENT ON FUNCTION embedding_recv(internal, oid, integer) IS 'I/O';
COMMENT ON FUNCTION embedding_send(embedding) IS 'I/O';

-- functions

CREATE FUNCTION embedding_dims(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_embedding_dims' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_dims(embedding) IS 'number of dimensions';

CREATE FUNCTION embedding_norm(embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_norm' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_norm(embedding) IS 'Euclidean length';

CREATE FUNCTION l2_normalize(embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_l2_normalize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION l2_normalize(embedding) IS 'scaled to Euclidean length 1 (all zeros stay so)';

CREATE FUNCTION subvector(embedding, integer, integer) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_subvector' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(embedding, integer, integer) IS 'elements from a start, counted from 1, and how many';

-- distances

CREATE FUNCTION embedding_l2_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_l2_distance(embedding, embedding) IS 'Euclidean distance';

CREATE FUNCTION embedding_cosine_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_cosine_distance(embedding, embedding) IS '1 - cosine of the angle (NaN where one is all zeros)';

CREATE FUNCTION embedding_inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_inner_product(embedding, embedding) IS 'inner product';

CREATE FUNCTION embedding_negative_inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_negative_inner_product(embedding, embedding) IS 'negative inner product, so that ascending order gives the largest first';

CREATE FUNCTION embedding_l1_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_l1_distance(embedding, embedding) IS 'taxicab distance';

CREATE OPERATOR <-> (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_l2_distance,
	COMMUTATOR = '<->'
);
COMMENT ON OPERATOR <-> (embedding, embedding) IS 'Euclidean distance';

CREATE OPERATOR <=> (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_cosine_distance,
	COMMUTATOR = '<=>'
);
COMMENT ON OPERATOR <=> (embedding, embedding) IS 'cosine distance';

CREATE OPERATOR <#> (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_negative_inner_product,
	COMMUTATOR = '<#>'
);
COMMENT ON OPERATOR <#> (embedding, embedding) IS 'negative inner product';

CREATE OPERATOR <+> (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_l1_distance,
	COMMUTATOR = '<+>'
);
COMMENT ON OPERATOR <+> (embedding, embedding) IS 'taxicab distance';

-- arithmetic, element by element

CREATE FUNCTION embedding_add(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_add(embedding, embedding) IS 'sum, element by element';

CREATE FUNCTION embedding_sub(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_sub' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_sub(embedding, embedding) IS 'difference, element by element';

CREATE FUNCTION embedding_mul(embedding, embedding) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_mul' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_mul(embedding, embedding) IS 'product, element by element';

CREATE OPERATOR + (LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_add, COMMUTATOR = +);
COMMENT ON OPERATOR + (embedding, embedding) IS 'sum, element by element';
CREATE OPERATOR - (LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_sub);
COMMENT ON OPERATOR - (embedding, embedding) IS 'difference, element by element';
CREATE OPERATOR * (LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_mul, COMMUTATOR = *);
COMMENT ON OPERATOR * (embedding, embedding) IS 'product, element by element';

-- order: element by element, then the shorter one first

CREATE FUNCTION embedding_lt(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_embedding_lt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_lt(embedding, embedding) IS 'less than';

CREATE FUNCTION embedding_le(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_embedding_le' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_le(embedding, embedding) IS 'less than or equal';

CREATE FUNCTION embedding_eq(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_embedding_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_eq(embedding, embedding) IS 'equal';

CREATE FUNCTION embedding_ne(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_embedding_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_ne(embedding, embedding) IS 'not equal';

CREATE FUNCTION embedding_ge(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_embedding_ge' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_ge(embedding, embedding) IS 'greater than or equal';

CREATE FUNCTION embedding_gt(embedding, embedding) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_embedding_gt' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_gt(embedding, embedding) IS 'greater than';

CREATE FUNCTION embedding_cmp(embedding, embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_embedding_cmp' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_cmp(embedding, embedding) IS 'less-equal-greater';

CREATE FUNCTION embedding_hash(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_embedding_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_hash(embedding) IS 'hash';

CREATE FUNCTION embedding_hash_extended(embedding, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'scpg_embedding_hash_extended' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_hash_extended(embedding, bigint) IS 'hash';

CREATE OPERATOR < (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_lt,
	COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (embedding, embedding) IS 'less than';

CREATE OPERATOR <= (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_le,
	COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (embedding, embedding) IS 'less than or equal';

CREATE OPERATOR = (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_eq,
	COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR = (embedding, embedding) IS 'equal';

CREATE OPERATOR <> (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_ne,
	COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (embedding, embedding) IS 'not equal';

CREATE OPERATOR >= (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_ge,
	COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (embedding, embedding) IS 'greater than or equal';

CREATE OPERATOR > (
	LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_gt,
	COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (embedding, embedding) IS 'greater than';

CREATE OPERATOR CLASS embedding_ops DEFAULT FOR TYPE embedding USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
	FUNCTION 1 embedding_cmp(embedding, embedding);
COMMENT ON OPERATOR CLASS embedding_ops USING btree IS 'order of embeddings, element by element';
COMMENT ON OPERATOR FAMILY embedding_ops USING btree IS 'order of embeddings, element by element';
CREATE OPERATOR CLASS embedding_ops DEFAULT FOR TYPE embedding USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 embedding_hash(embedding),
	FUNCTION 2 embedding_hash_extended(embedding, bigint);
COMMENT ON OPERATOR CLASS embedding_ops USING hash IS 'equality of embeddings';
COMMENT ON OPERATOR FAMILY embedding_ops USING hash IS 'equality of embeddings';

-- casts

CREATE FUNCTION embedding(embedding, integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_coerce' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding(embedding, integer, boolean) IS 'checks the number of dimensions against embedding(n)';

CREATE CAST (embedding AS embedding) WITH FUNCTION embedding(embedding, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (embedding AS embedding) IS 'checks the number of dimensions against embedding(n)';

CREATE FUNCTION embedding(real[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding(real[], integer, boolean) IS 'array of real to embedding';

CREATE CAST (real[] AS embedding) WITH FUNCTION embedding(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS embedding) IS 'array to embedding';

CREATE FUNCTION embedding_to_float4_array(embedding) RETURNS real[]
	AS 'MODULE_PATHNAME', 'scpg_embedding_to_float4_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_float4_array(embedding) IS 'embedding to array of real';

CREATE CAST (embedding AS real[]) WITH FUNCTION embedding_to_float4_array(embedding) AS IMPLICIT;
COMMENT ON CAST (embedding AS real[]) IS 'embedding to array';

CREATE FUNCTION embedding(double precision[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding(double precision[], integer, boolean) IS 'array of double precision to embedding';

CREATE CAST (double precision[] AS embedding) WITH FUNCTION embedding(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS embedding) IS 'array to embedding';

CREATE FUNCTION embedding_to_float8_array(embedding) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'scpg_embedding_to_float8_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_float8_array(embedding) IS 'embedding to array of double precision';

CREATE CAST (embedding AS double precision[]) WITH FUNCTION embedding_to_float8_array(embedding) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS double precision[]) IS 'embedding to array';

CREATE FUNCTION embedding(integer[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding(integer[], integer, boolean) IS 'array of integer to embedding';

CREATE CAST (integer[] AS embedding) WITH FUNCTION embedding(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS embedding) IS 'array to embedding';

CREATE FUNCTION embedding_to_int4_array(embedding) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'scpg_embedding_to_int4_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_int4_array(embedding) IS 'embedding to array of integer';

CREATE CAST (embedding AS integer[]) WITH FUNCTION embedding_to_int4_array(embedding) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS integer[]) IS 'embedding to array';

CREATE FUNCTION embedding(numeric[], integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_from_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding(numeric[], integer, boolean) IS 'array of numeric to embedding';

CREATE CAST (numeric[] AS embedding) WITH FUNCTION embedding(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS embedding) IS 'array to embedding';

CREATE FUNCTION embedding_to_numeric_array(embedding) RETURNS numeric[]
	AS 'MODULE_PATHNAME', 'scpg_embedding_to_numeric_array' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_numeric_array(embedding) IS 'embedding to array of numeric';

CREATE CAST (embedding AS numeric[]) WITH FUNCTION embedding_to_numeric_array(embedding) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS numeric[]) IS 'embedding to array';

-- aggregates; the state is the number of rows and the sum of each dimension

CREATE FUNCTION embedding_accum(double precision[], embedding) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'scpg_embedding_accum' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_accum(double precision[], embedding) IS 'adds a row to the state of avg and sum';

CREATE FUNCTION embedding_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME', 'scpg_embedding_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_combine(double precision[], double precision[]) IS 'joins two states of avg and sum';

CREATE FUNCTION embedding_avg_final(double precision[]) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_avg' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_avg_final(double precision[]) IS 'result of avg';

CREATE FUNCTION embedding_sum_final(double precision[]) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embedding_sum' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_sum_final(double precision[]) IS 'result of sum';

CREATE AGGREGATE avg(embedding) (
	SFUNC = embedding_accum,
	STYPE = double precision[],
	SSPACE = 4112,
	FINALFUNC = embedding_avg_final,
	COMBINEFUNC = embedding_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(embedding) IS 'mean of the embeddings that are not NULL; NULL where there is none';

CREATE AGGREGATE sum(embedding) (
	SFUNC = embedding_accum,
	STYPE = double precision[],
	SSPACE = 4112,
	FINALFUNC = embedding_sum_final,
	COMBINEFUNC = embedding_combine,
	INITCOND = '{0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(embedding) IS 'sum of the embeddings that are not NULL; NULL where there is none';

-- ---------------------------------------------------------------------------
-- analytics: PCA
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- analytics: k-means
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- analytics: elbow
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- analytics: k-NN
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- measures of a clustering against truth
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- pictures
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- models: tables that pg_dump carries
-- ---------------------------------------------------------------------------

-- ---------------------------------------------------------------------------
-- training, embedding, clustering of images
-- ---------------------------------------------------------------------------
