/*-------------------------------------------------------------------------
 *
 * src/core/nn/winograd_simd.c
 *	  The loops of Winograd's convolutions: transforms of weights and tiles, and
 *	  the products between them.
 *
 * A transform in one direction is Toom and Cook's: the input, the kernel and the
 * output are polynomials at some points. The points are 0, pairs of +p and -p,
 * whose even and odd parts are computed once for both, and infinity. With 3/4
 * and 3/2 beside 0, tiles of 4x4 err half as much as with 1 and 2; 1/2, 1 and
 * 3/2 suit the other sizes. All these are exact in float.
 *
 * A vector holds neighbouring channels. Vectors are written as such, in the
 * compiler's own words for them, because what makes a product fast is which of
 * its sums are in registers.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/winograd_parts.h"

#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

/*
 * Floats of a vector; what a product keeps in registers: ROWS tiles by VECTORS
 * vectors of output channels, and beside them one row of weights and one number.
 */
#if defined(__AVX512F__)
#define VECTOR 16
#define ROWS 6
#define VECTORS 4
#elif defined(__AVX2__)
#define VECTOR 8
#define ROWS 6
#define VECTORS 2
#else
#define VECTOR 4
#define ROWS 6
#define VECTORS 2
#endif
#define PANEL (VECTOR * VECTORS)

/* What is written at once of transformed weights: a cache line, where a panel has one. */
#define STRIPE (PANEL < 16 ? PANEL : 16)
#define STRIPE_VECTORS (STRIPE / VECTOR)

/* Cache lines of a panel at one step of the depth. */
#define LINES ((PANEL + 15) / 16)

/* Loops over the elements of small arrays: unrolled, so that these are registers. */
#if defined(__clang__)
#define EACH(i, from, to) _Pragma("clang loop unroll(full)") for (int i = (from); i < (to); i++)
#else
#define EACH(i, from, to) _Pragma("GCC unroll 16") for (int i = (from); i < (to); i++)
#endif

typedef float vec __attribute__((vector_size(VECTOR * sizeof(float))));
typedef int32_t mask __attribute__((vector_size(VECTOR * sizeof(float))));
typedef float unaligned __attribute__((vector_size(VECTOR * sizeof(float)), aligned(sizeof(float)), may_alias));

INLINE vec
load(const float *p)
{
	return *(const unaligned *) p;
}

INLINE void
store(float *p, vec v)
{
	*(unaligned *) p = v;
}

/*
 * Store past the caches, to what nobody reads soon: transformed weights are
 * many, and a line that is written whole need not be read before. Lines written
 * in halves would cost twice as much.
 */
#if defined(__AVX512F__)
#define STORE_PAST(p, v) _mm512_stream_ps(p, (__m512) (v))
#define STORED_PAST() _mm_sfence()
#elif defined(__AVX2__)
#define STORE_PAST(p, v) _mm256_stream_ps(p, (__m256) (v))
#define STORED_PAST() _mm_sfence()
#else
#define STORE_PAST(p, v) store(p, v)
#define STORED_PAST() ((void) 0)
#endif

/* ---- tensors, of float or bf16 (element.h) -------------------------------------- */

typedef uint32_t bits __attribute__((vector_size(VECTOR * sizeof(uint32_t))));
typedef uint16_t halves __attribute__((vector_size(VECTOR * sizeof(uint16_t))));
typedef uint16_t unaligned_halves
	__attribute__((vector_size(VECTOR * sizeof(uint16_t)), aligned(sizeof(uint16_t)), may_alias));

/* The elements of a tensor from i on. */
INLINE vec
get(const void *tensor, size_t i, const sc_precision precision)
{
	const void *at = sc_element_at(tensor, i, precision);

	if (precision == SC_PRECISION_F32)
		return load(at);
	return (vec) (__builtin_convertvector((halves) * (const unaligned_halves *) at, bits) << 16);
}

/* What put keeps of v, rounded as sc_element_put does. */
INLINE vec
rounded(vec v, const sc_precision precision)
{
	bits b = (bits) v, nan = (bits) (v != v);

	if (precision == SC_PRECISION_F32)
		return v;
	b = ((b + 0x7FFF + (b >> 16 & 1)) & ~nan) | (nan & 0x7FC00000);
	return (vec) (b & 0xFFFF0000);
}

/* v is rounded. */
INLINE void
put(void *tensor, size_t i, vec v, const sc_precision precision)
{
	void *at = sc_element_at(tensor, i, precision);

	if (precision == SC_PRECISION_F32)
		store(at, v);
	else
		*(unaligned_halves *) at = (unaligned_halves) __builtin_convertvector((bits) v >> 16, halves);
}

