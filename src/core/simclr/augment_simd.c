/*-------------------------------------------------------------------------
 *
 * src/core/simclr/augment_simd.c
 *	  The loops of the views, compiled per instruction set.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/augment_loops.h"

#include <math.h>
#include <string.h>

/* ITU-R BT.601 luma, as PIL and torchvision turn colour to gray. */
#define LUMA_R 0.299f
#define LUMA_G 0.587f
#define LUMA_B 0.114f

static inline float
clamp(float x)
{
	x = x < 0.0f ? 0.0f : x;
	return x > 1.0f ? 1.0f : x;
}

/* Weight of what lies at a place under a triangle of height 1 at 0. */
static inline float
triangle(float at)
{
	float w = 1.0f - fabsf(at);

	return w > 0.0f ? w : 0.0f;
}

/* The colours of a pixel, and one value more, at once: a vector of C's own, for the compiler sees none in three sums. */
typedef float four_floats __attribute__((vector_size(16)));

/* line (n, 3) += the part of the sums whose elements lie in begin ... end - 1 of the row; strip has a value more. */
static inline void
resize_strip(float *restrict line, const float *restrict strip, const sc_view_axis *ax, int n, int begin, int end)
{
	float step = ax->step;

	for (int j = 0; j < n; j++)
	{
		int from = SC_MAX(ax->first[j], begin);
		int to = SC_MIN(ax->first[j] + ax->count[j], end);
		float at = ax->start[j] + (float) (from - ax->first[j]) * step;
		four_floats sum = {0};

		for (int i = from; i < to; i++, at += step)
		{
			four_floats pixel;

			memcpy(&pixel, strip + (ptrdiff_t) 3 * (i - begin), sizeof(pixel));
			sum += triangle(at) * pixel;
		}
		for (int c = 0; c < 3; c++)
			line[j * 3 + c] += sum[c] * ax->norm[j];
	}
}

/* The same of gray: line (n). */
static inline void
resize_gray_strip(float *restrict line, const float *restrict strip, const sc_view_axis *ax, int n, int begin, int end)
{
	float step = ax->step;

	for (int j = 0; j < n; j++)
	{
		int from = SC_MAX(ax->first[j], begin);
		int to = SC_MIN(ax->first[j] + ax->count[j], end);
		float at = ax->start[j] + (float) (from - ax->first[j]) * step;
		float sum = 0;

		for (int i = from; i < to; i++, at += step)
			sum += triangle(at) * strip[i - begin];
		line[j] += sum * ax->norm[j];
	}
}

void
SC_SIMD(sc_view_resize_line)(sc_view_place out, const uint8_t *pixels, int stride, int channels, int width,
							 const sc_view_axis *ax, const sc_view_axis *ay, int y, int n, float *restrict strip,
							 float *line)
{
	size_t plane = (size_t) n * (size_t) n;

	memset(line, 0, sizeof(float) * (size_t) n * (size_t) channels);
	for (int begin = 0; begin < width; begin += SC_VIEW_STRIP)
	{
		int end = SC_MIN(width, begin + SC_VIEW_STRIP);
		int values = (end - begin) * channels;

		memset(strip, 0, sizeof(float) * (size_t) values);
		for (int i = 0; i < ay->count[y]; i++)
		{
			const uint8_t *restrict row =
				pixels + (size_t) (ay->first[y] + i) * (size_t) stride + (size_t) begin * (size_t) channels;
			float w = triangle(ay->start[y] + (float) i * ay->step) * ay->norm[y] * (1.0f / 255.0f);

			for (int k = 0; k < values; k++)
				strip[k] += w * (float) row[k];
		}
		if (channels == 1)
			resize_gray_strip(line, strip, ax, n, begin, end);
		else
			resize_strip(line, strip, ax, n, begin, end);
	}
	for (int c = 0; c < channels; c++)
	{
		float *to = out.plane + (size_t) c * plane + out.at;

		for (int x = 0; x < n; x++)
			to[(ptrdiff_t) x * out.step] = line[x * channels + c];
	}
}

