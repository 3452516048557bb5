/*-------------------------------------------------------------------------
 *
 * tests/unit/formula.h
 *	  Weights and inputs by formula: tests/fixtures/make_torch.py computes the
 *	  same values, to the bit, so that a whole network can be compared with
 *	  PyTorch without a file of its weights.
 *
 * u(id, i) = the upper 24 bits of mix64(id + i * 0x9E3779B97F4A7C15), mod
 * 2^64, as a signed fraction in [-1, 1); id = FNV-1a (64 bits) of the name.
 * An element is offset + scale * u; where offset is not 0, scale is a power
 * of two, so that there is one rounding with or without fused multiply-add.
 *
 * Tensors of a network, by their names in torchvision and Lightly:
 *	 conv*.weight, downsample.0.weight	scale sqrt(6 / fan_out), fan_out = out * kh * kw
 *	 linear weight and bias				scale sqrt(1 / in)
 *	 batch norm weight (1-d), bias		offset 1, scale 1/8; offset 0, scale 1/8
 *	 running_mean, running_var			0 and 1; of the encoder's fixture like bias and weight
 * (the scales computed in double, then rounded to float).
 * Views: formula_view. Images: formula_image.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FORMULA_H
#define FORMULA_H

#include "core/base/rng.h"

/* The id of a tensor: FNV-1a of its name. */
static inline uint64_t
formula_id(const char *name)
{
	uint64_t h = UINT64_C(0xCBF29CE484222325);

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char) *name) * UINT64_C(0x100000001B3);
	return h;
}

static inline float
formula_unit(uint64_t id, uint64_t i)
{
	uint64_t h = sc_mix64(id + i * UINT64_C(0x9E3779B97F4A7C15));

	return (float) ((int32_t) (h >> 40) - (1 << 23)) * 0x1p-23f;
}

/* out (n): offset + scale * u(id, i), i in PyTorch's order of the tensor (out, in, kh, kw). */
static inline void
formula_fill(float *out, size_t n, uint64_t id, float scale, float offset)
{
	for (size_t i = 0; i < n; i++)
		out[i] = offset + scale * formula_unit(id, i);
}

/* View v of a batch, (size, size, 3): a coarse pattern of 8 x 8 cells, and noise. */
static inline void
formula_view(float *out, int size, int v)
{
	uint64_t coarse = formula_id("coarse"), fine = formula_id("fine");

	for (int y = 0; y < size; y++)
		for (int x = 0; x < size; x++)
			for (int c = 0; c < 3; c++)
			{
				uint64_t cell = ((uint64_t) (v * 8 + y * 8 / size) * 8 + x * 8 / size) * 3 + c;
				uint64_t pixel = ((uint64_t) (v * size + y) * size + x) * 3 + c;

				out[((size_t) y * size + x) * 3 + c] = formula_unit(coarse, cell) + 0.5f * formula_unit(fine, pixel);
			}
}

/* Image v, (size, size, 3): the view in 0 ... 255. scratch (size, size, 3). */
static inline void
formula_image(uint8_t *out, int size, int v, float *scratch)
{
	formula_view(scratch, size, v);
	for (size_t i = 0; i < (size_t) size * size * 3; i++)
		out[i] = (uint8_t) ((scratch[i] + 1.5f) * 85.0f);
}

#endif /* FORMULA_H */