/* ---- transforms in one direction --------------------------------------------- */

/* Squares of the points, and the points: F3 and F5 have 1/2 and 3/2, F4 has 3/4 and 3/2; F5 has 1 too. */
#define HALF 0.5f
#define HALF2 0.25f
#define LOW 0.75f
#define LOW2 0.5625f
#define HIGH 1.5f
#define HIGH2 2.25f

/* t = B^T d: an input at the points. */
INLINE void
input_1d(sc_winograd_form form, vec *t, const vec *d)
{
	vec even, odd;

	switch (form)
	{
		case SC_WINOGRAD_PAIR:
			t[0] = d[0] + d[1];
			t[1] = d[1];
			t[2] = d[0];
			break;
		case SC_WINOGRAD_F2:
			t[0] = d[2] - d[0];
			t[1] = d[2] + d[1];
			t[2] = d[2] - d[1];
			t[3] = d[3] - d[1];
			break;
		case SC_WINOGRAD_F3:
			even = d[3] - HIGH2 * d[1];
			odd = HALF * d[2] - HALF * HIGH2 * d[0];
			t[0] = even + odd;
			t[1] = even - odd;
			even = d[3] - HALF2 * d[1];
			odd = HIGH * d[2] - HIGH * HALF2 * d[0];
			t[2] = even + odd;
			t[3] = even - odd;
			t[4] = d[4] - (HALF2 + HIGH2) * d[2] + HALF2 * HIGH2 * d[0];
			break;
		case SC_WINOGRAD_F4:
			t[0] = d[4] - (LOW2 + HIGH2) * d[2] + LOW2 * HIGH2 * d[0];
			even = d[4] - HIGH2 * d[2];
			odd = d[3] - HIGH2 * d[1];
			t[1] = even + LOW * odd;
			t[2] = even - LOW * odd;
			even = d[4] - LOW2 * d[2];
			odd = d[3] - LOW2 * d[1];
			t[3] = even + HIGH * odd;
			t[4] = even - HIGH * odd;
			t[5] = d[5] - (LOW2 + HIGH2) * d[3] + LOW2 * HIGH2 * d[1];
			break;
		case SC_WINOGRAD_F5:
			even = d[5] - (1 + HIGH2) * d[3] + HIGH2 * d[1];
			odd = d[4] - (1 + HIGH2) * d[2] + HIGH2 * d[0];
			t[0] = even + HALF * odd;
			t[1] = even - HALF * odd;
			even = d[5] - (HALF2 + HIGH2) * d[3] + HALF2 * HIGH2 * d[1];
			odd = d[4] - (HALF2 + HIGH2) * d[2] + HALF2 * HIGH2 * d[0];
			t[2] = even + odd;
			t[3] = even - odd;
			even = d[5] - (HALF2 + 1) * d[3] + HALF2 * d[1];
			odd = d[4] - (HALF2 + 1) * d[2] + HALF2 * d[0];
			t[4] = even + HIGH * odd;
			t[5] = even - HIGH * odd;
			t[6] = d[6] - (HALF2 + 1 + HIGH2) * d[4] + (HALF2 + HIGH2 + HALF2 * HIGH2) * d[2] - HALF2 * HIGH2 * d[0];
			break;
		default:
			t[0] = d[0];
			break;
	}
}

/* y = A^T t: the output of its products at the points. */
INLINE void
output_1d(sc_winograd_form form, vec *y, const vec *t)
{
	vec even, odd, even2, odd2, even3, odd3;

	switch (form)
	{
		case SC_WINOGRAD_PAIR:
			y[0] = t[0] + t[1];
			y[1] = t[0] + t[2];
			break;
		case SC_WINOGRAD_F2:
			y[0] = t[0] + (t[1] + t[2]);
			y[1] = t[3] + (t[1] - t[2]);
			break;
		case SC_WINOGRAD_F3:
			even = t[0] + t[1];
			odd = t[0] - t[1];
			even2 = t[2] + t[3];
			odd2 = t[2] - t[3];
			y[0] = even + even2;
			y[1] = HALF * odd + HIGH * odd2;
			y[2] = HALF2 * even + HIGH2 * even2 + t[4];
			break;
		case SC_WINOGRAD_F4:
			even = t[1] + t[2];
			odd = t[1] - t[2];
			even2 = t[3] + t[4];
			odd2 = t[3] - t[4];
			y[0] = t[0] + even + even2;
			y[1] = LOW * odd + HIGH * odd2;
			y[2] = LOW2 * even + HIGH2 * even2;
			y[3] = LOW * LOW2 * odd + HIGH * HIGH2 * odd2 + t[5];
			break;
		case SC_WINOGRAD_F5:
			even = t[0] + t[1];
			odd = t[0] - t[1];
			even2 = t[2] + t[3];
			odd2 = t[2] - t[3];
			even3 = t[4] + t[5];
			odd3 = t[4] - t[5];
			y[0] = even + even2 + even3;
			y[1] = HALF * odd + odd2 + HIGH * odd3;
			y[2] = HALF2 * even + even2 + HIGH2 * even3;
			y[3] = HALF * HALF2 * odd + odd2 + HIGH * HIGH2 * odd3;
			y[4] = HALF2 * HALF2 * even + even2 + HIGH2 * HIGH2 * even3 + t[6];
			break;
		default:
			y[0] = t[0];
			break;
	}
}

