/*-------------------------------------------------------------------------
 *
 * tests/unit/test_jpeg.c
 *	  JPEG as people have it: faults that no pixel depends on, damage, and what
 *	  is no JPEG at all. Every file is encoded here, and its bytes are edited.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/rng.h"
#include "images.h"

#define WIDTH 83
#define HEIGHT 61

/* Kinds of files that each fault is tried on. */
static const jpeg_kind kinds[] = {
	{.channels = 3},
	{.channels = 1},
	{.channels = 3, .halved = true, .quality = 80},
	{.channels = 3, .restart = 1},
	{.channels = 3, .apart = true},
	{.channels = 3, .progressive = true},
	{.channels = 1, .progressive = true, .restart = 1},
	{.channels = 3, .arithmetic = true},
	{.channels = 3, .arithmetic = true, .progressive = true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The picture, with some noise, which makes its data long. */
static bytes
picture(jpeg_kind kind)
{
	uint8_t *p = smooth(WIDTH, HEIGHT, kind.channels);
	sc_rng rng = sc_rng_stream(5, 0, 0, 0);
	bytes b;

	for (int i = 0; i < WIDTH * HEIGHT * kind.channels; i++)
		p[i] = (uint8_t) (p[i] + sc_rng_below(&rng, 9));
	b = encode_jpeg(p, WIDTH, HEIGHT, kind);
	free(p);
	return b;
}

static bytes
copy_of(bytes b)
{
	bytes c = {malloc(b.size), b.size};

	memcpy(c.data, b.data, b.size);
	return c;
}

/* b with n bytes put in before its byte number at; b's memory goes. */
static bytes
put_in(bytes b, size_t at, const void *what, size_t n)
{
	bytes c = {malloc(b.size + n), b.size + n};

	memcpy(c.data, b.data, at);
	memcpy(c.data + at, what, n);
	memcpy(c.data + at + n, b.data + at, b.size - at);
	free(b.data);
	return c;
}

/* Where the segment of a marker begins: at its FF. number: of those of this marker. */
static size_t
segment(bytes b, int marker, int number)
{
	size_t at = 2;

	while (b.data[at + 1] != marker || number-- > 0)
	{
		at += 2 + ((size_t) b.data[at + 2] << 8 | b.data[at + 3]);
		/* Behind a scan's header come its data. */
		while (b.data[at] != 0xFF || b.data[at + 1] == 0 || (b.data[at + 1] >= 0xD0 && b.data[at + 1] < 0xD8))
			at++;
		if (b.data[at + 1] == 0xD9)
			abort();
	}
	return at;
}

static size_t
behind_segment(bytes b, int marker, int number)
{
	size_t at = segment(b, marker, number);

	return at + 2 + ((size_t) b.data[at + 2] << 8 | b.data[at + 3]);
}

/* The status of reading, at both sizes; where it is SC_OK both times are the pixels those of base? */
static bool
same_pixels(bytes base, bytes b, sc_error *err)
{
	bool same = true;

	for (int side = 0; side <= 20; side += 20)
	{
		sc_image_plan plan, other;
		uint8_t *wanted, *pixels;

		CHECK(read_image(&wanted, &plan, base.data, base.size, side, &limits, err) == SC_OK, "%s", err->detail);
		same = read_image(&pixels, &other, b.data, b.size, side, &limits, err) == SC_OK && plan.bytes == other.bytes &&
			   memcmp(wanted, pixels, plan.bytes) == 0 && same;
		free(wanted);
		free(pixels);
	}
	return same;
}

/* Check that b, which goes, is read with the pixels of base. */
static void
check_same(bytes base, bytes b, const char *name, size_t kind)
{
	sc_error err;

	CHECK(same_pixels(base, b, &err), "%s, kind %zu: %s (%s)", name, kind, err.message, err.detail);
	free(b.data);
}

/* Every marker RSTn with bytes before it. */
static bytes
pad_restarts(bytes b)
{
	bytes c = copy_of(b);
	size_t at = 2;

	while (at + 2 < c.size)
	{
		if (c.data[at] == 0xFF && (c.data[at + 1] & 0xF8) == 0xD0)
		{
			c = put_in(c, at, "\0\0\0", 3);
			at += 3;
		}
		at++;
	}
	CHECK(c.size > b.size, "no restart marker");
	return c;
}

static void
test_harmless(void)
{
	for (size_t k = 0; k < KINDS; k++)
	{
		bytes base = picture(kinds[k]);
		uint8_t junk[99];
		static const uint8_t zeros[512] = {0};
		bytes b;

		memset(junk, 0x12, sizeof(junk));
		/* SOS parameters: 0 0 0 in place of 0 63 0, which other than sequential files need */
		if (!kinds[k].progressive)
		{
			b = copy_of(base);
			memset(b.data + behind_segment(b, 0xDA, 0) - 3, 0, 3);
			check_same(base, b, "sos_parameters", k);
		}
		b = copy_of(base);
		memset(b.data + segment(b, 0xE0, 0) + 9, 0, 2);
		check_same(base, b, "jfif_version_0", k);
		b = put_in(copy_of(base), segment(base, 0xDB, 0),
				   "\xFF\xEE\0\x0E"
				   "Adobe\0\x64\0\0\0\0\2",
				   16);
		check_same(base, b, "adobe_transform_2", k);
		check_same(base, put_in(copy_of(base), segment(base, 0xDB, 0), zeros, 5), "junk_between_segments", k);
		check_same(base, put_in(copy_of(base), base.size - 2, junk, sizeof(junk)), "extraneous_before_eoi", k);
		check_same(base, put_in(copy_of(base), base.size - 2, zeros, 1 + k), "padding_before_eoi", k);
		if (kinds[k].restart > 0)
			check_same(base, pad_restarts(base), "padding_before_restart_markers", k);
		check_same(base, put_in(copy_of(base), base.size, "SEFT\0\0\0\0", 8), "trailing_bytes", k);
		check_same(base, put_in(copy_of(base), base.size, zeros, sizeof(zeros)), "trailing_zeros", k);
		/* Whether arithmetic data without an end are whole cannot be known. */
		if (!kinds[k].arithmetic)
		{
			b = copy_of(base);
			b.size -= 2;
			check_same(base, b, "no_eoi", k);
			b = copy_of(base);
			b.size -= 2;
			check_same(base, put_in(b, b.size, zeros, sizeof(zeros)), "zero_padded_no_eoi", k);
			b = copy_of(base);
			b.size -= 2;
			check_same(base, put_in(b, b.size, "more\0\0", 6), "something else for the end", k);
		}
		free(base.data);
	}
}

/* Its harmless faults are counted, and too many are one that is not. */
static void
test_bound(void)
{
	bytes base = picture(kinds[0]);
	size_t at = segment(base, 0xDB, 0);
	static uint8_t faults[3 * 10001];
	sc_error err;
	bytes b;

	/* A byte of junk before a marker that stands alone (TEM). */
	for (size_t i = 0; i < sizeof(faults); i += 3)
		memcpy(faults + i, "\0\xFF\1", 3);
	check_same(base, put_in(copy_of(base), at, faults, 3 * 10000), "10,000 faults", 0);
	b = put_in(copy_of(base), at, faults, 3 * 10001);
	CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "not refused");
	CHECK(strncmp(err.detail, "It has too many faults; libjpeg reports: ", 41) == 0, "%s", err.detail);
	free(b.data);
	free(base.data);
}

/* Cut off at any byte, alone and with zeros for the rest or an end: the same pixels, or refused. */
static void
test_cut(void)
{
	for (size_t k = 0; k < KINDS; k++)
	{
		bytes base = picture(kinds[k]);
		size_t first = behind_segment(base, 0xDA, 0);
		int read = 0;
		sc_error err;

		/* In steps, for each is read four times. */
		for (size_t size = 0; size < base.size; size += size < base.size - 30 ? 37 : 1)
		{
			bytes cut = copy_of(base);

			cut.size = size;
			if (same_pixels(base, cut, &err))
				read++;
			else
				CHECK(err.status == SC_BAD_IMAGE, "kind %zu, %zu of %zu: %s", k, size, base.size, err.message);
			if (size >= first && err.status != SC_OK)
				CHECK(strstr(err.detail, " of 61 rows") != NULL || strstr(err.detail, "Scans are missing") != NULL,
					  "kind %zu, %zu of %zu: %s", k, size, base.size, err.detail);
			if (size < 2)
			{
				free(cut.data);
				continue;
			}
			cut.data = realloc(cut.data, base.size + 4096);
			cut.size = base.size + 4096;
			memset(cut.data + size, 0, cut.size - size);
			CHECK(kinds[k].arithmetic || same_pixels(base, cut, &err) || err.status == SC_BAD_IMAGE,
				  "kind %zu, %zu of %zu and zeros: %s", k, size, base.size, err.message);
			free(cut.data);
		}
		CHECK(read == (kinds[k].arithmetic ? 0 : 2), "kind %zu: read cut %d times", k, read);
		free(base.data);
	}
}

/* What a half file says of itself. */
static void
test_half(void)
{
	for (size_t k = 0; k < KINDS; k++)
	{
		uint8_t *p = smooth(64, 480, kinds[k].channels);
		sc_rng rng = sc_rng_stream(6, 0, 0, 0);
		unsigned missing = 0, rows = 0;
		const char *number;
		sc_error err;
		bytes b;

		for (int i = 0; i < 64 * 480 * kinds[k].channels; i++)
			p[i] = (uint8_t) (p[i] + sc_rng_below(&rng, 9));
		b = encode_jpeg(p, 64, 480, kinds[k]);
		CHECK(probe(b.data, b.size / 2, 0, &limits, &err) == SC_BAD_IMAGE, "kind %zu: %s", k, err.message);
		CHECK(strcmp(err.message, "JPEG image is corrupt") == 0, "%s", err.message);
		CHECK(strstr(err.detail, "; libjpeg reports: Premature end of JPEG file.") != NULL, "%s", err.detail);
		number = strstr(err.detail, ": ");
		if (number != NULL)
			sscanf(number, ": %u of %u rows", &missing, &rows);
		if (!kinds[k].progressive && !kinds[k].apart)
			CHECK(rows == 480 && missing % 8 == 0 && missing > 160 && missing < 320, "kind %zu: %s", k, err.detail);
		else
			CHECK(rows == 480 && missing > 0 && strstr(err.detail, " in scan ") != NULL, "kind %zu: %s", k, err.detail);
		free(b.data);
		free(p);
	}
}

/* Damage other than an early end. */
static void
test_damaged(void)
{
	bytes base = picture((jpeg_kind){.channels = 3, .restart = 1});
	bytes apart = picture((jpeg_kind){.channels = 3, .apart = true});
	bytes steps = picture((jpeg_kind){.channels = 3, .progressive = true});
	sc_error err;
	bytes b = copy_of(base);
	size_t at = behind_segment(b, 0xDA, 0);

	/* A marker in the middle of the data: that of the next interval comes too early. */
	while (b.data[at] != 0xFF || b.data[at + 1] != 0xD1)
		at++;
	memmove(b.data + at - 40, b.data + at, b.size - at);
	b.size -= 40;
	CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
	CHECK(strcmp(err.detail, "Rows missing or damaged: 53 of 61 rows; libjpeg reports: Corrupt JPEG data: premature end "
							 "of data segment.") == 0,
		  "%s", err.detail);
	free(b.data);

	/* An interval is missing as a whole. */
	b = copy_of(base);
	for (at = behind_segment(b, 0xDA, 0); b.data[at] != 0xFF || b.data[at + 1] != 0xD1; at++)
		;
	b.data[at + 1] = 0xD2;
	CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
	CHECK(strstr(err.detail, "instead of RST1") != NULL, "%s", err.detail);
	free(b.data);

	/* A component that no scan has, with the end where it should be. */
	b = copy_of(apart);
	at = segment(b, 0xDA, 2);
	memcpy(b.data + at, "\xFF\xD9", 2);
	b.size = at + 2;
	CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
	CHECK(strstr(err.detail, "Scans are missing after scan 2") != NULL, "%s", err.detail);
	free(b.data);

	/* Scans that a progressive file lacks, cut off between two. */
	b = copy_of(steps);
	b.size = segment(b, 0xDA, 5);
	CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
	CHECK(strstr(err.detail, "Scans are missing after scan 5") != NULL, "%s", err.detail);
	free(b.data);

	/* Bogus progression: a scan comes again. */
	b = copy_of(steps);
	at = segment(b, 0xDA, 1);
	b = put_in(b, at, steps.data + at, segment(steps, 0xDA, 2) - at);
	CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
	CHECK(strstr(err.detail, "progression") != NULL, "%s", err.detail);
	free(b.data);
	free(base.data);
	free(apart.data);
	free(steps.data);
}

/* Zeros in place of half of the data, to the length of the whole or farther: a download that broke off. */
static void
test_zeros(void)
{
	for (size_t k = 0; k < 4; k++)
	{
		bytes base = picture(kinds[k]);
		sc_error err;

		for (size_t more = 0; more < 1 << 20; more = more * 4 + 1)
		{
			bytes b = {calloc(1, base.size + more), base.size + more};

			memcpy(b.data, base.data, (base.size + behind_segment(base, 0xDA, 0)) / 2);
			CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "kind %zu, %zu more", k, more);
			CHECK(strstr(err.detail, " of 61 rows; libjpeg reports: Premature end of JPEG file.") != NULL, "%s",
				  err.detail);
			free(b.data);
		}
		free(base.data);
	}
}

