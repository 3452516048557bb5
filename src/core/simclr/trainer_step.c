/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_step.c
 *	  One step of SimCLR (Chen and others, ICML 2020, algorithm 1), a job of all
 *	  lanes: views and forward pass, projection head, loss, backward pass, SGD;
 *	  and where it is asked for the loss of a predictor beside it.
 *
 * Lane t works on shards t, t + T, ... Lanes meet at barriers, where sums over
 * the batch are needed: at every batch norm, in the loss, and for the gradients
 * of weights.
 *
 * A batch in pieces (trainer_pieces.c) goes forward piece by piece for its
 * features, which the head and the loss take all together; then backward from
 * the last piece, whose tensors are still held, to the first, each of the others
 * after being passed forward again. Batch norms are those of a piece; running
 * statistics are moved by each, in their order.
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

/* The features of all pieces; a piece alone needs no barrier. */
static sc_status
forward(const sc_lane *lane, sc_trainer *t, const sc_trainer_pass *pass)
{
	SC_TRY(sc_trainer_reorder_weights(lane, t));
	if (t->cut.pieces == 1)
		return sc_trainer_forward(lane, t, pass);
	for (int i = 0; i < t->cut.pieces; i++)
	{
		SC_TRY(sc_trainer_turn_to(lane, t, i, false));
		SC_TRY(sc_trainer_forward(lane, t, pass));
	}
	return sc_lane_barrier(lane);
}

/* From the gradients of the features to those of the parameters; the last piece is at work. */
static sc_status
backward(const sc_lane *lane, sc_trainer *t, const sc_trainer_pass *pass)
{
	sc_trainer_pass again = *pass;

	again.norms = SC_TRAINER_BATCH;
	again.again = true;
	SC_TRY(sc_trainer_backward(lane, t));
	for (int i = t->cut.pieces - 2; i >= 0; i--)
	{
		SC_TRY(sc_trainer_turn_to(lane, t, i, true));
		SC_TRY(sc_trainer_forward(lane, t, &again));
		SC_TRY(sc_trainer_backward(lane, t));
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
							SC_TRAINER_BATCH_TRACKED, false};

	SC_ASSERT(step->epoch >= 0 && isfinite(step->lr));
	SC_ASSERT(step->images == NULL ? t->cut.pieces == 1 : step->keys != NULL);
	SC_ASSERT(step->images != NULL || tensors->hog == NULL);
	/* All see it behind the barriers of the head. */
	if (lane->index == 0)
		sc_ntxent_set_kin(&t->loss, step->kin, step->kin_each);
	SC_TRY(forward(lane, t, &pass));
	SC_TRY(sc_head_forward(lane, &t->head, tensors->z, tensors->feature));
	if (tensors->hog != NULL)
		SC_TRY(sc_predictor_run(lane, &t->predictor, tensors->hog, tensors->feature));
	/* Here the temperature meets the similarities: nn/ntxent.c. */
	SC_TRY(sc_ntxent_run(lane, &t->loss, tensors->dz, tensors->z));
	SC_TRY(sc_head_backward(lane, &t->head, tensors->feature, tensors->dz, tensors->feature));
	if (tensors->hog != NULL)
		SC_TRY(sc_predictor_add(lane, &t->predictor, tensors->feature));
	SC_TRY(backward(lane, t, &pass));
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
	sc_trainer_pass pass = {sc_trainer_make_plain_views, look, t->cut.shards, SC_TRAINER_RUNNING, false};
	size_t count = (size_t) look->count;

	/* Between steps the first piece is at work, which is none of the smaller ones. */
	SC_ASSERT(count >= 1 && count <= (size_t) t->piece.views && t->piece.first == 0);
	/* An encoder's output for an image does not depend on the others: those that fill up the batch are left out. */
	while (pass.shards > 1 && sc_trainer_shard_at(t, pass.shards - 1).first >= count)
		pass.shards--;
	SC_TRY(sc_trainer_reorder_weights(lane, t));
	SC_TRY(sc_trainer_forward(lane, t, &pass));
	for (int i = lane->index; i < pass.shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);
		size_t end = SC_MIN(s.first + (size_t) s.views, count);

		for (size_t v = s.first; v < end; v++)
			memcpy(look->out + v * SC_EMBEDDING_DIM, sc_trainer_feature(t, v), SC_EMBEDDING_DIM * sizeof(float));
	}
	return SC_OK;
}
