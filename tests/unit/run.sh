#!/bin/sh
# Run unit test programs: each prints TAP, a line for a case. A program that dies
# counts as one failure. Those of the convolutions, the network and k-means run
# once more as on a CPU with no more than AVX2, and k-means as on one without.
# Its last line is "unit: N passed, N failed, N skipped", in cases.
#   FILTER="part of a name" tests/unit/run.sh PROGRAM ...    only such cases
#   WRAP="command" tests/unit/run.sh PROGRAM ...             each under that command

# As in a backend: lanes are the only threads, and OpenBLAS runs the same code.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
folder=$(dirname "$1")
passed=0
failed=0
skipped=0

# What OpenBLAS is told for the instruction set in force.
environment()
{
	eval "$("$folder/cpu" environment)"
}

# run PROGRAM [FILTER ...]
run()
{
	echo "# $(basename "$1")${SELFCLASS_ISA:+, $SELFCLASS_ISA}"
	output=$(${WRAP:-} "$@" 2>&1)
	status=$?
	printf '%s\n' "$output"
	skips=$(printf '%s\n' "$output" | grep -c '^ok .*# SKIP ')
	passed=$((passed + $(printf '%s\n' "$output" | grep -c '^ok ') - skips))
	skipped=$((skipped + skips))
	bad=$(printf '%s\n' "$output" | grep -c '^not ok ')
	failed=$((failed + bad))
	if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then
		echo "not ok - $(basename "$1") ended with status $status after the case above"
		failed=$((failed + 1))
	fi
}

environment
for program in "$@"; do
	if [ -n "${FILTER:-}" ]; then run "$program" "$FILTER"; else run "$program"; fi
done
if [ -z "${SELFCLASS_ISA:-}${FILTER:-}" ]; then
	export SELFCLASS_ISA=avx2
	environment
	for program in "$@"; do
		case $program in
			*/test_conv) run "$program" ;;
			*/test_kmeans) run "$program" ;;
			*/test_resnet) run "$program" "as PyTorch, direct" "embedding, best, f32" ;;
		esac
	done
	export SELFCLASS_ISA=base
	environment
	for program in "$@"; do
		case $program in */test_kmeans) run "$program" ;; esac
	done
fi
echo "unit: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