/* t = A y: the transpose of output_1d, for the gradient. */
INLINE void
spread_1d(sc_winograd_form form, vec *t, const vec *y)
{
	vec even, odd;

	switch (form)
	{
		case SC_WINOGRAD_PAIR:
			t[0] = y[0] + y[1];
			t[1] = y[0];
			t[2] = y[1];
			break;
		case SC_WINOGRAD_F2:
			t[0] = y[0];
			t[1] = y[0] + y[1];
			t[2] = y[0] - y[1];
			t[3] = y[1];
			break;
		case SC_WINOGRAD_F3:
			even = y[0] + HALF2 * y[2];
			t[0] = even + HALF * y[1];
			t[1] = even - HALF * y[1];
			even = y[0] + HIGH2 * y[2];
			t[2] = even + HIGH * y[1];
			t[3] = even - HIGH * y[1];
			t[4] = y[2];
			break;
		case SC_WINOGRAD_F4:
			t[0] = y[0];
			even = y[0] + LOW2 * y[2];
			odd = y[1] + LOW2 * y[3];
			t[1] = even + LOW * odd;
			t[2] = even - LOW * odd;
			even = y[0] + HIGH2 * y[2];
			odd = y[1] + HIGH2 * y[3];
			t[3] = even + HIGH * odd;
			t[4] = even - HIGH * odd;
			t[5] = y[3];
			break;
		case SC_WINOGRAD_F5:
			even = y[0] + HALF2 * y[2] + HALF2 * HALF2 * y[4];
			odd = y[1] + HALF2 * y[3];
			t[0] = even + HALF * odd;
			t[1] = even - HALF * odd;
			even = y[0] + y[2] + y[4];
			odd = y[1] + y[3];
			t[2] = even + odd;
			t[3] = even - odd;
			even = y[0] + HIGH2 * y[2] + HIGH2 * HIGH2 * y[4];
			odd = y[1] + HIGH2 * y[3];
			t[4] = even + HIGH * odd;
			t[5] = even - HIGH * odd;
			t[6] = y[4];
			break;
		default:
			t[0] = y[0];
			break;
	}
}

/*
 * G: a kernel at the points. At p, 1, p and p^2, divided by the product of p's
 * distances from all other points but infinity.
 */
#define AT_POINT(p, n) \
	{ \
		1 / (float) (n), (float) ((p) / (n)), (float) ((p) * (p) / (n)) \
	}
static const float kernel_at[SC_WINOGRAD_FORMS][SC_WINOGRAD_POINTS][3] = {
	[SC_WINOGRAD_ONE] = {{0, 1, 0}},
	[SC_WINOGRAD_PAIR] = {{0, 1, 0}, {0, -1, 1}, {1, -1, 0}},
	[SC_WINOGRAD_F2] = {{-1, 0, 0}, AT_POINT(1.0, 2.0), AT_POINT(-1.0, 2.0), {0, 0, 1}},
	[SC_WINOGRAD_F3] = {AT_POINT(0.5, -2.0), AT_POINT(-0.5, 2.0), AT_POINT(1.5, 6.0), AT_POINT(-1.5, -6.0), {0, 0, 1}},
	[SC_WINOGRAD_F4] = {AT_POINT(0.0, 0.5625 * 2.25),
						AT_POINT(0.75, 2 * 0.5625 * (0.5625 - 2.25)),
						AT_POINT(-0.75, 2 * 0.5625 * (0.5625 - 2.25)),
						AT_POINT(1.5, 2 * 2.25 * (2.25 - 0.5625)),
						AT_POINT(-1.5, 2 * 2.25 * (2.25 - 0.5625)),
						{0, 0, 1}},
	[SC_WINOGRAD_F5] = {AT_POINT(0.5, 1.5),
						AT_POINT(-0.5, -1.5),
						AT_POINT(1.0, -1.875),
						AT_POINT(-1.0, 1.875),
						AT_POINT(1.5, 7.5),
						AT_POINT(-1.5, -7.5),
						{0, 0, 1}},
};

