/*-------------------------------------------------------------------------
 *
 * tests/unit/test_bf16.c
 *	  Products of rows in bf16 against sums in double of the rounded numbers,
 *	  for odd and even dimensions and parts of panels.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/base/bf16.h"
#include "core/base/status.h"

#define MAX_M 50
#define MAX_N 40
#define MAX_D 150

/* x rounded to bf16, to even where it lies in the middle. */
static double
rounded(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	bits += 0x7FFF + (bits >> 16 & 1);
	bits &= 0xFFFF0000;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static void
check(const float *x, int m, const float *y, int n, int d)
{
	int left = (m + SC_BF16_LEFT - 1) / SC_BF16_LEFT, right = (n + SC_BF16_RIGHT - 1) / SC_BF16_RIGHT;
	int ld = right * SC_BF16_RIGHT;
	uint32_t *a = unit_keep(left * sc_bf16_panel(SC_BF16_LEFT, d) * sizeof(uint32_t));
	uint32_t *b = unit_keep(right * sc_bf16_panel(SC_BF16_RIGHT, d) * sizeof(uint32_t));
	float *out = unit_keep(((size_t) m + 1) * ld * sizeof(float));

	for (int i = 0; i < left * SC_BF16_LEFT; i++)
		sc_bf16_pack(a + i / SC_BF16_LEFT * sc_bf16_panel(SC_BF16_LEFT, d), SC_BF16_LEFT, i % SC_BF16_LEFT,
					 i < m ? x + (size_t) i * d : NULL, d);
	for (int i = 0; i < right * SC_BF16_RIGHT; i++)
		sc_bf16_pack(b + i / SC_BF16_RIGHT * sc_bf16_panel(SC_BF16_RIGHT, d), SC_BF16_RIGHT, i % SC_BF16_RIGHT,
					 i < n ? y + (size_t) i * d : NULL, d);
	for (int i = 0; i < right; i++)
	{
		size_t size = sc_bf16_panel(SC_BF16_RIGHT, d);
		uint32_t *panel = unit_keep(size * sizeof(uint32_t));

		sc_bf16_pack_right(panel, y + (size_t) i * SC_BF16_RIGHT * d, SC_MIN(n - i * SC_BF16_RIGHT, SC_BF16_RIGHT), d);
		CHECK(memcmp(panel, b + i * size, size * sizeof(uint32_t)) == 0, "panel %d of %d rows of %d", i, n, d);
	}
	for (int j = 0; j < ld; j++)
		out[m * ld + j] = -1;
	sc_bf16_multiply(out, ld, a, m, b, n, d);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
		{
			double dot = 0, size = 0;

			for (int k = 0; k < d; k++)
			{
				double term = rounded(x[(size_t) i * d + k]) * rounded(y[(size_t) j * d + k]);

				dot += term;
				size += fabs(term);
			}
			CLOSE(out[i * ld + j], dot, d * 0x1p-23 * size);
		}
	for (int j = 0; j < ld; j++)
		CHECK(out[m * ld + j] == -1, "%d rows: wrote behind the last", m);
}

int
main(int argc, char **argv)
{
	static float x[MAX_M * MAX_D], y[MAX_N * MAX_D];

	unit_begin(argc, argv);
	for (int i = 0; i < MAX_M * MAX_D; i++)
		x[i] = (float) (sin(i * 0.731) * (1 + i % 7));
	for (int i = 0; i < MAX_N * MAX_D; i++)
		y[i] = (float) (cos(i * 1.37) * (1 + i % 5));
	CASE ("products")
	{
		if (!sc_bf16_fast())
			SKIP("this CPU has no fast bf16, or SELFCLASS_ISA forbids it");
		else
			for (int d = 1; d <= MAX_D; d += d < 70 ? 1 : 29)
			{
				check(x, 1, y, 1, d);
				check(x, 24, y, 16, d);
				check(x, MAX_M, y, MAX_N, d);
			}
	}
	return unit_end();
}
