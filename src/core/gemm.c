/*-------------------------------------------------------------------------
 *
 * src/core/gemm.c
 *	  OpenBLAS, one thread at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "gemm.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* Debian's OpenBLAS has LAPACK but no LAPACKE: the Fortran symbol, by reference. */
extern void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n,
					double *a, const int *lda, const double *vl, const double *vu,
					const int *il, const int *iu, const double *abstol, int *m,
					double *w, double *z, const int *ldz, int *isuppz,
					double *work, const int *lwork, int *iwork, const int *liwork, int *info);

void
sc_blas_open(bool *serial)
{
	float		a[16],
				c[16];

	openblas_set_num_threads(1);
	*serial = openblas_get_parallel() == 0;
	memset(a, 0, sizeof(a));
	sc_sgemm(false, false, 4, 4, 4, 1.0f, a, 4, a, 4, 0.0f, c, 4);
}

void
sc_sgemm(bool ta, bool tb, int m, int n, int k,
		 float alpha, const float *a, int lda, const float *b, int ldb,
		 float beta, float *c, int ldc)
{
	cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
				m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void
sc_dgemm(bool ta, bool tb, int m, int n, int k,
		 double alpha, const double *a, int lda, const double *b, int ldb,
		 double beta, double *c, int ldc)
{
	cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
				m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void
sc_dsyrk_upper(int n, int m, double alpha, const double *a, int lda,
			   double beta, double *c, int ldc)
{
	cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, m, alpha, a, lda, beta, c, ldc);
}

/* Workspace of dsyevr: 26 n doubles and 10 n integers are its documented minima. */
#define SYEVR_WORK(n) (64 * (size_t) (n) + 64)
#define SYEVR_IWORK(n) (10 * (size_t) (n) + 16)

size_t
sc_dsyev_bytes(int n, int count)
{
	(void) count;
	return SYEVR_WORK(n) * sizeof(double) + (size_t) n * sizeof(double) +
		(SYEVR_IWORK(n) + 2 * (size_t) n) * sizeof(int);
}

sc_status
sc_dsyev_top(double *values, double *vectors, double *a, int n, int count,
			 void *work, sc_error *err)
{
	double	   *w = work;
	double	   *dwork = w + n;
	int		   *iwork = (int *) (dwork + SYEVR_WORK(n));
	int		   *isuppz = iwork + SYEVR_IWORK(n);
	int			lwork = (int) SYEVR_WORK(n);
	int			liwork = (int) SYEVR_IWORK(n);
	int			il = n - count + 1,
				iu = n,
				m = 0,
				info = 0;
	double		zero = 0.0;
	char		range = count == n ? 'A' : 'I';

	/* The upper triangle in row-major order is the lower one in Fortran's. */
	dsyevr_("V", &range, "L", &n, a, &n, &zero, &zero, &il, &iu, &zero, &m,
			w, vectors, &n, isuppz, dwork, &lwork, iwork, &liwork, &info);
	if (info != 0 || m != count)
		return sc_fail(err, SC_INTERNAL, "the eigenvalue iteration did not converge (dsyevr: info %d, %d of %d)",
					   info, m, count);

	/* Ascending as LAPACK returns them: turn both around. */
	for (int i = 0; i < count; i++)
		values[i] = w[count - 1 - i];
	for (int i = 0; i < count / 2; i++)
	{
		double	   *x = vectors + (size_t) i * n;
		double	   *y = vectors + (size_t) (count - 1 - i) * n;

		for (int j = 0; j < n; j++)
		{
			double		t = x[j];

			x[j] = y[j];
			y[j] = t;
		}
	}
	return SC_OK;
}
