#!/bin/sh
# run.sh SECONDS PROGRAM ...: each fuzzer for that long, from what earlier runs
# kept; ends with "N passed, N failed". A failing input lies in build/fuzz/failed.
set -u
seconds=$1
shift
passed=0
failed=0
mkdir -p build/fuzz/failed
for program in "$@"; do
	name=$(basename "$program")
	corpus=build/fuzz/corpus/$name
	log=build/fuzz/$name.log
	mkdir -p "$corpus"
	[ "$name" != fuzz_image ] || build/bin/seeds "$corpus"
	if "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=65536 \
		-artifact_prefix="build/fuzz/failed/$name-" "$corpus" >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok: $name, $(sed -n 's/^Done \([0-9]* runs\).*/\1/p' "$log")"
	else
		failed=$((failed + 1))
		echo "FAILED: $name"
		tail -n 40 "$log"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
