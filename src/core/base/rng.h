/*-------------------------------------------------------------------------
 *
 * src/core/base/rng.h
 *	  Counter-based random numbers: Philox4x32-10 (Salmon and others,
 *	  "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3).
 *
 * A stream is named by (seed, a, b, c): the same name gives the same numbers
 * in any thread and any order of work. No state is shared.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_RNG_H
#define SC_RNG_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

typedef struct sc_rng
{
	uint32_t key[2];	 /* from the seed */
	uint32_t counter[4]; /* block number and stream */
	uint32_t out[4];
	int left; /* unused words of out */
} sc_rng;

/* The finaliser of SplitMix64: spreads every bit of x over the result. */
static inline uint64_t
sc_mix64(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

/* The stream (seed, a, b, c), for example (seed, epoch, image hash, view). */
static inline sc_rng
sc_rng_stream(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
	sc_rng r;
	uint64_t stream = sc_mix64(sc_mix64(sc_mix64(a) ^ b) ^ c);

	r.key[0] = (uint32_t) seed;
	r.key[1] = (uint32_t) (seed >> 32);
	r.counter[0] = 0;
	r.counter[1] = 0;
	r.counter[2] = (uint32_t) stream;
	r.counter[3] = (uint32_t) (stream >> 32);
	r.left = 0;
	return r;
}

static inline void
sc_rng_block(sc_rng *r)
{
	uint32_t c0 = r->counter[0], c1 = r->counter[1], c2 = r->counter[2], c3 = r->counter[3];
	uint32_t k0 = r->key[0], k1 = r->key[1];

	for (int i = 0; i < 10; i++)
	{
		uint64_t p0 = (uint64_t) UINT32_C(0xD2511F53) * c0;
		uint64_t p1 = (uint64_t) UINT32_C(0xCD9E8D57) * c2;

		c0 = (uint32_t) (p1 >> 32) ^ c1 ^ k0;
		c2 = (uint32_t) (p0 >> 32) ^ c3 ^ k1;
		c1 = (uint32_t) p1;
		c3 = (uint32_t) p0;
		k0 += UINT32_C(0x9E3779B9);
		k1 += UINT32_C(0xBB67AE85);
	}
	r->out[0] = c0;
	r->out[1] = c1;
	r->out[2] = c2;
	r->out[3] = c3;
	r->left = 4;
	if (++r->counter[0] == 0)
		r->counter[1]++;
}

/* 32 random bits. */
static inline uint32_t
sc_rng_u32(sc_rng *r)
{
	if (r->left == 0)
		sc_rng_block(r);
	return r->out[4 - r->left--];
}

/* Uniform in [0, 1), 24 bits. */
static inline float
sc_rng_uniform(sc_rng *r)
{
	return (float) (sc_rng_u32(r) >> 8) * 0x1p-24f;
}

/* Uniform in [0, 1), 53 bits. */
static inline double
sc_rng_uniform53(sc_rng *r)
{
	uint64_t hi = sc_rng_u32(r) >> 5;
	uint64_t lo = sc_rng_u32(r) >> 6;

	return (double) (hi * 67108864 + lo) * 0x1p-53;
}

/* Uniform in [lo, hi). */
static inline float
sc_rng_range(sc_rng *r, float lo, float hi)
{
	return lo + (hi - lo) * sc_rng_uniform(r);
}

/* Uniform integer in 0 ... n-1, n >= 1 (Lemire's multiplication; bias below n / 2^64). */
static inline uint64_t
sc_rng_below(sc_rng *r, uint64_t n)
{
	uint64_t x = ((uint64_t) sc_rng_u32(r) << 32) | sc_rng_u32(r);

	SC_ASSERT(n >= 1);
	return (uint64_t) (((unsigned __int128) x * n) >> 64);
}

/* Standard normal (Box and Muller, 1958; one of the pair). */
static inline float
sc_rng_normal(sc_rng *r)
{
	double u = 1.0 - sc_rng_uniform53(r);
	double v = sc_rng_uniform53(r);

	return (float) (sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

/* Two standard normals in single precision, for filling much: both of Box and Muller's pair. */
static inline void
sc_rng_normal_pair(sc_rng *r, float out[2])
{
	float length = sqrtf(-2.0f * logf(1.0f - sc_rng_uniform(r)));
	float angle = 6.2831853f * sc_rng_uniform(r);

	out[0] = length * cosf(angle);
	out[1] = length * sinf(angle);
}

/*
 * A 64-bit hash of size bytes, the same on every machine. Not against an
 * adversary: two images with one hash share their random numbers, no more.
 */
static inline uint64_t
sc_hash_bytes(const void *bytes, size_t size, uint64_t seed)
{
	const unsigned char *p = bytes;
	uint64_t h = sc_mix64(seed ^ (uint64_t) size);

	for (; size >= 8; size -= 8, p += 8)
	{
		uint64_t w = 0;

		for (int i = 0; i < 8; i++)
			w |= (uint64_t) p[i] << (8 * i); /* NOLINT: the bytes are the caller's, and set */
		h = sc_mix64(h ^ w);
	}
	if (size > 0)
	{
		uint64_t w = 0;

		for (size_t i = 0; i < size; i++)
			w |= (uint64_t) p[i] << (8 * i);
		h = sc_mix64(h ^ w ^ UINT64_C(0xFF00000000000000));
	}
	return h;
}

#endif /* SC_RNG_H */
