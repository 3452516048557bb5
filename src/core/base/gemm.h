/*-------------------------------------------------------------------------
 *
 * src/core/base/gemm.h
 *	  Matrix products and symmetric eigenproblems: the one door to OpenBLAS.
 *
 * Everything is row-major and runs in the calling thread (the library is held
 * at one thread). Only gemm.c includes cblas.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_GEMM_H
#define SC_GEMM_H

#include "core/base/pool.h"

/*
 * C (m, n; row stride ldc) = alpha * op(A) op(B) + beta * C, op(A) (m, k),
 * op(B) (k, n); ta / tb: the operand is stored transposed. lda, ldb: row
 * strides as stored. beta 0 does not read C.
 */
extern void sc_sgemm(bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
					 int ldb, float beta, float *c, int ldc);
extern void sc_dgemm(bool ta, bool tb, int m, int n, int k, double alpha, const double *a, int lda, const double *b,
					 int ldb, double beta, double *c, int ldc);

/* Upper triangle of C (n, n; row stride ldc) = alpha * A^T A + beta * C; A (m, n; row stride lda). */
extern void sc_dsyrk_upper(int n, int m, double alpha, const double *a, int lda, double beta, double *c, int ldc);

/*
 * The `count` largest eigenvalues of the symmetric A (n, n; upper triangle
 * read, destroyed), largest first into values (count), their unit vectors into
 * vectors (count, n). work: sc_dsyev_bytes(n, count) bytes.
 * The method of LAPACK's dsyevr. lane: whose stop flag ends it, or NULL.
 * SC_INTERNAL if it does not converge.
 */
extern size_t sc_dsyev_bytes(int n, int count);
extern sc_status sc_dsyev_top(double *values, double *vectors, double *a, int n, int count, void *work,
							  const sc_lane *lane, sc_error *err);

/*
 * Called once while every signal is blocked and OPENBLAS_NUM_THREADS=1: checks
 * the flavour (a serial OpenBLAS is not thread-safe: *serial is set and the
 * pool must then stay at one lane) and has OpenBLAS take the buffer of this
 * thread. false: there is no room for that.
 */
extern bool sc_blas_open(bool *serial);

/*
 * Each call of OpenBLAS, but for the smallest products, works in a buffer that
 * no other call works in at the time. It maps one where all that it has are in
 * use, keeps it, and tries for ever where it is given none. So threads that are
 * to call it take a buffer each, all at once, and give them back: it then has
 * enough. Whoever takes one has made sure with sc_headroom_for that there is
 * room. NULL: OpenBLAS has no place for more.
 */
#if defined(__x86_64__)
#define SC_BLAS_BUFFER_BYTES ((size_t) 128 << 20)
#else
#define SC_BLAS_BUFFER_BYTES ((size_t) 256 << 20)
#endif
extern void *sc_blas_take_buffer(void);
extern void sc_blas_give_buffer(void *buffer);

/* OpenBLAS's name of the code that it runs. */
extern const char *sc_blas_kernel(void);

#endif /* SC_GEMM_H */
