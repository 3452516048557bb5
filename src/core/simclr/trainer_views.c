/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_views.c
 *	  The two views of each image of a batch (Chen and others, ICML 2020,
 *	  section 2.1 and algorithm 1, "draw two augmentation functions").
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/hog.h"
#include "core/simclr/trainer_parts.h"

sc_status
sc_trainer_make_views(const sc_lane *lane, const void *arg, sc_trainer_shard s)
{
	const sc_train_step *step = arg;
	sc_trainer *t = step->trainer;
	sc_trainer_space *space = &t->space[lane->index];
	size_t images = (size_t) t->piece.images;
	const sc_image *seconds = step->seconds == NULL ? step->images : step->seconds;
	void *x = sc_trainer_input(t, s.index);

	for (int v = 0; v < s.views; v++)
	{
		/* All first views come before all second ones. */
		size_t view = s.first + (size_t) v, image = t->piece.first + view % images;
		sc_rng rng = sc_rng_stream(t->config.seed, (uint64_t) step->epoch, step->keys[image], view / images);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_augment_view(space->view, view < images ? &step->images[image] : &seconds[image], &t->config.augment, &rng,
						space->augment);
		sc_resnet_put_view(&t->net, x, (size_t) v, space->view);
		if (t->tensors.hog != NULL)
			sc_hog(t->tensors.hog + sc_trainer_number(t, view) * SC_HOG_DIM, space->view, t->config.augment.input_size,
				   t->config.augment.mean, t->config.augment.std, space->gray);
	}
	return SC_OK;
}

sc_status
sc_trainer_make_plain_views(const sc_lane *lane, const void *arg, sc_trainer_shard s)
{
	const sc_trainer_look *look = arg;
	sc_trainer *t = look->trainer;
	const sc_augment_config *config = &t->config.augment;
	sc_trainer_space *space = &t->space[lane->index];

	for (int v = 0; v < s.views; v++)
	{
		/* A batch has a fixed size: the images fill it up by turns. */
		const sc_image *image = &look->images[(s.first + (size_t) v) % (size_t) look->count];

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_plain_view_of(space->view, image, config, space->augment);
		sc_resnet_put_view(&t->net, sc_trainer_input(t, s.index), (size_t) v, space->view);
	}
	return SC_OK;
}
