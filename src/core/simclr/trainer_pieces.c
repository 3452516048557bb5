/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_pieces.c
 *	  The pieces of a batch whose tensors are not held all at once: which one is
 *	  at work.
 *
 * Gao and others, "Scaling Deep Contrastive Learning Batch Size under Memory
 * Limited Setup", 2021, section 3.2: the loss needs the features of all pictures
 * at once, and its gradient with respect to a feature is all that a picture's
 * own backward pass needs of the others. So features are made piece by piece
 * without keeping what they were made with, and each piece is passed forward
 * again just before it is passed back (trainer_step.c).
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/trainer_parts.h"

#include <string.h>

void
sc_trainer_take_piece(sc_trainer *t, int piece)
{
	size_t end;

	sc_shard_range((size_t) t->config.batch_size, t->cut.pieces, piece, &t->piece.first, &end);
	t->piece.images = (int) (end - t->piece.first);
	t->piece.views = 2 * t->piece.images;
	t->piece.adds = false;
}

/* Zeros at the places of shards that have fewer views than others, in a tensor. */
static void
clear(const sc_trainer *t, void *tensor, size_t elements)
{
	size_t bytes = elements * sc_element_bytes(t->net.precision);

	for (int i = 0; i < t->cut.shards; i++)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);

		memset((char *) sc_trainer_places(t, tensor, i, elements) + (size_t) s.views * bytes, 0,
			   (size_t) (t->cut.places - s.views) * bytes);
	}
}

/* ... in all that convolutions read. */
void
sc_trainer_clear_places(sc_trainer *t)
{
	clear(t, t->tensors.input, 3 * (size_t) t->net.input_size * t->net.input_size);
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
		if (t->tensors.y[l] != NULL)
			clear(t, t->tensors.y[l], sc_trainer_y_elements(t, l));
}

sc_status
sc_trainer_turn_to(const sc_lane *lane, sc_trainer *t, int piece, bool adds)
{
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		int before = t->piece.images;

		sc_trainer_take_piece(t, piece);
		t->piece.adds = adds;
		if (t->piece.images < before)
			sc_trainer_clear_places(t);
	}
	return sc_lane_barrier(lane);
}
