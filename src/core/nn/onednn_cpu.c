/*-------------------------------------------------------------------------
 *
 * src/core/nn/onednn_cpu.c
 *	  What oneDNN can do on this CPU: its instructions, its blocks of channels,
 *	  and whether bf16 pays.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/simd.h"
#include "core/nn/onednn.h"

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

/* Does Intel's AMX run all passes of a convolution like those of a network? */
static sc_status
runs_on_tiles(bool *all, sc_error *err)
{
	sc_conv_config config = {.views = 8,
							 .in = 128,
							 .out = 128,
							 .side = 16,
							 .kernel = 3,
							 .stride = 1,
							 .channel_block = 16,
							 .backward = true,
							 .kind = SC_CONV_BEST,
							 .precision = SC_PRECISION_BF16};
	sc_conv conv;

	sc_conv_describe(&conv, &config);
	SC_TRY(sc_conv_onednn_open(&conv, err));
	*all = conv.onednn != NULL && sc_conv_onednn_on_tiles(&conv);
	sc_conv_close(&conv);
	return SC_OK;
}

/*
 * AMD's CPUs multiply bf16 at twice the speed of float: 135 against 111 views/s
 * (Zen 4, Winograd's algorithm for float). Intel's without AMX do not, and
 * Winograd's algorithm then makes float twice as fast.
 */
sc_status
sc_conv_onednn_bf16_pays(bool *pays, sc_error *err)
{
#if defined(__x86_64__)
	*pays = __builtin_cpu_is("amd");
	if (*pays)
		return SC_OK;
#endif
	return runs_on_tiles(pays, err);
}

void
sc_conv_onednn_name(char *name, size_t size)
{
	const dnnl_version_t *version = dnnl_version();

	snprintf(name, size, "oneDNN %d.%d %s", version->major, version->minor,
			 dnnl_cpu_isa2str(effective_isa()) + strlen("cpu_isa_"));
}
