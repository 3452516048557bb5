/*-------------------------------------------------------------------------
 *
 * tests/fuzz/fuzz_image.c
 *	  libFuzzer on the readers of images: any bytes are a JPEG, a PNG or a WebP.
 *
 * Limits are small, so that time goes into bytes and not into pixels. What is
 * planned must be decoded within the memory that the plan names, and what is
 * decoded must make a view.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/simclr/augment.h"
#include "core/image/image.h"

#include <math.h>
#include <stdlib.h>

#define SIDE 8

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(const sc_image_plan *plan, const uint8_t *pixels)
{
	static const float zero[3] = {0, 0, 0};
	static const float one[3] = {1, 1, 1};
	float view[SIDE * SIDE * 3];
	void *scratch = malloc(sc_augment_scratch_bytes(SIDE));

	sc_plain_view(view, &(sc_image){plan->width, plan->height, plan->channels, pixels}, SIDE, zero, one, scratch);
	for (int i = 0; i < SIDE * SIDE * 3; i++)
		if (!(view[i] > -0.001f && view[i] < 1.001f))
			abort();
	free(scratch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const sc_image_limits limits = {1 << 18, 4 << 20, 20, 1 << 20};
	static const int sides[] = {0, 1, 20};

	for (int i = 0; i < 3; i++)
	{
		sc_image_plan plan;
		sc_error err;
		uint8_t *pixels;
		void *scratch;

		if (sc_image_plan_read(&plan, data, size, sides[i], &limits, &err) != SC_OK)
			continue;
		if (plan.width < 1 || plan.height < 1 || (plan.channels != 1 && plan.channels != 3) ||
			plan.bytes != (size_t) plan.width * (size_t) plan.height * (size_t) plan.channels ||
			plan.bytes > 3 * limits.max_pixels || plan.scratch > limits.max_memory)
			abort();
		pixels = malloc(plan.bytes);
		scratch = aligned_alloc(SC_ALIGN, (plan.scratch + SC_ALIGN - 1) / SC_ALIGN * SC_ALIGN);
		if (sc_image_decode(pixels, &plan, data, size, &limits, scratch, NULL, NULL, &err) == SC_OK)
			use(&plan, pixels);
		free(scratch);
		free(pixels);
	}
	return 0;
}
