/*-------------------------------------------------------------------------
 *
 * src/core/base/status.h
 *	  What every file of the core shares: status codes, the error record,
 *	  size arithmetic that cannot wrap around, and assertions.
 *
 * The core is pure C11. It never prints, never exits, never calls a symbol of
 * PostgreSQL and never jumps out of a library. A function that can fail
 * returns an sc_status and fills an sc_error; src/pg/server/errors.c alone turns
 * that into an SQLSTATE.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_STATUS_H
#define SC_STATUS_H

#ifdef SC_WITH_TESTS
#undef NDEBUG
#include <assert.h>
#endif
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum sc_status
{
	SC_OK = 0,
	SC_ABORTED,		/* the stop flag was seen: cancel, terminate */
	SC_INVALID,		/* bad argument: 22023 */
	SC_DATA,		/* NaN, infinity, dimensions differ: 22000 */
	SC_BAD_IMAGE,	/* no image that is read, corrupt: 22P03 */
	SC_UNSUPPORTED, /* a variant that is not read: 0A000 */
	SC_LIMIT,		/* over a limit that a setting raises: 54000 */
	SC_RANGE,		/* diverged loss, overflow: 22003 */
	SC_BAD_WEIGHTS, /* weights of the wrong form: 22P03 or XX001 */
	SC_NO_MEMORY,	/* 53200 */
	SC_RESOURCES,	/* no thread could be started: 53000 */
	SC_INTERNAL		/* broken invariant: a bug */
} sc_status;

/*
 * In PostgreSQL's style: message lower case without full stop, detail and
 * hint full sentences; empty strings where there is nothing to say.
 */
typedef struct sc_error
{
	sc_status status;
	char message[200];
	char detail[400];
	char hint[300];
} sc_error;

/* Fill *err (may be NULL) and return status, so "return sc_fail(...)" works. */
extern sc_status sc_fail(sc_error *err, sc_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Add a detail or a hint to an error already filled; err may be NULL. */
extern void sc_detail(sc_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
extern void sc_hint(sc_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* a * b and a + b; SIZE_MAX where they do not fit, which no budget allows. */
static inline size_t
sc_mul(size_t a, size_t b)
{
	size_t r;

	return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}

static inline size_t
sc_add(size_t a, size_t b)
{
	size_t r;

	return __builtin_add_overflow(a, b, &r) ? SIZE_MAX : r;
}

/*
 * What a caller promises. Checked where the tests are built in (WITH_TESTS=yes):
 * a broken promise ends the program. Elsewhere the condition is compiled, so that
 * it stays correct, and never evaluated; it must have no side effects.
 */
#ifdef SC_WITH_TESTS
#define SC_ASSERT(condition) assert(condition)
#else
#define SC_ASSERT(condition) ((void) sizeof((condition) ? 1 : 0))
#endif

#define SC_MIN(a, b) ((a) < (b) ? (a) : (b))
#define SC_MAX(a, b) ((a) > (b) ? (a) : (b))

/* Leave the function with the status of a call that failed. */
#define SC_TRY(call) \
	do \
	{ \
		sc_status sc_try_ = (call); \
		if (sc_try_ != SC_OK) \
			return sc_try_; \
	} while (0)

#endif /* SC_STATUS_H */
