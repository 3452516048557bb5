/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_step.c
 *	  One step of SimCLR (Chen and others, ICML 2020, algorithm 1), a job of all
 *	  lanes: views and forward pass, projection head, loss, backward pass, SGD.
 *
 * Lane t works on shards t, t + T, ... Lanes meet at barriers, where sums over
 * the batch are needed: at every batch norm, in the loss, and for the gradients
 * of weights.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/optim.h"
#include "core/simclr/trainer_parts.h"

#include <math.h>

/* w and v of every parameter; each lane takes slices. */
static sc_status
descend(const sc_lane *lane, sc_trainer *t, float lr)
{
	sc_sgd_config sgd = {lr, t->config.momentum, t->config.weight_decay};
	sc_trainer_state *state = &t->state;

	for (size_t from = (size_t) lane->index * SC_TRAINER_SLICE; from < state->param_count;
		 from += (size_t) lane->count * SC_TRAINER_SLICE)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_sgd_step(state->params + from, state->velocity + from, t->grads.params + from,
					SC_MIN((size_t) SC_TRAINER_SLICE, state->param_count - from), &sgd);
	}
	return SC_OK;
}

sc_status
sc_train_step_run(const sc_lane *lane, void *arg)
{
	sc_train_step *step = arg;
	sc_trainer *t = step->trainer;
	sc_trainer_tensors *tensors = &t->tensors;

	SC_ASSERT(step->epoch >= 0 && isfinite(step->lr));
	SC_ASSERT(step->images == NULL || step->keys != NULL);
	SC_TRY(sc_trainer_forward(lane, step));
	SC_TRY(sc_head_forward(lane, &t->head, tensors->z, tensors->feature));
	/* Here the temperature meets the similarities: nn/ntxent.c. */
	SC_TRY(sc_ntxent_run(lane, &t->loss, tensors->dz, tensors->z));
	SC_TRY(sc_head_backward(lane, &t->head, tensors->feature, tensors->dz, tensors->feature));
	SC_TRY(sc_trainer_backward(lane, t));
	SC_TRY(descend(lane, t, step->lr));
	if (lane->index == 0)
	{
		step->loss = t->loss.loss;
		t->state.steps++;
	}
	return SC_OK;
}
