/*-------------------------------------------------------------------------
 *
 * src/pg/server/errors.h
 *	  The core returns a status and a message; here they become errors of SQL.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ERRORS_H
#define SCPG_ERRORS_H

#include "core/api.h"

/* Raise the error of a core call that failed; nothing if status is SC_OK. */
extern void scpg_check(sc_status status, const sc_error *err);

/* For those who report an error themselves: the SQLSTATE of a status, ... */
extern int scpg_sqlstate(sc_status status);

/* ... and, within ereport, what the error says: message, detail, hint. */
extern int scpg_error_texts(const sc_error *err);

#endif /* SCPG_ERRORS_H */
