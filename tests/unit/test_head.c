/*-------------------------------------------------------------------------
 *
 * tests/unit/test_head.c
 *	  Projection head, NT-Xent, SGD and schedules against PyTorch, against
 *	  finite differences in double, and against themselves on other numbers
 *	  of lanes.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/head.h"
#include "core/base/gemm.h"
#include "core/nn/ntxent.h"
#include "core/nn/optim.h"
#include "core/nn/predictor.h"
#include "formula.h"
#include "unit.h"
#include "../fixtures/torch_parts.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static double
norm_of(const float *x, size_t n)
{
	double square = 0.0;

	for (size_t i = 0; i < n; i++)
		square += (double) x[i] * x[i];
	return sqrt(square);
}

/* x has the norm and the samples of t, to `tol` of the norm. */
static void
check_tensor(const float *x, const torch_tensor *t, double tol)
{
	double norm = norm_of(x, t->count);

	CHECK(fabs(norm - t->norm) <= tol * (t->norm + 1e-6), "%s: norm %.9g, not %.9g", t->name, norm, t->norm);
	for (int i = 0; i < 4; i++)
		CHECK(fabs(x[t->index[i]] - t->value[i]) <= tol * (t->norm + 1e-6), "%s[%zu]: %.9g, not %.9g", t->name,
			  t->index[i], x[t->index[i]], t->value[i]);
}

static const torch_tensor *
find_tensor(const torch_tensor *tensors, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(tensors[i].name, name) == 0)
			return &tensors[i];
	CHECK(false, "the fixture has no %s", name);
	return &tensors[0];
}

/* ---- the head ------------------------------------------------------------ */

typedef struct head_case
{
	sc_head head;
	int forwards;
	void *memory;
	float *params, *grads, *stats;
	float *x, *dx, *z, *dz;
} head_case;

static void
head_lay(head_case *c, sc_arena *a, const sc_head_config *config, int rows, int shards)
{
	sc_head_layout(&c->head, a, config, rows, shards);
	c->params = SC_TAKE(a, float, sc_head_param_count(config));
	c->grads = SC_TAKE(a, float, sc_head_param_count(config));
	c->stats = SC_TAKE(a, float, sc_head_stat_count(config));
	c->x = SC_TAKE(a, float, (size_t) rows * config->in_dim);
	c->dx = SC_TAKE(a, float, (size_t) rows * config->in_dim);
	c->z = SC_TAKE(a, float, (size_t) rows * config->out_dim);
	c->dz = SC_TAKE(a, float, (size_t) rows * config->out_dim);
}

/* A head with parameters and inputs of the formula. */
static void
head_make(head_case *c, const sc_head_config *config, int rows, int shards)
{
	sc_arena a = sc_arena_counter();
	sc_head_tensor tensors[SC_HEAD_MAX_TENSORS];
	size_t need;
	int n;

	head_lay(c, &a, config, rows, shards);
	need = sc_arena_need(&a);
	c->memory = malloc(need);
	memset(c->memory, 0xFF, need); /* NaN where something is read that nobody wrote */
	a = sc_arena_over(c->memory, need);
	head_lay(c, &a, config, rows, shards);
	CHECK(sc_arena_ok(&a), "arena");
	sc_head_bind(&c->head, c->params, c->grads, c->stats);
	n = sc_head_tensors(tensors, config);
	for (int i = 0; i < n; i++)
	{
		const sc_head_tensor *t = &tensors[i];
		size_t count = (size_t) t->shape[0] * (t->ndim == 2 ? t->shape[1] : 1);
		bool norm = config->batch_norm && t->ndim == 1;
		int inputs = strstr(t->name, "layers.0") != NULL ? config->in_dim : config->hidden_dim;

		if (t->slab == SC_HEAD_PARAM)
			formula_fill(c->params + t->offset, count, formula_id(t->name), norm ? 0.125f : (float) sqrt(1.0 / inputs),
						 norm && strstr(t->name, ".weight") != NULL ? 1.0f : 0.0f);
		else if (t->slab == SC_HEAD_STAT)
			for (size_t k = 0; k < count; k++)
				c->stats[t->offset + k] = strstr(t->name, "_var") != NULL ? 1.0f : 0.0f;
	}
	formula_fill(c->x, (size_t) rows * config->in_dim, formula_id("head.x"), 1.0f, 0.0f);
	formula_fill(c->dz, (size_t) rows * config->out_dim, formula_id("head.dz"), 1.0f, 0.0f);
	c->forwards = 2;
}

