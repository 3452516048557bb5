/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_choice.c
 *	  Which implementation does a pass of a convolution, and which precision is
 *	  the faster one: what was measured, by instruction set, precision and shape.
 *
 * The lines are in conv_table.h; "make tune" prints them anew on the CPU that it
 * runs on. No clock chooses while the extension runs, and neither lanes nor
 * caches nor the batch are asked: the same training takes the same path, and has
 * the same bits, every time.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/simd.h"
#include "core/nn/conv_parts.h"

#include <stddef.h>

/* One shape, as it was measured: the fastest path for each of its passes. */
typedef struct line
{
	sc_conv_isa isa;
	sc_precision precision;
	int kernel, stride, in, out, side;
	sc_conv_path path[SC_CONV_PASSES];
} line;

/* What a step of a training takes in all of its convolutions. */
typedef struct speed
{
	sc_conv_isa isa;
	double f32, bf16; /* views a second of a lane, at 128 pixels */
} speed;

#define AVX2 SC_CONV_ISA_AVX2, SC_PRECISION_F32
#define AVX512 SC_CONV_ISA_AVX512, SC_PRECISION_F32
#define BF16 SC_CONV_ISA_AVX512_BF16, SC_PRECISION_BF16
#define DIRECT SC_CONV_BY_ONEDNN
#define DNNL_WINOGRAD SC_CONV_BY_ONEDNN_WINOGRAD
#define WINOGRAD SC_CONV_BY_WINOGRAD
#define ROWS SC_CONV_BY_ROWS

#include "core/nn/conv_table.h"

sc_conv_isa
sc_conv_isa_here(void)
{
#ifdef SC_WITH_ONEDNN
	return sc_conv_onednn_isa();
#else
	return sc_isa_best() == SC_ISA_AVX512 ? SC_CONV_ISA_AVX512
		   : sc_isa_best() == SC_ISA_AVX2 ? SC_CONV_ISA_AVX2
										  : SC_CONV_ISA_OTHER;
#endif
}

/* The instruction set whose lines count for this precision. */
static sc_conv_isa
measured_as(sc_precision precision)
{
	sc_conv_isa isa = sc_conv_isa_here();

	if (precision == SC_PRECISION_F32 && isa > SC_CONV_ISA_AVX512)
		return SC_CONV_ISA_AVX512;
	return isa == SC_CONV_ISA_AVX512_FP16 ? SC_CONV_ISA_AVX512_BF16 : isa;
}

/* Of two sides that were measured: the smallest that is not below ours, else the largest. */
static bool
is_nearer(int side, int than, int ours)
{
	if (side >= ours)
		return than < ours || side < than;
	return than < ours && side > than;
}

sc_conv_path
sc_conv_choose(const sc_conv_config *config, sc_conv_pass pass)
{
	sc_conv_isa isa = measured_as(config->precision);
	const line *best = NULL;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		const line *l = &lines[i];

		if (l->isa == isa && l->precision == config->precision && l->kernel == config->kernel &&
			l->stride == config->stride && l->in == config->in && l->out == config->out &&
			(best == NULL || is_nearer(l->side, best->side, config->side)))
			best = l;
	}
	return best == NULL ? SC_CONV_BY_ONEDNN : best->path[pass];
}

bool
sc_conv_measured_bf16_pays(void)
{
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].isa == sc_conv_isa_here())
			return speeds[i].bf16 > speeds[i].f32;
	return false;
}
