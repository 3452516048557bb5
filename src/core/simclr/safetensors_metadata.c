/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors_metadata.c
 *	  The strings that a safetensors file says of itself: looking one up, and a
 *	  copy of a file with more of them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/safetensors_parts.h"

/* ---- reading ---------------------------------------------------------------- */

/* What is left of an object of strings that the reader of headers has checked. */
typedef struct walk
{
	const char *at;
	const char *end;
} walk;

/* The next string between its quotes, as written; false: there is none. Outside of strings no quote is left. */
static bool
next_string(walk *w, const char **text, size_t *len)
{
	while (w->at < w->end && *w->at != '"')
		w->at++;
	if (w->at == w->end)
		return false;
	*text = ++w->at;
	while (*w->at != '"')
		w->at += *w->at == '\\' ? 2 : 1;
	*len = (size_t) (w->at - *text);
	w->at++;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that an escape stands for, at[0] being what follows the backslash; *used: bytes after it. 0: no ASCII. */
static char
escaped(const char *at, const char *end, size_t *used)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *letter = at < end && *at != '\0' ? strchr(letters, *at) : NULL;
	int code = 0;

	*used = 1;
	if (letter != NULL)
		return meant[letter - letters];
	if (at >= end || *at != 'u' || end - at < 5)
		return 0;
	for (int i = 1; i < 5; i++)
	{
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return 0;
		code = code * 16 + digit;
	}
	*used = 5;
	return code < 0x80 ? (char) code : 0;
}

/* Bytes written to out; false: something is not ASCII. */
static bool
unescape(char *out, size_t *len, const char *text, size_t text_len)
{
	const char *end = text + text_len;
	size_t n = 0;

	while (text < end)
	{
		char c = *text++;
		size_t used = 0;

		if (c == '\\')
			c = escaped(text, end, &used);
		if (c <= 0)
			return false;
		out[n++] = c;
		text += used;
	}
	out[n] = '\0';
	*len = n;
	return true;
}

sc_status
sc_st_metadata_get(char *out, size_t *len, bool *found, const sc_st_metadata *metadata, const char *key, sc_error *err)
{
	walk w = {metadata->text, metadata->text + metadata->len};
	const char *name, *text, *value = NULL;
	size_t name_len, text_len, value_len = 0;

	while (metadata->len > 0 && next_string(&w, &name, &name_len) && next_string(&w, &text, &text_len))
	{
		if (name_len != strlen(key) || memcmp(name, key, name_len) != 0)
			continue;
		if (value != NULL)
			return sc_fail(err, SC_BAD_WEIGHTS, "\"%s\" is twice in the metadata of the safetensors data", key);
		value = text;
		value_len = text_len;
	}
	*found = value != NULL;
	*len = value_len;
	if (value != NULL && out != NULL && !unescape(out, len, value, value_len))
		return sc_fail(err, SC_BAD_WEIGHTS, "\"%s\" in the metadata of the safetensors data is not plain ASCII", key);
	return SC_OK;
}

/* ---- writing ---------------------------------------------------------------- */

static void
put_value(sc_st_sink *s, const char *value)
{
	for (;;)
	{
		size_t plain = strcspn(value, "\"\\");

		sc_st_put_bytes(s, value, plain);
		value += plain;
		if (*value == '\0')
			return;
		sc_st_put(s, "\\");
		sc_st_put_bytes(s, value++, 1);
	}
}

size_t
sc_st_annotate(uint8_t *out, const uint8_t *file, size_t size, const sc_st_metadata *metadata, const sc_st_note *notes,
			   int count)
{
	const char *header = (const char *) file + SC_ST_PROLOGUE;
	const char *data = header + sc_st_header_length(file);
	const char *rest = metadata->text + 1; /* of the header */
	sc_st_sink s = {out, SC_ST_PROLOGUE};

	SC_ASSERT(metadata->len > 0 && count > 0);
	sc_st_put_bytes(&s, header, (size_t) (rest - header));
	for (int i = 0; i < count; i++)
	{
		sc_st_put(&s, i > 0 ? ",\"" : "\"");
		sc_st_put(&s, notes[i].key);
		sc_st_put(&s, "\":\"");
		put_value(&s, notes[i].value);
		sc_st_put(&s, "\"");
	}
	/* An object with something in it goes on. */
	if (memchr(rest, '"', metadata->len - 1) != NULL)
		sc_st_put(&s, ",");
	sc_st_put_bytes(&s, rest, (size_t) (data - rest));
	sc_st_put_padding(&s);
	if (s.used - SC_ST_PROLOGUE > SC_ST_MAX_HEADER)
		return SIZE_MAX;
	if (out != NULL)
		sc_st_put_length(out, s.used);
	sc_st_put_bytes(&s, data, (size_t) (file + size - (const uint8_t *) data));
	return s.used;
}
