/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors.h
 *	  The safetensors format: 8 bytes of header length (little-endian), a JSON
 *	  object {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets":
 *	  [begin, end]}, ...} padded with spaces, then the data, little-endian.
 *
 * The reader takes hostile bytes. It reads F32, F16, BF16, F64 and I64; other
 * types, names beyond plain ASCII, more than four dimensions and unknown keys are
 * refused, as is what the format itself forbids: bytes behind the last tensor too.
 * Overlapping data is not.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SAFETENSORS_H
#define SC_SAFETENSORS_H

#include "core/base/status.h"

#define SC_ST_MAX_DIMS 4

typedef enum sc_st_dtype
{
	SC_ST_F32,
	SC_ST_F16,
	SC_ST_BF16,
	SC_ST_F64,
	SC_ST_I64
} sc_st_dtype;

/* ---- writing (safetensors_write.c) --------------------------------------- */

typedef struct sc_st_entry
{
	const char *name;  /* printable ASCII without quote and backslash */
	sc_st_dtype dtype; /* SC_ST_F32 or SC_ST_I64 */
	int ndim;		   /* 0: a scalar */
	int shape[SC_ST_MAX_DIMS];
	size_t offset; /* out of sc_st_write: where in the file its data begins */
} sc_st_entry;

/* Elements of an entry. */
extern size_t sc_st_entry_count(const sc_st_entry *entry);

/* Bytes of the whole file; SIZE_MAX where that is more than fits. */
extern size_t sc_st_bytes(const sc_st_entry *entries, int count);

/*
 * Write the header to out (sc_st_bytes bytes) and set every entry's offset;
 * the caller then fills in the data, sc_st_entry_count(entry) elements at
 * out + offset: floats aligned to 4 bytes where out is aligned, int64 perhaps
 * not. The same entries give the same bytes.
 */
extern void sc_st_write(uint8_t *out, sc_st_entry *entries, int count);

/* ---- metadata: strings by name, beside the tensors ----------------------- */

/* The object of a file that was read, checked, as it stands there; len 0: there is none. */
typedef struct sc_st_metadata
{
	const char *text; /* (len), from "{" to "}"; in the file's bytes */
	size_t len;
} sc_st_metadata;

/*
 * The value of a key (plain ASCII) to out, without its escapes, ended by a 0.
 * out has room for *len + 1 bytes, where *len is what a call with out NULL says,
 * which looks the key up alone; then *len is the value's own length. *found:
 * false where there is no such key. SC_BAD_WEIGHTS: the key is there twice, or
 * its value is not ASCII.
 */
extern sc_status sc_st_metadata_get(char *out, size_t *len, bool *found, const sc_st_metadata *metadata,
									const char *key, sc_error *err);

/* What is added to a file's metadata. */
typedef struct sc_st_note
{
	const char *key;   /* printable ASCII without quote and backslash */
	const char *value; /* printable ASCII */
} sc_st_note;

/*
 * A copy of a file that was read (metadata: its own) with notes added, to out;
 * returns its bytes. out NULL: only counts them. SIZE_MAX: its header would be
 * longer than the format allows.
 */
extern size_t sc_st_annotate(uint8_t *out, const uint8_t *file, size_t size, const sc_st_metadata *metadata,
							 const sc_st_note *notes, int count);

/* ---- reading (safetensors_read.c: the header; safetensors.c: the tensors) -- */

typedef struct sc_st_tensor
{
	const char *name; /* (name_len), not terminated; in the file's bytes */
	size_t name_len;
	sc_st_dtype dtype;
	int ndim;
	size_t shape[SC_ST_MAX_DIMS];
	size_t count;		 /* elements */
	const uint8_t *data; /* in the file's bytes, not aligned */
} sc_st_tensor;

/*
 * Read and check the header of a whole file. tensors (max) receives the
 * tensors in the order of the file, *count their number; a file with more is
 * refused. metadata may be NULL. The bytes must stay as long as the tensors and
 * the metadata are used. SC_BAD_WEIGHTS.
 */
extern sc_status sc_st_read(sc_st_tensor *tensors, int max, int *count, sc_st_metadata *metadata, const uint8_t *bytes,
							size_t size, sc_error *err);

/* The tensor of that name; NULL: there is none. */
extern const sc_st_tensor *sc_st_find(const sc_st_tensor *tensors, int count, const char *name);

/*
 * Has it this shape, and are all of its values finite as floats? Does not
 * write, so a caller can check everything before it takes anything.
 * shape (ndim). SC_BAD_WEIGHTS.
 */
extern sc_status sc_st_check(const sc_st_tensor *tensor, int ndim, const int *shape, sc_error *err);

/* Element i, i < count; exact for every type but I64 beyond 2^53. */
extern double sc_st_value(const sc_st_tensor *tensor, size_t i);

/* All elements as floats, in the file's order: out (count). */
extern void sc_st_floats(float *out, const sc_st_tensor *tensor);

#endif /* SC_SAFETENSORS_H */
