/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights.c
 *	  The state of a trainer as a safetensors file, and back.
 *
 * Names are torchvision's for the backbone and Lightly's for the head. A file
 * is checked whole before anything is taken from it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/weights.h"
#include "core/simclr/trainer_parts.h"

#include <stdio.h>
#include <string.h>

#define OPTIMIZER "optimizer."

static size_t
offset_of(const sc_resnet_layer *layer, sc_resnet_part part)
{
	switch (part)
	{
		case SC_RESNET_WEIGHT:
			return layer->weight;
		case SC_RESNET_SCALE:
			return layer->scale;
		case SC_RESNET_SHIFT:
			return layer->shift;
		case SC_RESNET_MEAN:
			return layer->mean;
		default:
			return layer->var;
	}
}

static bool
is_param(sc_resnet_part part)
{
	return part <= SC_RESNET_SHIFT;
}

static bool
begins(const sc_st_tensor *tensor, const char *prefix)
{
	size_t n = strlen(prefix);

	return tensor->name_len >= n && memcmp(tensor->name, prefix, n) == 0;
}

/* ---- reading -------------------------------------------------------------- */

sc_status
sc_weights_open(sc_st_tensor tensors[SC_WEIGHTS_MAX], int *count, const sc_resnet *net, const uint8_t *bytes,
				size_t size, sc_error *err)
{
	int known = 0;

	SC_TRY(sc_st_read(tensors, SC_WEIGHTS_MAX, count, bytes, size, err));
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
		for (sc_resnet_part part = 0; part < SC_RESNET_PARTS; part++)
		{
			char name[SC_RESNET_NAME];
			int shape[4];
			int ndim = sc_resnet_tensor(net, l, part, name, shape);
			const sc_st_tensor *tensor = sc_st_find(tensors, *count, name);

			if (tensor == NULL && part == SC_RESNET_STEPS)
				continue;
			if (tensor == NULL)
			{
				sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%s\" is missing from the weights", name);
				sc_hint(err, "Weights are those of torchvision's resnet18, with or without fc.");
				return SC_BAD_WEIGHTS;
			}
			SC_TRY(sc_st_check(tensor, ndim, shape, err));
			known++;
		}
	for (int i = 0; i < *count; i++)
		if (begins(&tensors[i], "fc.") || begins(&tensors[i], "projection_head.") || begins(&tensors[i], OPTIMIZER))
			known++;
	/* The reader lets no name come twice, so what is over is unknown. */
	if (known != *count)
	{
		sc_fail(err, SC_BAD_WEIGHTS, "the weights hold tensors that resnet18 has not");
		sc_detail(err, "There are %d of them.", *count - known);
		return SC_BAD_WEIGHTS;
	}
	return SC_OK;
}

void
sc_weights_take(const sc_resnet *net, float *params, float *stats, int64_t *steps, const sc_st_tensor *tensors,
				int count, float *work)
{
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
		for (sc_resnet_part part = 0; part < SC_RESNET_PARTS; part++)
		{
			const sc_resnet_layer *layer = &net->layer[l];
			char name[SC_RESNET_NAME];
			int shape[4];
			const sc_st_tensor *tensor;

			(void) sc_resnet_tensor(net, l, part, name, shape);
			tensor = sc_st_find(tensors, count, name);
			if (part == SC_RESNET_STEPS)
			{
				if (tensor != NULL && l == 0)
					*steps = (int64_t) sc_st_value(tensor, 0);
			}
			else if (part == SC_RESNET_WEIGHT)
			{
				sc_st_floats(work, tensor);
				sc_conv_import(&net->conv[layer->shape], params + layer->weight, work);
			}
			else
				sc_st_floats((is_param(part) ? params : stats) + offset_of(layer, part), tensor);
		}
}

/* ---- the trainer's tensors -------------------------------------------------- */

/* One tensor of a trainer's state. */
typedef struct state_tensor
{
	char name[SC_RESNET_NAME + sizeof(OPTIMIZER)];
	int ndim;
	int shape[4];
	float *data;		 /* NULL: the number of steps, an int64 */
	const sc_conv *conv; /* not NULL: data is in its layout */
} state_tensor;

