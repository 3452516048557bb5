/*-------------------------------------------------------------------------
 *
 * src/core/simclr/augment.h
 *	  Random views of an image (Lightly's SimCLRCollateFunction and
 *	  SimCLRTransform; Chen and others, "A Simple Framework for Contrastive
 *	  Learning of Visual Representations", ICML 2020, appendix A), and the one
 *	  plain view that an embedding is made of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_AUGMENT_H
#define SC_AUGMENT_H

#include "core/image/image.h"
#include "core/base/rng.h"

/* Names are Lightly's; ranges and defaults in the documentation of the options. */
typedef struct sc_augment_config
{
	int input_size;								  /* side of the view */
	float min_scale, max_scale;					  /* random resized crop: share of the area */
	float min_ratio, max_ratio;					  /* ... and aspect ratio, log-uniform */
	float hf_prob, vf_prob;						  /* flips */
	float rr_prob;								  /* rotation: by 90 degrees, or, ... */
	float rr_degrees;							  /* ... where > 0, uniform in -rr_degrees ... rr_degrees */
	float shear;								  /* horizontal shear factor, uniform in +- shear */
	float morph_prob;							  /* dilation or erosion, half each */
	float elastic_prob;							  /* elastic distortion ... */
	float elastic;								  /* ... by a normal distance of this, a share of the side */
	float cj_prob;								  /* colour jitter, */
	float cj_bright, cj_contrast, cj_sat, cj_hue; /* ... its ranges, strength multiplied in */
	float random_gray_scale;					  /* probability */
	float gaussian_blur;						  /* probability */
	float sigma_min, sigma_max;					  /* of the blur, in pixels of the view */
	bool rotate_before_flip;					  /* Lightly 1.2's order; geometry is one resampling either way */
	float mean[3], std[3];						  /* of the normalisation, pixels in 0 ... 1 */
	bool local_contrast_norm;					  /* of the normalised view (local_contrast.h) */
} sc_augment_config;

/* Bytes of scratch for either kind of view, for images up to any size. */
extern size_t sc_augment_scratch_bytes(int input_size);

/*
 * One random view: out (input_size, input_size, 3), normalised, by
 * its local contrast too where the configuration says so. All randomness comes
 * from rng.
 */
extern void sc_augment_view(float *out, const sc_image *image, const sc_augment_config *config, sc_rng *rng,
							void *scratch);

/*
 * The plain view: resized to (input_size, input_size) ignoring the aspect
 * ratio, antialiased bilinear as torchvision's Resize on a PIL image, then
 * normalised. out (input_size, input_size, 3).
 */
extern void sc_plain_view(float *out, const sc_image *image, int input_size, const float mean[3], const float std[3],
						  void *scratch);

/* The plain view as a network of this configuration is shown it: by its local contrast where that says so. */
extern void sc_plain_view_of(float *out, const sc_image *image, const sc_augment_config *config, void *scratch);

/* Local contrast normalisation of a view that is normalised already (local_contrast.h). scratch: as of the view. */
extern void sc_view_local_contrast(float *view, int input_size, void *scratch);

#endif /* SC_AUGMENT_H */