static sc_status
head_job(const sc_lane *lane, void *arg)
{
	head_case *c = arg;

	for (int i = 0; i < c->forwards; i++)
		SC_TRY(sc_head_forward(lane, &c->head, c->z, c->x));
	return sc_head_backward(lane, &c->head, c->dx, c->dz, c->x);
}

static void
head_torch(bool batch_norm)
{
	sc_head_config config = {TORCH_HEAD_IN, TORCH_HEAD_HIDDEN, TORCH_HEAD_OUT, batch_norm};
	const torch_tensor *expected = batch_norm ? torch_head_norm : torch_head_bias;
	size_t nexpected = batch_norm ? LENGTH(torch_head_norm) : LENGTH(torch_head_bias);
	const double *z = batch_norm ? torch_head_norm_z : torch_head_bias_z;
	sc_head_tensor tensors[SC_HEAD_MAX_TENSORS];
	int n = sc_head_tensors(tensors, &config), seen = 1;
	size_t params = 0, stats = 0;
	sc_error err;
	head_case c;

	head_make(&c, &config, TORCH_HEAD_ROWS, 5);
	CHECK(sc_pool_run(2, head_job, &c, &err) == SC_OK, "%s", err.message);
	for (int i = 0; i < TORCH_HEAD_ROWS * TORCH_HEAD_OUT; i++)
		CLOSE(c.z[i], z[i], 1e-5);
	check_tensor(c.dx, find_tensor(expected, nexpected, "dx"), 1e-5);
	for (int i = 0; i < n; i++)
	{
		const sc_head_tensor *t = &tensors[i];
		const torch_tensor *e;

		if (t->slab == SC_HEAD_STEPS)
			continue;
		e = find_tensor(expected, nexpected, t->name);
		CHECK((size_t) t->shape[0] * (t->ndim == 2 ? t->shape[1] : 1) == e->count, "%s: its shape", t->name);
		check_tensor((t->slab == SC_HEAD_PARAM ? c.grads : c.stats) + t->offset, e, 1e-5);
		*(t->slab == SC_HEAD_PARAM ? &params : &stats) += e->count;
		seen++;
	}
	CHECK(seen == (int) nexpected, "%d of %zu tensors", seen, nexpected);
	CHECK(params == sc_head_param_count(&config) && stats == sc_head_stat_count(&config), "slabs");
	CHECK(n <= SC_HEAD_MAX_TENSORS, "%d tensors", n);
	free(c.memory);
}

/* The loss sum(z * dz) by plain loops in double, params laid out like the slab. */
static double
head_plain(const sc_head_config *config, const double *params, const double *x, const float *dz, int rows)
{
	double layer[2][64][64];
	double loss = 0.0;
	const double *input = x;
	int inputs = config->in_dim;

	for (int l = 0; l < 2; l++)
	{
		int width = l == 0 ? config->hidden_dim : config->out_dim;
		const double *weight = params;
		const double *scale = weight + width * inputs;
		const double *shift = config->batch_norm ? scale + width : scale;

		for (int j = 0; j < width; j++)
		{
			double mean = 0.0, var = 0.0;

			for (int r = 0; r < rows; r++)
			{
				double sum = 0.0;

				for (int i = 0; i < inputs; i++)
					sum += input[r * (l == 0 ? inputs : 64) + i] * weight[j * inputs + i];
				layer[l][r][j] = sum;
				mean += sum / rows;
			}
			for (int r = 0; r < rows; r++)
				var += (layer[l][r][j] - mean) * (layer[l][r][j] - mean) / rows;
			for (int r = 0; r < rows; r++)
			{
				double *u = &layer[l][r][j];

				if (config->batch_norm)
					*u = (*u - mean) / sqrt(var + 1e-5) * scale[j] + shift[j];
				else
					*u += shift[j];
				if (l == 0 && *u < 0.0)
					*u = 0.0;
				if (l == 1)
					loss += *u * dz[r * width + j];
			}
		}
		params = shift + width;
		input = &layer[0][0][0];
		inputs = config->hidden_dim;
	}
	return loss;
}