/* All tensors, in the order of the file; momenta last. */
static int
list_state(state_tensor list[SC_WEIGHTS_MAX], const sc_trainer *t, bool with_optimizer)
{
	sc_head_tensor head[SC_HEAD_MAX_TENSORS];
	int heads = sc_head_tensors(head, &t->head.config);
	int n = 0;

	for (int round = 0; round < (with_optimizer ? 2 : 1); round++)
	{
		float *slab = round == 0 ? t->params : t->velocity;
		const char *prefix = round == 0 ? "" : OPTIMIZER;

		for (int l = 0; l < SC_RESNET_LAYERS; l++)
			for (sc_resnet_part part = 0; part < SC_RESNET_PARTS; part++)
			{
				const sc_resnet_layer *layer = &t->net.layer[l];
				state_tensor *s = &list[n];
				char name[SC_RESNET_NAME];

				if (round == 1 && !is_param(part))
					continue;
				s->ndim = sc_resnet_tensor(&t->net, l, part, name, s->shape);
				snprintf(s->name, sizeof(s->name), "%s%s", prefix, name);
				s->data = part == SC_RESNET_STEPS ? NULL : (is_param(part) ? slab : t->stats) + offset_of(layer, part);
				s->conv = part == SC_RESNET_WEIGHT ? &t->net.conv[layer->shape] : NULL;
				n++;
			}
		for (int i = 0; i < heads; i++)
		{
			state_tensor *s = &list[n];

			if (round == 1 && head[i].slab != SC_HEAD_PARAM)
				continue;
			snprintf(s->name, sizeof(s->name), "%s%s", prefix, head[i].name);
			s->ndim = head[i].ndim;
			memcpy(s->shape, head[i].shape, sizeof(head[i].shape));
			s->data = head[i].slab == SC_HEAD_STEPS	 ? NULL
					  : head[i].slab == SC_HEAD_STAT ? t->stats + t->net.stats + head[i].offset
													 : slab + t->net.params + head[i].offset;
			s->conv = NULL;
			n++;
		}
	}
	return n;
}

/* The entries of the file; names point into list. */
static void
list_entries(sc_st_entry entries[SC_WEIGHTS_MAX], const state_tensor *list, int count)
{
	for (int i = 0; i < count; i++)
	{
		entries[i].name = list[i].name;
		entries[i].dtype = list[i].data == NULL ? SC_ST_I64 : SC_ST_F32;
		entries[i].ndim = list[i].ndim;
		memcpy(entries[i].shape, list[i].shape, sizeof(entries[i].shape));
		entries[i].offset = 0;
	}
}

size_t
sc_trainer_save_bytes(const sc_trainer *trainer, bool with_optimizer)
{
	state_tensor list[SC_WEIGHTS_MAX];
	sc_st_entry entries[SC_WEIGHTS_MAX];
	int n = list_state(list, trainer, with_optimizer);

	list_entries(entries, list, n);
	return sc_st_bytes(entries, n);
}

void
sc_trainer_save(uint8_t *out, const sc_trainer *trainer, bool with_optimizer)
{
	state_tensor list[SC_WEIGHTS_MAX];
	sc_st_entry entries[SC_WEIGHTS_MAX];
	int n = list_state(list, trainer, with_optimizer);

	list_entries(entries, list, n);
	sc_st_write(out, entries, n);
	for (int i = 0; i < n; i++)
	{
		uint8_t *at = out + entries[i].offset;

		if (list[i].data == NULL)
			memcpy(at, &trainer->steps, sizeof(trainer->steps));
		else if (list[i].conv != NULL)
		{
			/* No step is running: its gradients make room for a tensor in PyTorch's order. */
			sc_conv_export(list[i].conv, trainer->weight_grads[1], list[i].data);
			memcpy(at, trainer->weight_grads[1], list[i].conv->weights * sizeof(float));
		}
		else
			memcpy(at, list[i].data, sc_st_entry_count(&entries[i]) * sizeof(float));
	}
}

/* Does the file hold any tensor whose name begins so? */
static bool
has_any(const sc_st_tensor *tensors, int count, const char *prefix)
{
	for (int i = 0; i < count; i++)
		if (begins(&tensors[i], prefix))
			return true;
	return false;
}

sc_status
sc_trainer_load(sc_trainer *t, const uint8_t *bytes, size_t size, sc_error *err)
{
	sc_st_tensor tensors[SC_WEIGHTS_MAX];
	state_tensor list[SC_WEIGHTS_MAX];
	int count, n = list_state(list, t, true);
	bool with_head, with_optimizer;

	SC_TRY(sc_weights_open(tensors, &count, &t->net, bytes, size, err));
	with_head = has_any(tensors, count, "projection_head.");
	with_optimizer = has_any(tensors, count, OPTIMIZER);

	for (int i = 0; i < n; i++)
	{
		const sc_st_tensor *tensor = sc_st_find(tensors, count, list[i].name);
		bool optimizer = strncmp(list[i].name, OPTIMIZER, strlen(OPTIMIZER)) == 0;

		if (optimizer ? !with_optimizer
					  : (strncmp(list[i].name, "projection_head.", 16) == 0 ? !with_head : tensor == NULL))
			continue;
		if (tensor == NULL)
			return sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%s\" is missing from the weights", list[i].name);
		SC_TRY(sc_st_check(tensor, list[i].ndim, list[i].shape, err));
	}

	for (int i = 0; i < n; i++)
	{
		const sc_st_tensor *tensor = sc_st_find(tensors, count, list[i].name);

		if (tensor == NULL || list[i].data == NULL)
			continue;
		if (list[i].conv != NULL)
		{
			sc_st_floats(t->weight_grads[1], tensor);
			sc_conv_import(list[i].conv, list[i].data, t->weight_grads[1]);
		}
		else
			sc_st_floats(list[i].data, tensor);
	}
	{
		const sc_st_tensor *steps = sc_st_find(tensors, count, "bn1.num_batches_tracked");

		if (steps != NULL)
			t->steps = (int64_t) sc_st_value(steps, 0);
	}
	return SC_OK;
}
