/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights.h
 *	  The weights of an encoder from elsewhere: checking a safetensors file and
 *	  writing it as a training would store it. Needs no trainer.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_WEIGHTS_H
#define SC_WEIGHTS_H

#include "core/simclr/safetensors.h"
#include "core/simclr/simclr.h"

/* Tensors of a file that are no part of the backbone. */
typedef struct sc_weights_ignored
{
	int count;
	char names[160]; /* of the first of them, with commas between; ended by a 0 */
} sc_weights_ignored;

/* What a file says before its weights are taken. */
typedef struct sc_weights_file
{
	/* Has the first convolution the small stem's kernel, 3x3? false too where there is none, which import refuses. */
	bool small_stem;
	sc_st_metadata metadata;
	sc_weights_ignored ignored;
} sc_weights_file;

extern sc_status sc_weights_look(sc_weights_file *file, const uint8_t *bytes, size_t size, sc_error *err);

/* Bytes of the file that sc_weights_import writes, and of the scratch memory that it needs. */
extern void sc_weights_import_bytes(size_t *file, size_t *scratch, const sc_train_config *config);

/*
 * Check a file as sc_trainer_load does (SC_BAD_WEIGHTS), whatever of the known
 * names its tensors have (weights_names.h), and that no variance is negative, and
 * write to out what
 * sc_trainer_save would write after it, without momenta: the file whole, in
 * float, in the order of the network. A projection head that the file lacks is
 * initialised from the seed. out must be aligned to 4 bytes, scratch to
 * SC_ALIGN; nothing is written unless all of the file is right.
 */
extern sc_status sc_weights_import(uint8_t *out, const sc_train_config *config, const uint8_t *bytes, size_t size,
								   void *scratch, sc_error *err);

/* The same as a job, on one lane. */
typedef struct sc_weights_importing
{
	uint8_t *out;
	const sc_train_config *config;
	const uint8_t *bytes; /* (size) */
	size_t size;
	void *scratch;
} sc_weights_importing;

extern sc_status sc_weights_import_run(const sc_lane *lane, void *importing);

#endif /* SC_WEIGHTS_H */
