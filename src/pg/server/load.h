/*-------------------------------------------------------------------------
 *
 * src/pg/server/load.h
 *	  The way from the server to the core: one table of functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_LOAD_H
#define SCPG_LOAD_H

#include "core/api.h"

/* The core's functions; loads selfclass_core.so on the first call. */
extern const sc_core_api *scpg_core(void);

#endif /* SCPG_LOAD_H */
