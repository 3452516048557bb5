/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_html.h
 *	  The whole result of a model as one HTML file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_REPORT_HTML_H
#define SCPG_REPORT_HTML_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "pg/model/model.h"

/* Append the file. SPI is connected; images are read as the caller. */
extern void scpg_report_write(StringInfo html, const scpg_model *model);

#endif /* SCPG_REPORT_HTML_H */