/* Central difference of the double loss in value[i]. */
#define DIFFERENCE(value, i, eps, loss_call) \
	({ \
		double saved_ = (value)[i], up_, down_; \
		(value)[i] = saved_ + (eps); \
		up_ = (loss_call); \
		(value)[i] = saved_ - (eps); \
		down_ = (loss_call); \
		(value)[i] = saved_; \
		(up_ - down_) / (2.0 * (eps)); \
	})

static void
head_differences(bool batch_norm)
{
	sc_head_config config = {7, 9, 5, batch_norm};
	const int rows = 6;
	double params[200], x[64];
	size_t nparams = sc_head_param_count(&config);
	sc_error err;
	head_case c;

	head_make(&c, &config, rows, 3);
	CHECK(sc_pool_run(2, head_job, &c, &err) == SC_OK, "%s", err.message);
	for (size_t i = 0; i < nparams; i++)
		params[i] = c.params[i];
	for (int i = 0; i < rows * config.in_dim; i++)
		x[i] = c.x[i];
	for (size_t i = 0; i < nparams; i++)
		CLOSE(c.grads[i], DIFFERENCE(params, i, 1e-6, head_plain(&config, params, x, c.dz, rows)), 2e-5);
	for (int i = 0; i < rows * config.in_dim; i++)
		CLOSE(c.dx[i], DIFFERENCE(x, i, 1e-6, head_plain(&config, params, x, c.dz, rows)), 2e-5);
	free(c.memory);
}

/* The same bits on any number of lanes; dx over x. */
static void
head_lanes(bool batch_norm)
{
	sc_head_config config = {64, 70, 33, batch_norm};
	const int rows = 1100;
	sc_error err;
	head_case first = {0};

	for (int lanes = 1; lanes <= 4; lanes++)
	{
		head_case c;

		head_make(&c, &config, rows, 7);
		if (lanes == 3)
			c.dx = c.x;
		CHECK(sc_pool_run(lanes, head_job, &c, &err) == SC_OK, "%s", err.message);
		if (lanes == 1)
		{
			first = c;
			continue;
		}
		CHECK(memcmp(first.z, c.z, sizeof(float) * rows * config.out_dim) == 0, "z on %d lanes", lanes);
		CHECK(memcmp(first.dx, c.dx, sizeof(float) * rows * config.in_dim) == 0, "dx on %d lanes", lanes);
		CHECK(memcmp(first.grads, c.grads, sizeof(float) * sc_head_param_count(&config)) == 0, "gradients on %d lanes",
			  lanes);
		CHECK(memcmp(first.stats, c.stats, sizeof(float) * sc_head_stat_count(&config)) == 0, "statistics on %d lanes",
			  lanes);
		free(c.memory);
	}
	free(first.memory);
}

