/*-------------------------------------------------------------------------
 *
 * src/pg/model/train.h
 *	  Training an encoder on the images of a dataset, with or without a model
 *	  that keeps it, in one transaction or with a commit after every epoch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_TRAIN_H
#define SCPG_TRAIN_H

#include "postgres.h"

#include "fmgr.h"

#include "pg/model/model.h"
#include "pg/model/recipe.h"
#include "pg/table/dataset.h"

typedef struct scpg_training
{
	/* set by the caller */
	scpg_recipe *recipe; /* chosen; a time budget sets its epochs */
	scpg_dataset *dataset;
	const char *name;  /* a new version of this model keeps the result; NULL: none does */
	scpg_model *model; /* not NULL: go on with it; set where one was made */
	bool commits;	   /* in a procedure: commit after every epoch, and checkpoints */

	/* the result, in the memory context that was current */
	const uint8 *weights; /* a safetensors stream, counted against selfclass.max_memory */
	Size size;
} scpg_training;

/*
 * Train. Everything is planned and measured before the model is created, so a
 * training that cannot be leaves none behind; from then on the model is in
 * state training, from which resume_encoder goes on, until it is ready. A loss
 * that is no number is 22003 and leaves, where epochs are committed, a model
 * in state failed. SPI must be connected, with SPI_OPT_NONATOMIC for commits;
 * whoever names a model holds its lock.
 */
extern void scpg_train(scpg_training *training);

/* 2D000 unless fcinfo calls a procedure that can commit. */
extern void scpg_require_commits(FunctionCallInfo fcinfo, const char *procedure);

#endif /* SCPG_TRAIN_H */
