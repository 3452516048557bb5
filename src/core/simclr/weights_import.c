/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights_import.c
 *	  From a file of weights to the one that a training would store.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/weights.h"
#include "core/base/arena.h"
#include "core/simclr/weights_names.h"
#include "core/simclr/weights_parts.h"

#include <string.h>

sc_status
sc_weights_look(sc_weights_file *file, const uint8_t *bytes, size_t size, sc_error *err)
{
	sc_st_tensor tensors[SC_WEIGHTS_MAX];
	sc_weights_names names;
	const sc_st_tensor *conv;
	int count;

	SC_TRY(sc_st_read(tensors, SC_WEIGHTS_MAX, &count, &file->metadata, bytes, size, err));
	SC_TRY(sc_weights_adopt(tensors, &count, &names, &file->ignored, err));
	conv = sc_st_find(tensors, count, "conv1.weight");
	file->small_stem = conv != NULL && conv->ndim == 4 && conv->shape[3] == 3;
	return SC_OK;
}

/* What stands in the file, momenta left out; returns how many tensors that are. */
static int
plan(sc_resnet *net, sc_weights_tensor list[SC_WEIGHTS_MAX], sc_st_entry entries[SC_WEIGHTS_MAX],
	 const sc_train_config *config)
{
	int n;

	sc_resnet_describe(net, &config->net, 1, false);
	n = sc_weights_list(list, net, config, false);
	sc_weights_entries(entries, list, n);
	return n;
}

/* The values of heads that the file lacks. */
typedef struct head_values
{
	float *params;
	float *stats;
} head_values;

static head_values
layout(sc_arena *arena, const sc_train_config *config)
{
	sc_head_config head = sc_weights_head(config);
	head_values values;

	values.params = SC_TAKE(arena, float, sc_weights_head_params(config));
	values.stats = SC_TAKE(arena, float, sc_head_stat_count(&head));
	return values;
}

void
sc_weights_import_bytes(size_t *file, size_t *scratch, const sc_train_config *config)
{
	sc_resnet net;
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	sc_st_entry entries[SC_WEIGHTS_MAX];
	int n = plan(&net, list, entries, config);
	sc_arena counter = sc_arena_counter();

	(void) layout(&counter, config);
	*file = sc_st_bytes(entries, n);
	*scratch = sc_arena_need(&counter);
}

/* Variances of batch normalisation, which the network takes the root of, whoever they are from. */
static sc_status
check_variances(const sc_st_tensor *tensors, int count, sc_error *err)
{
	static const char name[] = "running_var";
	const size_t len = sizeof(name) - 1;

	for (int i = 0; i < count; i++)
	{
		const sc_st_tensor *t = &tensors[i];

		if (t->name_len < len || memcmp(t->name + t->name_len - len, name, len) != 0)
			continue;
		for (size_t j = 0; j < t->count; j++)
			if (sc_st_value(t, j) < 0)
			{
				sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%.*s\" has a negative variance",
						(int) SC_MIN(t->name_len, (size_t) 63), t->name);
				sc_detail(err, "Element %zu is %g.", j, sc_st_value(t, j));
				return SC_BAD_WEIGHTS;
			}
	}
	return SC_OK;
}

/* Does the file hold the network's tensors, the head's and the momenta in these shapes? */
static sc_status
check(sc_st_tensor tensors[SC_WEIGHTS_MAX], int *count, sc_weights_names *names, const sc_resnet *net,
	  const sc_train_config *config, const uint8_t *bytes, size_t size, sc_error *err)
{
	sc_weights_tensor all[SC_WEIGHTS_MAX];
	int n = sc_weights_list(all, net, config, true);

	SC_TRY(sc_st_read(tensors, SC_WEIGHTS_MAX, count, NULL, bytes, size, err));
	SC_TRY(sc_weights_adopt(tensors, count, names, NULL, err));
	SC_TRY(sc_weights_check_backbone(tensors, *count, net, err));
	SC_TRY(sc_weights_check(all, n, tensors, *count, err));
	return check_variances(tensors, *count, err);
}

static sc_status
import(const sc_lane *lane, uint8_t *out, const sc_train_config *config, const uint8_t *bytes, size_t size,
	   void *scratch, sc_error *err)
{
	sc_resnet net;
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	sc_st_entry entries[SC_WEIGHTS_MAX];
	sc_st_tensor tensors[SC_WEIGHTS_MAX];
	sc_weights_names names;
	int count, n = plan(&net, list, entries, config);
	sc_arena arena = sc_arena_over(scratch, SIZE_MAX);
	head_values head = layout(&arena, config);
	int64_t steps = 0;

	SC_ASSERT((uintptr_t) out % sizeof(float) == 0);
	SC_TRY(check(tensors, &count, &names, &net, config, bytes, size, err));
	sc_weights_init_head(head.params, head.stats, config);
	sc_weights_steps(&steps, tensors, count);
	sc_st_write(out, entries, n);
	for (int i = 0; i < n; i++)
	{
		const sc_st_tensor *tensor = sc_st_find(tensors, count, list[i].name);
		uint8_t *at = out + entries[i].offset;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (list[i].slab == SC_WEIGHTS_STEPS)
			memcpy(at, &steps, sizeof(steps));
		else if (tensor != NULL)
			sc_st_floats((float *) at, tensor); /* PyTorch's layout is the file's */
		else if (list[i].slab == SC_WEIGHTS_STAT)
			memcpy(at, head.stats + (list[i].offset - net.stats), sc_st_entry_count(&entries[i]) * sizeof(float));
		else
			memcpy(at, head.params + (list[i].offset - net.params), sc_st_entry_count(&entries[i]) * sizeof(float));
	}
	return SC_OK;
}

sc_status
sc_weights_import(uint8_t *out, const sc_train_config *config, const uint8_t *bytes, size_t size, void *scratch,
				  sc_error *err)
{
	return import(NULL, out, config, bytes, size, scratch, err);
}

sc_status
sc_weights_import_run(const sc_lane *lane, void *arg)
{
	const sc_weights_importing *job = arg;
	sc_error err;
	sc_status status;

	if (lane->index > 0)
		return SC_OK;
	status = import(lane, job->out, job->config, job->bytes, job->size, job->scratch, &err);
	return status == SC_OK || status == SC_ABORTED ? status : sc_lane_fail(lane, &err);
}
