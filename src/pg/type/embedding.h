/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding.h
 *	  The SQL type embedding: a point of up to 16,000 dimensions in float4.
 *
 * On disk it is byte for byte pgvector's type "vector", so that a cast
 * between the two needs no function and rewrites no row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EMBEDDING_H
#define SCPG_EMBEDDING_H

#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodes.h"

#include "pg/server/compat.h"

#define EMBEDDING_MAX_DIM 16000

typedef struct scpg_embedding
{
	int32 vl_len_;					/* varlena header (do not touch directly!) */
	int16 dim;						/* 1 .. EMBEDDING_MAX_DIM */
	int16 unused;					/* zero */
	float x[FLEXIBLE_ARRAY_MEMBER]; /* [dim], all finite */
} scpg_embedding;

#define EMBEDDING_SIZE(dim) (offsetof(scpg_embedding, x) + sizeof(float) * (dim))

/* A plain copy or the datum itself; it may be the stored one: never write to it. */
#define DatumGetEmbedding(d) ((const scpg_embedding *) PG_DETOAST_DATUM(d))
#define PG_GETARG_EMBEDDING(n) DatumGetEmbedding(PG_GETARG_DATUM(n))
#define EmbeddingGetDatum(e) PointerGetDatum(e)
#define PG_RETURN_EMBEDDING(e) return EmbeddingGetDatum(e)

/* Free the copy that detoasting argument n made, if it made one. */
#define PG_FREE_EMBEDDING_COPY(e, n) \
	do \
	{ \
		if ((const void *) (e) != (const void *) PG_GETARG_POINTER(n)) \
			pfree((void *) (e)); \
	} while (0)

/* All zeros, in the current memory context. Errors: 22000 below 1, 54000 above the maximum. */
extern scpg_embedding *scpg_embedding_new(int dim);

/* From x: float [dim]. Errors as scpg_embedding_new, and 22000 for NaN and infinity. */
extern scpg_embedding *scpg_embedding_from_floats(const float *x, int dim);

/* The error for a dimension that no embedding can have, if dim is one. */
extern void scpg_embedding_check_dim(int64 dim);

/* 22000 unless a and b have the same dimension. */
extern void scpg_embedding_check_dims(const scpg_embedding *a, const scpg_embedding *b);

/* 22000 unless the dimension of the data is the one that a type modifier, a model or a state asks for. */
extern void scpg_embedding_check_expected(int expected, int dim);

/* 22000 for NaN and infinity. */
extern void scpg_embedding_check_value(float value);

/* -1, 0 or 1: the order of btree, element by element, the shorter one first. */
extern int scpg_embedding_compare(const scpg_embedding *a, const scpg_embedding *b);

/*
 * From the text form, such as [1,2.5,-3e-2]; white space is allowed around
 * every element. typmod: the dimensions that are asked for, or -1. An error is
 * raised, or left in escontext, as of an input function, with NULL returned.
 */
extern scpg_embedding *scpg_embedding_parse(const char *literal, int32 typmod, Node *escontext);

#endif /* SCPG_EMBEDDING_H */
