/*-------------------------------------------------------------------------
 *
 * src/core/base/status.c
 *	  Filling the error record.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/status.h"

#include <stdio.h>
#include <string.h>

sc_status
sc_fail(sc_error *err, sc_status status, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return status;
	memset(err, 0, sizeof(*err));
	err->status = status;
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return status;
}

void
sc_detail(sc_error *err, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(err->detail, sizeof(err->detail), fmt, args);
	va_end(args);
}

void
sc_hint(sc_error *err, const char *fmt, ...)
{
	va_list args;

	if (err == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, args);
	va_end(args);
}
