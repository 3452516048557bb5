/*-------------------------------------------------------------------------
 *
 * src/pg/server/bridge.h
 *	  All that a computation needs of the server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_BRIDGE_H
#define SCPG_BRIDGE_H

#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"

#endif /* SCPG_BRIDGE_H */
