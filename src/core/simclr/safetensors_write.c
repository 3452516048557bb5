/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors_write.c
 *	  Writing the safetensors format.
 *
 * What follows the writer's own choice: {"format": "pt"} as metadata, tensors in
 * the order given, the header padded so that the data begin at a multiple of 8.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/safetensors_parts.h"

#include <string.h>

/* Text that is counted, and written where there is room for it. */
typedef struct sink
{
	uint8_t *out; /* NULL: counts only */
	size_t used;
} sink;

static void
put(sink *s, const char *text)
{
	size_t n = strlen(text);

	if (s->out != NULL)
		memcpy(s->out + s->used, text, n);
	s->used += n;
}

static void
put_number(sink *s, size_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = (char) ('0' + value % 10);
	while ((value /= 10) > 0);
	put(s, p);
}

size_t
sc_st_entry_count(const sc_st_entry *entry)
{
	size_t n = 1;

	for (int d = 0; d < entry->ndim; d++)
		n = sc_mul(n, (size_t) entry->shape[d]);
	return n;
}

/* The header, its length and padding included; *data: bytes of data behind it. */
static size_t
put_header(uint8_t *out, const sc_st_entry *entries, int count, size_t *data)
{
	sink s = {out, SC_ST_PROLOGUE};
	size_t begin = 0;

	put(&s, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (int i = 0; i < count; i++)
	{
		const sc_st_entry *e = &entries[i];
		size_t end;

		SC_ASSERT(e->ndim >= 0 && e->ndim <= SC_ST_MAX_DIMS && (e->dtype == SC_ST_F32 || e->dtype == SC_ST_I64));
		end = sc_add(begin, sc_mul(sc_st_entry_count(e), sc_st_dtypes[e->dtype].bytes));

		put(&s, ",\"");
		put(&s, e->name);
		put(&s, "\":{\"dtype\":\"");
		put(&s, sc_st_dtypes[e->dtype].name);
		put(&s, "\",\"shape\":[");
		for (int d = 0; d < e->ndim; d++)
		{
			if (d > 0)
				put(&s, ",");
			put_number(&s, (size_t) e->shape[d]);
		}
		put(&s, "],\"data_offsets\":[");
		put_number(&s, begin);
		put(&s, ",");
		put_number(&s, end);
		put(&s, "]}");
		begin = end;
	}
	put(&s, "}");
	while (s.used % 8 != 0)
		put(&s, " ");
	*data = begin;
	return s.used;
}

size_t
sc_st_bytes(const sc_st_entry *entries, int count)
{
	size_t data;
	size_t header = put_header(NULL, entries, count, &data);

	return sc_add(header, data);
}

void
sc_st_write(uint8_t *out, sc_st_entry *entries, int count)
{
	size_t data;
	size_t offset = put_header(out, entries, count, &data);

	for (int i = 0; i < SC_ST_PROLOGUE; i++)
		out[i] = (uint8_t) ((uint64_t) (offset - SC_ST_PROLOGUE) >> (8 * i));
	for (int i = 0; i < count; i++)
	{
		entries[i].offset = offset;
		offset += sc_st_entry_count(&entries[i]) * sc_st_dtypes[entries[i].dtype].bytes;
	}
}
