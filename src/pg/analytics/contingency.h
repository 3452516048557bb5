/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/contingency.h
 *	  How often each label met each truth: the state of the aggregates that
 *	  measure a clustering against known classes.
 *
 * The state is one flat bytea, so it travels between processes and nodes as
 * it is. It grows with the number of different pairs, never with the rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CONTINGENCY_H
#define SCPG_CONTINGENCY_H

#include "postgres.h"

#include "fmgr.h"

#include "pg/server/compat.h"

/* One pair; count 0: the slot is free. */
typedef struct TallySlot
{
	int64 count;
	int32 label; /* 0 where there is none */
	int32 has_label;
	int32 truth;  /* where it begins in the texts */
	int32 length; /* of it */
} TallySlot;

/* Slots are a hash table with linear probing; the texts lie behind them. */
typedef struct Tally
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 magic;
	int32 slots;	 /* a power of two */
	int32 used;		 /* slots that are not free */
	int32 number;	 /* 1: the truth is a bigint, kept as its digits */
	int32 text_size; /* room for texts */
	int32 text_used;
	int32 unused;
	TallySlot slot[FLEXIBLE_ARRAY_MEMBER];
} Tally;

/* The texts, not ended by zero. */
#define TALLY_TEXTS(t) ((char *) &(t)->slot[(t)->slots])

/*
 * Contingency table of a tally: clusters and classes in ascending order (text
 * by its bytes, numbers by value). With a row for the missing label, the last
 * one, where a label is missing and `with_missing` asks for it. Memory is in
 * the current context.
 */
typedef struct TallyTable
{
	int clusters;
	int classes;
	int64 *count;				/* (clusters, classes) */
	int64 missing;				/* rows without a label */
	int32 *label;				/* (clusters), without the missing one */
	const TallySlot **class_of; /* (classes): a slot that has that truth */
} TallyTable;

extern TallyTable scpg_tally_table(const Tally *tally, bool with_missing);

/* Argument 0, checked. */
extern const Tally *scpg_tally_argument(FunctionCallInfo fcinfo);

#endif /* SCPG_CONTINGENCY_H */
