/*-------------------------------------------------------------------------
 *
 * src/core/api.c
 *	  The one symbol that selfclass_core.so exports.
 *
 *-------------------------------------------------------------------------
 */
#include "core/api.h"

#include "core/base/gemm.h"

__attribute__((visibility("default"))) extern const sc_core_api *sc_core_open(void);

const sc_core_api *
sc_core_open(void)
{
	static sc_core_api api = {.build_id = SC_BUILD_ID,
#define F(f) .f = f,
							  SC_CORE_FUNCTIONS(F)
#undef F
	};

	api.no_room = !sc_blas_open(&api.serial_blas);
	return &api;
}
