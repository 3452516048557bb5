#!/bin/sh
# Run unit test programs; a program that dies counts as one failure.
# Its last line is "N passed, N failed" over all of them.
# As in a backend: lanes are the only threads.
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
passed=0
failed=0
for program in "$@"; do
	output=$("$program" 2>&1)
	status=$?
	printf '%s\n' "$output"
	line=$(printf '%s\n' "$output" | sed -n 's/^.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' | tail -n 1)
	if [ -n "$line" ]; then
		passed=$((passed + ${line% *}))
		failed=$((failed + ${line#* }))
	fi
	if [ $status -ne 0 ] && [ "${line#* }" = 0 -o -z "$line" ]; then
		echo "FAILED $program: exit status $status"
		failed=$((failed + 1))
	fi
done
echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
