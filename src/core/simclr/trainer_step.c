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
#include <string.h>

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
	sc_trainer_pass pass = {step->images == NULL ? NULL : sc_trainer_make_views, step, t->cut.shards,
							SC_TRAINER_BATCH_TRACKED};

	SC_ASSERT(step->epoch >= 0 && isfinite(step->lr));
	SC_ASSERT(step->images == NULL || step->keys != NULL);
	SC_TRY(sc_trainer_forward(lane, t, &pass));
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

sc_status
sc_trainer_look_run(const sc_lane *lane, void *arg)
{
	const sc_trainer_look *look = arg;
	sc_trainer *t = look->trainer;
	sc_trainer_pass pass = {sc_trainer_make_plain_views, look, t->cut.shards,
							look->running ? SC_TRAINER_RUNNING : SC_TRAINER_BATCH};
	size_t count = (size_t) look->count;

	SC_ASSERT(count >= 1 && count <= (size_t) t->cut.views);
	/* An encoder's output for an image does not depend on the others: those that fill up the batch are left out. */
	while (look->running && pass.shards > 1 && sc_trainer_shard_at(t, pass.shards - 1).first >= count)
		pass.shards--;
	SC_TRY(sc_trainer_forward(lane, t, &pass));
	for (int i = lane->index; i < pass.shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);
		size_t end = SC_MIN(s.first + (size_t) s.views, count);

		if (s.first < end)
			memcpy(look->out + s.first * SC_EMBEDDING_DIM, t->tensors.feature + s.first * SC_EMBEDDING_DIM,
				   (end - s.first) * SC_EMBEDDING_DIM * sizeof(float));
	}
	return SC_OK;
}