/* ---- tiles -------------------------------------------------------------------- */

/* Where a tile lies: its view, and the pixel of its output that comes first. */
typedef struct place
{
	int view, y, x;
} place;

INLINE place
place_of(const sc_winograd *w, int tile)
{
	int each = w->across * w->across;

	return (place){tile / each, tile % each / w->across * w->tile, tile % w->across * w->tile};
}

/*
 * Ask for n pixels from element i of a tensor on, which the next tile reads or
 * writes: too many rows are read at once for the CPU to see what comes next.
 * Nothing is done to what lies there, which may be beyond the tensor.
 */
INLINE void
ask_row(const void *tensor, size_t i, int n, size_t block, const sc_precision precision, const int write)
{
	uintptr_t at = (uintptr_t) tensor + i * sc_element_bytes(precision);

	for (size_t byte = 0; byte < (size_t) n * block * sc_element_bytes(precision); byte += 64)
		if (write)
			__builtin_prefetch((const void *) (at + byte), 1);
		else
			__builtin_prefetch((const void *) (at + byte), 0);
}

/* The channels q ... q + VECTOR - 1 of a view of a tensor, at its first pixel. */
INLINE size_t
channels_at(const sc_winograd *w, int channels, int view, int q)
{
	size_t block = (size_t) w->config.channel_block, pixels = (size_t) w->config.side * w->config.side;

	return (size_t) view * channels * pixels + (size_t) q / block * block * pixels + (size_t) q % block;
}

/* Pixels x ... x + n - 1 of a row of a tensor, zeros outside of it. row: the element where it begins. */
INLINE void
load_row(vec *d, const void *tensor, size_t row, int x, int n, int side, size_t block, const sc_precision precision)
{
	if (x >= 0 && x + n <= side)
		EACH(j, 0, n)
	d[j] = get(tensor, row + (size_t) (x + j) * block, precision);
	else EACH(j, 0, n) d[j] =
		(unsigned) (x + j) < (unsigned) side ? get(tensor, row + (size_t) (x + j) * block, precision) : (vec){0};
}

/*
 * Tiles of `channels` channels, n x n pixels each, beginning `before` pixels
 * before their place, transformed to points x points by one direction's
 * transform.
 */
typedef void (*transform_1d)(sc_winograd_form form, vec *t, const vec *d);

INLINE void
tiles_in(const sc_winograd *w, sc_winograd_form form, const sc_precision precision, transform_1d transform, int n,
		 int before, float *to, size_t point, size_t to_row, const void *from, int channels, sc_winograd_range tiles)
{
	const int points = sc_winograd_shape[form].points;
	size_t block = (size_t) w->config.channel_block, line = (size_t) w->config.side * block;
	int side = w->config.side;

	for (int tile = 0; tile < tiles.count; tile++, to += to_row)
	{
		place p = place_of(w, tiles.first + tile), next = place_of(w, tiles.first + tile + 1);

		p.y -= before;
		p.x -= before;
		next.y -= before;
		for (int q = 0; q < channels; q += VECTOR)
		{
			size_t at = channels_at(w, channels, p.view, q), ahead = channels_at(w, channels, next.view, q);
			vec half[SC_WINOGRAD_POINTS][SC_WINOGRAD_POINTS];
			float *out = to + q;

			for (int i = 0; i < n; i++)
			{
				vec d[SC_WINOGRAD_POINTS], t[SC_WINOGRAD_POINTS];

				if ((unsigned) (next.y + i) < (unsigned) side)
					ask_row(from, ahead + (size_t) (next.y + i) * line + (size_t) (next.x + before) * block,
							n - 2 * before, block, precision, 0);
				if ((unsigned) (p.y + i) < (unsigned) side)
				{
					load_row(d, from, at + (size_t) (p.y + i) * line, p.x, n, side, block, precision);
					transform(form, t, d);
				}
				else
					EACH(j, 0, points)
				t[j] = (vec){0};
				EACH(j, 0, points)
				half[j][i] = t[j];
			}
			for (int j = 0; j < points; j++)
			{
				vec t[SC_WINOGRAD_POINTS];

				transform(form, t, half[j]);
				/* (row, column) of the points: a kernel's are in the same order */
				EACH(i, 0, points)
				store(out + (size_t) (i * points + j) * point, t[i]);
			}
		}
	}
}

