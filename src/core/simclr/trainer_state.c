/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_state.c
 *	  The state of a trainer as a safetensors file, and back.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/trainer_parts.h"
#include "core/simclr/weights_parts.h"

#include <string.h>

static float *
slab_of(const sc_trainer *t, sc_weights_slab slab)
{
	return slab == SC_WEIGHTS_PARAM		 ? t->state.params
		   : slab == SC_WEIGHTS_VELOCITY ? t->state.velocity
										 : t->state.stats;
}

/* Room for one layer's weights in PyTorch's order: no step is running, so its gradients lend it. */
static float *
work_of(const sc_trainer *t)
{
	return t->grads.by_shard[SC_RESNET_SECOND];
}

size_t
sc_trainer_save_bytes(const sc_trainer *trainer, bool with_optimizer)
{
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	sc_st_entry entries[SC_WEIGHTS_MAX];
	int n = sc_weights_list(list, &trainer->net, &trainer->config, with_optimizer);

	sc_weights_entries(entries, list, n);
	return sc_st_bytes(entries, n);
}

static sc_status
save(const sc_lane *lane, uint8_t *out, const sc_trainer *trainer, bool with_optimizer)
{
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	sc_st_entry entries[SC_WEIGHTS_MAX];
	int n = sc_weights_list(list, &trainer->net, &trainer->config, with_optimizer);

	sc_weights_entries(entries, list, n);
	sc_st_write(out, entries, n);
	for (int i = 0; i < n; i++)
	{
		const float *data = slab_of(trainer, list[i].slab) + list[i].offset;
		uint8_t *at = out + entries[i].offset;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (list[i].slab == SC_WEIGHTS_STEPS)
		{
			memcpy(at, &trainer->state.steps, sizeof(trainer->state.steps));
			continue;
		}
		if (list[i].conv != NULL)
		{
			sc_conv_export(list[i].conv, work_of(trainer), data);
			data = work_of(trainer);
		}
		memcpy(at, data, sc_st_entry_count(&entries[i]) * sizeof(float));
	}
	return SC_OK;
}

void
sc_trainer_save(uint8_t *out, const sc_trainer *trainer, bool with_optimizer)
{
	(void) save(NULL, out, trainer, with_optimizer);
}

sc_status
sc_trainer_save_run(const sc_lane *lane, void *arg)
{
	const sc_trainer_saving *job = arg;

	return lane->index > 0 ? SC_OK : save(lane, job->out, job->trainer, job->with_optimizer);
}

static sc_status
load(const sc_lane *lane, sc_trainer *t, const uint8_t *bytes, size_t size, sc_error *err)
{
	sc_st_tensor tensors[SC_WEIGHTS_MAX];
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	int count, n = sc_weights_list(list, &t->net, &t->config, true);

	SC_TRY(sc_weights_open(tensors, &count, &t->net, bytes, size, err));
	SC_TRY(sc_weights_check(list, n, tensors, count, err));
	for (int i = 0; i < n; i++)
	{
		const sc_st_tensor *tensor = sc_st_find(tensors, count, list[i].name);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (tensor != NULL && list[i].slab != SC_WEIGHTS_STEPS)
			sc_weights_take(&list[i], slab_of(t, list[i].slab), tensor, work_of(t));
	}
	sc_weights_steps(&t->state.steps, tensors, count);
	return SC_OK;
}

sc_status
sc_trainer_load(sc_trainer *trainer, const uint8_t *bytes, size_t size, sc_error *err)
{
	return load(NULL, trainer, bytes, size, err);
}

sc_status
sc_trainer_load_run(const sc_lane *lane, void *arg)
{
	const sc_trainer_loading *job = arg;
	sc_error err;
	sc_status status;

	if (lane->index > 0)
		return SC_OK;
	status = load(lane, job->trainer, job->bytes, job->size, &err);
	return status == SC_OK || status == SC_ABORTED ? status : sc_lane_fail(lane, &err);
}
