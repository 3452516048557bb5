/*-------------------------------------------------------------------------
 *
 * src/core/nn/optim_simd.c
 *	  The loop of SGD, once per instruction set.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/optim.h"

void
SC_SIMD(sc_sgd_range)(float *restrict w, float *restrict velocity, const float *restrict grad, size_t n, float lr,
					  float momentum, float weight_decay)
{
	for (size_t i = 0; i < n; i++)
	{
		float v = momentum * velocity[i] + (grad[i] + weight_decay * w[i]);

		velocity[i] = v;
		w[i] -= lr * v;
	}
}
