/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_rows_loops.h
 *	  The loops of conv_rows_simd.c, which includes this once for floats and once
 *	  for pairs of bf16: with NAME(multiply), NAME(put), WORDS and TARGET.
 *
 *-------------------------------------------------------------------------
 */

/* `rows` is a constant wherever this is inlined. */
SC_ELEMENT_INLINE TARGET void
NAME(tile_of)(const sc_rows_tile *tile, const sc_rows_group *g, const uint32_t *w, const int rows)
{
	vec sum[SC_ROWS_TILE][TILE_BLOCKS];
	const uint32_t *x[SC_ROWS_TILE];

	UNROLL for (int r = 0; r < rows; r++)
	{
		x[r] = tile->x[r];
		UNROLL for (int n = 0; n < TILE_BLOCKS; n++)
		{
			if (tile->add)
				sum[r][n] = *(const vec_at *) ((const char *) tile->y[r] + (size_t) n * tile->y_block);
			else
				sum[r][n] = (vec){0};
		}
	}
	for (int t = 0; t < g->taps; t++)
	{
		const uint32_t *at = w + g->w_at[t];
		const uint32_t *from[SC_ROWS_TILE];
		const size_t panel = g->w_panel, x_step = g->x_block - WORDS, w_step = g->w_block - WORDS * LANES;

		UNROLL for (int r = 0; r < rows; r++) from[r] = x[r] + g->x_at[t];
		for (int block = g->blocks; block > 0; block--)
		{
			for (int k = 0; k < WORDS; k++)
			{
				vec weight[TILE_BLOCKS];

				UNROLL for (int n = 0; n < TILE_BLOCKS; n++) weight[n] = *(const vec_at *) (at + (size_t) n * panel);
				UNROLL for (int r = 0; r < rows; r++)
				{
					uint32_t value = *from[r]++;

					UNROLL for (int n = 0; n < TILE_BLOCKS; n++) sum[r][n] = NAME(multiply)(sum[r][n], value, weight[n]);
				}
				at += LANES;
			}
			UNROLL for (int r = 0; r < rows; r++) from[r] += x_step;
			at += w_step;
		}
	}
	UNROLL for (int r = 0; r < rows; r++) UNROLL for (int n = 0; n < TILE_BLOCKS; n++)
	{
		char *y = (char *) tile->y[r] + (size_t) n * tile->y_block;

		NAME(put)(y, sum[r][n]);
	}
}

static TARGET void
NAME(tile)(const sc_rows_tile *tile, const sc_rows_group *group, const uint32_t *w)
{
	switch (tile->rows)
	{
		case 1:
			NAME(tile_of)(tile, group, w, 1);
			break;
		case 2:
			NAME(tile_of)(tile, group, w, 2);
			break;
		case 3:
			NAME(tile_of)(tile, group, w, 3);
			break;
		case 4:
			NAME(tile_of)(tile, group, w, 4);
			break;
		case 5:
			NAME(tile_of)(tile, group, w, 5);
			break;
		default:
			NAME(tile_of)(tile, group, w, 6);
			break;
	}
}

static TARGET void
NAME(weights)(float *dw, size_t dw_panel, const sc_rows_pixels *pixels, const uint32_t *x, const uint32_t *y)
{
	for (int from = 0; from < LANES; from += WEIGHT_ROWS)
	{
		vec sum[WEIGHT_ROWS][WEIGHT_BLOCKS];
		const size_t y_block = pixels->y_block;

		UNROLL for (int r = 0; r < WEIGHT_ROWS; r++) UNROLL for (int n = 0; n < WEIGHT_BLOCKS; n++) sum[r][n] = (vec){0};
		for (int v = 0; v < pixels->views; v++)
		{
			const uint32_t *xv = x + (size_t) v * pixels->x_view + from, *yv = y + (size_t) v * pixels->y_view;

			for (int p = 0; p < pixels->count; p++)
			{
				const uint32_t *xp = xv + pixels->x_at[p], *yp = yv + pixels->y_at[p];
				vec gradient[WEIGHT_BLOCKS];

				UNROLL for (int n = 0; n < WEIGHT_BLOCKS; n++) gradient[n] =
					*(const vec_at *) (yp + (size_t) n * y_block);
				UNROLL for (int r = 0; r < WEIGHT_ROWS; r++) UNROLL for (int n = 0; n < WEIGHT_BLOCKS; n++) sum[r][n] =
					NAME(multiply)(sum[r][n], xp[r], gradient[n]);
			}
		}
		UNROLL for (int r = 0; r < WEIGHT_ROWS; r++) UNROLL for (int n = 0; n < WEIGHT_BLOCKS; n++) *
			(vec_at *) (dw + (size_t) n * dw_panel + (from + r) * LANES) = sum[r][n];
	}
}