/* Call a function written for a constant form. */
#define BY_FORM(form, function, ...) \
	switch (form) \
	{ \
		case SC_WINOGRAD_ONE: \
			function(__VA_ARGS__, SC_WINOGRAD_ONE); \
			break; \
		case SC_WINOGRAD_PAIR: \
			function(__VA_ARGS__, SC_WINOGRAD_PAIR); \
			break; \
		case SC_WINOGRAD_F2: \
			function(__VA_ARGS__, SC_WINOGRAD_F2); \
			break; \
		case SC_WINOGRAD_F3: \
			function(__VA_ARGS__, SC_WINOGRAD_F3); \
			break; \
		case SC_WINOGRAD_F5: \
			function(__VA_ARGS__, SC_WINOGRAD_F5); \
			break; \
		default: \
			function(__VA_ARGS__, SC_WINOGRAD_F4); \
			break; \
	}

/* ... and a constant precision of the tensors. */
#define BY_TENSOR(w, function, ...) \
	do \
	{ \
		if ((w)->config.precision == SC_PRECISION_BF16) \
			BY_FORM((w)->config.form, function, w, __VA_ARGS__, SC_PRECISION_BF16) \
		else \
			BY_FORM((w)->config.form, function, w, __VA_ARGS__, SC_PRECISION_F32) \
	} while (0)

INLINE void
input_of(const sc_winograd *w, float *v, size_t point, const void *x, sc_winograd_range tiles,
		 const sc_precision precision, sc_winograd_form form)
{
	tiles_in(w, form, precision, input_1d, sc_winograd_shape[form].input, form <= SC_WINOGRAD_PAIR ? 0 : 1, v, point,
			 (size_t) w->config.in, x, w->config.in, tiles);
}

static void
input(const sc_winograd *w, float *v, size_t point, const void *x, sc_winograd_range tiles)
{
	BY_TENSOR(w, input_of, v, point, x, tiles);
}

INLINE void
spread_of(const sc_winograd *w, float *d, size_t point, const void *dy, sc_winograd_range tiles,
		  const sc_precision precision, sc_winograd_form form)
{
	tiles_in(w, form, precision, spread_1d, sc_winograd_shape[form].tile, 0, d, point, (size_t) w->columns, dy,
			 w->config.out, tiles);
}

static void
spread(const sc_winograd *w, float *d, size_t point, const void *dy, sc_winograd_range tiles)
{
	BY_TENSOR(w, spread_of, d, point, dy, tiles);
}

/* The epilogue on one vector of sums, of the channels from q on, at this place of the tensors; rounded. */
INLINE vec
finish(const sc_winograd_epilogue *e, vec v, int q, size_t at, const sc_precision precision)
{
	if (e->bias != NULL)
		v += load(e->bias + q);
	if (e->shortcut != NULL)
		v += get(e->shortcut, at, precision);
	if (e->relu)
		v = (vec) ((mask) v & ~(v < (vec){0}));
	if (e->mask != NULL)
		v = (vec) ((mask) v & (get(e->mask, at, precision) > (vec){0}));
	return rounded(v, precision);
}

/* What v is multiplied with in the second of its sums. */
INLINE vec
partner(const sc_winograd_epilogue *e, vec v, int q, size_t at, const sc_precision precision)
{
	return e->beside == NULL ? v : (get(e->beside, at, precision) - load(e->mean + q)) * load(e->inv + q);
}

/* One tile of VECTOR channels from q on, at this place of y; half: its products, transformed in one direction. */
INLINE void
output_tile(const sc_winograd *w, void *y, const vec half[][SC_WINOGRAD_POINTS], const sc_winograd_epilogue *e,
			float *sums, int q, size_t at, size_t ahead, int rows, int columns, const sc_precision precision,
			sc_winograd_form form)
{
	const int n = sc_winograd_shape[form].tile;
	const void *const tensors[] = {e->shortcut, e->mask, e->beside};
	size_t block = (size_t) w->config.channel_block, line = (size_t) w->config.side * block;
	vec sum = {0}, sum2 = {0};

	for (int i = 0; i < rows; i++, at += line, ahead += line)
	{
		vec d[SC_WINOGRAD_POINTS];

		output_1d(form, d, half[i]);
		ask_row(y, ahead, n, block, precision, 1);
		for (int k = 0; k < 3; k++)
			if (tensors[k] != NULL)
				ask_row(tensors[k], ahead, n, block, precision, 0);
		EACH(j, 0, n)
		if (j < columns)
		{
			size_t to = at + (size_t) j * block;
			vec v = finish(e, d[j], q, to, precision);

			if (e->sums != NULL)
			{
				sum += v;
				sum2 += v * partner(e, v, q, to, precision);
			}
			put(y, to, v, precision);
		}
	}
	if (e->sums != NULL)
	{
		store(sums + q, load(sums + q) + sum);
		store(sums + w->columns + q, load(sums + w->columns + q) + sum2);
	}
}

