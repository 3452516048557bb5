/*-------------------------------------------------------------------------
 *
 * src/core/nn/net.h
 *	  What is asked of a network: its form, and what it computes in.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_NET_H
#define SC_NET_H

#include "core/nn/conv.h"

#define SC_EMBEDDING_DIM 512

/* The precision that is the fastest to train in on this CPU. */
extern sc_precision sc_precision_best(void);

typedef struct sc_net_config
{
	int input_size;			/* 16 ... 512 */
	bool small_stem;		/* 3x3 stride 1, no max-pool; else 7x7 stride 2 and max-pool */
	sc_precision precision; /* of the tensors; weights, sums and statistics are never less than float */
	sc_conv_kind conv;		/* SC_CONV_BEST, but in tests */
} sc_net_config;

#endif /* SC_NET_H */
