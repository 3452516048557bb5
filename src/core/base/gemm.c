/*-------------------------------------------------------------------------
 *
 * src/core/base/gemm.c
 *	  OpenBLAS, one thread at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/gemm.h"

#include "core/base/headroom.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* Of every OpenBLAS; its header does not have them. What they take they keep, for whoever asks next. */
extern void *blas_memory_alloc(int unused);
extern void blas_memory_free(void *buffer);

/* Debian's OpenBLAS has LAPACK but no LAPACKE: Fortran symbols, everything by reference. */
extern void dlatrd_(const char *uplo, const int *n, const int *nb, double *a, const int *lda, double *e, double *tau,
					double *w, const int *ldw);
extern void dsytd2_(const char *uplo, const int *n, double *a, const int *lda, double *d, double *e, double *tau,
					int *info);
extern void dsyr2k_(const char *uplo, const char *trans, const int *n, const int *k, const double *alpha,
					const double *a, const int *lda, const double *b, const int *ldb, const double *beta, double *c,
					const int *ldc);
extern void dstemr_(const char *jobz, const char *range, const int *n, double *d, double *e, const double *vl,
					const double *vu, const int *il, const int *iu, int *m, double *w, double *z, const int *ldz,
					const int *nzc, int *isuppz, int *tryrac, double *work, const int *lwork, int *iwork,
					const int *liwork, int *info);
extern void dstebz_(const char *range, const char *order, const int *n, const double *vl, const double *vu,
					const int *il, const int *iu, const double *abstol, const double *d, const double *e, int *m,
					int *nsplit, double *w, int *iblock, int *isplit, double *work, int *iwork, int *info);
extern void dstein_(const int *n, const double *d, const double *e, const int *m, const double *w, const int *iblock,
					const int *isplit, double *z, const int *ldz, double *work, int *iwork, int *ifail, int *info);
extern void dormtr_(const char *side, const char *uplo, const char *trans, const int *m, const int *n, double *a,
					const int *lda, const double *tau, double *c, const int *ldc, double *work, const int *lwork,
					int *info);

bool
sc_blas_open(bool *serial)
{
	*serial = openblas_get_parallel() == 0;
	if (!sc_headroom_for(SC_BLAS_BUFFER_BYTES + SC_HEADROOM))
		return false;
	openblas_set_num_threads(1);
	sc_blas_give_buffer(sc_blas_take_buffer());
	return true;
}

void *
sc_blas_take_buffer(void)
{
	return blas_memory_alloc(0);
}

void
sc_blas_give_buffer(void *buffer)
{
	if (buffer != NULL)
		blas_memory_free(buffer);
}

const char *
sc_blas_kernel(void)
{
	return openblas_get_corename();
}

/* The strides of the operands are what BLAS asks for: at least a row as stored. */
static inline bool
strides_fit(bool ta, bool tb, int m, int n, int k, int lda, int ldb, int ldc)
{
	return m >= 0 && n >= 0 && k >= 0 && lda >= SC_MAX(1, ta ? m : k) && ldb >= SC_MAX(1, tb ? k : n) &&
		   ldc >= SC_MAX(1, n);
}

void
sc_sgemm(bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
		 float beta, float *c, int ldc)
{
	SC_ASSERT(strides_fit(ta, tb, m, n, k, lda, ldb, ldc));
	cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda,
				b, ldb, beta, c, ldc);
}

void
sc_dgemm(bool ta, bool tb, int m, int n, int k, double alpha, const double *a, int lda, const double *b, int ldb,
		 double beta, double *c, int ldc)
{
	SC_ASSERT(strides_fit(ta, tb, m, n, k, lda, ldb, ldc));
	cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, alpha, a, lda,
				b, ldb, beta, c, ldc);
}

void
sc_dsyrk_upper(int n, int m, double alpha, const double *a, int lda, double beta, double *c, int ldc)
{
	SC_ASSERT(n >= 0 && m >= 0 && lda >= n && ldc >= n);
	cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, m, alpha, a, lda, beta, c, ldc);
}

/*
 * The eigenproblem in the three steps of LAPACK's dsyevr, each cut in pieces
 * of a fraction of a second, so that it can be stopped: for thousands of
 * dimensions it takes minutes.
 */

