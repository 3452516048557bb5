/*-------------------------------------------------------------------------
 *
 * src/core/simd.h
 *	  One source, several instruction sets, chosen at run time.
 *
 * A file whose name ends in _simd.c is compiled once per instruction set
 * (Makefile): SC_ISA is base, avx2 (with FMA) or avx512 (F, BW, DQ, VL). Its
 * functions are named SC_SIMD(sc_x) and declared by SC_SIMD_DECLARE; callers
 * take the best one with SC_SIMD_CALL. Nothing is compiled for the machine
 * that compiles: a package is built on one and run on another. Plain loops that
 * the compiler can vectorise are enough; no intrinsics are needed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SIMD_H
#define SC_SIMD_H

typedef enum sc_isa
{
	SC_ISA_BASE,
	SC_ISA_AVX2,
	SC_ISA_AVX512
} sc_isa;

/* What this CPU (and its operating system) can run; constant in a process. */
static inline sc_isa
sc_isa_best(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return SC_ISA_AVX512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return SC_ISA_AVX2;
#endif
	return SC_ISA_BASE;
}

#ifndef SC_ISA
#define SC_ISA base
#endif
#define SC_SIMD_PASTE_(name, isa) name##_##isa
#define SC_SIMD_PASTE(name, isa) SC_SIMD_PASTE_(name, isa)
#define SC_SIMD(name) SC_SIMD_PASTE(name, SC_ISA)

#if defined(__x86_64__)
#define SC_SIMD_DECLARE(ret, name, args) \
	extern ret name##_base args; \
	extern ret name##_avx2 args; \
	extern ret name##_avx512 args
#define SC_SIMD_CALL(name) \
	(sc_isa_best() == SC_ISA_AVX512 ? name##_avx512 : \
	 sc_isa_best() == SC_ISA_AVX2 ? name##_avx2 : name##_base)
#else
#define SC_SIMD_DECLARE(ret, name, args) extern ret name##_base args
#define SC_SIMD_CALL(name) (name##_base)
#endif

#endif							/* SC_SIMD_H */
