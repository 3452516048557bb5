/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights_names.h
 *	  The names that others give to the tensors of a ResNet-18, as torchvision's.
 *
 * Known are torchvision's and timm's (the same), those of Hugging Face's
 * ResNetModel, those of a backbone that is torch.nn.Sequential over torchvision's
 * children (Lightly's examples), and wrappers' prefixes before any of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_WEIGHTS_NAMES_H
#define SC_WEIGHTS_NAMES_H

#include "core/simclr/weights.h"
#include "core/simclr/weights_parts.h"

/* Longer than any name of a ResNet-18; what is longer keeps its own name and is none of its tensors. */
#define SC_WEIGHTS_NAME 64

typedef struct sc_weights_names
{
	char name[SC_WEIGHTS_MAX][SC_WEIGHTS_NAME];
} sc_weights_names;

/*
 * Give the tensors of a file that was read torchvision's names, which lie in
 * names from then on; leave out what is no part of the backbone (classifiers and
 * other heads, a momentum encoder and its queue), noting it in *ignored (may be
 * NULL), and make counters of shape [1] scalars. Our own heads and momenta stay.
 * SC_BAD_WEIGHTS: two tensors mean the same, or the file is of another network
 * than ResNet-18, which the message names.
 */
extern sc_status sc_weights_adopt(sc_st_tensor *tensors, int *count, sc_weights_names *names,
								  sc_weights_ignored *ignored, sc_error *err);

#endif /* SC_WEIGHTS_NAMES_H */
