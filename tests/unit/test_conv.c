/*-------------------------------------------------------------------------
 *
 * tests/unit/test_conv.c
 *	  Convolutions against their definition in double, every implementation
 *	  and shape of ResNet-18; and the loops of batch norm, ReLU and max-pool
 *	  against finite differences of a definition in double.
 *
 *-------------------------------------------------------------------------
 */
#include "conv.h"
#include "formula.h"
#include "gemm.h"
#include "norm.h"
#include "unit.h"

/* ---- convolutions ---------------------------------------------------------- */

/* Where (view, channel, pixel) lies in a tensor. */
static size_t
at(int block, int channels, size_t pixels, int v, int c, size_t p)
{
	return (((size_t) v * (channels / block) + (size_t) (c / block)) * pixels + p) * (size_t) block + (size_t) (c % block);
}

typedef struct conv_case
{
	sc_conv		conv;
	float	   *x,
			   *dx,
			   *y,
			   *dy,
			   *w,
			   *dw,
			   *oihw,
			   *turned;
	double	   *yd,
			   *dxd,
			   *dwd;
	void	   *scratch;
} conv_case;

/* The definition: y, dx and dw (out, in, k, k), all in double. */
static void
define(conv_case *t)
{
	const sc_conv_config *c = &t->conv.config;
	int			in_block = c->planar ? 1 : c->block,
				out = t->conv.out_side;
	size_t		in_pixels = (size_t) c->side * c->side,
				out_pixels = (size_t) out * out;

	for (int v = 0; v < c->views; v++)
		for (int o = 0; o < c->out; o++)
			for (int i = 0; i < c->in; i++)
				for (int k = 0; k < c->kernel * c->kernel; k++)
				{
					size_t		wi = ((size_t) o * c->in + (size_t) i) * c->kernel * c->kernel + (size_t) k;
					double		dw = 0.0;

					for (int oy = 0; oy < out; oy++)
						for (int ox = 0; ox < out; ox++)
						{
							int			iy = oy * c->stride + k / c->kernel - c->kernel / 2,
										ix = ox * c->stride + k % c->kernel - c->kernel / 2;
							size_t		xi,
										yi;

							if (iy < 0 || iy >= c->side || ix < 0 || ix >= c->side)
								continue;
							xi = at(in_block, c->in, in_pixels, v, i, (size_t) iy * c->side + (size_t) ix);
							yi = at(c->block, c->out, out_pixels, v, o, (size_t) oy * out + (size_t) ox);
							t->yd[yi] += (double) t->oihw[wi] * t->x[xi];
							t->dxd[xi] += (double) t->oihw[wi] * t->dy[yi];
							dw += (double) t->dy[yi] * t->x[xi];
						}
					t->dwd[wi] += dw;
				}
}

static double
error_of(const float *x, const double *wanted, size_t n)
{
	double		square = 0.0,
				norm = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		square += (x[i] - wanted[i]) * (x[i] - wanted[i]);
		norm += wanted[i] * wanted[i];
	}
	return sqrt(square / norm);
}

static sc_status
run_all(const sc_lane *lane, void *arg)
{
	conv_case  *t = arg;

	if (lane->index > 0)
		return SC_OK;
	SC_TRY(sc_conv_forward(lane, &t->conv, t->y, t->x, t->w, t->scratch));
	SC_TRY(sc_conv_backward_weights(lane, &t->conv, t->dw, t->x, t->dy, t->scratch));
	if (t->conv.config.planar)
		return SC_OK;
	SC_TRY(sc_conv_turn(lane, &t->conv, t->turned, t->w));
	return sc_conv_backward_data(lane, &t->conv, t->dx, t->dy, t->w, t->turned, t->scratch);
}

