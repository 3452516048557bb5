/*-------------------------------------------------------------------------
 *
 * src/core/nn/element.h
 *	  The elements of a network's tensors: float, or bfloat16, the upper half of
 *	  a float (8 bits of precision, the float's range; Kalamkar and others, "A
 *	  Study of BFLOAT16 for Deep Learning Training", 2019, section 3), rounded to
 *	  nearest, even where two are as near. All arithmetic is in float.
 *
 * Loops over elements are written once for both; where the precision is a
 * constant the compiler makes a loop of its own for each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_ELEMENT_H
#define SC_ELEMENT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum sc_precision
{
	SC_PRECISION_F32,
	SC_PRECISION_BF16
} sc_precision;

#define SC_ELEMENT_INLINE static inline __attribute__((always_inline))

SC_ELEMENT_INLINE size_t
sc_element_bytes(sc_precision precision)
{
	return precision == SC_PRECISION_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* The place of element i of a tensor. */
SC_ELEMENT_INLINE void *
sc_element_at(const void *tensor, size_t i, sc_precision precision)
{
	return (char *) tensor + i * sc_element_bytes(precision);
}

SC_ELEMENT_INLINE float
sc_element_get(const void *tensor, size_t i, sc_precision precision)
{
	uint32_t bits;
	float value;

	if (precision == SC_PRECISION_F32)
		return ((const float *) tensor)[i];
	bits = (uint32_t) ((const uint16_t *) tensor)[i] << 16;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

SC_ELEMENT_INLINE void
sc_element_put(void *tensor, size_t i, float value, sc_precision precision)
{
	uint32_t bits;

	if (precision == SC_PRECISION_F32)
	{
		((float *) tensor)[i] = value;
		return;
	}
	memcpy(&bits, &value, sizeof(bits));
	/* The carry of a rounding may make infinity of a finite number, but must not make a number of NaN. */
	bits = value != value ? 0x7FC00000 : bits + 0x7FFF + (bits >> 16 & 1);
	((uint16_t *) tensor)[i] = (uint16_t) (bits >> 16);
}

#endif /* SC_ELEMENT_H */
