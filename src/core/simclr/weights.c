/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights.c
 *	  The tensors of a file of weights: names, shapes, places, checks.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/weights_parts.h"

#include <stdio.h>
#include <string.h>

/* ---- what there is -------------------------------------------------------- */

sc_head_config
sc_weights_head(const sc_train_config *config)
{
	return (sc_head_config){SC_EMBEDDING_DIM, config->proj_hidden_dim, config->proj_out_dim, config->proj_batch_norm};
}

void
sc_weights_init_head(float *params, float *stats, const sc_train_config *config)
{
	sc_head_config head = sc_weights_head(config);
	/* The layers of the backbone have the streams before this one. */
	sc_rng rng = sc_rng_stream(config->seed, SC_INIT_STREAM, SC_RESNET_LAYERS, 0);

	sc_head_init(&head, params, stats, &rng);
}

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

static sc_weights_slab
slab_of_part(sc_resnet_part part)
{
	return part == SC_RESNET_STEPS ? SC_WEIGHTS_STEPS : part <= SC_RESNET_SHIFT ? SC_WEIGHTS_PARAM : SC_WEIGHTS_STAT;
}

/* A parameter's momentum has its shape and its place, in another slab. */
static int
add_momenta(sc_weights_tensor *momenta, const sc_weights_tensor *list, int count)
{
	int n = 0;

	for (int i = 0; i < count; i++)
		if (list[i].slab == SC_WEIGHTS_PARAM)
		{
			momenta[n] = list[i];
			momenta[n].slab = SC_WEIGHTS_VELOCITY;
			snprintf(momenta[n].name, sizeof(momenta[n].name), SC_WEIGHTS_OPTIMIZER "%.*s", SC_RESNET_NAME,
					 list[i].name);
			n++;
		}
	return n;
}

int
sc_weights_list(sc_weights_tensor list[SC_WEIGHTS_MAX], const sc_resnet *net, const sc_head_config *head,
				bool with_optimizer)
{
	static const sc_weights_slab slab_of_head[] =
		{[SC_HEAD_PARAM] = SC_WEIGHTS_PARAM, [SC_HEAD_STAT] = SC_WEIGHTS_STAT, [SC_HEAD_STEPS] = SC_WEIGHTS_STEPS};
	sc_head_tensor heads[SC_HEAD_MAX_TENSORS];
	int count = head == NULL ? 0 : sc_head_tensors(heads, head), n = 0;

	for (int l = 0; l < SC_RESNET_LAYERS; l++)
		for (sc_resnet_part part = 0; part < SC_RESNET_PARTS; part++, n++)
		{
			const sc_resnet_layer *layer = &net->layer[l];
			sc_weights_tensor *t = &list[n];

			t->ndim = sc_resnet_tensor(net, l, part, t->name, t->shape);
			t->slab = slab_of_part(part);
			t->offset = offset_of(layer, part);
			t->conv = part == SC_RESNET_WEIGHT ? &net->conv[layer->shape] : NULL;
		}
	for (int i = 0; i < count; i++, n++)
	{
		sc_weights_tensor *t = &list[n];

		snprintf(t->name, sizeof(t->name), "%s", heads[i].name);
		t->ndim = heads[i].ndim;
		memcpy(t->shape, heads[i].shape, sizeof(heads[i].shape));
		t->slab = slab_of_head[heads[i].slab];
		t->offset = heads[i].offset + (heads[i].slab == SC_HEAD_STAT ? net->stats : net->params);
		t->conv = NULL;
	}
	return with_optimizer ? n + add_momenta(list + n, list, n) : n;
}

void
sc_weights_entries(sc_st_entry entries[SC_WEIGHTS_MAX], const sc_weights_tensor *list, int count)
{
	for (int i = 0; i < count; i++)
	{
		entries[i].name = list[i].name;
		entries[i].dtype = list[i].slab == SC_WEIGHTS_STEPS ? SC_ST_I64 : SC_ST_F32;
		entries[i].ndim = list[i].ndim;
		memcpy(entries[i].shape, list[i].shape, sizeof(entries[i].shape));
		entries[i].offset = 0;
	}
}

/* ---- what a file must hold ------------------------------------------------- */

static bool
begins(const sc_st_tensor *tensor, const char *prefix)
{
	size_t n = strlen(prefix);

	return tensor->name_len >= n && memcmp(tensor->name, prefix, n) == 0;
}

