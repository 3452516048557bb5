/*-------------------------------------------------------------------------
 *
 * src/core/image/view.c
 *	  From samples with transparency, or of 16 bits, to what is seen: 8 bits,
 *	  laid on white or black.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

/* Sample i of a row, as stored. */
static inline unsigned
sample(const uint8_t *row, size_t i, bool wide)
{
	return wide ? (unsigned) row[2 * i] << 8 | row[2 * i + 1] : row[i];
}

void
sc_image_look(sc_seen *seen, const uint8_t *row, size_t width, size_t channels, bool alpha, bool wide)
{
	size_t samples = channels + (alpha ? 1 : 0);
	unsigned most = wide ? 65535 : 255;

	for (size_t x = 0; x < width; x++)
	{
		unsigned a = alpha ? sample(row, x * samples + channels, wide) : most;

		seen->clear |= a < most;
		if (a == 0)
			continue;
		seen->alpha += a;
		for (size_t c = 0; c < channels; c++)
		{
			unsigned v = sample(row, x * samples + c, wide);

			seen->largest = SC_MAX(seen->largest, v);
			seen->sum[c] += (uint64_t) a * v;
		}
	}
}

uint8_t
sc_image_choose_ground(const sc_seen *seen, size_t channels, int bits)
{
	double luma = (double) seen->sum[0];

	if (!seen->clear || seen->alpha == 0)
		return 255;
	if (channels == SC_RGB)
		luma = 0.299 * luma + 0.587 * (double) seen->sum[1] + 0.114 * (double) seen->sum[2];
	return luma >= 0.75 * (double) seen->alpha * ((1 << bits) - 1) ? 0 : 255;
}

void
sc_image_show_row(uint8_t *row, size_t width, size_t channels, bool alpha, bool wide, sc_view view)
{
	size_t samples = channels + (alpha ? 1 : 0);
	unsigned most = (1u << view.bits) - 1;

	SC_ASSERT(row != NULL);
	if (!alpha && !wide)
		return;
	for (size_t x = 0; x < width; x++)
	{
		unsigned a = alpha ? sample(row, x * samples + channels, wide) : 255;

		/* Rounded as libpng rounds. The largest sample is odd, so there are no ties. */
		if (alpha && wide)
			a = (a * 255 + 32767) / 65535;
		for (size_t c = 0; c < channels; c++)
		{
			unsigned v = sample(row, x * samples + c, wide);

			/* What is transparent may have any sample. */
			if (wide)
				v = (SC_MIN(v, most) * 255 + most / 2) / most;
			row[x * channels + c] = (uint8_t) ((v * a + view.ground * (255 - a) + 127) / 255);
		}
	}
}
