#!/bin/sh
# Install the Debian packages that selfclass needs to build, to run and to be
# tested. Does nothing where all are there. Debian 12 (PostgreSQL 15) and 13
# (17), Ubuntu 24.04 (16); PG_MAJOR names another version that your apt knows.
# Without dpkg it says what is needed and leaves it to you.
set -eu

missing=""
need()
{
	dpkg -s "$1" >/dev/null 2>&1 || missing="$missing $1"
}

if ! command -v dpkg >/dev/null 2>&1; then
	echo "setup: no dpkg here; needed are a C compiler, make, perl, PostgreSQL 15 to 18 with its" >&2
	echo "setup: server headers, OpenBLAS, libjpeg-turbo, and, if they are to be had, libpng, libwebp and oneDNN" >&2
	exit 0
fi

pg=${PG_MAJOR:-$(. /etc/os-release; case "$ID $VERSION_ID" in debian\ 13*) echo 17 ;; ubuntu\ 24*) echo 16 ;; *) echo 15 ;; esac)}
for package in gcc make libc6-dev perl "postgresql-$pg" "postgresql-server-dev-$pg" \
	libopenblas0-pthread libopenblas-pthread-dev libjpeg-dev libpng-dev libwebp-dev libdnnl-dev libipc-run-perl pgbouncer "$@"; do
	need "$package"
done
[ -z "$missing" ] && exit 0

run=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "setup: please install, as root:$missing" >&2
		exit 1
	fi
	run=sudo
fi
echo "setup: installing$missing"

# Debian starts a server of its own when it installs one; ours is private, so no.
policy=/usr/sbin/policy-rc.d
if [ -z "$run" ] && [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' > $policy
	chmod +x $policy
	trap 'rm -f $policy' EXIT
fi
# A package list that is missing or old is the usual reason for "not found".
$run env DEBIAN_FRONTEND=noninteractive sh -c "
	apt-get update -q >/dev/null &&
	apt-get install -y -q --no-install-recommends $missing >/dev/null"