/* A TIFF header and one entry. value: of so many bytes. */
static size_t
orientation_segment(uint8_t *p, int type, int count, int value, int bytes, bool big)
{
	uint8_t *entry = p + 4 + 6 + 8 + 2;

	memset(p, 0, 40);
	memcpy(p,
		   "\xFF\xE1\0\x22"
		   "Exif\0\0",
		   10);
	memcpy(p + 10, big ? "MM\0*\0\0\0\x08\0\1" : "II*\0\x08\0\0\0\1\0", 10);
	memcpy(entry, big ? "\1\x12" : "\x12\1", 2);
	entry[2 + big] = (uint8_t) type;
	entry[4 + 3 * big] = (uint8_t) count;
	entry[8 + (big ? bytes - 1 : 0)] = (uint8_t) value;
	return 36;
}

/* The orientation as any whole number without a sign; no other form of it counts. */
static void
test_orientation_types(void)
{
	static const struct
	{
		int type, count, value, bytes, orientation;
	} cases[] = {{3, 1, 6, 2, 6}, {4, 1, 6, 4, 6}, {1, 1, 6, 1, 6}, {4, 1, 8, 4, 8}, {4, 1, 9, 4, 1}, {4, 1, 0, 4, 1},
				 {4, 2, 6, 4, 1}, {3, 2, 6, 2, 1}, {2, 1, 6, 1, 1}, {5, 1, 6, 4, 1}, {9, 1, 6, 4, 1}, {12, 1, 6, 4, 1}};
	bytes base = picture(kinds[1]);

	for (size_t i = 0; i < 4 * sizeof(cases) / sizeof(cases[0]); i++)
	{
		bool big = i % 2, junk = i / 2 % 2;
		uint8_t app1[40 + 5] = {0};
		size_t n = orientation_segment(app1 + 5, cases[i / 4].type, cases[i / 4].count, cases[i / 4].value,
									   cases[i / 4].bytes, big);
		/* After junk between segments it is found as well. */
		bytes b = put_in(copy_of(base), segment(base, 0xDB, 0), app1 + (junk ? 0 : 5), n + (junk ? 5 : 0));
		sc_image_plan plan;
		sc_error err;

		CHECK(sc_image_plan_read(&plan, b.data, b.size, 0, &limits, &err) == SC_OK, "%s", err.detail);
		CHECK((int) plan.orientation == cases[i / 4].orientation, "case %zu, big %d: %d", i / 4, big, plan.orientation);
		free(b.data);
	}
	free(base.data);
}

