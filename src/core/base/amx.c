/*-------------------------------------------------------------------------
 *
 * src/core/base/amx.c
 *	  Asking for AMX: Linux gives a process its large registers on request.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/amx.h"

#include "core/base/simd.h"

#if defined(__x86_64__) && defined(__linux__) && (defined(__clang__) || __GNUC__ >= 11)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux, arch/x86/include/uapi/asm/prctl.h, and the number of the state component. */
#define REQUEST_PERMISSION 0x1023
#define TILE_DATA 18

/* Leaf 7: bits of edx. */
#define AMX_BF16 (1u << 22)
#define AMX_TILE (1u << 24)

static bool
ask(void)
{
	unsigned a, b, c, d;
	sc_isa asked;

	return !sc_isa_asked(&asked) && sc_isa_best() == SC_ISA_AVX512 && __builtin_cpu_supports("avx512bf16") &&
		   __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & AMX_BF16) != 0 && (d & AMX_TILE) != 0 &&
		   syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

#else

static bool
ask(void)
{
	return false;
}

#endif

bool
sc_amx_granted(void)
{
	/* Whoever comes first asks; two at once are told the same. */
	static int granted = -1;
	int known = __atomic_load_n(&granted, __ATOMIC_RELAXED);

	if (known < 0)
	{
		known = ask();
		__atomic_store_n(&granted, known, __ATOMIC_RELAXED);
	}
	return known != 0;
}