/* sum += the pixels around point (x, y), which is inside of the image's rectangle of centres. */
static inline void
sample(float *sum, const sc_image *image, double x, double y, int channels)
{
	double px = fmin(fmax(x - 0.5, 0.0), image->width - 1.0);
	double py = fmin(fmax(y - 0.5, 0.0), image->height - 1.0);
	int ix = SC_MIN((int) px, SC_MAX(image->width - 2, 0));
	int iy = SC_MIN((int) py, SC_MAX(image->height - 2, 0));
	float fx = (float) (px - ix);
	float fy = (float) (py - iy);
	size_t right = image->width > 1 ? (size_t) channels : 0;
	size_t down = image->height > 1 ? (size_t) image->width * (size_t) channels : 0;
	const uint8_t *p = image->pixels + ((size_t) iy * (size_t) image->width + (size_t) ix) * (size_t) channels;

	for (int c = 0; c < channels; c++, p++)
	{
		float upper = p[0] + fx * ((float) p[right] - p[0]);
		float lower = p[down] + fx * ((float) p[down + right] - p[down]);

		sum[c] += upper + fy * (lower - upper);
	}
}

static inline void
sample_line(float *plane, const sc_image *image, const sc_view_affine *m, int y, int n, int channels)
{
	float norm = 1.0f / (255.0f * (float) (m->samples_x * m->samples_y));

	for (int x = 0; x < n; x++)
	{
		float sum[3] = {0};
		double bend_x = m->bend_x != NULL ? m->bend_x[x] : 0.0;
		double bend_y = m->bend_y != NULL ? m->bend_y[x] : 0.0;

		for (int j = 0; j < m->samples_y; j++)
			for (int i = 0; i < m->samples_x; i++)
			{
				double u = x + (i + 0.5) / m->samples_x + bend_x;
				double v = y + (j + 0.5) / m->samples_y + bend_y;

				sample(sum, image, m->xx * u + m->xy * v + m->x0, m->yx * u + m->yy * v + m->y0, channels);
			}
		for (int c = 0; c < channels; c++)
			plane[((size_t) c * (size_t) n + (size_t) y) * (size_t) n + (size_t) x] = sum[c] * norm;
	}
}

void
SC_SIMD(sc_view_sample_line)(float *plane, const sc_image *image, const sc_view_affine *m, int y, int n)
{
	if (image->channels == 1)
		sample_line(plane, image, m, y, n, 1);
	else
		sample_line(plane, image, m, y, n, 3);
}

void
SC_SIMD(sc_view_scale)(float *x, size_t count, float factor, float shift)
{
	for (size_t i = 0; i < count; i++)
		x[i] = clamp(factor * x[i] + shift);
}

void
SC_SIMD(sc_view_saturate)(float *planes, size_t count, float factor)
{
	float *restrict r = planes;
	float *restrict g = planes + count;
	float *restrict b = planes + 2 * count;

	for (size_t i = 0; i < count; i++)
	{
		float gray = (1.0f - factor) * (LUMA_R * r[i] + LUMA_G * g[i] + LUMA_B * b[i]);

		r[i] = clamp(factor * r[i] + gray);
		g[i] = clamp(factor * g[i] + gray);
		b[i] = clamp(factor * b[i] + gray);
	}
}

/*
 * One colour of HSV to RGB: value minus chroma times a trapezoid of the hue,
 * where k is the hue in sixths of a turn plus 5, 3, 1 for red, green, blue.
 */
static inline float
hue_colour(float value, float chroma, float k)
{
	float slope;

	k = k >= 6.0f ? k - 6.0f : k;
	slope = k < 4.0f - k ? k : 4.0f - k;
	return value - chroma * clamp(slope);
}

void
SC_SIMD(sc_view_hue)(float *planes, size_t count, float shift)
{
	float *restrict r = planes;
	float *restrict g = planes + count;
	float *restrict b = planes + 2 * count;

	shift = 6.0f * (shift - floorf(shift));
	for (size_t i = 0; i < count; i++)
	{
		float red = r[i], green = g[i], blue = b[i];
		float high = red > green ? red : green;
		float low = red > green ? green : red;
		float value = high > blue ? high : blue;
		float chroma = value - (low < blue ? low : blue);
		float inverse = 1.0f / (chroma > 0.0f ? chroma : 1.0f);
		float hue = value == red	 ? (green - blue) * inverse
					: value == green ? 2.0f + (blue - red) * inverse
									 : 4.0f + (red - green) * inverse;

		hue = (hue < 0.0f ? hue + 6.0f : hue) + shift;
		hue = hue >= 6.0f ? hue - 6.0f : hue;
		r[i] = hue_colour(value, chroma, hue + 5.0f);
		g[i] = hue_colour(value, chroma, hue + 3.0f);
		b[i] = hue_colour(value, chroma, hue + 1.0f);
	}
}