/* A batch of more rows than one product takes: the weights' gradient is the sum over all of them. */
static void
head_many_rows(void)
{
	sc_head_config config = {6, 5, 4, false};
	const int rows = 4099;
	sc_error err;
	head_case c;

	head_make(&c, &config, rows, 16);
	CHECK(sc_pool_run(2, head_job, &c, &err) == SC_OK, "%s", err.message);
	for (int j = 0; j < config.out_dim; j++)
		for (int i = 0; i < config.hidden_dim; i++)
		{
			double sum = 0.0;

			for (int r = 0; r < rows; r++)
				sum += (double) c.dz[r * config.out_dim + j] * c.head.h[r * config.hidden_dim + i];
			CLOSE(c.head.grad[1].weight[j * config.hidden_dim + i], sum, 1e-4 * (1.0 + fabs(sum)));
		}
	free(c.memory);
}

static void
head_initial(void)
{
	sc_head_config config = {512, 512, 128, true};
	sc_rng rng = sc_rng_stream(1, 2, 3, 4);
	float top = 0.0f;
	double square = 0.0;
	head_case c;

	head_make(&c, &config, 2, 1);
	sc_head_init(&config, c.params, c.stats, &rng);
	for (int i = 0; i < 512 * 512; i++)
	{
		top = fmaxf(top, fabsf(c.params[i]));
		square += (double) c.params[i] * c.params[i];
	}
	CHECK(top <= 0.0441942f && top > 0.0441f, "largest weight %g, bound 1 / sqrt(512)", top);
	CLOSE(square / (512 * 512), 1.0 / 512 / 3, 1e-5);
	CHECK(c.head.layer[0].scale[511] == 1.0f && c.head.layer[1].shift[127] == 0.0f, "batch norm");
	CHECK(c.head.layer[0].mean[0] == 0.0f && c.head.layer[1].var[127] == 1.0f, "running statistics");
	free(c.memory);
}

/* ---- the predictor ----------------------------------------------------------- */

typedef struct predictor_case
{
	sc_predictor predictor;
	void *memory;
	float *params, *grads, *x, *dx, *target;
} predictor_case;

static void
predictor_lay(predictor_case *c, sc_arena *a, int in, int out, int views, int shards)
{
	sc_predictor_layout(&c->predictor, a, in, out, 3.0f, views, shards);
	c->params = SC_TAKE(a, float, sc_predictor_param_count(in, out));
	c->grads = SC_TAKE(a, float, sc_predictor_param_count(in, out));
	c->x = SC_TAKE(a, float, (size_t) views *in);
	c->dx = SC_TAKE(a, float, (size_t) views *in);
	c->target = SC_TAKE(a, float, (size_t) views *out);
}

/* Parameters, features and targets of the formula; features of view 1 are zeros; dx is ones. */
static void
predictor_make(predictor_case *c, int in, int out, int views, int shards)
{
	sc_arena a = sc_arena_counter();
	size_t need;

	predictor_lay(c, &a, in, out, views, shards);
	need = sc_arena_need(&a);
	c->memory = malloc(need);
	memset(c->memory, 0xFF, need);
	a = sc_arena_over(c->memory, need);
	predictor_lay(c, &a, in, out, views, shards);
	CHECK(sc_arena_ok(&a), "arena");
	sc_predictor_bind(&c->predictor, c->params, c->grads);
	formula_fill(c->params, sc_predictor_param_count(in, out), formula_id("predictor"), 1.0f, 0.0f);
	formula_fill(c->x, (size_t) views * in, formula_id("predictor.x"), 2.0f, 0.5f);
	formula_fill(c->target, (size_t) views * out, formula_id("predictor.target"), 1.0f, 0.0f);
	memset(c->x + in, 0, sizeof(float) * in);
	for (int i = 0; i < views * in; i++)
		c->dx[i] = 1.0f;
}

static sc_status
predictor_job(const sc_lane *lane, void *arg)
{
	predictor_case *c = arg;

	SC_TRY(sc_predictor_run(lane, &c->predictor, c->target, c->x));
	SC_TRY(sc_lane_barrier(lane));
	return sc_predictor_add(lane, &c->predictor, c->dx);
}

