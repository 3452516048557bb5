/* sql/selfclass_pgvector--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION selfclass_pgvector" to load this file. \quit

-- Both types have one layout, so a cast is free and ALTER TABLE ... TYPE rewrites
-- no row. Assignment, not implicit: emb <-> vec would have two operators to choose from.
CREATE CAST (embedding AS vector) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (embedding AS vector) IS 'embedding to pgvector''s vector, free of cost';
CREATE CAST (vector AS embedding) WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON CAST (vector AS embedding) IS 'pgvector''s vector to embedding, free of cost';