#define PANEL 32	   /* columns that dlatrd reduces at once, at most: dsytrd's own block */
#define STEMR_WORK 18  /* doubles that dstemr works in, a dimension (LWORK) */
#define STEMR_IWORK 10 /* ints that it works in, a dimension (LIWORK) */

/* Doubles that dormtr works in: its largest block for each vector, and a table of (block + 1, block). */
#define ORMTR_BLOCK 64
#define ORMTR_TABLE ((ORMTR_BLOCK + 1) * ORMTR_BLOCK)

/*
 * Columns of a panel. Each reads half of the matrix, so that a panel reads at
 * most 2^26 doubles (512 MB), or half of the matrix where that is more.
 */
static int
panel_columns(int n)
{
	size_t columns = ((size_t) 1 << 27) / ((size_t) n * n);

	return (int) SC_MIN(SC_MAX(columns, 1), PANEL);
}

/*
 * Vectors turned back at once. Each takes n^2 multiplications and additions, of
 * which 2^29 are done between two looks at the stop flag; fewer than 4 or more
 * than 512 vectors would make no better use of BLAS.
 */
static int
back_columns(int n, int count)
{
	size_t columns = ((size_t) 1 << 29) / ((size_t) n * n);

	return (int) SC_MIN(SC_MIN(SC_MAX(columns, 4), 512), (size_t) count);
}

/* Doubles beside d, e and tau (n each): what any one step needs. */
static size_t
step_work(int n, int count)
{
	size_t panel = (size_t) n * PANEL, stemr = (size_t) n * (STEMR_WORK + 3),
		   back = (size_t) back_columns(n, count) * ORMTR_BLOCK + ORMTR_TABLE;

	return SC_MAX(SC_MAX(panel, stemr), back);
}

size_t
sc_dsyev_bytes(int n, int count)
{
	return (3 * (size_t) n + step_work(n, count)) * sizeof(double) + ((STEMR_IWORK + 2) * (size_t) n) * sizeof(int);
}

