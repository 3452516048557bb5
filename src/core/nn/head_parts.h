/*-------------------------------------------------------------------------
 *
 * src/core/nn/head_parts.h
 *	  The widths of the projection head's layers, for head.c and head_pass.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_HEAD_PARTS_H
#define SC_HEAD_PARTS_H

#include "core/nn/head.h"

static inline int
sc_head_width(const sc_head_config *config, int l)
{
	return l == SC_HEAD_HIDDEN ? config->hidden_dim : config->out_dim;
}

static inline int
sc_head_inputs(const sc_head_config *config, int l)
{
	return l == SC_HEAD_HIDDEN ? config->in_dim : config->hidden_dim;
}

#endif /* SC_HEAD_PARTS_H */
