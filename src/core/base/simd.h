/*-------------------------------------------------------------------------
 *
 * src/core/base/simd.h
 *	  One source, several instruction sets, chosen at run time.
 *
 * A file whose name ends in _simd.c is compiled once per instruction set
 * (Makefile): SC_ISA is base, avx2 (with FMA) or avx512 (F, BW, DQ, VL). What
 * others use of it has one of two forms:
 * - a table of functions named SC_SIMD(sc_x), declared by SC_SIMD_DECLARE_TABLE
 *   and chosen with SC_SIMD_TABLE, its functions static (distance_simd.c);
 * - functions named SC_SIMD(sc_x), each declared by SC_SIMD_DECLARE; callers
 *   take the best one with SC_SIMD_CALL.
 * Nothing is compiled for the machine that compiles: a package is built on one
 * and run on another. Plain loops that the compiler can vectorise are enough,
 * but for the few where a comment says what intrinsics gain.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SIMD_H
#define SC_SIMD_H

#include <stdbool.h>

typedef enum sc_isa
{
	SC_ISA_BASE,
	SC_ISA_AVX2,
	SC_ISA_AVX512
} sc_isa;

/*
 * What this CPU (and its operating system) can run, and no more than the
 * environment variable SELFCLASS_ISA (base, avx2, avx512) allows; constant in
 * a process.
 */
extern sc_isa sc_isa_best(void);

/*
 * Does SELFCLASS_ISA name an instruction set? Then OpenBLAS and oneDNN are held
 * to it too; avx512 is that without bf16, and without AMX.
 */
extern bool sc_isa_asked(sc_isa *isa);

/*
 * The value of OPENBLAS_CORETYPE that OpenBLAS should find when it is loaded;
 * NULL: leave it to OpenBLAS. It chooses its code by the model of the CPU, and
 * takes its oldest for a model younger than itself (0.3.21 on a Sapphire
 * Rapids: a third of the speed). What the CPU can do says more: any with these
 * parts of AVX-512 runs the code for SkylakeX.
 */
extern const char *sc_isa_blas_kernel(void);

#ifndef SC_ISA
#define SC_ISA base
#endif
#define SC_SIMD_PASTE_(name, isa) name##_##isa
#define SC_SIMD_PASTE(name, isa) SC_SIMD_PASTE_(name, isa)
#define SC_SIMD(name) SC_SIMD_PASTE(name, SC_ISA)

/* The one of three for isa; a build for another CPU has base alone. */
#if defined(__x86_64__)
#define SC_SIMD_PICK(isa, base, avx2, avx512) \
	((isa) == SC_ISA_AVX512 ? (avx512) : (isa) == SC_ISA_AVX2 ? (avx2) : (base))
#else
#define SC_SIMD_PICK(isa, base, avx2, avx512) ((void) (isa), (base))
#endif

#define SC_SIMD_DECLARE(ret, name, args) \
	extern ret name##_base args; \
	extern ret name##_avx2 args; \
	extern ret name##_avx512 args
#define SC_SIMD_CALL(name) SC_SIMD_PICK(sc_isa_best(), name##_base, name##_avx2, name##_avx512)

#define SC_SIMD_DECLARE_TABLE(type, name) extern const type name##_base, name##_avx2, name##_avx512
#define SC_SIMD_TABLE(name, isa) SC_SIMD_PICK(isa, &name##_base, &name##_avx2, &name##_avx512)

#endif /* SC_SIMD_H */
