/*-------------------------------------------------------------------------
 *
 * src/pg/report/markup.c
 *	  Texts of a user's in XML, whatever is in them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "pg/report/markup.h"

/* Codes of characters that are no Unicode as far as we know: bytes of none, and letters of another encoding. */
#define CODE_BROKEN 0xFFFF
#define CODE_LETTER 0xFF

/* The code of the character at text, and how many bytes it has. */
static pg_wchar
read_character(const char *text, int *bytes)
{
	const unsigned char *at = (const unsigned char *) text;
	int encoding = GetDatabaseEncoding();

	*bytes = 1;
	if (*at < 0x80)
		return *at;
	if (encoding != PG_UTF8 && encoding != PG_SQL_ASCII)
	{
		*bytes = pg_encoding_mblen(encoding, text);
		return CODE_LETTER;
	}
	/* Where any bytes are text, those of UTF-8 are read as such. */
	if ((int) strnlen(text, pg_utf_mblen(at)) < pg_utf_mblen(at) || !pg_utf8_islegal(at, pg_utf_mblen(at)))
		return CODE_BROKEN;
	*bytes = pg_utf_mblen(at);
	return utf8_to_unicode(at);
}

/* Can XML 1.0 hold it? */
static bool
is_xml(pg_wchar code)
{
	return code == '\t' || code == '\n' || code == '\r' || (code >= ' ' && code != 0xFFFE && code != 0xFFFF);
}

/* Is it seen, and nothing but that? Not controls, marks without a width, directions, separators of lines and tags. */
static bool
is_plain(pg_wchar code)
{
	static const pg_wchar not [][2] = {{0x00, 0x1F},	 {0x7F, 0x9F},	   {0xAD, 0xAD},	 {0x61C, 0x61C},
									   {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
									   {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE0FFF}};

	for (int i = 0; i < lengthof(not ); i++)
		if (code >= not [i][0] && code <= not [i][1])
			return false;
	return true;
}

/* How XML writes the characters that mean something to it; NULL: any other. */
static const char *
entity_of(pg_wchar code)
{
	switch (code)
	{
		case '&':
			return "&amp;";
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '"':
			return "&quot;";
		default:
			return NULL;
	}
}

void
scpg_markup_text(StringInfo xml, const char *text)
{
	int bytes;

	for (; *text != '\0'; text += bytes)
	{
		pg_wchar code = read_character(text, &bytes);
		const char *entity = entity_of(code);

		if (entity != NULL)
			appendStringInfoString(xml, entity);
		else if (!is_xml(code))
			appendStringInfoString(xml, "&#xFFFD;");
		else if (code < ' ')
			appendStringInfo(xml, "&#%u;", (unsigned) code);
		else
			appendBinaryStringInfo(xml, text, bytes);
	}
}

void
scpg_markup_short(StringInfo xml, const char *text, int most)
{
	int length = strlen(text);
	int kept = length <= most ? length : pg_mbcliplen(text, length, most);
	char *begin = pnstrdup(text, kept);

	scpg_markup_text(xml, begin);
	if (kept < length)
		appendStringInfoString(xml, "&#8230;");
	pfree(begin);
}

void
scpg_markup_literal(StringInfo sql, const char *text)
{
	bool escaped = false;
	int bytes;

	for (const char *at = text; *at != '\0' && !escaped; at += bytes)
		escaped = !is_plain(read_character(at, &bytes)) || *at == '\\';
	appendStringInfoString(sql, escaped ? "E'" : "'");
	for (; *text != '\0'; text += bytes)
	{
		if (!is_plain(read_character(text, &bytes)))
			for (int i = 0; i < bytes; i++)
				appendStringInfo(sql, "\\x%02x", (unsigned char) text[i]);
		else
		{
			if (*text == '\'' || *text == '\\')
				appendStringInfoChar(sql, *text);
			appendBinaryStringInfo(sql, text, bytes);
		}
	}
	appendStringInfoChar(sql, '\'');
}