/* The same inks without Adobe's marker are the same picture. */
static void
test_cmyk_without_adobe(void)
{
	bytes with = picture((jpeg_kind){.channels = 4, .adobe = true});
	bytes without = copy_of(with);
	size_t from = segment(with, 0xEE, 0), to = behind_segment(with, 0xEE, 0);

	memmove(without.data + from, without.data + to, without.size - to);
	without.size -= to - from;
	check_same(with, without, "cmyk_without_adobe", 0);
	free(with.data);
}

/* What JPEG has and libjpeg does not read is not corrupt. */
static void
test_unsupported(void)
{
	bytes base = picture(kinds[1]);
	size_t frame = segment(base, 0xC0, 0);
	static const struct
	{
		int at, value;
		sc_status status;
	} cases[] = {{1, 0xC3, SC_UNSUPPORTED}, /* lossless */
				 {1, 0xF7, SC_UNSUPPORTED}, /* JPEG-LS */
				 {4, 12, SC_UNSUPPORTED},	/* bits of a sample */
				 {6, 0, SC_UNSUPPORTED},	/* the height, as 0: DNL tells it */
				 {8, 0, SC_BAD_IMAGE}};		/* the width, which nothing else tells */

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		bytes b = copy_of(base);
		sc_status status;
		sc_error err;

		b.data[frame + (size_t) cases[i].at] = (uint8_t) cases[i].value;
		status = probe(b.data, b.size, 0, &limits, &err);
		/* libjpeg-turbo 3 reads lossless JPEG, and sees that this is none. */
		CHECK(status == cases[i].status || (i == 0 && status == SC_BAD_IMAGE), "case %zu: %s", i, err.message);
		CHECK(strstr(err.detail, "libjpeg reports: ") != NULL, "%s", err.detail);
		free(b.data);
	}
	free(base.data);
}

