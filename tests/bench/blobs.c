/*-------------------------------------------------------------------------
 *
 * tests/bench/blobs.c
 *	  Gaussian blobs as a COPY file in binary form, on standard output:
 *
 *	  blobs ROWS DIMENSIONS BLOBS
 *
 * Columns id int4 and e embedding. Centres are 2 N(0, 1), rows a centre of
 * equal chance and N(0, 1): the distribution of the script that the rivals
 * are measured with.
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"

static void
put32(uint32_t x)
{
	x = htonl(x);
	fwrite(&x, sizeof(x), 1, stdout);
}

static void
put16(uint16_t x)
{
	x = htons(x);
	fwrite(&x, sizeof(x), 1, stdout);
}

int
main(int argc, char **argv)
{
	int n = argc == 4 ? atoi(argv[1]) : 0;
	int d = argc == 4 ? atoi(argv[2]) : 0;
	int k = argc == 4 ? atoi(argv[3]) : 0;
	float *centres;
	sc_rng rng;

	if (n < 1 || d < 1 || d > 16000 || k < 1 || (centres = malloc((size_t) k * (d + 1) * sizeof(float))) == NULL)
	{
		fprintf(stderr, "usage: blobs ROWS DIMENSIONS BLOBS\n");
		return 2;
	}
	rng = sc_rng_stream(1, 0, 0, 0);
	for (size_t i = 0; i < (size_t) k * d; i++)
		centres[i] = 2 * sc_rng_normal(&rng);
	fwrite("PGCOPY\n\377\r\n\0", 11, 1, stdout);
	put32(0);
	put32(0);
	for (int i = 0; i < n; i++)
	{
		const float *centre = centres + (size_t) sc_rng_below(&rng, (uint64_t) k) * d;

		put16(2);
		put32(4);
		put32((uint32_t) i);
		put32(4 + 4 * (uint32_t) d);
		put16((uint16_t) d);
		put16(0);
		for (int j = 0; j < d; j += 2)
		{
			float pair[2];

			sc_rng_normal_pair(&rng, pair);
			for (int o = 0; o < 2 && j + o < d; o++)
			{
				float x = centre[j + o] + pair[o];
				uint32_t bits;

				memcpy(&bits, &x, sizeof(bits));
				put32(bits);
			}
		}
	}
	put16(0xFFFF);
	free(centres);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
