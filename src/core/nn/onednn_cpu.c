/*-------------------------------------------------------------------------
 *
 * src/core/nn/onednn_cpu.c
 *	  What oneDNN can do on this CPU: its instructions and its blocks of channels.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/simd.h"
#include "core/nn/onednn.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void
lower_isa(void)
{
	static const dnnl_cpu_isa_t isa[] = {dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core};
	sc_isa asked;

	if (sc_isa_asked(&asked))
		(void) dnnl_set_max_cpu_isa(isa[asked]);
}

/* The instructions that oneDNN's code may have: everything here begins with this question. */
static dnnl_cpu_isa_t
effective_isa(void)
{
	static pthread_once_t lowered = PTHREAD_ONCE_INIT;

	(void) pthread_once(&lowered, lower_isa);
	return dnnl_get_effective_cpu_isa();
}

int
sc_conv_onednn_channel_block(void)
{
	dnnl_cpu_isa_t isa = effective_isa();

	if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core)
		return 16;
	if ((isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2)
		return 8;
	return 0;
}

bool
sc_conv_onednn_has_bf16(void)
{
	return (effective_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

/* AVX512_FP16: bit 23 of edx of leaf 7. */
static bool
has_fp16(void)
{
#if defined(__x86_64__)
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 23 & 1) != 0;
#else
	return false;
#endif
}

sc_conv_isa
sc_conv_onednn_isa(void)
{
	if (sc_conv_onednn_has_bf16())
		return has_fp16() ? SC_CONV_ISA_AVX512_FP16 : SC_CONV_ISA_AVX512_BF16;
	switch (sc_conv_onednn_channel_block())
	{
		case 16:
			return SC_CONV_ISA_AVX512;
		case 8:
			return SC_CONV_ISA_AVX2;
		default:
			return SC_CONV_ISA_OTHER;
	}
}

void
sc_conv_onednn_name(char *name, size_t size)
{
	const dnnl_version_t *version = dnnl_version();

	snprintf(name, size, "oneDNN %d.%d %s", version->major, version->minor,
			 dnnl_cpu_isa2str(effective_isa()) + strlen("cpu_isa_"));
}
