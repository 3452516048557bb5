/*-------------------------------------------------------------------------
 *
 * src/core/base/simd.c
 *	  Which instruction set runs. Linked into both libraries: it stands on
 *	  nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/simd.h"

#include <stdlib.h>
#include <string.h>

static sc_isa
of_cpu(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512vl"))
		return SC_ISA_AVX512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return SC_ISA_AVX2;
#endif
	return SC_ISA_BASE;
}

bool
sc_isa_asked(sc_isa *isa)
{
	static const char *const name[] = {"base", "avx2", "avx512"};
	const char *asked = getenv("SELFCLASS_ISA");

	for (int i = SC_ISA_BASE; asked != NULL && i <= SC_ISA_AVX512; i++)
		if (strcmp(asked, name[i]) == 0)
		{
			*isa = (sc_isa) i;
			return true;
		}
	return false;
}

sc_isa
sc_isa_best(void)
{
	/* Whoever comes first finds out; two at once find the same. */
	static int best = -1;
	int isa = __atomic_load_n(&best, __ATOMIC_RELAXED);

	if (isa < 0)
	{
		sc_isa asked;

		isa = of_cpu();
		if (sc_isa_asked(&asked) && (int) asked < isa)
			isa = asked;
		__atomic_store_n(&best, isa, __ATOMIC_RELAXED);
	}
	return (sc_isa) isa;
}

const char *
sc_isa_blas_kernel(void)
{
#if defined(__x86_64__)
	sc_isa asked;

	if (sc_isa_best() == SC_ISA_AVX512)
		return "SkylakeX";
	if (sc_isa_asked(&asked))
		/* Older kernels than Nehalem's (2008) overrun their stack in OpenBLAS 0.3.34. */
		return sc_isa_best() == SC_ISA_AVX2 ? "Haswell" : "Nehalem";
#endif
	return NULL;
}