static void
test_conv(int views, int in, int out, int side, int kernel, int stride, sc_conv_kind kind, double tol)
{
	conv_case	t = {0};
	sc_conv_config config = {views, in, out, side, kernel, stride, sc_conv_block(kind), in == 3, true, kind};
	sc_error	err = {0};
	size_t		nx,
				ny;
	float	   *back;
	char		what[100];

	snprintf(what, sizeof(what), "%d x %d -> %d, side %d, kernel %d/%d, kind %d", views, in, out, side, kernel, stride, kind);
	CHECK(sc_conv_open(&t.conv, &config, &err) == SC_OK, "%s: %s", what, err.message);
	nx = (size_t) views * in * side * side;
	ny = (size_t) views * out * t.conv.out_side * t.conv.out_side;
	t.x = aligned_alloc(64, (nx + 16) * 4);
	t.dx = aligned_alloc(64, (nx + 16) * 4);
	t.y = aligned_alloc(64, (ny + 16) * 4);
	t.dy = aligned_alloc(64, (ny + 16) * 4);
	t.w = aligned_alloc(64, (t.conv.weights + 16) * 4);
	t.dw = aligned_alloc(64, (t.conv.weights + 16) * 4);
	t.oihw = malloc(t.conv.weights * 4);
	back = malloc(t.conv.weights * 4);
	t.turned = aligned_alloc(64, (t.conv.turned + 16) * 4);
	t.scratch = malloc(t.conv.scratch + 64);
	t.yd = calloc(ny, sizeof(double));
	t.dxd = calloc(nx, sizeof(double));
	t.dwd = calloc(t.conv.weights, sizeof(double));
	formula_fill(t.x, nx, formula_id("x"), 1.0f, 0.0f);
	formula_fill(t.dy, ny, formula_id("dy"), 1.0f, 0.0f);
	formula_fill(t.oihw, t.conv.weights, formula_id("w"), 1.0f, 0.0f);
	/* What is not overwritten shows. */
	memset(t.y, 0xFF, ny * 4);
	memset(t.dx, 0xFF, nx * 4);
	memset(t.dw, 0xFF, t.conv.weights * 4);

	sc_conv_import(&t.conv, t.w, t.oihw);
	sc_conv_export(&t.conv, back, t.w);
	CHECK(memcmp(back, t.oihw, t.conv.weights * 4) == 0, "%s: layout of the weights", what);
	define(&t);
	CHECK(sc_pool_run(2, run_all, &t, &err) == SC_OK, "%s: %s", what, err.message);
	CHECK(error_of(t.y, t.yd, ny) < tol, "%s: forward off by %.3g", what, error_of(t.y, t.yd, ny));
	sc_conv_export(&t.conv, back, t.dw);
	CHECK(error_of(back, t.dwd, t.conv.weights) < tol, "%s: weights off by %.3g", what, error_of(back, t.dwd, t.conv.weights));
	if (in != 3)
		CHECK(error_of(t.dx, t.dxd, nx) < tol, "%s: data off by %.3g", what, error_of(t.dx, t.dxd, nx));
	sc_conv_close(&t.conv);
	free(t.x);
	free(t.dx);
	free(t.y);
	free(t.dy);
	free(t.w);
	free(t.dw);
	free(t.oihw);
	free(back);
	free(t.turned);
	free(t.scratch);
	free(t.yd);
	free(t.dxd);
	free(t.dwd);
}

static void
test_convs(sc_conv_kind kind, double tol)
{
	test_conv(2, 3, 64, 21, 7, 2, kind, tol);
	test_conv(2, 3, 64, 12, 3, 1, kind, tol);
	test_conv(3, 64, 64, 9, 3, 1, kind, tol);
	test_conv(2, 64, 128, 8, 3, 2, kind, tol);
	test_conv(2, 64, 128, 9, 1, 2, kind, tol);
	test_conv(2, 128, 128, 5, 3, 1, kind, tol);
	test_conv(1, 128, 256, 4, 3, 2, kind, tol);
	test_conv(3, 256, 256, 2, 3, 1, kind, tol);
	test_conv(2, 256, 512, 2, 1, 2, kind, tol);
	test_conv(2, 256, 256, 1, 3, 1, kind, tol);
}

