#!/bin/sh
# cppcheck and clang-tidy over src. Quiet where they find nothing.
set -eu
cd "$(dirname "$0")/.."
headers=$("${PG_CONFIG:-pg_config}" --includedir-server)
defines="-D_GNU_SOURCE -DSC_WITH_ONEDNN -DSC_WITH_PNG -DSC_WITH_TESTS -DSC_ISA=base -DSC_BUILD_ID=\"\" -DSELFCLASS_VERSION=\"\""
for tool in cppcheck clang-tidy; do
	command -v $tool >/dev/null || { echo "tidy: please install $tool" >&2; exit 1; }
done
# What is known and meant: the server's macros look unused or strange to them.
# shellcheck disable=SC2086
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability,performance --inline-suppr \
	--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=invalidPrintfArgType_sint --suppress=invalidPointerCast \
	$defines -Isrc --template='{file}:{line}: {id}: {message}' src/core
# shellcheck disable=SC2086
clang-tidy --quiet --warnings-as-errors='*' \
	--checks='-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions,-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier,-bugprone-macro-parentheses,-bugprone-suspicious-include,-bugprone-branch-clone,-bugprone-assignment-in-if-condition,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-valist.*' \
	$(git ls-files 'src/*.c') -- -std=gnu11 -Isrc -isystem "$headers" $defines 2>/dev/null
