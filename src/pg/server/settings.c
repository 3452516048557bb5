/*-------------------------------------------------------------------------
 *
 * src/pg/server/settings.c
 *	  Every setting, and the module's entry, which defines them and does
 *	  nothing else: preloading the library in the postmaster starts no thread
 *	  and loads no core.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/guc.h"

#include "pg/server/settings.h"

PG_MODULE_MAGIC;

/* A scan of a progressive JPEG goes over every pixel again: for each one allowed, so many of them. */
#define PIXELS_EACH_SCAN 10000000

extern PGDLLEXPORT void _PG_init(void);

int scpg_threads = 0;
int scpg_max_memory_mb = 4096;
int scpg_max_image_pixels = 100000000;
int scpg_max_image_memory_mb = 256;
int scpg_max_image_scans = 100;

void
_PG_init(void)
{
	DefineCustomIntVariable("selfclass.threads", "Threads that one backend computes with.",
							"0 means every CPU that the process may use. A parallel worker always uses 1.",
							&scpg_threads, 0, 0, SC_MAX_LANES, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("selfclass.max_memory", "Memory that the computations of one backend may take.",
							"A job that needs more says how much before it starts.", &scpg_max_memory_mb, 4096, 16,
							INT_MAX, PGC_SUSET, GUC_UNIT_MB, NULL, NULL, NULL);
	DefineCustomIntVariable("selfclass.max_image_pixels", "Largest image, in pixels (width times height), that is read.",
							"A JPEG counts as it is decoded: at 1/2, 1/4 or 1/8 of its width and height where that is enough.",
							&scpg_max_image_pixels, 100000000, 1, INT_MAX, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("selfclass.max_image_memory", "Memory to decode one image.",
							"A progressive JPEG pays for its coefficients, a baseline one is reduced while it is decoded.",
							&scpg_max_image_memory_mb, 256, 1, INT_MAX, PGC_SUSET, GUC_UNIT_MB, NULL, NULL, NULL);
	DefineCustomIntVariable("selfclass.max_image_scans", "Scans of a progressive JPEG that are read.",
							"Scans times pixels are limited too, to 10 million for each scan allowed.",
							&scpg_max_image_scans, 100, 1, INT_MAX, PGC_SUSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("selfclass");
}

sc_image_limits
scpg_image_limits(void)
{
	return (sc_image_limits){.max_pixels = (size_t) scpg_max_image_pixels,
							 .max_memory = sc_mul(scpg_max_image_memory_mb, 1024 * 1024),
							 .max_scans = scpg_max_image_scans,
							 .max_scan_pixels = sc_mul(scpg_max_image_scans, PIXELS_EACH_SCAN)};
}
