/*-------------------------------------------------------------------------
 *
 * tests/unit/test_quality.c
 *	  How sharp, bright and varied pictures are, against the definitions.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/pool.h"
#include "core/image/quality.h"
#include "unit.h"

static sc_quality
quality_of(const uint8_t *pixels, int width, int height, int channels)
{
	sc_quality q = {.image = {width, height, channels, pixels}};
	sc_error err;

	CHECK(sc_pool_run(2, sc_quality_run, &q, &err) == SC_OK, "%s", err.message);
	return q;
}

/* A picture of one value, of any size, has no edges and nothing in it. */
static void
test_flat(void)
{
	static const int sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {2, 2}, {30, 20}};
	uint8_t pixels[30 * 20 * 3];

	for (int value = 0; value < 256; value += 51)
	{
		memset(pixels, value, sizeof(pixels));
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			for (int channels = 1; channels <= 3; channels += 2)
			{
				sc_quality q = quality_of(pixels, sizes[i][0], sizes[i][1], channels);

				CHECK(q.sharpness == 0 && q.entropy == 0, "%g %g", q.sharpness, q.entropy);
				CLOSE(q.brightness, value / 255.0, 0);
			}
	}
}

/* Black and white in turn: the Laplacian is as large as it can be, and there is one bit. */
static void
test_board(void)
{
	uint8_t pixels[16 * 16];
	sc_quality q;
	double sum = 0, squares = 0, variance;

	for (int i = 0; i < 256; i++)
		pixels[i] = (i / 16 + i) % 2 * 255;
	for (int y = 0; y < 16; y++)
		for (int x = 0; x < 16; x++)
		{
			int others = (x > 0) + (x < 15) + (y > 0) + (y < 15); /* beyond the edge is the pixel itself */
			double l = ((x + y) % 2 ? -255.0 : 255.0) * others;

			sum += l;
			squares += l * l;
		}
	variance = squares / 256 - sum / 256 * (sum / 256);
	q = quality_of(pixels, 16, 16, 1);
	CLOSE(q.sharpness, variance / (variance + 100), 1e-12);
	CLOSE(q.brightness, 0.5, 1e-12);
	CLOSE(q.entropy, 1.0 / 8, 1e-12);
}

/* Each value as often as any other: all 8 bits. */
static void
test_ramp(void)
{
	uint8_t pixels[256];
	sc_quality q;

	for (int i = 0; i < 256; i++)
		pixels[i] = (uint8_t) i;
	q = quality_of(pixels, 256, 1, 1);
	CLOSE(q.entropy, 1, 1e-12);
	CLOSE(q.brightness, 0.5, 1e-12);
	/* The Laplacian is 1 and -1 at the ends and 0 between: beyond an end the pixel itself stands. */
	CLOSE(q.sharpness, (2.0 / 256) / (2.0 / 256 + 100), 1e-12);
}

/* The three colours count as luminance has them. */
static void
test_colours(void)
{
	static const double share[3] = {0.299, 0.587, 0.114};

	for (int c = 0; c < 3; c++)
	{
		uint8_t pixels[12 * 3] = {0};
		sc_quality q;

		for (int i = 0; i < 12; i++)
			pixels[3 * i + c] = 200;
		q = quality_of(pixels, 4, 3, 3);
		CLOSE(q.brightness * 255, floor(200 * share[c] + 0.5), 1e-9);
	}
}

/* Blurring takes away sharpness and nothing of the brightness. */
static void
test_blur(void)
{
	enum
	{
		W = 64
	};
	uint8_t pixels[W * W], blurred[W * W];
	double before = 1;

	for (int i = 0; i < W * W; i++)
		pixels[i] = (uint8_t) (i * 7919 % 1009 % 256);
	for (int round = 0; round < 5; round++)
	{
		sc_quality q = quality_of(pixels, W, W, 1);

		CHECK(q.sharpness < before && q.sharpness > 0, "%g, then %g", before, q.sharpness);
		before = q.sharpness;
		for (int y = 0; y < W; y++)
			for (int x = 0; x < W; x++)
			{
				int sum = 0;

				for (int v = -1; v <= 1; v++)
					for (int u = -1; u <= 1; u++)
						sum += pixels[(y + v + W) % W * W + (x + u + W) % W];
				blurred[y * W + x] = (uint8_t) ((sum + 4) / 9);
			}
		memcpy(pixels, blurred, sizeof(pixels));
	}
}

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("pictures of one value")
		test_flat();
	CASE ("black and white in turn")
		test_board();
	CASE ("every value once")
		test_ramp();
	CASE ("colours")
		test_colours();
	CASE ("blur")
		test_blur();
	sc_pool_shutdown();
	return unit_end();
}
