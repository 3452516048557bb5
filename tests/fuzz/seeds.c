/*-------------------------------------------------------------------------
 *
 * tests/fuzz/seeds.c
 *	  Small pictures of every kind, from which the fuzzer of images starts.
 *
 *   seeds DIR
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#ifdef SC_WITH_PNG
#include <png.h>
#endif
#ifdef SC_WITH_WEBP
#include <webp/encode.h>
#endif

#define WIDTH 21
#define HEIGHT 13

static uint8_t pixels[HEIGHT][WIDTH * 8];

static FILE *
file_in(const char *dir, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "wb");
	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	return file;
}

/* ---- JPEG ----------------------------------------------------------------------- */

/* 7: what EXIF says of a turned picture, as a camera writes it. */
static const uint8_t orientation[] = {'E', 'x',	 'i', 'f', 0, 0, 'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1,
									  1,   0x12, 0,	  3,   0, 0, 0,	  1,   0, 6,   0, 0, 0, 0, 0, 0};

static void
jpeg(const char *dir, J_COLOR_SPACE space, int channels, bool progressive, bool arithmetic, int restart)
{
	char name[100];
	struct jpeg_compress_struct c;
	struct jpeg_error_mgr errors;
	FILE *file;

	snprintf(name, sizeof(name), "%d%s%s%s.jpg", (int) space, progressive ? "_progressive" : "",
			 arithmetic ? "_arithmetic" : "", restart ? "_restart" : "");
	file = file_in(dir, name);
	c.err = jpeg_std_error(&errors);
	jpeg_create_compress(&c);
	jpeg_stdio_dest(&c, file);
	c.image_width = WIDTH;
	c.image_height = HEIGHT;
	c.input_components = channels;
	c.in_color_space = space;
	jpeg_set_defaults(&c);
	if (space == JCS_CMYK)
		jpeg_set_colorspace(&c, restart ? JCS_CMYK : JCS_YCCK);
	jpeg_set_quality(&c, 60, TRUE);
	c.arith_code = arithmetic;
	c.restart_interval = (unsigned int) restart;
	if (progressive)
		jpeg_simple_progression(&c);
	jpeg_start_compress(&c, TRUE);
	jpeg_write_marker(&c, JPEG_APP0 + 1, orientation, sizeof(orientation));
	for (int y = 0; y < HEIGHT; y++)
	{
		JSAMPROW row = pixels[y];

		jpeg_write_scanlines(&c, &row, 1);
	}
	jpeg_finish_compress(&c);
	jpeg_destroy_compress(&c);
	fclose(file);
}

static void
jpegs(const char *dir)
{
	static const struct
	{
		J_COLOR_SPACE space;
		int channels;
	} of[] = {{JCS_GRAYSCALE, 1}, {JCS_RGB, 3}, {JCS_CMYK, 4}};

	for (int i = 0; i < 3; i++)
		for (int way = 0; way < 8; way++)
			jpeg(dir, of[i].space, of[i].channels, way & 1, way & 2, way & 4 ? 2 : 0);
}

/* ---- PNG ------------------------------------------------------------------------ */

#ifdef SC_WITH_PNG
static void
png(const char *dir, int type, int bits, bool interlaced)
{
	char name[100];
	FILE *file;
	png_structp writer = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(writer);
	png_color palette[2] = {{200, 10, 30}, {0, 250, 90}};
	png_byte alpha[2] = {0, 128};

	snprintf(name, sizeof(name), "%d_%d%s.png", type, bits, interlaced ? "_interlaced" : "");
	file = file_in(dir, name);
	png_init_io(writer, file);
	png_set_IHDR(writer, info, WIDTH, HEIGHT, bits, type, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
				 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	if (type == PNG_COLOR_TYPE_PALETTE)
	{
		png_set_PLTE(writer, info, palette, 2);
		png_set_tRNS(writer, info, alpha, 2, NULL);
	}
	png_write_info(writer, info);
	for (int pass = 0, passes = png_set_interlace_handling(writer); pass < passes; pass++)
		for (int y = 0; y < HEIGHT; y++)
			png_write_row(writer, pixels[y]);
	png_write_end(writer, info);
	png_destroy_write_struct(&writer, &info);
	fclose(file);
}

static void
pngs(const char *dir)
{
	static const int types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_GRAY_ALPHA,
								PNG_COLOR_TYPE_RGB_ALPHA};

	for (int interlaced = 0; interlaced < 2; interlaced++)
	{
		for (int t = 0; t < 4; t++)
			for (int bits = 8; bits <= 16; bits += 8)
				png(dir, types[t], bits, interlaced);
		png(dir, PNG_COLOR_TYPE_GRAY, 1, interlaced);
		png(dir, PNG_COLOR_TYPE_GRAY, 4, interlaced);
		png(dir, PNG_COLOR_TYPE_PALETTE, 1, interlaced);
	}
}
#endif

#ifdef SC_WITH_WEBP
static void
webp(const char *dir, const char *name, uint8_t *data, size_t size)
{
	FILE *file = file_in(dir, name);

	fwrite(data, 1, size, file);
	fclose(file);
	WebPFree(data);
}

/* Lossy and lossless, with transparency and without. */
static void
webps(const char *dir)
{
	const uint8_t *p = pixels[0];
	int row = WIDTH * 8;
	uint8_t *data;
	size_t size;

	size = WebPEncodeRGB(p, WIDTH, HEIGHT, row, 80, &data);
	webp(dir, "lossy.webp", data, size);
	size = WebPEncodeRGBA(p, WIDTH, HEIGHT, row, 80, &data);
	webp(dir, "lossy_alpha.webp", data, size);
	size = WebPEncodeLosslessRGB(p, WIDTH, HEIGHT, row, &data);
	webp(dir, "lossless.webp", data, size);
	size = WebPEncodeLosslessRGBA(p, WIDTH, HEIGHT, row, &data);
	webp(dir, "lossless_alpha.webp", data, size);
}
#endif

int
main(int argc, char **argv)
{
	if (argc != 2)
	{
		fprintf(stderr, "usage: %s DIR\n", argv[0]);
		return 2;
	}
	for (int y = 0; y < HEIGHT; y++)
		for (int i = 0; i < WIDTH * 8; i++)
			pixels[y][i] = (uint8_t) (y * 19 + i * 7);
	jpegs(argv[1]);
#ifdef SC_WITH_PNG
	pngs(argv[1]);
#endif
#ifdef SC_WITH_WEBP
	webps(argv[1]);
#endif
	return 0;
}
