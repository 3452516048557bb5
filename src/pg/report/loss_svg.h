/*-------------------------------------------------------------------------
 *
 * src/pg/report/loss_svg.h
 *	  A drawing (SVG) of the loss by epoch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_LOSS_SVG_H
#define SCPG_LOSS_SVG_H

#include "postgres.h"

#include "pg/model/model.h"

/* epochs (n); NULL where no loss is known. */
extern text *scpg_loss_draw(const scpg_model_epoch *epochs, int64 n);

#endif /* SCPG_LOSS_SVG_H */