INLINE void
output_of(const sc_winograd *w, void *y, const float *m, size_t point, const sc_winograd_epilogue *e, float *sums,
		  sc_winograd_range tiles, const sc_precision precision, sc_winograd_form form)
{
	const int points = sc_winograd_shape[form].points, n = sc_winograd_shape[form].tile;
	size_t block = (size_t) w->config.channel_block;
	int side = w->config.side;

	for (int tile = 0; tile < tiles.count; tile++, m += w->columns)
	{
		place p = place_of(w, tiles.first + tile), next = place_of(w, tiles.first + tile + 1);
		size_t pixel = ((size_t) p.y * side + (size_t) p.x) * block;
		size_t next_pixel = ((size_t) next.y * side + (size_t) next.x) * block;

		for (int q = 0; q < w->config.out; q += VECTOR)
		{
			vec half[SC_WINOGRAD_POINTS][SC_WINOGRAD_POINTS];

			for (int j = 0; j < points; j++)
			{
				vec t[SC_WINOGRAD_POINTS], d[SC_WINOGRAD_POINTS];

				EACH(i, 0, points)
				t[i] = load(m + (size_t) (i * points + j) * point + q);
				output_1d(form, d, t);
				EACH(i, 0, n)
				half[i][j] = d[i];
			}
			output_tile(w, y, half, e, sums, q, channels_at(w, w->config.out, p.view, q) + pixel,
						channels_at(w, w->config.out, next.view, q) + next_pixel, SC_MIN(n, side - p.y),
						SC_MIN(n, side - p.x), precision, form);
		}
	}
}

static void
output(const sc_winograd *w, void *y, const float *m, size_t point, const sc_winograd_epilogue *epilogue, float *sums,
	   sc_winograd_range tiles)
{
	BY_TENSOR(w, output_of, y, m, point, epilogue, sums, tiles);
}

/* ---- weights -------------------------------------------------------------------- */

#define TAPS 9
#define MOST_BLOCK 16

typedef float four __attribute__((vector_size(16), aligned(sizeof(float)), may_alias));

#if defined(__clang__)
#define MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t four_places __attribute__((vector_size(16)));
#define MIX(a, b, ...) __builtin_shuffle(a, b, (four_places){__VA_ARGS__})
#endif

/* to (4, 4) = from (4, 4), transposed; rows b floats apart. */
INLINE void
transpose(float *to, const float *from, int b)
{
	four x0 = *(const four *) from, x1 = *(const four *) (from + b), x2 = *(const four *) (from + 2 * b),
		 x3 = *(const four *) (from + 3 * b);
	four low = MIX(x0, x1, 0, 4, 1, 5), high = MIX(x0, x1, 2, 6, 3, 7), low2 = MIX(x2, x3, 0, 4, 1, 5),
		 high2 = MIX(x2, x3, 2, 6, 3, 7);

	*(four *) to = MIX(low, low2, 0, 1, 4, 5);
	*(four *) (to + b) = MIX(low, low2, 2, 3, 6, 7);
	*(four *) (to + 2 * b) = MIX(high, high2, 0, 1, 4, 5);
	*(four *) (to + 3 * b) = MIX(high, high2, 2, 3, 6, 7);
}

/*
 * Of a block of both channels of the forward pass's weights (9, b, b), what the
 * gradient of the input reads: turned by half a turn, in and out exchanged.
 */
static void
turn(float *to, const float *from, int b)
{
	for (int k = 0; k < TAPS; k++)
		for (int i = 0; i < b; i += 4)
			for (int o = 0; o < b; o += 4)
				transpose(to + ((TAPS - 1 - k) * b + o) * b + i, from + (k * b + i) * b + o, b);
}