/*
 * A baseline gray picture of one shade, made by hand: its Huffman tables have one
 * code of one bit each, so every block takes two bits, zeros.
 */
static bytes
flat(int width, int height)
{
	static const uint8_t head[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 0, 0, 0, 1, 1, 0x11, 0};
	static const uint8_t scan[] = {0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0};
	size_t blocks = (size_t) ((width + 7) / 8) * (size_t) ((height + 7) / 8);
	size_t data = (blocks + 3) / 4;
	bytes b = {calloc(1, sizeof(head) + 69 + 2 * 22 + sizeof(scan) + data + 2), 0};
	uint8_t *p = b.data;

	memcpy(p, head, sizeof(head));
	p[7] = (uint8_t) (height >> 8);
	p[8] = (uint8_t) height;
	p[9] = (uint8_t) (width >> 8);
	p[10] = (uint8_t) width;
	p += sizeof(head);
	memcpy(p, "\xFF\xDB\0\x43", 5);
	memset(p + 5, 1, 64);
	p += 69;
	for (int i = 0; i < 2; i++)
	{
		memcpy(p, "\xFF\xC4\0\x14", 4);
		p[4] = (uint8_t) (i << 4);
		p[5] = 1;
		p += 22;
	}
	memcpy(p, scan, sizeof(scan));
	p += sizeof(scan) + data;
	memcpy(p, "\xFF\xD9", 2);
	b.size = (size_t) (p + 2 - b.data);
	return b;
}

