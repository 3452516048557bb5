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

static void
put_number(sc_st_sink *s, size_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = (char) ('0' + value % 10);
	while ((value /= 10) > 0);
	sc_st_put(s, p);
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
	sc_st_sink s = {out, SC_ST_PROLOGUE};
	size_t begin = 0;

	sc_st_put(&s, "{\"" SC_ST_METADATA "\":{\"format\":\"pt\"}");
	for (int i = 0; i < count; i++)
	{
		const sc_st_entry *e = &entries[i];
		size_t end;

		SC_ASSERT(e->ndim >= 0 && e->ndim <= SC_ST_MAX_DIMS && (e->dtype == SC_ST_F32 || e->dtype == SC_ST_I64));
		end = sc_add(begin, sc_mul(sc_st_entry_count(e), sc_st_dtypes[e->dtype].bytes));

		sc_st_put(&s, ",\"");
		sc_st_put(&s, e->name);
		sc_st_put(&s, "\":{\"dtype\":\"");
		sc_st_put(&s, sc_st_dtypes[e->dtype].name);
		sc_st_put(&s, "\",\"shape\":[");
		for (int d = 0; d < e->ndim; d++)
		{
			if (d > 0)
				sc_st_put(&s, ",");
			put_number(&s, (size_t) e->shape[d]);
		}
		sc_st_put(&s, "],\"data_offsets\":[");
		put_number(&s, begin);
		sc_st_put(&s, ",");
		put_number(&s, end);
		sc_st_put(&s, "]}");
		begin = end;
	}
	sc_st_put(&s, "}");
	sc_st_put_padding(&s);
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

	sc_st_put_length(out, offset);
	for (int i = 0; i < count; i++)
	{
		entries[i].offset = offset;
		offset += sc_st_entry_count(&entries[i]) * sc_st_dtypes[entries[i].dtype].bytes;
	}
}
