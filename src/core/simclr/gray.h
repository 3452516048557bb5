/*-------------------------------------------------------------------------
 *
 * src/core/simclr/gray.h
 *	  A view in gray.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_GRAY_H
#define SC_GRAY_H

/*
 * Brightness in 0 ... 1, as ITU-R BT.601 weighs the channels: gray (pixels) of
 * view (pixels, 3), normalised by mean and std.
 */
static inline void
sc_to_gray(float *gray, const float *view, int pixels, const float mean[3], const float std[3])
{
	static const float weight[3] = {0.299f, 0.587f, 0.114f};

	for (int i = 0; i < pixels; i++)
	{
		float sum = 0;

		for (int c = 0; c < 3; c++)
			sum += weight[c] * (view[3 * i + c] * std[c] + mean[c]);
		gray[i] = sum;
	}
}

#endif /* SC_GRAY_H */
