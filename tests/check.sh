#!/bin/bash
# Every test: unit, SQL (pg_regress), TAP. Installs what is missing, touches no
# server of yours, and ends with one line "N passed, N failed".
# A part alone: tests/check.sh unit [PROGRAM [FILTER]] | regress [NAME ...] | tap [tests/t/X.pl ...] | house
set -u
cd "$(dirname "$0")/.." || exit 1
tests/setup.sh || exit 1
PG_CONFIG=${PG_CONFIG:-pg_config}
export PG_CONFIG
# Jobs and views of the tests are in the libraries, as in no build for users.
export WITH_TESTS=yes
jobs=$(nproc)
passed=0
failed=0
skipped=0

count()
{
	passed=$((passed + $1))
	failed=$((failed + $2))
}

# What is checked without running: the rooms of src, the links of the documents.
house()
{
	for what in rooms links; do
		if make -s $what; then count 1 0; else count 0 1; fi
	done
}

# unit [PROGRAM [FILTER]]
unit()
{
	local log=build/unit.log

	make -s -j"$jobs" unit-programs || { count 0 1; return; }
	if [ $# -gt 0 ]; then
		FILTER=${2:-} tests/unit/run.sh "build/unit/$1"
	else
		make -s unit
	fi 2>&1 | tee $log
	set -- $(sed -n 's/^unit: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' $log)
	count "${1:-0}" "${2:-1}"
	skipped=$((skipped + ${3:-0}))
}

regress()
{
	local out=build/regress names="${*:-$(tr '\n' ' ' <sql/schedule)}"
	local tool=$(dirname "$($PG_CONFIG --pgxs)")/../test/regress/pg_regress

	rm -rf $out
	mkdir -p $out
	# shellcheck disable=SC2016
	TOOL=$tool NAMES=$names OUT=$out tests/cluster.sh run sh -c '
		"$TOOL" --bindir="$SELFCLASS_BIN" --inputdir=. --outputdir="$OUT" --dbname=contrib_regression $NAMES' 2>&1 | tee $out.log
	# As pg_regress says it up to PostgreSQL 15, and from 16 on.
	local good=$(grep -cE '^(test .* \.\.\. ok|ok [0-9])' $out.log)
	local bad=$(grep -cE '^(test .* \.\.\. FAILED|not ok [0-9])' $out.log)
	[ -f $out/regression.diffs ] && head -n 200 $out/regression.diffs
	[ "$((good + bad))" -gt 0 ] || bad=1
	count "$good" "$bad"
}

tap()
{
	local pgxs=$(dirname "$($PG_CONFIG --pgxs)")/../.. dir user
	local files="${*:-$(ls tests/t/*.pl)}"

	dir=$(mktemp -d "${TMPDIR:-/tmp}/selfclass.XXXXXX")
	local bin=$(tests/cluster.sh tree "$dir") || { count 0 1; return; }
	# The tests run as the server's user, who may not be able to read this tree. One adds an update script of its own.
	cp -R tests docs CHANGELOG.md "$dir"
	make -s build/bin/make_pictures && cp build/bin/make_pictures "$dir/tests"
	make -s build/other/selfclass_core.so && cp build/other/selfclass_core.so "$dir/tests/selfclass_core_other.so"
	mkdir "$dir/log"
	user=
	if [ "$(id -u)" -eq 0 ]; then
		user=postgres
		id postgres >/dev/null 2>&1 || user=nobody
		chown -R $user "$dir/tests" "$dir/log" "$dir/root$($PG_CONFIG --sharedir)/extension"
		user="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
	fi
	(cd "$dir" && $user env HOME=/tmp PATH="$bin:$PATH" PG_REGRESS="$pgxs/src/test/regress/pg_regress" \
		TESTDIR="$dir/log" TESTDATADIR="$dir/log" TESTLOGDIR="$dir/log" PGPORT=65432 \
		prove -j"$jobs" -I "$pgxs/src/test/perl" -I tests/t/lib $files) 2>&1 | tee build/tap.log
	# prove tells totals for files; count the tests themselves.
	local total=$(sed -n 's/^Files=[0-9]*, Tests=\([0-9]*\),.*/\1/p' build/tap.log)
	local bad=$(grep -oE 'Failed [0-9]+/[0-9]+ subtests' build/tap.log | awk '{split($2, a, "/"); n += a[1]} END {print n + 0}')
	# A file that bails out ends the run, and those before it have passed.
	if ! grep -q '^Result: PASS' build/tap.log || grep -q '^Bailout called' build/tap.log; then
		[ "$bad" -gt 0 ] || bad=1
		tail -n 20 "$dir"/log/tmp_check/log/regress_log_*
		grep -H -A 4 '\] not ok ' "$dir"/log/tmp_check/log/regress_log_*
	fi
	count $((${total:-0} > bad ? ${total:-0} - bad : 0)) "$bad"
	[ -n "${KEEP:-}" ] && echo "kept $dir" || rm -rf "$dir"
}

# A green run tells what it has not tried.
announce()
{
	make -s build/unit/cpu || exit 1
	(eval "$(build/unit/cpu environment)" && build/unit/cpu)
	echo "as elsewhere: SELFCLASS_ISA=avx512 (no bf16), avx2 or base lowers all three${SELFCLASS_ISA:+; it is $SELFCLASS_ISA}"
}

mkdir -p build
make -s -j"$jobs" ${WERROR:+WERROR=$WERROR} || exit 1
announce
case "${1:-all}" in
	house) house ;;
	unit) shift; unit "$@" ;;
	regress) shift; regress "$@" ;;
	tap) shift; tap "$@" ;;
	all) house; unit; regress; tap ;;
	*) sed -n '2,4p' "$0" >&2; exit 2 ;;
esac
[ "$skipped" -eq 0 ] || echo "$skipped of the unit tests' cases cannot be tried here"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