/* Its loss by the definition, in double. */
static double
predictor_plain(const double *params, const double *x, const float *target, int in, int out, int views)
{
	double loss = 0.0;

	for (int v = 0; v < views; v++)
	{
		double square = 0.0;

		for (int i = 0; i < in; i++)
			square += x[v * in + i] * x[v * in + i];
		for (int j = 0; j < out; j++)
		{
			double sum = params[in * out + j] - target[v * out + j];

			for (int i = 0; i < in && square > 0; i++)
				sum += params[j * in + i] * x[v * in + i] / sqrt(square);
			loss += 3.0 * sum * sum / views;
		}
	}
	return loss;
}

static void
predictor_differences(void)
{
	enum
	{
		IN = 7,
		OUT = 5,
		VIEWS = 6
	};
	double params[(IN + 1) * OUT], x[VIEWS * IN];
	sc_error err;
	predictor_case c;

	predictor_make(&c, IN, OUT, VIEWS, 3);
	CHECK(sc_pool_run(2, predictor_job, &c, &err) == SC_OK, "%s", err.message);
	for (int i = 0; i < (IN + 1) * OUT; i++)
		params[i] = c.params[i];
	for (int i = 0; i < VIEWS * IN; i++)
		x[i] = c.x[i];
	for (int i = 0; i < (IN + 1) * OUT; i++)
		CLOSE(c.grads[i], DIFFERENCE(params, i, 1e-6, predictor_plain(params, x, c.target, IN, OUT, VIEWS)), 1e-5);
	/* The one that has no direction learns nothing. */
	for (int i = 0; i < VIEWS * IN; i++)
		CLOSE(c.dx[i],
			  1 + (i / IN == 1 ? 0 : DIFFERENCE(x, i, 1e-6, predictor_plain(params, x, c.target, IN, OUT, VIEWS))),
			  1e-5);
	free(c.memory);
}

static void
predictor_lanes(void)
{
	enum
	{
		IN = 64,
		OUT = 77,
		VIEWS = 1100
	};
	sc_error err;
	predictor_case first = {0};

	for (int lanes = 1; lanes <= 4; lanes++)
	{
		predictor_case c;

		predictor_make(&c, IN, OUT, VIEWS, 4);
		CHECK(sc_pool_run(lanes, predictor_job, &c, &err) == SC_OK, "%s", err.message);
		if (lanes == 1)
		{
			first = c;
			continue;
		}
		CHECK(memcmp(first.dx, c.dx, sizeof(float) * VIEWS * IN) == 0, "dx on %d lanes", lanes);
		CHECK(memcmp(first.grads, c.grads, sizeof(float) * (IN + 1) * OUT) == 0, "gradients on %d lanes", lanes);
		free(c.memory);
	}
	free(first.memory);
}

/* ---- NT-Xent --------------------------------------------------------------- */

typedef struct loss_case
{
	sc_ntxent loss;
	void *memory;
	float *z, *dz;
} loss_case;

static void
loss_make(loss_case *c, int batch, int dim, float temperature, int lanes)
{
	sc_arena a = sc_arena_counter();
	size_t n = (size_t) 2 * batch * dim, need;

	for (int pass = 0; pass < 2; pass++)
	{
		sc_ntxent_layout(&c->loss, &a, batch, dim, temperature, lanes);
		c->z = SC_TAKE(&a, float, n);
		c->dz = SC_TAKE(&a, float, n);
		if (pass == 0)
		{
			need = sc_arena_need(&a);
			c->memory = need < SIZE_MAX ? malloc(need) : NULL;
			if (c->memory == NULL)
				abort();
			memset(c->memory, 0xFF, need);
			a = sc_arena_over(c->memory, need);
		}
	}
	CHECK(sc_arena_ok(&a), "arena");
	formula_fill(c->z, n, formula_id("ntxent.z"), 1.0f, 0.0f);
}

static sc_status
loss_job(const sc_lane *lane, void *arg)
{
	loss_case *c = arg;

	return sc_ntxent_run(lane, &c->loss, c->dz, c->z);
}