/* Kernels of 3x3 at the points, for STRIPE output channels; from: of each vector, or NULL; step: between taps. */
INLINE void
kernel_2d(sc_winograd_form form, float *to, size_t point, const float *const *from, size_t step)
{
	const int points = sc_winograd_shape[form].points;
	vec half[STRIPE_VECTORS][SC_WINOGRAD_POINTS][3];

	for (int q = 0; q < STRIPE_VECTORS; q++)
		EACH(j, 0, 3)
		{
			vec g[3];

			EACH(i, 0, 3)
			g[i] = from[q] == NULL ? (vec){0} : load(from[q] + (size_t) (i * 3 + j) * step);
			EACH(i, 0, points)
			half[q][i][j] = kernel_at[form][i][0] * g[0] + kernel_at[form][i][1] * g[1] + kernel_at[form][i][2] * g[2];
		}
	for (int i = 0; i < points; i++)
		EACH(j, 0, points)
	EACH(q, 0, STRIPE_VECTORS)
	STORE_PAST(to + (size_t) (i * points + j) * point + q * VECTOR, kernel_at[form][j][0] * half[q][i][0] +
																		kernel_at[form][j][1] * half[q][i][1] +
																		kernel_at[form][j][2] * half[q][i][2]);
}

/* One unit of sc_winograd_kernels.weights: a panel, and a block of input channels. */
INLINE void
weights_of(const sc_winograd *w, float *transformed, const float *weights, size_t unit, sc_winograd_form form)
{
	const int b = w->config.channel_block;
	size_t blocks = (size_t) w->config.in / b, outs = (size_t) w->config.out / b;
	size_t panel = unit / blocks, ib = unit % blocks, size = (size_t) TAPS * b * b;
	float *to = transformed + (panel * w->config.in + ib * b) * PANEL;
	float turned[TAPS * MOST_BLOCK * MOST_BLOCK]; /* blocks of STRIPE channels */

	for (int stripe = 0; stripe < PANEL; stripe += STRIPE)
	{
		const float *from[STRIPE_VECTORS];

		for (int q = 0; q < STRIPE_VECTORS; q++)
		{
			size_t o = panel * PANEL + (size_t) (stripe + q * VECTOR), ob = o / b;
			float *own = turned + (b < STRIPE ? (size_t) (q * VECTOR / b) * size : 0);

			from[q] = NULL;
			if (ob >= outs)
				continue;
			if (w->config.transposed)
			{
				if (o % b == 0 || stripe + q == 0)
					turn(own, weights + (ib * outs + ob) * size, b);
				from[q] = own + o % b;
			}
			else
				from[q] = weights + (ob * blocks + ib) * size + o % b;
		}
		for (int i = 0; i < b; i++)
		{
			kernel_2d(form, to + i * PANEL + stripe, sc_winograd_point(w), from, (size_t) b * b);
			for (int q = 0; q < STRIPE_VECTORS; q++)
				from[q] = from[q] == NULL ? NULL : from[q] + b;
		}
	}
}

static void
weights(const sc_winograd *w, float *transformed, const float *weights, size_t from, size_t to)
{
	for (; from < to; from++)
		BY_FORM(w->config.form, weights_of, w, transformed, weights, from);
	/* Before another lane is told that they are there. */
	STORED_PAST();
}

/* ---- products --------------------------------------------------------------------- */

/*
 * n rows of a by one panel of b. ahead: what is wanted next, of which some lines
 * are asked for at each step of the depth, ahead_step floats further.
 */
INLINE void
block(const sc_winograd_product *p, float *c, const float *a, const float *b, const float *ahead, size_t ahead_step,
	  const int n)
{
	vec sum[ROWS][VECTORS];
	size_t row = p->a_row, a_step = p->a_step, b_step = p->b_step;

	EACH(i, 0, n)
	EACH(j, 0, VECTORS)
	sum[i][j] = (vec){0};
	for (int k = 0; k < p->depth; k++, a += a_step, b += b_step, ahead += ahead_step)
	{
		vec right[VECTORS];

		EACH(j, 0, LINES)
		__builtin_prefetch(ahead + (size_t) j * ahead_step / LINES, 0, 2);
		EACH(j, 0, VECTORS)
		right[j] = load(b + j * VECTOR);
		EACH(i, 0, n)
		{
			float left = a[(size_t) i * row];

			EACH(j, 0, VECTORS)
			sum[i][j] += left * right[j];
		}
	}
	EACH(i, 0, n)
	EACH(j, 0, VECTORS)
	{
		float *to = c + (size_t) i * p->c_row + j * VECTOR;

		store(to, p->add ? load(to) + sum[i][j] : sum[i][j]);
	}
}

/* Rows of a product that stand together: groups that differ by no more than one, as one row waits for its own sums. */
typedef struct row_groups
{
	size_t count, rows, more;
} row_groups;

INLINE row_groups
groups_of(int rows)
{
	size_t count = (size_t) (rows + ROWS - 1) / ROWS;

	return (row_groups){count, (size_t) rows / count, (size_t) rows % count};
}

