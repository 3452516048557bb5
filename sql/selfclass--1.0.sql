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
	-- In the row itself where it fits: a scan of all is four times as fast for 512 dimensions.
	STORAGE = main
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
	AS 'MODULE_PATHNAME', 'scpg_embedding_l2_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION embedding_l2_distance(embedding, embedding) IS 'Euclidean distance';

CREATE FUNCTION embedding_cosine_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_cosine_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION embedding_cosine_distance(embedding, embedding) IS '1 - cosine of the angle (NaN where one is all zeros)';

CREATE FUNCTION embedding_inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION embedding_inner_product(embedding, embedding) IS 'inner product';

CREATE FUNCTION embedding_negative_inner_product(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_negative_inner_product' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION embedding_negative_inner_product(embedding, embedding) IS 'negative inner product, so that ascending order gives the largest first';

CREATE FUNCTION embedding_l1_distance(embedding, embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_embedding_l1_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
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

CREATE TYPE pca_model;

CREATE FUNCTION pca_model_in(cstring) RETURNS pca_model
	AS 'MODULE_PATHNAME', 'scpg_pca_model_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pca_model_out(pca_model) RETURNS cstring
	AS 'MODULE_PATHNAME', 'scpg_pca_model_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pca_model_recv(internal) RETURNS pca_model
	AS 'MODULE_PATHNAME', 'scpg_pca_model_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pca_model_send(pca_model) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_pca_model_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE pca_model (
	INPUT = pca_model_in,
	OUTPUT = pca_model_out,
	RECEIVE = pca_model_recv,
	SEND = pca_model_send,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE pca_model IS 'mean, components and variances of a principal component analysis';
COMMENT ON FUNCTION pca_model_in(cstring) IS 'I/O';
COMMENT ON FUNCTION pca_model_out(pca_model) IS 'I/O';
COMMENT ON FUNCTION pca_model_recv(internal) IS 'I/O';
COMMENT ON FUNCTION pca_model_send(pca_model) IS 'I/O';

-- The state is a flat bytea: options, sums, and rows that wait to be multiplied.

CREATE FUNCTION pca_accum(bytea, embedding, integer) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_pca_accum_number' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION pca_accum(bytea, embedding, integer) IS 'adds a row to the state of pca_fit';

CREATE FUNCTION pca_accum(bytea, embedding, integer, jsonb) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_pca_accum_number' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION pca_accum(bytea, embedding, integer, jsonb) IS 'adds a row to the state of pca_fit';

CREATE FUNCTION pca_accum(bytea, embedding, double precision) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_pca_accum_share' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION pca_accum(bytea, embedding, double precision) IS 'adds a row to the state of pca_fit';

CREATE FUNCTION pca_accum(bytea, embedding, double precision, jsonb) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_pca_accum_share' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION pca_accum(bytea, embedding, double precision, jsonb) IS 'adds a row to the state of pca_fit';

CREATE FUNCTION pca_combine(bytea, bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_pca_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION pca_combine(bytea, bytea) IS 'joins two states of pca_fit';

CREATE FUNCTION pca_final(bytea) RETURNS pca_model
	AS 'MODULE_PATHNAME', 'scpg_pca_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION pca_final(bytea) IS 'result of pca_fit';

CREATE AGGREGATE pca_fit(embedding, integer) (
	SFUNC = pca_accum,
	STYPE = bytea,
	SSPACE = 1460000,
	FINALFUNC = pca_final,
	COMBINEFUNC = pca_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE pca_fit(embedding, integer) IS 'principal components of the embeddings, so many';

CREATE AGGREGATE pca_fit(embedding, integer, jsonb) (
	SFUNC = pca_accum,
	STYPE = bytea,
	SSPACE = 1460000,
	FINALFUNC = pca_final,
	COMBINEFUNC = pca_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE pca_fit(embedding, integer, jsonb) IS 'principal components of the embeddings, so many; options: whiten';

CREATE AGGREGATE pca_fit(embedding, double precision) (
	SFUNC = pca_accum,
	STYPE = bytea,
	SSPACE = 1460000,
	FINALFUNC = pca_final,
	COMBINEFUNC = pca_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE pca_fit(embedding, double precision) IS 'principal components of the embeddings, as many as explain that share of the variance';

CREATE AGGREGATE pca_fit(embedding, double precision, jsonb) (
	SFUNC = pca_accum,
	STYPE = bytea,
	SSPACE = 1460000,
	FINALFUNC = pca_final,
	COMBINEFUNC = pca_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE pca_fit(embedding, double precision, jsonb) IS 'principal components of the embeddings, as many as explain that share of the variance; options: whiten';

CREATE FUNCTION pca_transform(e embedding, m pca_model) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_pca_transform' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION pca_transform(embedding, pca_model) IS 'coordinates along the components';

CREATE FUNCTION pca_components(m pca_model)
	RETURNS TABLE (component integer, embedding embedding, explained_variance double precision, explained_variance_ratio double precision)
	AS 'MODULE_PATHNAME', 'scpg_pca_components' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION pca_components(pca_model) IS 'the components, unit vectors counted from 1, and the variance along each';

CREATE FUNCTION pca_mean(m pca_model) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_pca_mean' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION pca_mean(pca_model) IS 'mean of the rows that the components were found in';

-- ---------------------------------------------------------------------------
-- analytics: k-means
-- ---------------------------------------------------------------------------

CREATE TYPE kmeans_model;

CREATE FUNCTION kmeans_model_in(cstring) RETURNS kmeans_model
	AS 'MODULE_PATHNAME', 'scpg_kmeans_model_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION kmeans_model_out(kmeans_model) RETURNS cstring
	AS 'MODULE_PATHNAME', 'scpg_kmeans_model_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION kmeans_model_recv(internal) RETURNS kmeans_model
	AS 'MODULE_PATHNAME', 'scpg_kmeans_model_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION kmeans_model_send(kmeans_model) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_kmeans_model_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE kmeans_model (
	INPUT = kmeans_model_in,
	OUTPUT = kmeans_model_out,
	RECEIVE = kmeans_model_recv,
	SEND = kmeans_model_send,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE kmeans_model IS 'centroids and sizes of the clusters of k-means';
COMMENT ON FUNCTION kmeans_model_in(cstring) IS 'I/O';
COMMENT ON FUNCTION kmeans_model_out(kmeans_model) IS 'I/O';
COMMENT ON FUNCTION kmeans_model_recv(internal) IS 'I/O';
COMMENT ON FUNCTION kmeans_model_send(kmeans_model) IS 'I/O';

-- The state holds every row: four bytes a dimension, counted against selfclass.max_memory.

CREATE FUNCTION kmeans_accum(internal, embedding, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_kmeans_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_accum(internal, embedding, integer) IS 'adds a row to the state of kmeans_fit';

CREATE FUNCTION kmeans_accum(internal, embedding, integer, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_kmeans_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_accum(internal, embedding, integer, jsonb) IS 'adds a row to the state of kmeans_fit';

CREATE FUNCTION kmeans_final(internal) RETURNS kmeans_model
	AS 'MODULE_PATHNAME', 'scpg_kmeans_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_final(internal) IS 'result of kmeans_fit';

CREATE AGGREGATE kmeans_fit(embedding, integer) (
	SFUNC = kmeans_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = kmeans_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_fit(embedding, integer) IS 'clusters of the embeddings that are not NULL, so many, the largest first';

CREATE AGGREGATE kmeans_fit(embedding, integer, jsonb) (
	SFUNC = kmeans_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = kmeans_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_fit(embedding, integer, jsonb) IS 'clusters of the embeddings that are not NULL, so many, the largest first; options: n_init, max_iter, tol, seed, init';

-- One Lloyd iteration. The state is a flat bytea: the model, sums by cluster, and rows that wait to be measured.

CREATE FUNCTION kmeans_step_accum(bytea, embedding, kmeans_model) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_kmeans_step_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION kmeans_step_accum(bytea, embedding, kmeans_model) IS 'adds a row to the state of kmeans_step';

CREATE FUNCTION kmeans_step_combine(bytea, bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_kmeans_step_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_step_combine(bytea, bytea) IS 'joins two states of kmeans_step';

CREATE FUNCTION kmeans_step_final(bytea) RETURNS kmeans_model
	AS 'MODULE_PATHNAME', 'scpg_kmeans_step_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_step_final(bytea) IS 'result of kmeans_step';

CREATE AGGREGATE kmeans_step(e embedding, m kmeans_model) (
	SFUNC = kmeans_step_accum,
	STYPE = bytea,
	SSPACE = 1000000,
	FINALFUNC = kmeans_step_final,
	COMBINEFUNC = kmeans_step_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE kmeans_step(embedding, kmeans_model) IS 'one Lloyd iteration: the model with each centroid at the mean of the rows nearest to it, an empty one at the farthest row; size and inertia are those of the centroids given; converged where none has moved';

CREATE FUNCTION kmeans_train(items regclass, emb name, k integer, options jsonb DEFAULT '{}') RETURNS kmeans_model
	AS 'MODULE_PATHNAME', 'scpg_kmeans_train' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION kmeans_train(regclass, name, integer, jsonb) IS 'clusters of the embeddings of a table of any size, the largest first: k-means of a sample, then one query with kmeans_step an iteration, which announces itself by a NOTICE; options: sample (rows), and those of kmeans_fit, n_init for the sample';

CREATE FUNCTION kmeans(e embedding, k integer) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_kmeans_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kmeans(embedding, integer) IS 'the row''s cluster among those of its partition, the largest 0; NULL where the embedding is';

CREATE FUNCTION kmeans(e embedding, k integer, options jsonb) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_kmeans_window' LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kmeans(embedding, integer, jsonb) IS 'the row''s cluster among those of its partition, the largest 0; NULL where the embedding is; options: n_init, max_iter, tol, seed, init';

CREATE FUNCTION kmeans_predict(e embedding, m kmeans_model) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_kmeans_predict' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION kmeans_predict(embedding, kmeans_model) IS 'label of the nearest centroid';

CREATE FUNCTION kmeans_distance(e embedding, m kmeans_model) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_kmeans_distance' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20;
COMMENT ON FUNCTION kmeans_distance(embedding, kmeans_model) IS 'Euclidean distance to the nearest centroid';

CREATE FUNCTION kmeans_centroids(m kmeans_model) RETURNS TABLE (label integer, centroid embedding, size bigint)
	AS 'MODULE_PATHNAME', 'scpg_kmeans_centroids' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10;
COMMENT ON FUNCTION kmeans_centroids(kmeans_model) IS 'the clusters: label, centroid and number of rows';

CREATE FUNCTION kmeans_inertia(m kmeans_model) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_kmeans_inertia' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_inertia(kmeans_model) IS 'sum of the squared distances of the rows to their centroids';

CREATE FUNCTION kmeans_iterations(m kmeans_model) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_kmeans_iterations' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_iterations(kmeans_model) IS 'iterations of the run that was best';

CREATE FUNCTION kmeans_converged(m kmeans_model) RETURNS boolean
	AS 'MODULE_PATHNAME', 'scpg_kmeans_converged' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kmeans_converged(kmeans_model) IS 'did that run end by itself, rather than at max_iter';

-- ---------------------------------------------------------------------------
-- analytics: elbow
-- ---------------------------------------------------------------------------

CREATE TYPE elbow_result;

CREATE FUNCTION elbow_result_in(cstring) RETURNS elbow_result
	AS 'MODULE_PATHNAME', 'scpg_elbow_result_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION elbow_result_out(elbow_result) RETURNS cstring
	AS 'MODULE_PATHNAME', 'scpg_elbow_result_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION elbow_result_recv(internal) RETURNS elbow_result
	AS 'MODULE_PATHNAME', 'scpg_elbow_result_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION elbow_result_send(elbow_result) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_elbow_result_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE TYPE elbow_result (
	INPUT = elbow_result_in,
	OUTPUT = elbow_result_out,
	RECEIVE = elbow_result_recv,
	SEND = elbow_result_send,
	ALIGNMENT = double,
	STORAGE = external
);
COMMENT ON TYPE elbow_result IS 'inertia of k-means for each number of clusters, and the number chosen';
COMMENT ON FUNCTION elbow_result_in(cstring) IS 'I/O';
COMMENT ON FUNCTION elbow_result_out(elbow_result) IS 'I/O';
COMMENT ON FUNCTION elbow_result_recv(internal) IS 'I/O';
COMMENT ON FUNCTION elbow_result_send(elbow_result) IS 'I/O';

-- The state holds every row: four bytes a dimension, counted against selfclass.max_memory.

CREATE FUNCTION elbow_accum(internal, embedding, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_elbow_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION elbow_accum(internal, embedding, integer) IS 'adds a row to the state of elbow';

CREATE FUNCTION elbow_accum(internal, embedding, integer, jsonb) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_elbow_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION elbow_accum(internal, embedding, integer, jsonb) IS 'adds a row to the state of elbow';

CREATE FUNCTION elbow_final(internal) RETURNS elbow_result
	AS 'MODULE_PATHNAME', 'scpg_elbow_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION elbow_final(internal) IS 'result of elbow';

CREATE AGGREGATE elbow(embedding, integer) (
	SFUNC = elbow_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = elbow_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE elbow(embedding, integer) IS 'inertia of k-means for each number of clusters up to a largest one, and the number to choose';

CREATE AGGREGATE elbow(embedding, integer, jsonb) (
	SFUNC = elbow_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = elbow_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE elbow(embedding, integer, jsonb) IS 'inertia of k-means for each number of clusters up to a largest one, and the number to choose; options: method (last_turn, kneedle, silhouette), min_gain, sensitivity, and those of kmeans_fit';

CREATE FUNCTION elbow_k(r elbow_result) RETURNS integer
	AS 'MODULE_PATHNAME', 'scpg_elbow_k' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION elbow_k(elbow_result) IS 'number of clusters chosen; NULL where the curve has no elbow';

CREATE FUNCTION elbow_curve(r elbow_result) RETURNS TABLE (k integer, inertia double precision, chosen boolean)
	AS 'MODULE_PATHNAME', 'scpg_elbow_curve' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 15;
COMMENT ON FUNCTION elbow_curve(elbow_result) IS 'inertia for each number of clusters, and whether it is the one chosen (NULL where none is)';

-- ---------------------------------------------------------------------------
-- analytics: k-NN
-- ---------------------------------------------------------------------------

CREATE FUNCTION knn(items regclass, emb name, query embedding, k integer)
	RETURNS TABLE (id bigint, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn' LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION knn(regclass, name, embedding, integer) IS 'the k rows whose embedding is nearest to one, by Euclidean distance; the key is an integer';

CREATE FUNCTION knn(items regclass, key_example anyelement, emb name, query embedding, k integer)
	RETURNS TABLE (id anyelement, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn_keyed' LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION knn(regclass, anyelement, name, embedding, integer) IS 'the k rows whose embedding is nearest to one, by Euclidean distance; the key is of the type of a NULL given as example';

CREATE FUNCTION knn_join(items regclass, emb name, k integer, queries regclass DEFAULT NULL)
	RETURNS TABLE (id bigint, neighbor bigint, rank integer, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn_join' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION knn_join(regclass, name, integer, regclass) IS 'the k nearest rows for every row of queries, or of the table itself without the row itself; keys are integers';

CREATE FUNCTION knn_join(items regclass, key_example anyelement, emb name, k integer, queries regclass DEFAULT NULL)
	RETURNS TABLE (id anyelement, neighbor anyelement, rank integer, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_knn_join_keyed' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION knn_join(regclass, anyelement, name, integer, regclass) IS 'the k nearest rows for every row of queries, or of the table itself without the row itself; keys are of the type of a NULL given as example';

CREATE FUNCTION near_duplicates(items regclass, emb name, threshold double precision)
	RETURNS TABLE (id bigint, duplicate bigint, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_near_duplicates' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION near_duplicates(regclass, name, double precision) IS 'all pairs of rows whose embeddings are within a Euclidean distance of each other, each once, the lower key first; keys are integers';

CREATE FUNCTION near_duplicates(items regclass, key_example anyelement, emb name, threshold double precision)
	RETURNS TABLE (id anyelement, duplicate anyelement, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_near_duplicates_keyed' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION near_duplicates(regclass, anyelement, name, double precision) IS 'all pairs of rows whose embeddings are within a Euclidean distance of each other, each once, the lower key first; keys are of the type of a NULL given as example';

-- ---------------------------------------------------------------------------
-- measures of a clustering against truth
-- ---------------------------------------------------------------------------

-- The state is a flat bytea: how often each label met each truth.

CREATE FUNCTION label_tally_accum(bytea, integer, text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_tally_accum_text' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION label_tally_accum(bytea, integer, text) IS 'adds a row to the state of the measures of labels';

CREATE FUNCTION label_tally_accum(bytea, integer, bigint) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_tally_accum_bigint' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION label_tally_accum(bytea, integer, bigint) IS 'adds a row to the state of the measures of labels';

CREATE FUNCTION label_tally_combine(bytea, bytea) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_tally_combine' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION label_tally_combine(bytea, bytea) IS 'joins two states of the measures of labels';

CREATE FUNCTION clustering_purity_final(bytea) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_clustering_purity' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION clustering_purity_final(bytea) IS 'result of clustering_purity';

CREATE AGGREGATE clustering_purity(integer, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_purity_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_purity(integer, text) IS 'share of rows whose truth is the most frequent one of their cluster; a NULL label counts as wrong';

CREATE AGGREGATE clustering_purity(integer, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_purity_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_purity(integer, bigint) IS 'share of rows whose truth is the most frequent one of their cluster; a NULL label counts as wrong';

CREATE FUNCTION clustering_accuracy_final(bytea) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_clustering_accuracy' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION clustering_accuracy_final(bytea) IS 'result of clustering_accuracy';

CREATE AGGREGATE clustering_accuracy(integer, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_accuracy_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_accuracy(integer, text) IS 'share of rows whose truth is the one matched to their cluster, in the best one-to-one matching; a NULL label counts as wrong';

CREATE AGGREGATE clustering_accuracy(integer, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = clustering_accuracy_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE clustering_accuracy(integer, bigint) IS 'share of rows whose truth is the one matched to their cluster, in the best one-to-one matching; a NULL label counts as wrong';

CREATE FUNCTION normalized_mutual_info_final(bytea) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_normalized_mutual_info' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION normalized_mutual_info_final(bytea) IS 'result of normalized_mutual_info';

CREATE AGGREGATE normalized_mutual_info(integer, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = normalized_mutual_info_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE normalized_mutual_info(integer, text) IS 'mutual information of label and truth over the mean of their entropies (0 ... 1); rows without a label are one more cluster';

CREATE AGGREGATE normalized_mutual_info(integer, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = normalized_mutual_info_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE normalized_mutual_info(integer, bigint) IS 'mutual information of label and truth over the mean of their entropies (0 ... 1); rows without a label are one more cluster';

CREATE FUNCTION adjusted_rand_index_final(bytea) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_adjusted_rand_index' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION adjusted_rand_index_final(bytea) IS 'result of adjusted_rand_index';

CREATE AGGREGATE adjusted_rand_index(integer, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = adjusted_rand_index_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE adjusted_rand_index(integer, text) IS 'agreement of label and truth over all pairs of rows, corrected for chance (1: the same); rows without a label are one more cluster';

CREATE AGGREGATE adjusted_rand_index(integer, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = adjusted_rand_index_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE adjusted_rand_index(integer, bigint) IS 'agreement of label and truth over all pairs of rows, corrected for chance (1: the same); rows without a label are one more cluster';

CREATE FUNCTION majority_truth_final(bytea) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'scpg_majority_truth' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION majority_truth_final(bytea) IS 'result of majority_truth';

CREATE AGGREGATE majority_truth(integer, text) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = majority_truth_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE majority_truth(integer, text) IS 'the most frequent truth of each label, as an object';

CREATE AGGREGATE majority_truth(integer, bigint) (
	SFUNC = label_tally_accum,
	STYPE = bytea,
	SSPACE = 4096,
	FINALFUNC = majority_truth_final,
	COMBINEFUNC = label_tally_combine,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE majority_truth(integer, bigint) IS 'the most frequent truth of each label, as an object';

-- The state holds every row: four bytes a dimension, counted against selfclass.max_memory.
CREATE FUNCTION silhouette_accum(internal, embedding, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_silhouette_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION silhouette_accum(internal, embedding, integer) IS 'adds a row to the state of silhouette';

CREATE FUNCTION silhouette_final(internal) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_silhouette_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION silhouette_final(internal) IS 'result of silhouette';

CREATE AGGREGATE silhouette(embedding, integer) (
	SFUNC = silhouette_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = silhouette_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE silhouette(embedding, integer) IS 'mean silhouette (-1 ... 1) of the rows that have an embedding and a label; NULL with fewer than two labels';

CREATE FUNCTION knn_accuracy_accum(internal, embedding, text, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_knn_accuracy_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION knn_accuracy_accum(internal, embedding, text, integer) IS 'adds a row to the state of knn_accuracy';

CREATE FUNCTION knn_accuracy_final(internal) RETURNS double precision
	AS 'MODULE_PATHNAME', 'scpg_knn_accuracy_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION knn_accuracy_final(internal) IS 'result of knn_accuracy';

CREATE AGGREGATE knn_accuracy(embedding, text, integer) (
	SFUNC = knn_accuracy_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = knn_accuracy_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE knn_accuracy(embedding, text, integer) IS 'share of rows whose k nearest other rows, by majority, have the same truth; NULL with fewer than two rows';

-- ---------------------------------------------------------------------------
-- pictures
-- ---------------------------------------------------------------------------

CREATE FUNCTION elbow_svg(r elbow_result) RETURNS text
	AS 'MODULE_PATHNAME', 'scpg_elbow_svg' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION elbow_svg(elbow_result) IS 'drawing (SVG) of the inertia over the number of clusters, the chosen one marked';

CREATE FUNCTION contact_sheet_accum(internal, bytea, integer, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_contact_sheet_accum' LANGUAGE C STABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION contact_sheet_accum(internal, bytea, integer, integer) IS 'adds an image to a contact sheet';

CREATE FUNCTION contact_sheet_final(internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_contact_sheet_final' LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION contact_sheet_final(internal) IS 'result of contact_sheet';

CREATE AGGREGATE contact_sheet(image bytea, columns integer, tile integer) (
	SFUNC = contact_sheet_accum,
	STYPE = internal,
	SSPACE = 1000000,
	FINALFUNC = contact_sheet_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE contact_sheet(bytea, integer, integer) IS 'JPEG of the images in rows of that many columns, each fitted into a square of tile pixels; an unreadable or NULL image is a tile with a cross; NULL where there are no rows';

CREATE FUNCTION neighbor_sheet(items regclass, image name, emb name, queries integer, k integer) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_neighbor_sheet' LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION neighbor_sheet(regclass, name, name, integer, integer) IS 'JPEG with a row for each of that many queries: the query, then the k rows whose embedding is nearest to its, by Euclidean distance; the queries are the rows with the smallest SHA-256 of their images, so the same for any order of rows; NULL where no row has both an image and an embedding';

CREATE FUNCTION scatter_svg_accum(internal, double precision, double precision, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'scpg_scatter_svg_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION scatter_svg_accum(internal, double precision, double precision, integer) IS 'adds a point to a drawing';

CREATE FUNCTION scatter_svg_final(internal) RETURNS text
	AS 'MODULE_PATHNAME', 'scpg_scatter_svg_final' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION scatter_svg_final(internal) IS 'result of scatter_svg';

CREATE AGGREGATE scatter_svg(x double precision, y double precision, label integer) (
	SFUNC = scatter_svg_accum,
	STYPE = internal,
	SSPACE = 4096,
	FINALFUNC = scatter_svg_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE scatter_svg(double precision, double precision, integer) IS 'drawing (SVG) of points in the colours of their groups; a row without x or y is left out; NULL where there is none';

-- ---------------------------------------------------------------------------
-- models: tables that pg_dump carries
-- ---------------------------------------------------------------------------

-- Ordinary roles have no right on these tables: the functions check what a role
-- may do with a model and then act as the tables' owner. No row security, which
-- would break a dump by anyone but a superuser.

CREATE TABLE selfclass_model (
	model_id bigserial PRIMARY KEY,
	name text NOT NULL,
	version int NOT NULL,
	owner regrole NOT NULL,
	state text NOT NULL CHECK (state IN ('training', 'ready', 'failed')),
	recipe jsonb NOT NULL,
	backbone text NOT NULL,
	dim int NOT NULL,
	source regclass,
	images bigint,
	skipped bigint,
	epochs_done int NOT NULL,
	loss double precision,
	pca pca_model,
	kmeans kmeans_model,
	elbow elbow_result,
	created timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	finished timestamptz,
	selfclass_version text NOT NULL,
	weights_bytes bigint,
	weights_crc bigint,
	UNIQUE (name, owner, version)
);
COMMENT ON SEQUENCE selfclass_model_model_id_seq IS 'ids of the models';
COMMENT ON TABLE selfclass_model IS 'models: encoders, how they were trained, and the clustering made with them';
COMMENT ON COLUMN selfclass_model.name IS 'the name that calls use, with the newest version meant unless it is name@version';
COMMENT ON COLUMN selfclass_model.state IS 'training, ready or failed';
COMMENT ON COLUMN selfclass_model.recipe IS 'every option with the value that it had';
COMMENT ON COLUMN selfclass_model.source IS 'the relation whose images trained the model';
COMMENT ON COLUMN selfclass_model.skipped IS 'images that could not be read';
COMMENT ON COLUMN selfclass_model.epochs_done IS 'epochs that the stored weights have seen';
COMMENT ON COLUMN selfclass_model.weights_crc IS 'CRC-32C of the weights, all parts in order';

CREATE TABLE selfclass_model_weights (
	model_id bigint NOT NULL REFERENCES selfclass_model ON DELETE CASCADE,
	part int NOT NULL,
	data bytea NOT NULL,
	PRIMARY KEY (model_id, part)
);
ALTER TABLE selfclass_model_weights ALTER data SET STORAGE EXTERNAL;
COMMENT ON TABLE selfclass_model_weights IS 'weights of the models: one safetensors stream each, cut in parts that a dump can carry';

CREATE TABLE selfclass_training_log (
	model_id bigint NOT NULL REFERENCES selfclass_model ON DELETE CASCADE,
	epoch int NOT NULL,
	loss double precision,
	lr double precision,
	images_per_second double precision,
	at timestamptz NOT NULL,
	PRIMARY KEY (model_id, epoch)
);
COMMENT ON TABLE selfclass_training_log IS 'one row for each epoch that a model was trained';

CREATE TABLE selfclass_model_grant (
	owner regrole NOT NULL,
	name text NOT NULL,
	role regrole NOT NULL,
	PRIMARY KEY (owner, name, role)
);
COMMENT ON TABLE selfclass_model_grant IS 'roles that may use every version of the owner''s model of that name';

REVOKE ALL ON selfclass_model, selfclass_model_weights, selfclass_training_log, selfclass_model_grant FROM PUBLIC;
REVOKE ALL ON SEQUENCE selfclass_model_model_id_seq FROM PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('selfclass_model', '');
SELECT pg_catalog.pg_extension_config_dump('selfclass_model_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('selfclass_model_weights', '');
SELECT pg_catalog.pg_extension_config_dump('selfclass_training_log', '');
SELECT pg_catalog.pg_extension_config_dump('selfclass_model_grant', '');

CREATE VIEW selfclass_models WITH (security_barrier) AS
	SELECT m.model_id, m.name, m.version, m.owner, m.state, m.recipe, m.backbone, m.dim, m.source, m.images,
		m.skipped, m.epochs_done, m.loss, m.pca, m.kmeans, m.elbow, m.created, m.finished, m.selfclass_version
	FROM selfclass_model m
	WHERE pg_catalog.pg_has_role(m.owner::oid, 'USAGE')
		OR EXISTS (SELECT FROM selfclass_model_grant g
				   WHERE g.owner OPERATOR(pg_catalog.=) m.owner AND g.name OPERATOR(pg_catalog.=) m.name
					   AND pg_catalog.pg_has_role(g.role::oid, 'USAGE'));
GRANT SELECT ON selfclass_models TO PUBLIC;
COMMENT ON VIEW selfclass_models IS 'the models that the current role may use: its own and those granted to it';

CREATE FUNCTION grant_model(model text, role regrole) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_grant_model' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION grant_model(text, regrole) IS 'let a role use every version of one''s model';

CREATE FUNCTION revoke_model(model text, role regrole) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_revoke_model' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION revoke_model(text, regrole) IS 'take back what grant_model gave';

CREATE FUNCTION drop_model(model text) RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_drop_model' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION drop_model(text) IS 'delete one''s model, every version of it, or with name@version that one';

-- ---------------------------------------------------------------------------
-- training, embedding, clustering of images
-- ---------------------------------------------------------------------------

CREATE FUNCTION embed_image(image bytea, model text) RETURNS embedding
	AS 'MODULE_PATHNAME', 'scpg_embed_image' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION embed_image(bytea, text) IS 'embedding of one image by a model; an image that cannot be read is an error';

CREATE FUNCTION embed_images(images regclass, model text) RETURNS TABLE (id bigint, embedding embedding)
	AS 'MODULE_PATHNAME', 'scpg_embed_images' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000000;
COMMENT ON FUNCTION embed_images(regclass, text) IS 'embeddings of all images of a table, whose key is an integer; NULL for an image that cannot be read';

CREATE FUNCTION embed_images(images regclass, key_example anyelement, model text, options jsonb DEFAULT '{}') RETURNS TABLE (id anyelement, embedding embedding)
	AS 'MODULE_PATHNAME', 'scpg_embed_images_key' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000000;
COMMENT ON FUNCTION embed_images(regclass, anyelement, text, jsonb) IS 'embeddings of all images of a table, whose key has the type of the example: NULL::uuid; options id_column, image_column, on_error';

CREATE FUNCTION embed_image_trigger() RETURNS trigger
	AS 'MODULE_PATHNAME', 'scpg_embed_image_trigger' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION embed_image_trigger() IS 'keeps a column of embeddings: before insert or update, with the names of a model, the image column and the embedding column';

CREATE FUNCTION export_encoder(model text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'scpg_export_encoder' LANGUAGE C STABLE PARALLEL RESTRICTED COST 1000000;
COMMENT ON FUNCTION export_encoder(text) IS 'weights of a model as a safetensors file with the names of torchvision''s resnet18';

CREATE FUNCTION import_encoder(model text, weights bytea, options jsonb DEFAULT '{}') RETURNS void
	AS 'MODULE_PATHNAME', 'scpg_import_encoder' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION import_encoder(text, bytea, jsonb) IS 'make a model of a safetensors file with the names of torchvision''s resnet18';

CREATE PROCEDURE train_encoder(model text, images regclass, options jsonb DEFAULT '{}')
	AS 'MODULE_PATHNAME', 'scpg_train_encoder' LANGUAGE C;
COMMENT ON PROCEDURE train_encoder(text, regclass, jsonb) IS 'train an encoder on the images of a table, committing after every epoch';

CREATE PROCEDURE resume_encoder(model text)
	AS 'MODULE_PATHNAME', 'scpg_resume_encoder' LANGUAGE C;
COMMENT ON PROCEDURE resume_encoder(text) IS 'go on with an interrupted training from its last checkpoint';

CREATE FUNCTION cluster_images(images regclass, k int DEFAULT NULL, model text DEFAULT NULL, options jsonb DEFAULT '{}')
	RETURNS TABLE (id bigint, label int, embedding_0 double precision, embedding_1 double precision, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_cluster_images' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION cluster_images(regclass, int, text, jsonb) IS 'group the images of a table whose key is an integer';

CREATE FUNCTION cluster_images(images regclass, key_example anyelement, k int DEFAULT NULL, model text DEFAULT NULL, options jsonb DEFAULT '{}')
	RETURNS TABLE (id anyelement, label int, embedding_0 double precision, embedding_1 double precision, distance double precision)
	AS 'MODULE_PATHNAME', 'scpg_cluster_images_typed' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION cluster_images(regclass, anyelement, int, text, jsonb) IS 'group the images of a table whose key is of the type of the example, which is NULL';

CREATE PROCEDURE cluster_images_into(images regclass, labels name, k int DEFAULT NULL, model text DEFAULT NULL, options jsonb DEFAULT '{}')
	AS 'MODULE_PATHNAME', 'scpg_cluster_images_into' LANGUAGE C;
COMMENT ON PROCEDURE cluster_images_into(regclass, name, int, text, jsonb) IS 'group the images of a table into a new table, committing after every epoch';

CREATE FUNCTION assign_cluster(e embedding, model text) RETURNS int
	AS 'MODULE_PATHNAME', 'scpg_assign_cluster' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION assign_cluster(embedding, text) IS 'the label, in the clustering that the model keeps, of an embedding';

CREATE FUNCTION assign_cluster_image(image bytea, model text) RETURNS int
	AS 'MODULE_PATHNAME', 'scpg_assign_cluster_image' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION assign_cluster_image(bytea, text) IS 'the label, in the clustering that the model keeps, of an image';

CREATE FUNCTION report_html(model text) RETURNS text
	AS 'MODULE_PATHNAME', 'scpg_report_html' LANGUAGE C STABLE PARALLEL UNSAFE COST 100000000;
COMMENT ON FUNCTION report_html(text) IS 'the whole result of a model as one HTML file without links: its groups with their pictures, a drawing of all of them, neighbours, the elbow, the loss and every setting; it embeds the images of the table that trained the model again';
