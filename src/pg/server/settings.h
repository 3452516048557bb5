/*-------------------------------------------------------------------------
 *
 * src/pg/server/settings.h
 *	  The settings, selfclass.threads and so on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_SETTINGS_H
#define SCPG_SETTINGS_H

#include "core/api.h"

extern int scpg_threads; /* 0: every CPU */
extern int scpg_max_memory_mb;
extern int scpg_max_image_pixels;
extern int scpg_max_image_memory_mb;
extern int scpg_max_image_scans;

/* The limits on images that they set. */
extern sc_image_limits scpg_image_limits(void);

#endif /* SCPG_SETTINGS_H */