static void
block_of(const sc_winograd_product *p, float *c, const float *a, const float *b, const float *ahead, size_t step, int n)
{
	switch (n)
	{
		case 1:
			block(p, c, a, b, ahead, step, 1);
			break;
		case 2:
			block(p, c, a, b, ahead, step, 2);
			break;
		case 3:
			block(p, c, a, b, ahead, step, 3);
			break;
		case 4:
			block(p, c, a, b, ahead, step, 4);
			break;
		case 5:
			block(p, c, a, b, ahead, step, 5);
			break;
		default:
			block(p, c, a, b, ahead, step, ROWS);
			break;
	}
}

static void
multiply(const sc_winograd_product *p)
{
	row_groups groups = groups_of(p->rows);
	/* While a panel is in the first cache, the next one is read into the second, a part with each group. */
	size_t part = p->b_panel / groups.count, step = part / (size_t) p->depth + 1;

	for (int panel = 0; panel < p->panels; panel++)
	{
		const float *a = p->a, *b = p->b + (size_t) panel * p->b_panel, *ahead = b + p->b_panel;
		float *c = p->c + (size_t) panel * p->c_panel;

		for (size_t group = 0; group < groups.count; group++, ahead += part)
		{
			size_t n = groups.rows + (group < groups.more);

			block_of(p, c, a, b, ahead, step, (int) n);
			a += n * p->a_row;
			c += n * p->c_row;
		}
	}
}

/* The transpose of kernel_2d; tap: floats between the taps of what it writes. */
INLINE void
gradient_2d(sc_winograd_form form, float *to, size_t tap, const float *from, size_t point)
{
	const int points = sc_winograd_shape[form].points;
	vec half[3][SC_WINOGRAD_POINTS];

	for (int j = 0; j < points; j++)
	{
		vec sum[3] = {0};

		EACH(i, 0, points)
		{
			vec t = load(from + (size_t) (i * points + j) * point);

			EACH(k, 0, 3)
			sum[k] += kernel_at[form][i][k] * t;
		}
		EACH(k, 0, 3)
		half[k][j] = sum[k];
	}
	for (int k = 0; k < 3; k++)
	{
		vec sum[3] = {0};

		EACH(j, 0, points)
		EACH(l, 0, 3)
		sum[l] += kernel_at[form][j][l] * half[k][j];
		EACH(l, 0, 3)
		store(to + (size_t) (k * 3 + l) * tap, sum[l]);
	}
}

INLINE void
gradient_of(const sc_winograd *w, float *dweights, const sc_winograd_product *p, size_t a_point, size_t b_point,
			int panel, float *work, sc_winograd_form form)
{
	const size_t b = (size_t) w->config.channel_block, in = (size_t) w->config.in, point = ROWS * PANEL;
	row_groups groups = groups_of(w->config.in);
	sc_winograd_product one = *p;
	size_t i = 0;

	one.c_row = PANEL;
	for (size_t group = 0; group < groups.count; group++)
	{
		size_t n = groups.rows + (group < groups.more);

		for (int k = 0; k < w->points; k++)
		{
			float *c = work + (size_t) k * point;

			if (p->add)
				memcpy(c, p->c + (size_t) k * sc_winograd_point(w) + (size_t) panel * p->c_panel + i * p->c_row,
					   n * PANEL * sizeof(float));
			block_of(&one, c, p->a + (size_t) k * a_point + i, p->b + (size_t) k * b_point + (size_t) panel * PANEL,
					 p->a, 0, (int) n);
		}
		for (size_t row = 0; row < n; row++, i++)
			for (size_t q = 0; q < PANEL && (size_t) panel * PANEL + q < (size_t) w->config.out; q += VECTOR)
			{
				size_t o = (size_t) panel * PANEL + q;

				gradient_2d(form, dweights + ((o / b * (in / b) + i / b) * TAPS * b + i % b) * b + o % b, b * b,
							work + row * PANEL + q, point);
			}
	}
}

static void
gradient(const sc_winograd *w, float *dweights, const sc_winograd_product *p, size_t a_point, size_t b_point, int panel,
		 float *work)
{
	BY_FORM(w->config.form, gradient_of, w, dweights, p, a_point, b_point, panel, work);
}

const sc_winograd_kernels SC_SIMD(sc_winograd_table) = {
	.vector = VECTOR,
	.panel = PANEL,
	.rows = ROWS,
	.weights = weights,
	.input = input,
	.multiply = multiply,
	.output = output,
	.spread = spread,
	.gradient = gradient,
};