/* A to tridiagonal form, as dsytrd does for the lower triangle: d, e (n), tau (n). */
static sc_status
tridiagonal(double *a, int n, double *d, double *e, double *tau, double *w, const sc_lane *lane)
{
	int nb = panel_columns(n);
	double minus = -1, one = 1;
	int i = 0, rest, info;

	for (; i < n - PANEL; i += nb)
	{
		size_t lda = (size_t) n;
		double *corner = a + i * (lda + 1);

		if (lane != NULL && sc_lane_stopped(lane))
			return SC_ABORTED;
		rest = n - i;
		dlatrd_("L", &rest, &nb, corner, &n, e + i, tau + i, w, &rest);
		rest -= nb;
		if (lane != NULL && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (rest > 0)
		{
			int ldw = n - i;

			dsyr2k_("L", "N", &rest, &nb, &minus, corner + nb, &n, w + nb, &ldw, &one, corner + nb * (lda + 1), &n);
		}
		for (int j = i; j < i + nb; j++)
		{
			a[j * (lda + 1) + 1] = e[j];
			d[j] = a[j * (lda + 1)];
		}
	}
	rest = n - i;
	dsytd2_("L", &rest, a + i * ((size_t) n + 1), &n, d + i, e + i, tau + i, &info);
	return SC_OK;
}

/* A tridiagonal eigenproblem: what dstemr takes and destroys, and what it works in. */
typedef struct stemr
{
	int n;
	const double *d; /* (n) */
	const double *e; /* (n), the last is scratch */
	double *copy;	 /* (2, n) */
	double *values;	 /* (n) */
	double *work;	 /* (STEMR_WORK, n) */
	int *isuppz;	 /* (2, n) */
	int *iwork;		 /* (STEMR_IWORK, n) */
} stemr;

/* Ascending, after dstebz, which has them block by block. */
static void
sort_values(double *values, double *vectors, int count, int n)
{
	for (int i = 0; i < count - 1; i++)
	{
		int least = i;
		double value = values[i];

		for (int j = i + 1; j < count; j++)
			if (values[j] < values[least])
				least = j;
		if (least == i)
			continue;
		values[i] = values[least];
		values[least] = value;
		cblas_dswap(n, vectors + (size_t) i * n, 1, vectors + (size_t) least * n, 1);
	}
}

/*
 * What run_stemr does, by bisection and inverse iteration, which take many
 * times as long where many eigenvalues are nearly the same: for those that
 * dstemr gives up, as in LAPACK's dsyevr.
 */
static sc_status
run_stein(const stemr *s, int il, int iu, double *vectors, sc_error *err)
{
	int n = s->n, m = 0, splits, info = 0;
	int *block = s->iwork, *split = block + n, *iwork = split + n, *failed = iwork + 3 * (size_t) n;
	double zero = 0.0;

	dstebz_("I", "B", &n, &zero, &zero, &il, &iu, &zero, s->d, s->e, &m, &splits, s->values, block, split, s->work,
			iwork, &info);
	if (info == 0 && m == iu - il + 1)
		dstein_(&n, s->d, s->e, &m, s->values, block, split, vectors, &n, s->work, iwork, failed, &info);
	if (info != 0 || m != iu - il + 1)
		return sc_fail(err, SC_INTERNAL, "the eigenvalue iteration did not converge (info %d, %d of %d)", info, m,
					   iu - il + 1);
	sort_values(s->values, vectors, m, n);
	return SC_OK;
}

/* Eigenvalues il ... iu, counted from 1, ascending into s->values, their vectors into vectors. */
static sc_status
run_stemr(const stemr *s, int il, int iu, double *vectors, sc_error *err)
{
	int n = s->n, count = iu - il + 1, m = 0, tryrac = 1, info = 0;
	int lwork = STEMR_WORK * n, liwork = STEMR_IWORK * n;
	double zero = 0.0;

	memcpy(s->copy, s->d, n * sizeof(double));
	memcpy(s->copy + n, s->e, n * sizeof(double));
	dstemr_("V", count == n ? "A" : "I", &n, s->copy, s->copy + n, &zero, &zero, &il, &iu, &m, s->values, vectors, &n,
			&count, s->isuppz, &tryrac, s->work, &lwork, s->iwork, &liwork, &info);
	return info == 0 && m == count ? SC_OK : run_stein(s, il, iu, vectors, err);
}

sc_status
sc_dsyev_top(double *values, double *vectors, double *a, int n, int count, void *work, const sc_lane *lane,
			 sc_error *err)
{
	double *d = work;
	double *e = d + n;
	double *tau = e + n;
	double *w = tau + n;
	int *iwork = (int *) (w + step_work(n, count));
	stemr s = {.n = n,
			   .d = d,
			   .e = e,
			   .copy = w + n,
			   .values = w,
			   .work = w + 3 * (size_t) n,
			   .isuppz = iwork + STEMR_IWORK * (size_t) n,
			   .iwork = iwork};
	int step = back_columns(n, count);
	int lwork, info = 0;

	SC_ASSERT(n >= 1 && count >= 1 && count <= n);
	/* The upper triangle in row-major order is the lower one in Fortran's. */
	SC_TRY(tridiagonal(a, n, d, e, tau, w, lane));
	SC_TRY(run_stemr(&s, n - count + 1, n, vectors, err));
	for (int i = 0; i < count; i++)
		values[i] = w[count - 1 - i];
	lwork = step * ORMTR_BLOCK + ORMTR_TABLE;
	for (int i = 0; i < count; i += step)
	{
		int columns = SC_MIN(step, count - i);

		if (lane != NULL && sc_lane_stopped(lane))
			return SC_ABORTED;
		dormtr_("L", "L", "N", &n, &columns, a, &n, tau, vectors + (size_t) i * n, &n, w, &lwork, &info);
	}

	/* Ascending as LAPACK returns them: turn them around, as the values above. */
	for (int i = 0; i < count / 2; i++)
	{
		double *x = vectors + (size_t) i * n;
		double *y = vectors + (size_t) (count - 1 - i) * n;

		for (int j = 0; j < n; j++)
		{
			double t = x[j];

			x[j] = y[j];
			y[j] = t;
		}
	}
	return SC_OK;
}