/* ---- norm, shortcut, ReLU --------------------------------------------------- */

#define N 37
#define BLOCK_MAX 16

/* sum of weight * ReLU(norm(u) [+ s]), batch statistics, one channel, in double. */
static double
norm_loss(const double *u, const double *s, double scale, double shift, const double *weight, int n)
{
	double		mean = 0,
				var = 0,
				loss = 0;

	for (int i = 0; i < n; i++)
		mean += u[i] / n;
	for (int i = 0; i < n; i++)
		var += (u[i] - mean) * (u[i] - mean) / n;
	for (int i = 0; i < n; i++)
	{
		double		y = (u[i] - mean) / sqrt(var + 1e-5) * scale + shift + (s ? s[i] : 0.0);

		loss += weight[i] * (y > 0 ? y : 0);
	}
	return loss;
}

#define AT(x, i, c) (x)[(i) * block + (c)]

static void
test_norm(int block, bool shortcut)
{
	float		u[N * BLOCK_MAX],
				y[N * BLOCK_MAX],
				s[N * BLOCK_MAX],
				t[N * BLOCK_MAX];
	float		a[BLOCK_MAX],
				b[BLOCK_MAX],
				mean[BLOCK_MAX],
				inv[BLOCK_MAX],
				p[BLOCK_MAX],
				q[BLOCK_MAX],
				r[BLOCK_MAX];
	double		sum[BLOCK_MAX] = {0},
				square[BLOCK_MAX] = {0},
				gsum[BLOCK_MAX] = {0},
				gproduct[BLOCK_MAX] = {0};
	double		ud[BLOCK_MAX][N],
				sd[BLOCK_MAX][N],
				wd[BLOCK_MAX][N];
	size_t		n = (size_t) N * block;

	formula_fill(u, n, formula_id("u"), 2.0f, 1.0f);
	formula_fill(s, n, formula_id("s"), 1.0f, 0.0f);
	formula_fill(t, n, formula_id("t"), 1.0f, 0.0f);
	for (int c = 0; c < block; c++)
		for (int i = 0; i < N; i++)
		{
			ud[c][i] = AT(u, i, c);
			sd[c][i] = AT(s, i, c);
			wd[c][i] = AT(t, i, c);
		}
	SC_SIMD_CALL(sc_norm_sums) (sum, square, u, N, block);
	for (int c = 0; c < block; c++)
	{
		double		m = sum[c] / N,
					v = square[c] / N - m * m;

		mean[c] = (float) m;
		inv[c] = (float) (1.0 / sqrt(v + 1e-5));
		a[c] = (1.0f + 0.1f * (float) c) * inv[c];
		b[c] = 0.05f * (float) c - mean[c] * a[c];
	}
	SC_SIMD_CALL(sc_norm_apply) (y, u, a, b, shortcut ? s : NULL, NULL, NULL, N, block);
	for (int c = 0; c < block; c++)
	{
		double		loss = 0;

		for (int i = 0; i < N; i++)
			loss += wd[c][i] * AT(y, i, c);
		CLOSE(loss, norm_loss(ud[c], shortcut ? sd[c] : NULL, 1.0 + 0.1 * c, 0.05 * c, wd[c], N), 1e-4);
	}

	SC_SIMD_CALL(sc_norm_mask) (y, y, t, NULL, N, block);
	SC_SIMD_CALL(sc_norm_products) (gsum, gproduct, y, u, mean, inv, N, block);
	for (int c = 0; c < block; c++)
	{
		p[c] = a[c];
		q[c] = (float) (-(double) p[c] * (gproduct[c] / N) * inv[c]);
		r[c] = (float) (-(double) p[c] * (gsum[c] / N) - (double) q[c] * mean[c]);
	}
	SC_SIMD_CALL(sc_norm_backward) (u, y, p, q, r, N, block);
	for (int c = 0; c < block; c++)
	{
		const double *sc = shortcut ? sd[c] : NULL;
		double		scale = 1.0 + 0.1 * c,
					shift = 0.05 * c,
					h = 1e-6;

		/* A kink of the ReLU within h of 0 is not in these inputs: the differences agree. */
		CLOSE(gproduct[c], (norm_loss(ud[c], sc, scale + h, shift, wd[c], N) - norm_loss(ud[c], sc, scale - h, shift, wd[c], N)) / (2 * h), 1e-4);
		CLOSE(gsum[c], (norm_loss(ud[c], sc, scale, shift + h, wd[c], N) - norm_loss(ud[c], sc, scale, shift - h, wd[c], N)) / (2 * h), 1e-4);
		for (int i = 0; i < N; i++)
		{
			double		x = ud[c][i],
						up,
						down;

			ud[c][i] = x + h;
			up = norm_loss(ud[c], sc, scale, shift, wd[c], N);
			ud[c][i] = x - h;
			down = norm_loss(ud[c], sc, scale, shift, wd[c], N);
			ud[c][i] = x;
			CLOSE(AT(u, i, c), (up - down) / (2 * h), 1e-4);
		}
	}
}

