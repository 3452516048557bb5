/*-------------------------------------------------------------------------
 *
 * src/core/nn/norm_loops.h
 *	  The loops of norm_simd.c over whole tensors, which that file includes once
 *	  for each number of channels in a block and each precision: with NAME,
 *	  LANES (channels of a block) and PRECISION.
 *
 *-------------------------------------------------------------------------
 */

typedef float NAME(vec) __attribute__((vector_size(4 * LANES)));
typedef float NAME(floats) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t NAME(bits) __attribute__((vector_size(4 * LANES)));
typedef uint16_t NAME(halves) __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
#define VEC NAME(vec)
#define BITS NAME(bits)

/* A vector's elements at element i of a tensor. */
INLINE VEC
NAME(get)(const void *tensor, size_t i)
{
	if (PRECISION == SC_PRECISION_F32)
		return *(const NAME(floats) *) ((const float *) tensor + i);
	return (VEC) (__builtin_convertvector(*(const NAME(halves) *) ((const uint16_t *) tensor + i), BITS) << 16);
}

/* As sc_element_put rounds. */
INLINE void
NAME(put)(void *tensor, size_t i, VEC value)
{
	BITS bits = (BITS) value, nan = (BITS) (value != value);

	if (PRECISION == SC_PRECISION_F32)
	{
		*(NAME(floats) *) ((float *) tensor + i) = value;
		return;
	}
	bits = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
	bits = (nan & 0x7FC0) | (~nan & bits);
	*(NAME(halves) *) ((uint16_t *) tensor + i) = __builtin_convertvector(bits, NAME(halves));
}

INLINE VEC
NAME(channels)(const float *x)
{
	return *(const NAME(floats) *) x;
}

/* value where not below 0, which NaN is not: as PyTorch's relu. */
INLINE VEC
NAME(relu)(VEC value)
{
	return (VEC) (~(BITS) (value < 0.0f) & (BITS) value);
}

/* sum += x; in double, times factor where that is not NULL. */
INLINE void
NAME(settle)(double *sum, VEC x, const float *factor)
{
	for (int c = 0; c < LANES; c++)
		sum[c] += factor == NULL ? (double) x[c] : (double) x[c] * (double) factor[c];
}

/* The first element of a block of a view. */
INLINE size_t
NAME(block_at)(const sc_norm_shape *shape, int view, int block)
{
	return ((size_t) view * (size_t) shape->blocks + (size_t) block) * shape->pixels * LANES;
}

static void
NAME(sums)(double *sum, double *square, const void *u, const sc_norm_shape *shape)
{
	for (int block = 0; block < shape->blocks; block++)
		FOR_RUNS(shape)
		{
			/* Two of each, so that one addition need not wait for the last. */
			VEC s[2] = {{0}, {0}}, q[2] = {{0}, {0}};

			for (int v = run.view; v < run.views; v++)
			{
				size_t at = NAME(block_at)(shape, v, block) + run.from * LANES, n = run.to - run.from;

				for (size_t i = 0; i + 1 < n; i += 2, at += 2 * LANES)
				{
					VEC x = NAME(get)(u, at), x2 = NAME(get)(u, at + LANES);

					s[0] += x;
					q[0] += x * x;
					s[1] += x2;
					q[1] += x2 * x2;
				}
				if (n % 2 != 0)
				{
					VEC x = NAME(get)(u, at);

					s[0] += x;
					q[0] += x * x;
				}
			}
			NAME(settle)(sum + block * LANES, s[0] + s[1], NULL);
			NAME(settle)(square + block * LANES, q[0] + q[1], NULL);
		}
}

/* shortcut: 0: none; 1: added as it is; 2: through its own norm. */
INLINE void
NAME(apply_kind)(void *y, const void *u, const float *a, const float *b, const void *s, const float *sa,
				 const float *sb, const int shortcut, const sc_norm_shape *shape)
{
	size_t at = 0;

	for (int v = 0; v < shape->views; v++)
		for (int c = 0; c < shape->blocks * LANES; c += LANES)
		{
			VEC scale = NAME(channels)(a + c), shift = NAME(channels)(b + c), scale2 = {0}, shift2 = {0};

			if (shortcut == 2)
			{
				scale2 = NAME(channels)(sa + c);
				shift2 = NAME(channels)(sb + c);
			}
			for (size_t i = 0; i < shape->pixels; i++, at += LANES)
			{
				VEC value = NAME(get)(u, at) * scale + shift;

				if (shortcut == 1)
					value += NAME(get)(s, at);
				else if (shortcut == 2)
					value += NAME(get)(s, at) * scale2 + shift2;
				NAME(put)(y, at, NAME(relu)(value));
			}
		}
}

