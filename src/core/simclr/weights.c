/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights.c
 *	  The tensors of a file of weights: names, shapes, places, checks.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/hog.h"
#include "core/simclr/weights_parts.h"

#include <stdio.h>
#include <string.h>

/* ---- what there is -------------------------------------------------------- */

sc_head_config
sc_weights_head(const sc_train_config *config)
{
	return (sc_head_config){SC_EMBEDDING_DIM, config->proj_hidden_dim, config->proj_out_dim, config->proj_batch_norm};
}

static size_t
predictor_params(const sc_train_config *config)
{
	return config->hog_weight > 0 ? sc_predictor_param_count(SC_EMBEDDING_DIM, SC_HOG_DIM) : 0;
}

size_t
sc_weights_head_params(const sc_train_config *config)
{
	sc_head_config head = sc_weights_head(config);

	return sc_head_param_count(&head) + predictor_params(config);
}

void
sc_weights_init_head(float *params, float *stats, const sc_train_config *config)
{
	sc_head_config head = sc_weights_head(config);
	/* The layers of the backbone have the streams before this one. */
	sc_rng rng = sc_rng_stream(config->seed, SC_INIT_STREAM, SC_RESNET_LAYERS, 0);

	sc_head_init(&head, params, stats, &rng);
	memset(params + sc_head_param_count(&head), 0, predictor_params(config) * sizeof(float));
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

/* The projection head's, from its place behind the backbone on; returns how many. */
static int
add_head(sc_weights_tensor *list, const sc_resnet *net, const sc_head_config *head)
{
	static const sc_weights_slab slab_of_head[] =
		{[SC_HEAD_PARAM] = SC_WEIGHTS_PARAM, [SC_HEAD_STAT] = SC_WEIGHTS_STAT, [SC_HEAD_STEPS] = SC_WEIGHTS_STEPS};
	sc_head_tensor heads[SC_HEAD_MAX_TENSORS];
	int count = sc_head_tensors(heads, head);

	for (int i = 0; i < count; i++)
	{
		sc_weights_tensor *t = &list[i];

		snprintf(t->name, sizeof(t->name), "%s", heads[i].name);
		t->ndim = heads[i].ndim;
		memcpy(t->shape, heads[i].shape, sizeof(heads[i].shape));
		t->slab = slab_of_head[heads[i].slab];
		t->offset = heads[i].offset + (heads[i].slab == SC_HEAD_STAT ? net->stats : net->params);
		t->conv = NULL;
	}
	return count;
}

/* The predictor's, likewise, from the offset on. */
static int
add_predictor(sc_weights_tensor *list, size_t offset)
{
	list[0] =
		(sc_weights_tensor){SC_WEIGHTS_HOG "weight", 2, {SC_HOG_DIM, SC_EMBEDDING_DIM}, SC_WEIGHTS_PARAM, offset, NULL};
	offset += (size_t) SC_HOG_DIM * SC_EMBEDDING_DIM;
	list[1] = (sc_weights_tensor){SC_WEIGHTS_HOG "bias", 1, {SC_HOG_DIM}, SC_WEIGHTS_PARAM, offset, NULL};
	return 2;
}

int
sc_weights_list(sc_weights_tensor list[SC_WEIGHTS_MAX], const sc_resnet *net, const sc_train_config *config,
				bool with_optimizer)
{
	int n = 0;

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
	if (config != NULL)
	{
		sc_head_config head = sc_weights_head(config);

		n += add_head(list + n, net, &head);
		if (config->hog_weight > 0)
			n += add_predictor(list + n, net->params + sc_head_param_count(&head));
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
	return begins(tensor, "fc.") || begins(tensor, SC_WEIGHTS_HEAD) || begins(tensor, SC_WEIGHTS_HOG) ||
		   begins(tensor, SC_WEIGHTS_OPTIMIZER);
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

/* What the name of a head's tensor begins with; NULL: it is the backbone's. */
static const char *
head_of(const char *name)
{
	static const char *const heads[] = {SC_WEIGHTS_HEAD, SC_WEIGHTS_HOG, NULL};

	for (int i = 0; heads[i] != NULL; i++)
		if (strncmp(name, heads[i], strlen(heads[i])) == 0)
			return heads[i];
	return NULL;
}

sc_status
sc_weights_check(const sc_weights_tensor *list, int n, const sc_st_tensor *tensors, int count, sc_error *err)
{
	bool with_optimizer = has_any(tensors, count, SC_WEIGHTS_OPTIMIZER);

	for (int i = 0; i < n; i++)
	{
		const sc_st_tensor *tensor = sc_st_find(tensors, count, list[i].name);
		bool momentum = list[i].slab == SC_WEIGHTS_VELOCITY;
		const char *head = head_of(list[i].name + (momentum ? strlen(SC_WEIGHTS_OPTIMIZER) : 0));

		/* sc_weights_open has looked at the backbone's. */
		if (momentum ? !with_optimizer : head == NULL)
			continue;
		if (head != NULL && !has_any(tensors, count, head))
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
