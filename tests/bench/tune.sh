#!/bin/sh
# Measure every path of every convolution on this CPU, and write the table that
# the extension chooses by:
#
#   tests/bench/tune.sh > build/conv_table.h
#
# ("make tune"). On a quiet machine, with AVX-512 and bf16: it plays the lesser
# instruction sets too. Compare it with src/core/nn/conv_table.h before it takes
# that file's place.
set -eu
cd "$(dirname "$0")/../.."
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

# tune ISA [SIDE ...]: the lines of one instruction set; "" is all that this CPU has.
tune()
{
	isa=$1
	shift
	if [ -n "$isa" ]; then export SELFCLASS_ISA="$isa"; else unset SELFCLASS_ISA; fi
	eval "$(build/unit/cpu environment)"
	build/bin/tune "$@"
	unset OPENBLAS_CORETYPE
}

cat <<'HEAD'
/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_table.h
 *	  What conv_choice.c chooses by, printed by "make tune" (tests/bench/tune.c,
 *	  which says what the numbers are).
 *
 *-------------------------------------------------------------------------
 */
/* clang-format off */
static const line lines[] = {
HEAD
for isa in avx2 avx512 ""; do
	tune "$isa" "$@"
done > build/tune.lines
grep -v "^SPEED" build/tune.lines
cat <<'MIDDLE'
};

/* Views a second of a lane, through all convolutions of a training step at 128 pixels: in float, in bf16. */
static const speed speeds[] = {
MIDDLE
grep "^SPEED" build/tune.lines | sed 's/^SPEED//'
cat <<'TAIL'
	/* Not measured anew: Intel's multiply bf16 no faster than float, but by AMX (conv_amx.c). */
	{SC_CONV_ISA_AVX512_FP16, 1, 0},
};
/* clang-format on */
TAIL
