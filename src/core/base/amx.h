/*-------------------------------------------------------------------------
 *
 * src/core/base/amx.h
 *	  Intel's AMX (Sapphire Rapids and later): products of tiles of 16 rows of
 *	  64 bytes, in bf16 some ten times as fast as AVX-512 multiplies floats.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_AMX_H
#define SC_AMX_H

#include <stdbool.h>

/*
 * Has this CPU AMX for bf16, did the operating system grant it to the process,
 * and does SELFCLASS_ISA name no instruction set (simd.h)? Constant in a process.
 */
extern bool sc_amx_granted(void);

#endif /* SC_AMX_H */
