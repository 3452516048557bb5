/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors_parts.h
 *	  What reading and writing safetensors share: the names of the types.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SAFETENSORS_PARTS_H
#define SC_SAFETENSORS_PARTS_H

#include "core/simclr/safetensors.h"

#define SC_ST_PROLOGUE 8 /* bytes of the header's length */
#define SC_ST_DTYPES (SC_ST_I64 + 1)

typedef struct sc_st_dtype_form
{
	const char *name;
	size_t bytes;
} sc_st_dtype_form;

/* By sc_st_dtype. */
extern const sc_st_dtype_form sc_st_dtypes[SC_ST_DTYPES];

#endif /* SC_SAFETENSORS_PARTS_H */