static void
NAME(apply)(void *y, const void *u, const float *a, const float *b, const void *s, const float *sa, const float *sb,
			const sc_norm_shape *shape)
{
	if (s == NULL)
		NAME(apply_kind)(y, u, a, b, s, sa, sb, 0, shape);
	else if (sa == NULL)
		NAME(apply_kind)(y, u, a, b, s, sa, sb, 1, shape);
	else
		NAME(apply_kind)(y, u, a, b, s, sa, sb, 2, shape);
}

/* norms: how many have sums to be made. two: is there a t2? */
INLINE void
NAME(mask_kind)(void *g, const void *y, const void *t, const void *t2, const bool two, const sc_norm_gradient *own,
				const sc_norm_gradient *shortcut, const int norms, const sc_norm_shape *shape)
{
	for (int block = 0; block < shape->blocks; block++)
		FOR_RUNS(shape)
		{
			int c = block * LANES;
			VEC s = {0}, p = {0}, p2 = {0}, mean = {0}, mean2 = {0};

			if (norms > 0)
				mean = NAME(channels)(own->mean + c);
			if (norms > 1)
				mean2 = NAME(channels)(shortcut->mean + c);
			for (int v = run.view; v < run.views; v++)
			{
				size_t at = NAME(block_at)(shape, v, block) + run.from * LANES;

				for (size_t i = run.from; i < run.to; i++, at += LANES)
				{
					VEC value = NAME(get)(t, at);

					if (two)
						value += NAME(get)(t2, at);
					/* NaN in y must not hide: it lets the gradient, which is NaN too, through. */
					value = (VEC) (~(BITS) (NAME(get)(y, at) <= 0.0f) & (BITS) value);
					if (norms > 0)
					{
						s += value;
						p += value * (NAME(get)(own->u, at) - mean);
					}
					if (norms > 1)
						p2 += value * (NAME(get)(shortcut->u, at) - mean2);
					NAME(put)(g, at, value);
				}
			}
			if (norms > 0)
			{
				NAME(settle)(own->sum + c, s, NULL);
				NAME(settle)(own->product + c, p, own->inv + c);
			}
			if (norms > 1)
			{
				NAME(settle)(shortcut->sum + c, s, NULL);
				NAME(settle)(shortcut->product + c, p2, shortcut->inv + c);
			}
		}
}

static void
NAME(mask)(void *g, const void *y, const void *t, const void *t2, const sc_norm_gradient *own,
		   const sc_norm_gradient *shortcut, const sc_norm_shape *shape)
{
	if (own == NULL && t2 == NULL)
		NAME(mask_kind)(g, y, t, t2, false, own, shortcut, 0, shape);
	else if (own == NULL)
		NAME(mask_kind)(g, y, t, t2, true, own, shortcut, 0, shape);
	else if (shortcut == NULL && t2 == NULL)
		NAME(mask_kind)(g, y, t, t2, false, own, shortcut, 1, shape);
	else if (shortcut == NULL)
		NAME(mask_kind)(g, y, t, t2, true, own, shortcut, 1, shape);
	else if (t2 == NULL)
		NAME(mask_kind)(g, y, t, t2, false, own, shortcut, 2, shape);
	else
		NAME(mask_kind)(g, y, t, t2, true, own, shortcut, 2, shape);
}

static void
NAME(products)(const sc_norm_gradient *gradient, const void *g, const sc_norm_shape *shape)
{
	for (int block = 0; block < shape->blocks; block++)
		FOR_RUNS(shape)
		{
			int c = block * LANES;
			VEC s = {0}, p = {0}, mean = NAME(channels)(gradient->mean + c);

			for (int v = run.view; v < run.views; v++)
			{
				size_t at = NAME(block_at)(shape, v, block) + run.from * LANES;

				for (size_t i = run.from; i < run.to; i++, at += LANES)
				{
					VEC value = NAME(get)(g, at);

					s += value;
					p += value * (NAME(get)(gradient->u, at) - mean);
				}
			}
			NAME(settle)(gradient->sum + c, s, NULL);
			NAME(settle)(gradient->product + c, p, gradient->inv + c);
		}
}

static void
NAME(backward)(void *u, const void *g, const float *p, const float *q, const float *r, const sc_norm_shape *shape)
{
	size_t at = 0;

	for (int v = 0; v < shape->views; v++)
		for (int c = 0; c < shape->blocks * LANES; c += LANES)
		{
			VEC pc = NAME(channels)(p + c), qc = NAME(channels)(q + c), rc = NAME(channels)(r + c);

			for (size_t i = 0; i < shape->pixels; i++, at += LANES)
				NAME(put)(u, at, pc * NAME(get)(g, at) + (qc * NAME(get)(u, at) + rc));
		}
}

#undef VEC
#undef BITS
#undef NAME
#undef LANES
#undef PRECISION
