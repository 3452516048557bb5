/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors_parts.h
 *	  What reading and writing safetensors share: the names of the types, and text
 *	  that is counted before it is written.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SAFETENSORS_PARTS_H
#define SC_SAFETENSORS_PARTS_H

#include "core/simclr/safetensors.h"

#include <string.h>

#define SC_ST_PROLOGUE 8 /* bytes of the header's length */
#define SC_ST_DTYPES (SC_ST_I64 + 1)
#define SC_ST_METADATA "__metadata__"

/* The format's own limit of a header. */
#define SC_ST_MAX_HEADER ((size_t) 100000000)

typedef struct sc_st_dtype_form
{
	const char *name;
	size_t bytes;
} sc_st_dtype_form;

/* By sc_st_dtype. */
extern const sc_st_dtype_form sc_st_dtypes[SC_ST_DTYPES];

/* Text that is counted, and written where there is room for it. */
typedef struct sc_st_sink
{
	uint8_t *out; /* NULL: counts only */
	size_t used;
} sc_st_sink;

static inline void
sc_st_put_bytes(sc_st_sink *s, const void *bytes, size_t n)
{
	if (s->out != NULL)
		memcpy(s->out + s->used, bytes, n);
	s->used = sc_add(s->used, n);
}

static inline void
sc_st_put(sc_st_sink *s, const char *text)
{
	sc_st_put_bytes(s, text, strlen(text));
}

/* A header ends where the data may begin: at a multiple of 8. */
static inline void
sc_st_put_padding(sc_st_sink *s)
{
	while (s->used % 8 != 0)
		sc_st_put(s, " ");
}

/* The length of the header of a file, as its first SC_ST_PROLOGUE bytes say it. */
static inline uint64_t
sc_st_header_length(const uint8_t *file)
{
	uint64_t length = 0;

	for (int i = 0; i < SC_ST_PROLOGUE; i++)
		length |= (uint64_t) file[i] << (8 * i);
	return length;
}

/* The length before a header that ends, padding and all, at byte `end` of the file. */
static inline void
sc_st_put_length(uint8_t *out, size_t end)
{
	for (int i = 0; i < SC_ST_PROLOGUE; i++)
		out[i] = (uint8_t) ((uint64_t) (end - SC_ST_PROLOGUE) >> (8 * i));
}

#endif /* SC_SAFETENSORS_PARTS_H */
