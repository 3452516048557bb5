#!/bin/sh
# Run unit test programs; a program that dies counts as one failure. Those of
# the convolutions run once more as on a CPU with no more than AVX2.
# Its last line is "N passed, N failed" over all of them.
# As in a backend: lanes are the only threads, and OpenBLAS runs the same code.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
eval "$("$(dirname "$1")/cpu" environment)"
passed=0
failed=0

# run PROGRAM [ARGUMENT]
run()
{
	output=$("$@" 2>&1)
	status=$?
	printf '%s\n' "$output"
	line=$(printf '%s\n' "$output" | sed -n 's/^.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' | tail -n 1)
	if [ -n "$line" ]; then
		passed=$((passed + ${line% *}))
		failed=$((failed + ${line#* }))
	fi
	if [ $status -ne 0 ] && [ "${line#* }" = 0 -o -z "$line" ]; then
		echo "FAILED $1: exit status $status"
		failed=$((failed + 1))
	fi
}

for program in "$@"; do
	run "$program"
done
[ -n "${SELFCLASS_ISA:-}" ] || export SELFCLASS_ISA=avx2
eval "$("$(dirname "$1")/cpu" environment)"
for program in "$@"; do
	case $program in
		*/test_conv|*/test_resnet) run "$program" brief ;;
	esac
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
