/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights_names.c
 *	  The names that others give to the tensors of a ResNet-18, as torchvision's.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/weights_names.h"

#include <stdio.h>
#include <string.h>

/* Of wrappers around the network, in any order and number. */
static const char *const prefixes[] = {"module.",	 "backbone.", "encoder.", "encoder_q.",
									   "_orig_mod.", "model.",	  "resnet.",  NULL};

/* What stands beside a backbone, after its prefixes: heads, and what trains with a momentum encoder. */
static const char *const beside[] = {"fc.", "classifier.", "head.", "projection.", "prototypes.", NULL};
static const char *const beside_whole[] = {"encoder_k.", "backbone_momentum.", "projection_head_momentum.", "queue",
										   NULL};

/* Of a tensor of the file, its prefixes with it; a longer one is refused. */
#define LONGEST 256

/* Does the string begin with one of the list? The length of that one, or 0. */
static size_t
begins_with(const char *string, const char *const *list)
{
	for (int i = 0; list[i] != NULL; i++)
	{
		size_t n = strlen(list[i]);

		if (strncmp(string, list[i], n) == 0)
			return n;
	}
	return 0;
}

/* Hugging Face's: the name of a convolution or norm of a block, and what of it. */
static void
from_hugging_face(char *out, const char *name)
{
	int stage, block, layer, used = 0;

	if (sscanf(name, "embedder.embedder.convolution.%n", &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "conv1.%s", name + used);
	else if (sscanf(name, "embedder.embedder.normalization.%n", &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "bn1.%s", name + used);
	else if (sscanf(name, "embedder.convolution.%n", &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "conv1.%s", name + used);
	else if (sscanf(name, "embedder.normalization.%n", &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "bn1.%s", name + used);
	else if (sscanf(name, "stages.%2d.layers.%2d.layer.%2d.convolution.%n", &stage, &block, &layer, &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "layer%d.%d.conv%d.%s", stage + 1, block, layer + 1, name + used);
	else if (sscanf(name, "stages.%2d.layers.%2d.layer.%2d.normalization.%n", &stage, &block, &layer, &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "layer%d.%d.bn%d.%s", stage + 1, block, layer + 1, name + used);
	else if (sscanf(name, "stages.%2d.layers.%2d.shortcut.convolution.%n", &stage, &block, &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "layer%d.%d.downsample.0.%s", stage + 1, block, name + used);
	else if (sscanf(name, "stages.%2d.layers.%2d.shortcut.normalization.%n", &stage, &block, &used), used > 0)
		snprintf(out, SC_WEIGHTS_NAME, "layer%d.%d.downsample.1.%s", stage + 1, block, name + used);
}

/* Children of torchvision's network by number: conv1, bn1, relu, maxpool, layer1 to layer4. */
static void
from_sequential(char *out, const char *name)
{
	int child, used = 0;

	if (sscanf(name, "%1d.%n", &child, &used), used == 0)
		return;
	if (child == 0)
		snprintf(out, SC_WEIGHTS_NAME, "conv1.%s", name + used);
	else if (child == 1)
		snprintf(out, SC_WEIGHTS_NAME, "bn1.%s", name + used);
	else if (child >= 4 && child <= 7)
		snprintf(out, SC_WEIGHTS_NAME, "layer%d.%s", child - 3, name + used);
}

typedef enum meaning
{
	MEANT,	 /* out is torchvision's name, or the file's own where it has no other */
	OURS,	 /* our own heads or a momentum, which keep their names */
	NOTHING, /* no part of a backbone */
	TOO_LONG /* to be the name of any tensor that is known */
} meaning;

static meaning
translate(char *out, const sc_st_tensor *tensor)
{
	char name[LONGEST];
	const char *rest = name;
	size_t n;

	snprintf(name, sizeof(name), "%.*s", (int) SC_MIN(tensor->name_len, sizeof(name) - 1), tensor->name);
	snprintf(out, SC_WEIGHTS_NAME, "%.*s", SC_WEIGHTS_NAME - 1, name);
	if (tensor->name_len >= LONGEST)
		return TOO_LONG;
	if (begins_with(name, (const char *const[]){SC_WEIGHTS_HEAD, SC_WEIGHTS_HOG, SC_WEIGHTS_OPTIMIZER, NULL}) > 0)
		return OURS;
	do
	{
		if (begins_with(rest, beside_whole) > 0)
			return NOTHING;
		n = begins_with(rest, prefixes);
		rest += n;
	} while (n > 0);
	if (begins_with(rest, beside) > 0)
		return NOTHING;
	snprintf(out, SC_WEIGHTS_NAME, "%.*s", SC_WEIGHTS_NAME - 1, rest);
	if (strlen(rest) >= SC_WEIGHTS_NAME)
		return TOO_LONG;
	from_hugging_face(out, rest);
	from_sequential(out, rest);
	return MEANT;
}

static void
note_ignored(sc_weights_ignored *ignored, const sc_st_tensor *tensor)
{
	size_t used = strlen(ignored->names);

	/* The first few; the number says how many more. */
	if (used + tensor->name_len + 3 < sizeof(ignored->names))
		snprintf(ignored->names + used, sizeof(ignored->names) - used, "%s%.*s", used > 0 ? ", " : "",
				 (int) tensor->name_len, tensor->name);
	ignored->count++;
}

/* What a file is that is not ResNet-18, by a name that the other one has; NULL where it does not show. */
static const char *
other_network(const sc_st_tensor *tensors, int count)
{
	static const char *const deep[] = {"conv1.0.", NULL};
	static const char *const longer[] = {"layer1.2.", "layer2.2.", "layer3.2.", "layer4.2.", NULL};
	const char *found = NULL;

	for (int i = 0; i < count; i++)
	{
		const char *layer = tensors[i].name; /* ended by a 0 since it was translated */

		if (strstr(layer, ".conv3.") != NULL)
			return "a ResNet with bottlenecks, such as ResNet-50";
		if (begins_with(layer, deep) > 0)
			found = "a ResNet with a deep stem, such as timm's resnet18d";
		else if (begins_with(layer, longer) > 0 && found == NULL)
			found = "a longer ResNet, such as ResNet-34";
	}
	return found;
}

sc_status
sc_weights_adopt(sc_st_tensor *tensors, int *count, sc_weights_names *names, sc_weights_ignored *ignored, sc_error *err)
{
	const char *other;
	int kept = 0;

	if (ignored != NULL)
		*ignored = (sc_weights_ignored){0};
	for (int i = 0; i < *count; i++)
	{
		sc_st_tensor *tensor = &tensors[kept];
		char *name = names->name[kept];

		*tensor = tensors[i];
		switch (translate(name, tensor))
		{
			case NOTHING:
				if (ignored != NULL)
					note_ignored(ignored, tensor);
				continue;
			case MEANT:
				if (strstr(name, "num_batches_tracked") != NULL && tensor->count == 1)
					tensor->ndim = 0;
				break;
			case OURS:
				break;
			case TOO_LONG:
				sc_fail(err, SC_BAD_WEIGHTS, "the weights hold a tensor that ResNet-18 has not");
				sc_detail(err, "Its name begins with \"%s\".", name);
				return SC_BAD_WEIGHTS;
		}
		if (sc_st_find(tensors, kept, name) != NULL)
		{
			sc_fail(err, SC_BAD_WEIGHTS, "the weights hold \"%s\" twice", name);
			sc_detail(err, "One of them is \"%.*s\".", (int) tensor->name_len, tensor->name);
			return SC_BAD_WEIGHTS;
		}
		tensor->name = name;
		tensor->name_len = strlen(name);
		kept++;
	}
	*count = kept;
	other = other_network(tensors, kept);
	if (other != NULL)
	{
		sc_fail(err, SC_BAD_WEIGHTS, "the weights are those of another network than ResNet-18");
		sc_detail(err, "By its names the file is %s.", other);
		sc_hint(err, "Give the weights of torchvision's or timm's resnet18, or of Hugging Face's microsoft/resnet-18.");
		return SC_BAD_WEIGHTS;
	}
	return SC_OK;
}
