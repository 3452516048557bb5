/*-------------------------------------------------------------------------
 *
 * tests/unit/unit.h
 *	  The smallest harness that tells what failed: CHECK and CLOSE count, and
 *	  UNIT_END prints "name: N passed, N failed" and sets the exit status.
 *
 *-------------------------------------------------------------------------
 */
#ifndef UNIT_H
#define UNIT_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int unit_passed, unit_failed;

/* The condition holds; the rest is a printf format that says with which values. */
#define CHECK(cond, ...) \
	do \
	{ \
		if (cond) \
			unit_passed++; \
		else \
		{ \
			unit_failed++; \
			printf("FAILED %s:%d: %s: ", __FILE__, __LINE__, #cond); \
			printf(__VA_ARGS__); \
			printf("\n"); \
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

#define UNIT_END(name) \
	do \
	{ \
		printf("%s: %d passed, %d failed\n", name, unit_passed, unit_failed); \
		return unit_failed == 0 && unit_passed > 0 ? 0 : 1; \
	} while (0)

#endif /* UNIT_H */
