/*-------------------------------------------------------------------------
 *
 * src/core/nn/optim.h
 *	  Stochastic gradient descent with momentum as torch.optim.SGD does it
 *	  (Sutskever and others, "On the importance of initialization and momentum
 *	  in deep learning", ICML 2013, with PyTorch's placement of the learning
 *	  rate), and learning-rate schedules (cosine: Loshchilov and Hutter,
 *	  "SGDR", ICLR 2017, equation 5, without restarts).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_OPTIM_H
#define SC_OPTIM_H

#include "core/base/status.h"
#include "core/base/simd.h"

typedef struct sc_sgd_config
{
	float lr;
	float momentum;
	float weight_decay; /* L2: added to the gradient */
} sc_sgd_config;

/*
 * One step on n parameters: v = momentum * v + (g + weight_decay * w),
 * w = w - lr * v. velocity starts as zeros. Every element stands alone, so
 * lanes may take any parts of a slab. w, velocity, grad (n).
 */
extern void sc_sgd_step(float *w, float *velocity, const float *grad, size_t n, const sc_sgd_config *config);

typedef enum sc_schedule
{
	SC_SCHEDULE_CONSTANT,
	SC_SCHEDULE_COSINE_EPOCH, /* one rate an epoch: PyTorch's CosineAnnealingLR stepped per epoch */
	SC_SCHEDULE_COSINE_STEP	  /* a new rate each step */
} sc_schedule;

typedef struct sc_lr_config
{
	double lr; /* the base rate */
	sc_schedule schedule;
	int warmup_epochs; /* linear from lr / steps to lr, a new rate each step */
	int epochs;		   /* of the whole training, warm-up included */
	int steps_per_epoch;
} sc_lr_config;

/* The learning rate of step `step` (from 0) of epoch `epoch` (from 0). */
extern double sc_lr_at(const sc_lr_config *config, int epoch, int step);

/* The loop itself, for optim.c. */
SC_SIMD_DECLARE(void, sc_sgd_range,
				(float *w, float *velocity, const float *grad, size_t n, float lr, float momentum, float weight_decay));

#endif /* SC_OPTIM_H */
