/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images.h
 *	  The one call, whichever way it is made: from a table of images to labels.
 *
 * Three steps, in this order, so that a caller can refuse what it cannot use
 * before the long work begins: plan finds the model and the columns, read
 * reads the images, run trains, embeds and clusters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_IMAGES_H
#define SCPG_CLUSTER_IMAGES_H

#include "postgres.h"

#include "pg/cluster/cluster.h"
#include "pg/cluster/edit_log.h"
#include "pg/model/embed.h"
#include "pg/table/dataset.h"

/* What was asked. */
typedef struct scpg_cluster_request
{
	Oid relid;
	int k;		/* 0: none was given */
	char *name; /* of the model, or NULL */
	Jsonb *options;
	scpg_key_request key; /* without its columns, which are an option */
	bool commits;		  /* a procedure: commits as it goes, and wants the embeddings too */
	const char *call;	  /* what is read-only must not: "cluster_images() with a model"; NULL: checked already */
} scpg_cluster_request;

/* How images become embeddings: with a model that is ready, or by a training. */
typedef struct scpg_cluster_encoding
{
	scpg_recipe recipe;
	scpg_given given;
	scpg_recipe options; /* as they were asked for */
	scpg_recipe stored;	 /* a ready model's, as it was */
	scpg_model *model;	 /* NULL: none, as yet or at all */
	bool train;
	char *name;			   /* of the model to be made; locked for the training */
	scpg_encoder *encoder; /* while it is needed */
} scpg_cluster_encoding;

typedef struct scpg_cluster_job
{
	scpg_cluster_request asked; /* set by the caller; all else is zero */
	scpg_source source;			/* of plan */
	scpg_cluster_encoding encoding;
	scpg_dataset *dataset; /* of read */
	int k;				   /* groups; 0: as many as the recipe chooses */
	bool same_k;		   /* k is that of the model */
	bool assign;		   /* the model's groups stay as they are, for they were edited */
	/* of run */
	float *embeddings; /* (dataset->images, SC_EMBEDDING_DIM), as the encoder gives them; without asked.commits normalised
						  as the recipe says */
	scpg_clustering clustering;
	bool kept;		 /* in the model */
	scpg_edit *edit; /* groups that were there were clustered again; whoever changes the label table ends it */
} scpg_cluster_job;

/* SPI is connected in all of these. */
extern void scpg_cluster_images_plan(scpg_cluster_job *job);
extern void scpg_cluster_images_read(scpg_cluster_job *job);
extern void scpg_cluster_images_run(scpg_cluster_job *job);

/* Let go what outlives an error; for PG_FINALLY. */
extern void scpg_cluster_images_release(scpg_cluster_job *job);

#endif /* SCPG_CLUSTER_IMAGES_H */
