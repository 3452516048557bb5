#!/bin/sh
# cppcheck over the core and clang-tidy over src. Quiet where they find nothing.
set -eu
cd "$(dirname "$0")/.."
headers=$("${PG_CONFIG:-pg_config}" --includedir-server)
defines="-D_GNU_SOURCE -DSC_WITH_ONEDNN -DSC_WITH_PNG -DSC_WITH_WEBP -DSC_ISA=base -DSC_BUILD_ID=\"\" -DSELFCLASS_VERSION=\"\""
for tool in cppcheck clang-tidy; do
	command -v $tool >/dev/null || { echo "tidy: please install $tool" >&2; exit 1; }
done
status=0

# Memory of an arena is cast from one type to another.
# shellcheck disable=SC2086
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance \
	--suppress=missingIncludeSystem --suppress=invalidPointerCast $defines -Isrc \
	--template='{file}:{line}: {id}: {message}' src/core || status=1

# With the assertions, which tell the analyser what callers promise. Left out are
# the checks that speak of taste, or of what the server's macros do.
checks='-*,bugprone-*,clang-analyzer-*'
for check in easily-swappable-parameters narrowing-conversions implicit-widening-of-multiplication-result \
	reserved-identifier macro-parentheses suspicious-include branch-clone assignment-in-if-condition; do
	checks="$checks,-bugprone-$check"
done
checks="$checks,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.*"
# shellcheck disable=SC2086
git ls-files 'src/*.c' | xargs -P "$(nproc)" -n 8 sh -c '
	checks=$1 headers=$2 defines=$3
	shift 3
	clang-tidy --quiet --warnings-as-errors="*" --checks="$checks" "$@" -- -std=gnu11 -Isrc -isystem "$headers" $defines \
		-DSC_WITH_TESTS -DUSE_ASSERT_CHECKING 2>/dev/null' tidy "$checks" "$headers" "$defines" || status=1
exit $status
