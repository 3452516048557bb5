/*-------------------------------------------------------------------------
 *
 * tests/unit/test_embedding_simd.c
 *	  The loops over embeddings in every instruction set that this CPU has,
 *	  against sums made one term at a time in long double.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "pg/type/embedding_simd.h"

#define MAX_N 700

static float a[MAX_N];
static float b[MAX_N];

typedef struct kernels
{
	const char *name;
	double (*l2_squared)(const float *, const float *, int);
	double (*dot)(const float *, const float *, int);
	double (*l1)(const float *, const float *, int);
	void (*dot_norms)(double *, const float *, const float *, int);
	void (*accumulate)(double *, const float *, int);
} kernels;

#define KERNELS(isa) \
	{ \
#isa, scpg_l2_squared_##isa, scpg_dot_##isa, scpg_l1_##isa, scpg_dot_norms_##isa, scpg_accumulate_##isa \
	}

static const kernels sets[] = {
	KERNELS(base),
#if defined(__x86_64__)
	KERNELS(avx2),
	KERNELS(avx512),
#endif
};

static void
check_length(const kernels *k, int n)
{
	long double l2 = 0;
	long double ab = 0;
	long double aa = 0;
	long double bb = 0;
	long double l1 = 0;
	double sums[3];
	double total[MAX_N + 1];

	for (int i = 0; i < n; i++)
	{
		long double d = (long double) a[i] - b[i];

		l2 += d * d;
		l1 += fabsl(d);
		ab += (long double) a[i] * b[i];
		aa += (long double) a[i] * a[i];
		bb += (long double) b[i] * b[i];
		total[i] = i;
	}
	total[n] = -1;
	CLOSE(k->l2_squared(a, b, n), (double) l2, 1e-12);
	CLOSE(k->l1(a, b, n), (double) l1, 1e-12);
	CLOSE(k->dot(a, b, n), (double) ab, 1e-12);
	k->dot_norms(sums, a, b, n);
	CLOSE(sums[0], (double) ab, 1e-12);
	CLOSE(sums[1], (double) aa, 1e-12);
	CLOSE(sums[2], (double) bb, 1e-12);
	k->accumulate(total, a, n);
	for (int i = 0; i < n; i++)
		CHECK(total[i] == i + (double) a[i], "%s: element %d of %d", k->name, i, n);
	CHECK(total[n] == -1, "%s: wrote behind the end of %d", k->name, n);
}

int
main(int argc, char **argv)
{
	for (int i = 0; i < MAX_N; i++)
	{
		a[i] = (float) sin(i * 1.7);
		b[i] = (float) cos(i * i * 0.3);
	}
	unit_begin(argc, argv);
	for (int s = 0; s <= (int) sc_isa_best() && s < (int) (sizeof(sets) / sizeof(sets[0])); s++)
	{
		CASE("every loop over embeddings, %s", sets[s].name)
		{
			float large[3] = {FLT_MAX, -FLT_MAX, FLT_MAX};
			float opposite[3] = {-FLT_MAX, FLT_MAX, FLT_MAX};

			for (int n = 1; n <= 70; n++)
				check_length(&sets[s], n);
			check_length(&sets[s], 512);
			check_length(&sets[s], MAX_N);
			/* the largest floats overflow no sum */
			CHECK(sets[s].l2_squared(large, opposite, 3) == 8 * ((double) FLT_MAX * FLT_MAX), "%s", sets[s].name);
			CHECK(sets[s].l1(large, opposite, 3) == 4 * (double) FLT_MAX, "%s", sets[s].name);
		}
	}
	return unit_end();
}
