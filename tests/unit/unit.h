/*-------------------------------------------------------------------------
 *
 * tests/unit/unit.h
 *	  The smallest harness that tells what failed. A program is made of cases,
 *	  a case of checks:
 *
 *		unit_begin(argc, argv);
 *		CASE("k-NN on %d lanes", lanes)
 *			test_knn(lanes);
 *		return unit_end();
 *
 * The output is TAP, one line for each case. Arguments are filters: a case runs
 * if one of them is part of its name, and all run if there is none. UNIT_SMALL in
 * the environment, as under valgrind, leaves out LARGE_CASEs: each of them runs on
 * more data what other cases run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNIT_H
#define UNIT_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct
{
	int filters;
	char **filter;
	int cases, failed;	  /* of the program */
	int checks, failures; /* of the case */
	char name[200];		  /* of the case; empty: between cases */
	const char *skipped;  /* why the case did not run */
	void **kept;		  /* (count) blocks that live as long as the program */
	int count;
} unit;

static inline void
unit_begin(int argc, char **argv)
{
	unit.filters = argc - 1;
	unit.filter = argv + 1;
	/* What a program printed before it died is not lost. */
	setvbuf(stdout, NULL, _IOLBF, 0);
}

/* Does the case of this name run? */
static inline __attribute__((format(printf, 1, 2))) bool
unit_enter(const char *name, ...)
{
	va_list args;
	bool wanted = unit.filters == 0;

	va_start(args, name);
	vsnprintf(unit.name, sizeof(unit.name), name, args);
	va_end(args);
	unit.checks = unit.failures = 0;
	unit.skipped = NULL;
	for (int i = 0; i < unit.filters; i++)
		wanted = wanted || strstr(unit.name, unit.filter[i]) != NULL;
	return wanted;
}

static inline bool
unit_leave(void)
{
	/* A case that checks nothing tests nothing. */
	bool ok = unit.failures == 0 && (unit.checks > 0 || unit.skipped != NULL);

	unit.cases++;
	unit.failed += !ok;
	printf("%s %d - %s", ok ? "ok" : "not ok", unit.cases, unit.name);
	if (unit.skipped != NULL)
		printf(" # SKIP %s\n", unit.skipped);
	else
		printf(ok ? "\n" : " (%d of %d checks failed)\n", unit.failures, unit.checks);
	return false;
}

#define CASE(...) for (bool unit_runs = unit_enter(__VA_ARGS__); unit_runs; unit_runs = unit_leave())

/* Is little data enough, as under valgrind? */
static inline bool
unit_small(void)
{
	return getenv("UNIT_SMALL") != NULL;
}

/* Is the case left out for its size? */
static inline bool
unit_leave_out(void)
{
	if (!unit_small())
		return false;
	unit.skipped = "large";
	unit_leave();
	return true;
}

#define LARGE_CASE(...) \
	for (bool unit_runs = unit_enter(__VA_ARGS__) && !unit_leave_out(); unit_runs; unit_runs = unit_leave())

/* In a case: it cannot be tried here, and why. */
#define SKIP(why) (unit.skipped = (why))

/* Zeros that live until the program ends, where nobody owns them sooner. */
static inline void *
unit_keep(size_t bytes)
{
	unit.kept = realloc(unit.kept, (size_t) (unit.count + 1) * sizeof(void *));
	return unit.kept[unit.count++] = calloc(1, bytes);
}

/* The status of the program. */
static inline int
unit_end(void)
{
	while (unit.count > 0)
		free(unit.kept[--unit.count]);
	free(unit.kept);
	printf("1..%d\n", unit.cases);
	if (unit.cases == 0)
		printf("# no case has such a name\n");
	return unit.failed == 0 && unit.cases > 0 ? 0 : 1;
}

/* The condition holds; the rest is a printf format that says with which values. */
#define CHECK(cond, ...) \
	do \
	{ \
		unit.checks++; \
		if (!(cond)) \
		{ \
			/* The first ones tell enough. */ \
			if (unit.failures++ < 20) \
			{ \
				printf("# FAILED %s:%d: %s: ", __FILE__, __LINE__, #cond); \
				printf(__VA_ARGS__); \
				printf("\n"); \
			} \
		} \
	} while (0)

/* |a - b| <= tol, with NaN failing. */
#define CLOSE(a, b, tol) \
	CHECK(fabs((double) (a) - (double) (b)) <= (tol), "%.9g and %.9g differ by more than %.3g", (double) (a), \
		  (double) (b), (double) (tol))

/* Memory for what loops and libraries want aligned to a cache line. */
static inline void *
unit_aligned(size_t bytes)
{
	return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

#endif /* UNIT_H */
