#!/bin/sh
# A Debian package for the PostgreSQL that PG_CONFIG names (pg_config): build/deb.
# Built in a copy of this tree, by dpkg-buildpackage.
set -eu
cd "$(dirname "$0")/.."
PG_CONFIG=${PG_CONFIG:-pg_config}
# Of the PostgreSQL that PG_CONFIG names, where it is there already, whatever the release of Debian has.
if found=$($PG_CONFIG --version 2>/dev/null | sed 's/^PostgreSQL \([0-9]*\).*/\1/') && [ -n "$found" ]; then
	PG_MAJOR=$found
	export PG_MAJOR
fi
tests/setup.sh build-essential debhelper fakeroot
# What was built with the headers of a minor release may call what an earlier one does not have.
minor=$($PG_CONFIG --version | sed 's/^PostgreSQL \([0-9.]*\).*/\1/')
pg=${minor%%.*}
version=$(sed -n 's/^   "version": "\(.*\)",/\1/p' META.json)
grep -q "^selfclass ($version)" packaging/debian/changelog ||
	{ echo "deb: META.json has version $version, packaging/debian/changelog another one" >&2; exit 1; }

tree=build/deb/selfclass-$version
rm -rf build/deb
mkdir -p "$tree"
# What is in the repository, or, where there is none, all but what was built.
if [ -e .git ] && command -v git >/dev/null; then
	git ls-files -z | tar --null -T - -cf -
else
	tar -cf - --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.d' --exclude='*.so' .
fi | tar -xf - -C "$tree"
cp -R "$tree/packaging/debian" "$tree/debian"
sed "s/PGVERSION/$pg/g; s/PGMINOR/$minor/" "$tree/debian/control.in" >"$tree/debian/control"
(cd "$tree" && dpkg-buildpackage -b -us -uc >../log 2>&1) || { tail -n 40 build/deb/log >&2; exit 1; }
rm -rf "$tree"
ls build/deb/*.deb
