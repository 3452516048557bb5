/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_norm.c
 *	  The batch norms of a training: from the sums of the shards to what a lane
 *	  needs at each channel. The sums are of the whole batch (Chen and others,
 *	  ICML 2020, section 2.2, "global batch normalization"), or of the piece of
 *	  it that is at work; the loops are nn/norm.h's.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/norm.h"
#include "core/simclr/trainer_parts.h"

/* Sum of channel c over the shards. */
static double
total(const sc_trainer *t, const double *partial, int l, sc_norm_sum of, int c)
{
	size_t out = (size_t) t->net.layer[l].out;

	return sc_norm_total(partial + (size_t) of * out + (size_t) c, t->cut.shards, SC_NORM_SUMS * out);
}

/* Values of a channel, over the piece. */
static double
values_of(const sc_trainer *t, int l)
{
	return (double) t->piece.views * (double) sc_trainer_pixels(t, l);
}

void
sc_trainer_norm_forward(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_norm *norm, sc_trainer_norm_by by)
{
	const sc_resnet_layer *layer = &t->net.layer[l];
	const double *partial = t->sums.forward[l];
	double n = values_of(t, l);

	for (int c = 0; c < layer->out; c++)
	{
		float *mean = &t->state.stats[layer->mean + (size_t) c], *var = &t->state.stats[layer->var + (size_t) c];
		sc_norm_moments m = {*mean, SC_MAX(*var, 0.0f)};

		if (by != SC_TRAINER_RUNNING)
			m = sc_norm_moments_of(total(t, partial, l, SC_NORM_SUM, c), total(t, partial, l, SC_NORM_PRODUCT, c), n);

		norm->mean[c] = (float) m.mean;
		norm->inv[c] = sc_norm_inv(m);
		norm->a[c] = t->state.params[layer->scale + (size_t) c] * norm->inv[c];
		norm->b[c] = t->state.params[layer->shift + (size_t) c] - norm->mean[c] * norm->a[c];
		if (by == SC_TRAINER_BATCH_TRACKED && lane->index == 0)
			sc_norm_track(mean, var, m, n);
	}
}

void
sc_trainer_norms_of_output(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_norm *norm, sc_trainer_norm *shortcut,
						   sc_trainer_norm_by by)
{
	const sc_resnet_block *block = sc_resnet_ends_block(&t->net, l);

	sc_trainer_norm_forward(lane, t, l, norm, by);
	if (block != NULL && block->shortcut >= 0)
		sc_trainer_norm_forward(lane, t, block->shortcut, shortcut, by);
}

void
sc_trainer_norm_backward(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_norm *norm)
{
	const sc_resnet_layer *layer = &t->net.layer[l];
	const double *partial = t->sums.backward[l];
	double n = values_of(t, l);

	sc_trainer_norm_forward(lane, t, l, norm, SC_TRAINER_BATCH);
	for (int c = 0; c < layer->out; c++)
	{
		double sum = total(t, partial, l, SC_NORM_SUM, c), product = total(t, partial, l, SC_NORM_PRODUCT, c);

		norm->p[c] = norm->a[c];
		norm->q[c] = (float) (-(double) norm->p[c] * (product / n) * norm->inv[c]);
		norm->r[c] = (float) (-(double) norm->p[c] * (sum / n) - (double) norm->q[c] * norm->mean[c]);
		if (lane->index == 0)
		{
			float *scale = &t->grads.params[layer->scale + (size_t) c];
			float *shift = &t->grads.params[layer->shift + (size_t) c];

			*scale = (t->piece.adds ? *scale : 0.0f) + (float) product;
			*shift = (t->piece.adds ? *shift : 0.0f) + (float) sum;
		}
	}
}