/* The limit is on pixels that are decoded, for what is in one scan of Huffman codes. */
static void
test_large(void)
{
	uint8_t *p = smooth(512, 512, 1);
	sc_image_limits limit = limits;
	sc_error err;

	for (int variant = 0; variant < 4; variant++)
	{
		bytes b =
			encode_jpeg(p, 512, 512, (jpeg_kind){.channels = 1, .progressive = variant & 1, .arithmetic = variant & 2});

		limit.max_pixels = 64 * 64;
		CHECK(probe(b.data, b.size, 64, &limit, &err) == (variant & 2 ? SC_LIMIT : SC_OK), "%s", err.detail);
		CHECK(probe(b.data, b.size, 65, &limit, &err) == SC_LIMIT, "%s", err.detail);
		limit.max_pixels = 128 * 128;
		CHECK(probe(b.data, b.size, 65, &limit, &err) == (variant & 2 ? SC_LIMIT : SC_OK), "%s", err.detail);
		limit.max_pixels = 64 * 64 - 1;
		CHECK(probe(b.data, b.size, 64, &limit, &err) == SC_LIMIT, "%s", err.detail);
		free(b.data);
	}
	free(p);
	/* More pixels than 31 bits can count, of which one is lacking further below. */
	for (int i = 0; i < 2; i++)
	{
		bytes b = flat(65500, i ? 33000 : 4000);
		sc_image_plan plan;
		uint8_t *pixels;

		CHECK(read_image(&pixels, &plan, b.data, b.size, 16, &limits, &err) == SC_OK, "%s", err.detail);
		for (size_t k = 0; pixels != NULL && k < plan.bytes; k++)
			CHECK(pixels[k] == 128, "pixel %zu: %d", k, pixels[k]);
		free(pixels);
		/* Bytes that cannot hold the blocks. */
		b.data[b.size - 3] = 0xFF;
		CHECK(probe(b.data, b.size / 2, 16, &limits, &err) == SC_BAD_IMAGE, "%s", err.detail);
		CHECK(strstr(err.detail, "cannot hold 65500 by ") != NULL, "%s", err.detail);
		free(b.data);
	}
	/* A flat picture without its end is whole as well: it is its zeros that are the data. */
	{
		bytes b = flat(800, 800);

		CHECK(probe(b.data, b.size - 2, 0, &limits, &err) == SC_OK, "%s", err.detail);
		CHECK(probe(b.data, b.size - 3, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.detail);
		free(b.data);
	}
}

/* What is something else is called by its name. */
static void
test_names(void)
{
#define FILE_OF(text) (const uint8_t *) (text "................"), sizeof(text) + 15
	static const struct
	{
		const uint8_t *bytes;
		size_t size;
		const char *name; /* NULL: none */
	} cases[] = {
		{FILE_OF("GIF87a"), "GIF"},
		{FILE_OF("GIF89a"), "GIF"},
		{FILE_OF("RIFF\0\0\0\0WAVE"), NULL},
		{FILE_OF("II*\0"), "TIFF"},
		{FILE_OF("MM\0*"), "TIFF"},
		{FILE_OF("II+\0"), "TIFF"},
		{FILE_OF("\0\0\0\x18"
				 "ftypheic\0\0\0\0mif1heic"),
		 "HEIC"},
		{FILE_OF("\0\0\0\x18"
				 "ftypmif1\0\0\0\0mif1heic"),
		 "HEIC"},
		{FILE_OF("\0\0\0\x1C"
				 "ftypmif1\0\0\0\0mif1avifmiaf"),
		 "AVIF"},
		{FILE_OF("\0\0\0\x1C"
				 "ftypavif\0\0\0\0avifmif1miaf"),
		 "AVIF"},
		{FILE_OF("\0\0\0\x18"
				 "ftypisom\0\0\0\0isomavc1"),
		 "a video (MP4 or QuickTime)"},
		{FILE_OF("BM\x36\x30\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"), "BMP"},
		{FILE_OF("BM is no picture, but some text"), NULL},
		{FILE_OF("%PDF-1.7"), "PDF"},
		{FILE_OF("<svg xmlns="), "SVG"},
		{FILE_OF("\xEF\xBB\xBF<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg>"), "SVG"},
		{FILE_OF("\n <svg>"), "SVG"},
		{FILE_OF("text about <svg>"), NULL},
		{FILE_OF("<!DOCTYPE html><html>"), "HTML"},
		{FILE_OF("\xFF\x0A"), "JPEG XL"},
		{FILE_OF("\0\0\0\x0CJXL \r\n\x87\n"), "JPEG XL"},
		{FILE_OF("\0\0\0\x0CjP  \r\n\x87\n"), "JPEG 2000"},
		{FILE_OF("\xFF\x4F\xFF\x51"), "JPEG 2000"},
		{FILE_OF("8BPS\0\1"), "PSD"},
		{FILE_OF("PK\x03\x04"), "a ZIP archive"},
		{FILE_OF("\x1F\x8B\x08"), "a gzip file"},
		{FILE_OF("https://example.com/a.jpg"), "a URL"},
		{FILE_OF("\\xffd8ffe0"), "hexadecimal text"},
		{FILE_OF("\\x89504e47"), "hexadecimal text"},
		{FILE_OF("ffd8ffe0"), "hexadecimal text"},
		{FILE_OF("/9j/4AAQ"), "base64 text"},
		{FILE_OF("iVBORw0KGgo"), "base64 text"},
		{FILE_OF("data:image/jpeg;base64,/9j/"), "a data: URL"},
		{FILE_OF("\0\0\0\0"), NULL},
		{(const uint8_t *) "\0\0\0\x1C"
						   "ftypmif1",
		 12, "HEIC"},
		{(const uint8_t *) "BM", 2, NULL},
		{(const uint8_t *) "\\x", 2, "hexadecimal text"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char wanted[200] = "not a JPEG, PNG or WebP image";
		sc_error err;

		if (cases[i].name != NULL)
			snprintf(wanted, sizeof(wanted), "not a JPEG, PNG or WebP image but %s", cases[i].name);
		/* Cut off at any byte, too: a sanitizer sees one too many. */
		for (size_t size = 1; size <= cases[i].size; size++)
			CHECK(probe(cases[i].bytes, size, 0, &limits, &err) == SC_BAD_IMAGE, "case %zu: %s", i, err.message);
		CHECK(strcmp(err.message, wanted) == 0, "\"%s\" is not \"%s\"", err.message, wanted);
		if (cases[i].name != NULL && (strstr(cases[i].name, "text") != NULL || strstr(cases[i].name, "data:") != NULL))
			CHECK(strstr(err.hint, "decode(") != NULL, "%s", err.hint);
	}
	{
		sc_error err;

		CHECK(probe((const uint8_t *) "", 0, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
		CHECK(strcmp(err.message, "image is empty") == 0, "%s", err.message);
	}
}

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("faults that no pixel depends on")
		test_harmless();
	CASE ("a bound on their number")
		test_bound();
	CASE ("cut off anywhere")
		test_cut();
	CASE ("half of a file")
		test_half();
	CASE ("other damage")
		test_damaged();
	CASE ("zeros for the rest")
		test_zeros();
	CASE ("types of the orientation")
		test_orientation_types();
	CASE ("CMYK without Adobe's marker")
		test_cmyk_without_adobe();
	CASE ("variants that are not read")
		test_unsupported();
	CASE ("large pictures")
		test_large();
	CASE ("other formats by their names")
		test_names();
	return unit_end();
}