static void
loss_torch(void)
{
	for (size_t i = 0; i < LENGTH(torch_ntxents); i++)
	{
		const torch_ntxent *t = &torch_ntxents[i];
		sc_error err;
		loss_case c;

		loss_make(&c, t->batch, t->dim, t->temperature, 2);
		CHECK(sc_pool_run(2, loss_job, &c, &err) == SC_OK, "%s", err.message);
		CLOSE(c.loss.loss, t->loss, 2e-6 * (fabs(t->loss) + 1.0));
		check_tensor(c.dz, &t->dz, 1e-5);
		free(c.memory);
	}
}

/* Is image i's kin among those of j? */
static bool
is_kin(const int *kin, int each, int i, int j)
{
	for (int k = 0; kin != NULL && k < each && kin[i * each + k] >= 0; k++)
		if (kin[i * each + k] == j)
			return true;
	return false;
}

/* The loss by its definition, in double. */
static double
loss_plain(const double *z, int rows, int dim, double temperature, const int *kin, int each)
{
	double loss = 0.0;

	for (int i = 0; i < rows; i++)
	{
		double sum = 0.0, pair = 0.0;

		for (int j = 0; j < rows; j++)
		{
			double dot = 0.0, a = 0.0, b = 0.0;

			for (int d = 0; d < dim; d++)
			{
				dot += z[i * dim + d] * z[j * dim + d];
				a += z[i * dim + d] * z[i * dim + d];
				b += z[j * dim + d] * z[j * dim + d];
			}
			dot /= sqrt(a) * sqrt(b) * temperature;
			if (j != i && !is_kin(kin, each, i % (rows / 2), j % (rows / 2)))
				sum += exp(dot);
			if (j == (i + rows / 2) % rows)
				pair = dot;
		}
		loss += (log(sum) - pair) / rows;
	}
	return loss;
}

static void
loss_differences(void)
{
	/* Of six images: 0, 2 and 5 are kin, and 1 and 3; 4 has none. */
	static const int none[] = {-1, -1, -1, -1, -1, -1}, some[] = {2, 5, 3, -1, 0, 5, 1, -1, -1, -1, 0, 2};
	static const struct
	{
		const int *kin;
		int each;
	} kins[] = {{NULL, 0}, {none, 1}, {some, 2}};
	const int batch = 6, dim = 5;
	double z[60], losses[LENGTH(kins)];
	sc_error err;
	loss_case c;

	for (size_t k = 0; k < LENGTH(kins); k++)
	{
		loss_make(&c, batch, dim, 0.25f, 1);
		sc_ntxent_set_kin(&c.loss, kins[k].kin, kins[k].each);
		CHECK(sc_pool_run(1, loss_job, &c, &err) == SC_OK, "%s", err.message);
		for (int i = 0; i < 2 * batch * dim; i++)
			z[i] = c.z[i];
		losses[k] = c.loss.loss;
		CLOSE(c.loss.loss, loss_plain(z, 2 * batch, dim, 0.25, kins[k].kin, kins[k].each), 1e-6);
		for (int i = 0; i < 2 * batch * dim; i++)
			CLOSE(c.dz[i], DIFFERENCE(z, i, 1e-5, loss_plain(z, 2 * batch, dim, 0.25, kins[k].kin, kins[k].each)), 1e-6);
		free(c.memory);
	}
	CHECK(losses[0] == losses[1] && losses[2] < losses[0], "fewer negatives, a lower loss");
}

