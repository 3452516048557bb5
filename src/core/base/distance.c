/*-------------------------------------------------------------------------
 *
 * src/core/base/distance.c
 *	  The choice among the loops over rows.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/distance.h"

const sc_distance_kernels *
sc_distance_of(sc_isa isa)
{
	return SC_SIMD_TABLE(sc_distance_table, isa);
}

const sc_distance_kernels *
sc_distance(void)
{
	return sc_distance_of(sc_isa_best());
}