/* Of tensors beside the backbone's: those that may be there. */
static bool
may_stand_beside(const sc_st_tensor *tensor)
{
	return begins(tensor, "fc.") || begins(tensor, SC_WEIGHTS_HEAD) || begins(tensor, SC_WEIGHTS_OPTIMIZER);
}

static bool
is_of(const sc_st_tensor *tensor, const sc_weights_tensor *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strlen(list[i].name) == tensor->name_len && memcmp(list[i].name, tensor->name, tensor->name_len) == 0)
			return true;
	return false;
}

sc_status
sc_weights_check_backbone(const sc_st_tensor *tensors, int count, const sc_resnet *net, sc_error *err)
{
	sc_weights_tensor backbone[SC_WEIGHTS_MAX];
	int n = sc_weights_list(backbone, net, NULL, false), over = 0;
	const sc_st_tensor *first = NULL;

	for (int i = 0; i < n; i++)
	{
		const sc_st_tensor *tensor = sc_st_find(tensors, count, backbone[i].name);

		if (tensor == NULL && backbone[i].slab == SC_WEIGHTS_STEPS)
			continue;
		if (tensor == NULL)
		{
			sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%s\" is missing from the weights", backbone[i].name);
			sc_hint(err,
					"Weights are those of a ResNet-18: torchvision's, timm's or Hugging Face's, with or without a head.");
			return SC_BAD_WEIGHTS;
		}
		SC_TRY(sc_st_check(tensor, backbone[i].ndim, backbone[i].shape, err));
	}
	for (int i = 0; i < count; i++)
		if (!may_stand_beside(&tensors[i]) && !is_of(&tensors[i], backbone, n) && over++ == 0)
			first = &tensors[i];
	if (over > 0)
	{
		int len = (int) SC_MIN(first->name_len, (size_t) 63);

		sc_fail(err, SC_BAD_WEIGHTS, "the weights hold tensors that ResNet-18 has not");
		if (over == 1)
			sc_detail(err, "There is \"%.*s\".", len, first->name);
		else
			sc_detail(err, "There are %d of them; the first is \"%.*s\".", over, len, first->name);
		return SC_BAD_WEIGHTS;
	}
	return SC_OK;
}

sc_status
sc_weights_open(sc_st_tensor tensors[SC_WEIGHTS_MAX], int *count, const sc_resnet *net, const uint8_t *bytes,
				size_t size, sc_error *err)
{
	SC_TRY(sc_st_read(tensors, SC_WEIGHTS_MAX, count, NULL, bytes, size, err));
	return sc_weights_check_backbone(tensors, *count, net, err);
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
sc_weights_check(const sc_weights_tensor *list, int n, const sc_st_tensor *tensors, int count, sc_error *err)
{
	bool with_head = has_any(tensors, count, SC_WEIGHTS_HEAD);
	bool with_optimizer = has_any(tensors, count, SC_WEIGHTS_OPTIMIZER);

	for (int i = 0; i < n; i++)
	{
		const sc_st_tensor *tensor = sc_st_find(tensors, count, list[i].name);
		bool wanted;

		if (list[i].slab == SC_WEIGHTS_VELOCITY)
			wanted = with_optimizer;
		else if (strncmp(list[i].name, SC_WEIGHTS_HEAD, strlen(SC_WEIGHTS_HEAD)) == 0)
			wanted = with_head;
		else
			continue; /* of the backbone: sc_weights_open has looked at it */
		if (!wanted)
			continue;
		if (tensor == NULL)
			return sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%s\" is missing from the weights", list[i].name);
		SC_TRY(sc_st_check(tensor, list[i].ndim, list[i].shape, err));
	}
	return SC_OK;
}

/* ---- what is taken ---------------------------------------------------------- */

void
sc_weights_steps(int64_t *steps, const sc_st_tensor *tensors, int count)
{
	const sc_st_tensor *tensor = sc_st_find(tensors, count, "bn1.num_batches_tracked");

	if (tensor != NULL)
		*steps = (int64_t) sc_st_value(tensor, 0);
}

void
sc_weights_take(const sc_weights_tensor *to, float *slab, const sc_st_tensor *from, float *work)
{
	if (to->conv == NULL)
		sc_st_floats(slab + to->offset, from);
	else
	{
		sc_st_floats(work, from);
		sc_conv_import(to->conv, slab + to->offset, work);
	}
}