/* Kin on both sides of a tile's columns, of many images: 0 and i, i + 1 and so on; against none by definition. */
static void
loss_kin_far(void)
{
	enum
	{
		BATCH = 600,
		DIM = 3
	};
	static int kin[BATCH];
	static double z[2 * BATCH * DIM];
	sc_error err;
	loss_case c;

	for (int i = 0; i < BATCH; i++)
		kin[i] = BATCH - 1 - i;
	loss_make(&c, BATCH, DIM, 0.5f, 2);
	sc_ntxent_set_kin(&c.loss, kin, 1);
	CHECK(sc_pool_run(2, loss_job, &c, &err) == SC_OK, "%s", err.message);
	for (int i = 0; i < 2 * BATCH * DIM; i++)
		z[i] = c.z[i];
	CLOSE(c.loss.loss, loss_plain(z, 2 * BATCH, DIM, 0.5, kin, 1), 1e-5);
	for (int i = 0; i < 2 * BATCH * DIM; i += 577)
		CLOSE(c.dz[i], DIFFERENCE(z, i, 1e-4, loss_plain(z, 2 * BATCH, DIM, 0.5, kin, 1)), 1e-7);
	free(c.memory);
}

/* The same bits on any number of lanes, with several tiles and odd ends. */
static void
loss_lanes(void)
{
	sc_error err;
	loss_case first = {0};

	int rows = unit_small() ? 301 : 2101;

	for (int lanes = 1; lanes <= 4; lanes++)
	{
		loss_case c;

		loss_make(&c, rows, 24, 0.1f, lanes);
		CHECK(sc_pool_run(lanes, loss_job, &c, &err) == SC_OK, "%s", err.message);
		if (lanes == 1)
		{
			first = c;
			continue;
		}
		CHECK(first.loss.loss == c.loss.loss, "loss %.17g on %d lanes, %.17g on one", c.loss.loss, lanes,
			  first.loss.loss);
		CHECK(memcmp(first.dz, c.dz, sizeof(float) * 2 * rows * 24) == 0, "dz on %d lanes", lanes);
		free(c.memory);
	}
	free(first.memory);
}

/* Temperatures at the edge, a row of zeros, rows that are all one, and NaN. */
static void
loss_edges(void)
{
	static const float temperatures[] = {1e-7f, 1e-3f, 1.0f, 1e6f};
	const int rows = 40, dim = 8;
	sc_error err;
	loss_case c;

	for (size_t t = 0; t < LENGTH(temperatures); t++)
		for (int zeros = 0; zeros < 2; zeros++)
		{
			bool finite = true;

			loss_make(&c, rows / 2, dim, temperatures[t], 1);
			if (zeros)
				memset(c.z, 0, sizeof(float) * dim);
			CHECK(sc_pool_run(1, loss_job, &c, &err) == SC_OK, "%s", err.message);
			for (int i = 0; i < rows * dim; i++)
				finite = finite && isfinite(c.dz[i]);
			CHECK(isfinite(c.loss.loss) && finite, "loss %g at temperature %g", c.loss.loss, temperatures[t]);
			free(c.memory);
		}

	loss_make(&c, rows / 2, dim, 0.5f, 1);
	for (int i = 0; i < rows * dim; i++)
		c.z[i] = 0.5f;
	CHECK(sc_pool_run(1, loss_job, &c, &err) == SC_OK, "%s", err.message);
	CLOSE(c.loss.loss, log(rows - 1.0), 1e-6);
	CLOSE(norm_of(c.dz, (size_t) rows * dim), 0.0, 1e-6);
	c.z[17] = NAN;
	CHECK(sc_pool_run(1, loss_job, &c, &err) == SC_OK, "%s", err.message);
	CHECK(isnan(c.loss.loss), "NaN became a loss of %g", c.loss.loss);
	free(c.memory);
}

/* ---- SGD, schedules --------------------------------------------------------- */

