/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/contingency.h
 *	  How often each label met each truth: the state of the aggregates that
 *	  measure a clustering against known classes, and the table made of it.
 *
 * The state grows with the number of different pairs, never with the rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CONTINGENCY_H
#define SCPG_CONTINGENCY_H

#include "postgres.h"

#include "fmgr.h"

#include "pg/server/compat.h"

/* What all truths of a state are. */
typedef enum scpg_truth_kind
{
	SCPG_TRUTH_TEXT,
	SCPG_TRUTH_BIGINT /* kept as its digits */
} scpg_truth_kind;

/* One pair; count 0: the slot is free. */
typedef struct scpg_contingency_pair
{
	int64 count;
	int32 label; /* 0 where there is none */
	int32 has_label;
	int32 truth;  /* where it begins in the texts */
	int32 length; /* of it */
} scpg_contingency_pair;

/* A flat state. Slots are a hash table with linear probing; the texts lie behind them. */
typedef struct scpg_contingency
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 magic;
	int32 slots;	 /* a power of two */
	int32 used;		 /* slots that are not free */
	int32 kind;		 /* scpg_truth_kind */
	int32 text_size; /* room for texts */
	int32 text_used;
	int32 unused;
	scpg_contingency_pair slot[FLEXIBLE_ARRAY_MEMBER];
} scpg_contingency;

/* The texts, not ended by zero. */
#define SCPG_CONTINGENCY_TEXTS(c) ((char *) &(c)->slot[(c)->slots])

/* Of no pairs yet. */
extern scpg_contingency *scpg_contingency_new(scpg_truth_kind kind);

/* Argument n, its sizes checked. Its pairs are not: see scpg_contingency_next. */
extern scpg_contingency *scpg_contingency_argument(FunctionCallInfo fcinfo, int n);

/* 22023 for a state that is none of ours. */
extern void scpg_contingency_refuse(void);

/* Count a pair `count` times; truth: [length]. Returns the state, which may be another one. */
extern scpg_contingency *scpg_contingency_add(scpg_contingency *c, int32 label, bool has_label, const char *truth,
											  int length, int64 count);

/* The next pair, checked, from slot *at on, which moves behind it; NULL at the end. */
extern const scpg_contingency_pair *scpg_contingency_next(const scpg_contingency *c, int32 *at);

/*
 * The contingency table: clusters and classes in ascending order (text by its
 * bytes, numbers by value). With a row for the missing label, the last one,
 * where a label is missing and `with_missing` asks for it. Memory is in the
 * current context.
 */
typedef struct scpg_contingency_table
{
	int clusters;
	int classes;
	int64 *count;							/* (clusters, classes) */
	int64 missing;							/* rows without a label */
	int32 *label;							/* (clusters), without the missing one */
	const scpg_contingency_pair **class_of; /* (classes): a pair that has that truth */
} scpg_contingency_table;

extern scpg_contingency_table scpg_contingency_tabulate(const scpg_contingency *c, bool with_missing);

#endif /* SCPG_CONTINGENCY_H */
