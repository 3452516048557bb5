/*-------------------------------------------------------------------------
 *
 * tests/unit/cpu.c
 *	  What a run of the tests tries: the CPU, the instructions that the loops,
 *	  OpenBLAS and oneDNN use on it, and the precision that "auto" takes.
 *	  With "environment": what OpenBLAS should find when it is loaded, as
 *	  shell commands.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv.h"
#include "core/base/gemm.h"
#include "core/base/simd.h"

#include <stdio.h>
#include <string.h>

static void
print_model(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "model name", 10) == 0)
		{
			printf("CPU: %s", strchr(line, ':') + 2);
			break;
		}
	if (f != NULL)
		fclose(f);
}

int
main(int argc, char **argv)
{
	const char *kernel = sc_isa_blas_kernel();
	bool serial;
	char arithmetic[200];

	if (argc > 1 && strcmp(argv[1], "environment") == 0)
	{
		if (kernel != NULL)
			printf("export OPENBLAS_CORETYPE=%s\n", kernel);
		return 0;
	}
	if (!sc_blas_open(&serial))
		return 1;
	sc_conv_arithmetic(arithmetic, sizeof(arithmetic));
	print_model();
	printf("instruction sets: %s\n", arithmetic);
	printf("precision: \"auto\" is %s; f32 runs, bf16 %s\n", sc_conv_bf16_pays(SC_CONV_BEST) ? "bf16" : "f32",
		   sc_conv_has_bf16(SC_CONV_BEST) ? "too" : "does not: this CPU, this system or this build has none");
	return 0;
}