/* ---- max-pool ----------------------------------------------------------------- */

static void
test_pool(int block, int side)
{
	int			out = (side - 1) / 2 + 1;
	size_t		n = (size_t) side * side * block,
				m = (size_t) out * out * block;
	float	   *u = malloc(n * 4),
			   *y = malloc(m * 4),
			   *dy = malloc(m * 4),
			   *dx = malloc(n * 4),
			   *wanted = calloc(n, 4);
	uint8_t    *which = malloc(m);
	float		a[BLOCK_MAX],
				b[BLOCK_MAX];

	formula_fill(u, n, formula_id("pool"), 1.0f, 0.0f);
	formula_fill(dy, m, formula_id("pool.dy"), 1.0f, 0.0f);
	for (int c = 0; c < block; c++)
	{
		/* One channel all below zero, one that turns the order around. */
		a[c] = c == 1 ? -1.0f : 1.0f;
		b[c] = c == 2 ? -5.0f : 0.25f;
	}
	SC_SIMD_CALL(sc_norm_pool) (y, which, u, a, b, side, out, block);
	SC_SIMD_CALL(sc_norm_unpool) (dx, dy, which, side, out, block);
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++)
			for (int c = 0; c < block; c++)
			{
				float		best = -INFINITY;
				int			place = -1;

				for (int iy = SC_MAX(2 * oy - 1, 0); iy <= SC_MIN(2 * oy + 1, side - 1); iy++)
					for (int ix = SC_MAX(2 * ox - 1, 0); ix <= SC_MIN(2 * ox + 1, side - 1); ix++)
						if (AT(u, iy * side + ix, c) * a[c] + b[c] > best)
						{
							best = AT(u, iy * side + ix, c) * a[c] + b[c];
							place = iy * side + ix;
						}
				CHECK(AT(y, oy * out + ox, c) == SC_MAX(best, 0.0f), "side %d, (%d, %d), channel %d: %g", side, oy, ox, c, AT(y, oy * out + ox, c));
				AT(wanted, place, c) += AT(dy, oy * out + ox, c);
			}
	for (size_t i = 0; i < n; i++)
		CLOSE(dx[i], wanted[i], 1e-6);
	free(u);
	free(y);
	free(dy);
	free(dx);
	free(wanted);
	free(which);
}

int
main(void)
{
	bool		serial;

	sc_blas_open(&serial);
	test_convs(SC_CONV_BLAS, 1e-5);
	test_convs(SC_CONV_DIRECT, 1e-5);
	/* Winograd's own bound. */
	test_convs(SC_CONV_BEST, 1e-4);
	test_conv(8, 64, 64, 16, 3, 1, SC_CONV_BEST, 1e-4);
	for (int block = 8; block <= 16; block += 8)
	{
		test_norm(block, false);
		test_norm(block, true);
		test_pool(block, 2);
		test_pool(block, 7);
		test_pool(block, 16);
	}
	sc_pool_shutdown();
	UNIT_END("conv");
}
