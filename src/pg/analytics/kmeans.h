/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans.h
 *	  k-means for the functions that offer it: options, check, run, report.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KMEANS_H
#define SCPG_KMEANS_H

#include "postgres.h"

#include "core/api.h"
#include "pg/server/options.h"

/* With scikit-learn's names. */
typedef struct scpg_kmeans_options
{
	int n_init;
	int max_iter;
	double tol;
	int64 seed;
	sc_kmeans_algorithm algorithm;
	scpg_choice init; /* an sc_kmeans_init; SC_KMEANS_GIVEN: other is the start */
} scpg_kmeans_options;

#define SCPG_KMEANS_DEFAULTS \
	{ \
		.n_init = 10, .max_iter = 300, .tol = 1e-4, .seed = 1, .init = { SC_KMEANS_PLUS_PLUS } \
	}

/*
 * The entries of a table of options whose target has them as member: with
 * "init" as a name alone, or also as the centroids to start from, which only
 * one number of clusters has.
 */
#define SCPG_KMEANS_OPTIONS(target, member) \
	SCPG_KMEANS_NUMBERS(target, member), \
	{ \
		"init", SCPG_OPTION_ENUM, offsetof(target, member.init.value), .values = scpg_kmeans_init_names \
	}
#define SCPG_KMEANS_OPTIONS_START(target, member) \
	SCPG_KMEANS_NUMBERS(target, member), \
	{ \
		"init", SCPG_OPTION_CHOICE, offsetof(target, member.init), .values = scpg_kmeans_init_names, \
																   .other = "an array of centroids or a kmeans_model" \
	}
#define SCPG_KMEANS_NUMBERS(target, member) \
	{"algorithm", SCPG_OPTION_ENUM, offsetof(target, member.algorithm), .values = scpg_kmeans_algorithm_names}, \
		{"n_init", SCPG_OPTION_INT, offsetof(target, member.n_init), 1, 10000}, \
		{"max_iter", SCPG_OPTION_INT, offsetof(target, member.max_iter), 1, 1000000}, \
		{"tol", SCPG_OPTION_FLOAT, offsetof(target, member.tol), 0, 1}, \
	{ \
		"seed", SCPG_OPTION_INT8, offsetof(target, member.seed), -9223372036854775808.0, 9223372036854775807.0 \
	}

/* By sc_kmeans_algorithm. */
extern scpg_enum_names scpg_kmeans_algorithm_names;

/* By sc_kmeans_init, without SC_KMEANS_GIVEN. */
extern scpg_enum_names scpg_kmeans_init_names;

/* Defaults, then what options (may be NULL) say. */
extern scpg_kmeans_options scpg_kmeans_read_options(const Jsonb *options);

/* 22023 below one cluster; rows: how many there are, or 0 where that is not known yet. */
extern void scpg_kmeans_check(int k, size_t rows);

/*
 * The centroids of options->init.other, (k, d) in the current memory context;
 * NULL where there are none. d 0: any dimension.
 * 22023 unless there are k of them, 22000 where a dimension is not d.
 */
extern float *scpg_kmeans_start(const scpg_kmeans_options *options, int k, int d);

/* Only check them: any dimension will do. */
extern void scpg_kmeans_check_start(const scpg_kmeans_options *options, int k);

/*
 * Run it on n rows (n, d); everything is in cxt. The caller has checked k, or
 * gives curve_max instead (see sc_kmeans).
 */
extern sc_kmeans scpg_kmeans_run(const float *rows, size_t n, int d, int k, int curve_max,
								 const scpg_kmeans_options *options, MemoryContext cxt);

/* A NOTICE where there are fewer distinct points than k, a WARNING where it did not converge. */
extern void scpg_kmeans_report(const sc_kmeans *km, int k);

/* The two apart, for a run that is put together from others: found clusters instead of k; iterations that did not do. */
extern void scpg_kmeans_report_clusters(int k, int found, size_t distinct);
extern void scpg_kmeans_report_iterations(int iterations, bool converged);

#endif /* SCPG_KMEANS_H */
