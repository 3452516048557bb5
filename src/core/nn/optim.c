/*-------------------------------------------------------------------------
 *
 * src/core/nn/optim.c
 *	  SGD and learning-rate schedules.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/optim.h"

#include <math.h>

void
sc_sgd_step(float *w, float *velocity, const float *grad, size_t n, const sc_sgd_config *config)
{
	SC_ASSERT(isfinite(config->lr) && isfinite(config->momentum) && isfinite(config->weight_decay));
	SC_SIMD_CALL(sc_sgd_range)(w, velocity, grad, n, config->lr, config->momentum, config->weight_decay);
}

double
sc_lr_at(const sc_lr_config *config, int epoch, int step)
{
	double done = (double) epoch * config->steps_per_epoch + step;
	double warmup = (double) config->warmup_epochs * config->steps_per_epoch;
	double part = 0.0; /* of the time after the warm-up */

	SC_ASSERT(epoch >= 0 && step >= 0 && config->steps_per_epoch > 0);
	if (done < warmup)
		return config->lr * (done + 1.0) / warmup;
	switch (config->schedule)
	{
		case SC_SCHEDULE_CONSTANT:
			return config->lr;
		case SC_SCHEDULE_COSINE_EPOCH:
			part = (double) (epoch - config->warmup_epochs) / (config->epochs - config->warmup_epochs);
			break;
		case SC_SCHEDULE_COSINE_STEP:
			part = (done - warmup) / ((double) config->epochs * config->steps_per_epoch - warmup);
			break;
	}
	return config->lr * 0.5 * (1.0 + cos(3.14159265358979323846 * part));
}