double
SC_SIMD(sc_view_luma_sum)(const float *planes, size_t count, int channels)
{
	double sum = 0;

	if (channels == 1)
		for (size_t i = 0; i < count; i++)
			sum += planes[i];
	else
		for (size_t i = 0; i < count; i++)
			sum += LUMA_R * planes[i] + LUMA_G * planes[count + i] + LUMA_B * planes[2 * count + i];
	return sum;
}

/* Index i, which may lie up to n - 1 outside of 0 ... n - 1, reflected about the middle of the edge pixel. */
static inline int
reflect(int i, int n)
{
	i = i < 0 ? -i : i;
	return i < n ? i : 2 * (n - 1) - i;
}

void
SC_SIMD(sc_view_blur)(float *plane, int n, const float *weights, int radius, float *restrict tmp, float *restrict pad)
{
	for (int y = 0; y < n; y++)
	{
		const float *row = plane + (size_t) y * (size_t) n;
		float *restrict to = tmp + (size_t) y * (size_t) n;
		const float *middle = pad + radius;

		for (int x = -radius; x < n + radius; x++)
			pad[x + radius] = row[reflect(x, n)];
		for (int x = 0; x < n; x++)
			to[x] = weights[0] * middle[x];
		for (int k = 1; k <= radius; k++)
			for (int x = 0; x < n; x++)
				to[x] += weights[k] * (middle[x - k] + middle[x + k]);
	}
	for (int y = 0; y < n; y++)
	{
		float *restrict to = plane + (size_t) y * (size_t) n;
		const float *row = tmp + (size_t) y * (size_t) n;

		for (int x = 0; x < n; x++)
			to[x] = weights[0] * row[x];
		for (int k = 1; k <= radius; k++)
		{
			const float *above = tmp + (size_t) reflect(y - k, n) * (size_t) n;
			const float *below = tmp + (size_t) reflect(y + k, n) * (size_t) n;

			for (int x = 0; x < n; x++)
				to[x] += weights[k] * (above[x] + below[x]);
		}
	}
}

void
SC_SIMD(sc_view_morph)(float *plane, int n, int radius, float sign, float *restrict tmp, float *restrict pad)
{
	/* The minimum is the maximum of the negative. */
	for (int y = 0; y < n; y++)
	{
		const float *row = plane + (size_t) y * (size_t) n;
		float *restrict to = tmp + (size_t) y * (size_t) n;

		for (int x = -radius; x < n + radius; x++)
			pad[x + radius] = sign * row[SC_MIN(SC_MAX(x, 0), n - 1)];
		for (int x = 0; x < n; x++)
			to[x] = pad[x];
		for (int k = 1; k <= 2 * radius; k++)
			for (int x = 0; x < n; x++)
				to[x] = to[x] > pad[x + k] ? to[x] : pad[x + k];
	}
	for (int y = 0; y < n; y++)
	{
		float *restrict to = plane + (size_t) y * (size_t) n;

		memcpy(to, tmp + (size_t) y * (size_t) n, sizeof(float) * (size_t) n);
		for (int v = SC_MAX(y - radius, 0); v <= SC_MIN(y + radius, n - 1); v++)
		{
			const float *row = tmp + (size_t) v * (size_t) n;

			for (int x = 0; x < n; x++)
				to[x] = to[x] > row[x] ? to[x] : row[x];
		}
		for (int x = 0; x < n; x++)
			to[x] *= sign;
	}
}

void
SC_SIMD(sc_view_finish)(float *restrict out, const float *restrict planes, size_t count, int channels,
						const float *mean, const float *std)
{
	for (int c = 0; c < 3; c++)
	{
		const float *restrict plane = planes + (channels == 1 ? 0 : (size_t) c * count);
		float scale = 1.0f / std[c];
		float shift = -mean[c] / std[c];

		for (size_t i = 0; i < count; i++)
			out[3 * i + (size_t) c] = plane[i] * scale + shift;
	}
}