static void
sgd_torch(void)
{
	const size_t n = LENGTH(torch_sgd_w);
	const sc_sgd_config config = {TORCH_SGD_LR, TORCH_SGD_MOMENTUM, TORCH_SGD_WEIGHT_DECAY};
	float w[64], velocity[64] = {0}, grad[64];

	formula_fill(w, n, formula_id("sgd.w"), 1.0f, 0.0f);
	for (int step = 0; step < TORCH_SGD_STEPS; step++)
	{
		char name[32];

		snprintf(name, sizeof(name), "sgd.grad%d", step);
		formula_fill(grad, n, formula_id(name), 1.0f, 0.0f);
		/* In two parts, as lanes take them. */
		sc_sgd_step(w, velocity, grad, 10, &config);
		sc_sgd_step(w + 10, velocity + 10, grad + 10, n - 10, &config);
	}
	for (size_t i = 0; i < n; i++)
	{
		CLOSE(w[i], torch_sgd_w[i], 1e-6);
		CLOSE(velocity[i], torch_sgd_velocity[i], 2e-6);
	}
}

static void
schedules(void)
{
	const int epochs = (int) LENGTH(torch_cosine);
	sc_lr_config config = {0.06, SC_SCHEDULE_COSINE_EPOCH, 0, epochs, 10};

	for (int e = 0; e < epochs; e++)
		for (int s = 0; s < 10; s += 9)
			CLOSE(sc_lr_at(&config, e, s), torch_cosine[e], 1e-9);

	/* Per step it is the same curve, in finer steps. */
	config.schedule = SC_SCHEDULE_COSINE_STEP;
	for (int e = 0; e < epochs; e++)
		CLOSE(sc_lr_at(&config, e, 0), torch_cosine[e], 1e-9);
	CLOSE(sc_lr_at(&config, 3, 5), 0.03, 1e-12); /* half way */
	CHECK(sc_lr_at(&config, epochs - 1, 9) > 0.0, "the last step does nothing");

	config.schedule = SC_SCHEDULE_CONSTANT;
	CLOSE(sc_lr_at(&config, epochs - 1, 9), 0.06, 0.0);

	config.warmup_epochs = 2;
	CLOSE(sc_lr_at(&config, 0, 0), 0.003, 1e-12);
	CLOSE(sc_lr_at(&config, 1, 9), 0.06, 1e-12);
	config.schedule = SC_SCHEDULE_COSINE_EPOCH;
	CLOSE(sc_lr_at(&config, 1, 0), 0.033, 1e-12);
	CLOSE(sc_lr_at(&config, 2, 0), 0.06, 1e-12);
	CLOSE(sc_lr_at(&config, 6, 0), 0.06 * 0.5 * (1.0 + cos(0.8 * M_PI)), 1e-12);
	/* Nothing but warm-up. */
	config.warmup_epochs = epochs;
	CLOSE(sc_lr_at(&config, epochs - 1, 9), 0.06, 1e-12);
}

int
main(int argc, char **argv)
{
	bool serial;

	unit_begin(argc, argv);
	if (!sc_blas_open(&serial))
		return 1;
	CASE ("the head, with norm, as PyTorch's")
		head_torch(true);
	CASE ("the head, with bias, as PyTorch's")
		head_torch(false);
	CASE ("the head, with norm, by differences")
		head_differences(true);
	CASE ("the head, with bias, by differences")
		head_differences(false);
	if (!serial)
	{
		CASE ("the head, with norm, on any lanes")
			head_lanes(true);
		CASE ("the head, with bias, on any lanes")
			head_lanes(false);
		CASE ("the predictor on any lanes")
			predictor_lanes();
		CASE ("NT-Xent on any lanes")
			loss_lanes();
	}
	CASE ("the head, many rows")
		head_many_rows();
	CASE ("the predictor by differences")
		predictor_differences();
	CASE ("initial weights of the head")
		head_initial();
	CASE ("NT-Xent as PyTorch's")
		loss_torch();
	CASE ("NT-Xent by differences")
	{
		loss_differences();
		loss_kin_far();
	}
	CASE ("NT-Xent at its edges")
		loss_edges();
	CASE ("SGD as PyTorch's")
		sgd_torch();
	CASE ("schedules of the rate")
		schedules();
	sc_pool_shutdown();
	return unit_end();
}
