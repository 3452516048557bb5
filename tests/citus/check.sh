#!/bin/bash
# selfclass on Citus: a coordinator and two workers in private servers. A model
# that was trained on the coordinator and carried to the workers, embeddings,
# k-means, labels and measures on shards must be those of one node, to the bit.
# Ends with one line "N passed, N failed". Not part of "make check":
#
#   make check-citus CITUS_SOURCE=folder     a source tree of Citus 13
#
# Citus is built in build/citus against the server of PG_CONFIG, once; nothing of
# it is installed into the system. Minutes.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ ! -f "${CITUS_SOURCE:-}/src/include/citus_version.h.in" ]; then
	echo "check-citus: CITUS_SOURCE=folder must name a source tree of Citus" >&2
	exit 2
fi
source_tree=$(cd "$CITUS_SOURCE" && pwd)
tests/setup.sh autoconf flex liblz4-dev libzstd-dev libkrb5-dev libssl-dev libxml2-dev libxslt1-dev libpam0g-dev \
	libselinux1-dev libreadline-dev zlib1g-dev || exit 1
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")
export PG_CONFIG WITH_TESTS=yes
jobs=$(nproc)
built=build/citus
passed=0
failed=0

build()
{
	local tree="$source_tree $(cat "$source_tree/src/include/citus_version.h.in" "$source_tree/configure" | sha256sum) $($PG_CONFIG --version)"

	[ "$(cat $built/done 2>/dev/null)" != "$tree" ] || return 0
	echo "building Citus in $built: $built/log"
	rm -rf $built
	mkdir -p $built
	cp -R "$source_tree" $built/source || return 1
	# Servers from 15.17 on export a function that Citus has under its name for older ones.
	if grep -q have_createdb_privilege "$($PG_CONFIG --includedir-server)/commands/dbcommands.h"; then
		sed -i 's/^have_createdb_privilege(void)$/citus_&/' $built/source/src/include/pg_version_compat.h
	fi
	(cd $built/source && ./configure --without-libcurl PG_CONFIG="$PG_CONFIG" && make -s -j"$jobs" with_llvm=no) \
		>$built/log 2>&1 || { tail -n 20 $built/log >&2; return 1; }
	echo "$tree" >$built/done
}

# As the server's user, who is not root.
as_server()
{
	if [ "$(id -u)" -eq 0 ]; then
		(cd / && setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups env HOME=/tmp "$@")
	else
		"$@"
	fi
}

# A node: its data, and a server that listens on a socket with this port.
start_node()
{
	local data=$dir/$1

	as_server "$bin/initdb" -D "$data" -U postgres -A trust -N --locale=C.UTF-8 -E UTF8 >"$dir/log.initdb" 2>&1 || return 1
	cat >>"$data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
port = $2
shared_preload_libraries = 'citus'
citus.node_conninfo = 'sslmode=prefer'
citus.enable_statistics_collection = off
shared_buffers = 64MB
max_connections = 50
max_prepared_transactions = 50
wal_level = logical
fsync = off
selfclass.threads = 1
CONF
	as_server "$bin/pg_ctl" -D "$data" -l "$data/server.log" -w -t 60 start >/dev/null || { cat "$data/server.log"; return 1; }
}

stop()
{
	for node in coordinator worker1 worker2; do
		as_server "$bin/pg_ctl" -D "$dir/$node" -m immediate -w stop >/dev/null 2>&1
	done
	if [ -n "${KEEP:-}" ]; then echo "kept $dir"; else rm -rf "$dir"; fi
}

# sql PORT [DATABASE]: what standard input says.
sql()
{
	"$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$dir/socket" -p "$1" -U postgres -d "${2:-postgres}" -f - 2>&1
}

# A row of tests/citus/check.sql: what it is, and whether it is so.
report()
{
	while IFS='|' read -r name good; do
		if [ "$good" = t ]; then
			passed=$((passed + 1))
			echo "ok $name"
		else
			failed=$((failed + 1))
			echo "not ok $name${good:+: $good}"
		fi
	done
}

make -s -j"$jobs" || exit 1
build || { echo "0 passed, 1 failed"; exit 1; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/selfclass.XXXXXX")
trap stop EXIT
trap 'exit 1' INT TERM
bin=$(tests/cluster.sh tree "$dir") || exit 1
make -s -C $built/source install with_llvm=no DESTDIR="$dir/root" >"$dir/log.install" 2>&1 || { cat "$dir/log.install"; exit 1; }
mkdir "$dir/socket"
chmod 711 "$dir"
[ "$(id -u)" -ne 0 ] || chown postgres "$dir" "$dir/socket"
for node in coordinator:9700 worker1:9701 worker2:9702; do
	start_node "${node%:*}" "${node#*:}" || exit 1
	echo 'CREATE EXTENSION citus; CREATE EXTENSION citus_columnar; CREATE SCHEMA selfclass; CREATE EXTENSION selfclass SCHEMA selfclass;
		ALTER DATABASE postgres SET search_path = public, selfclass' | sql "${node#*:}" || exit 1
done
sql 9700 <<SQL || exit 1
SELECT citus_set_coordinator_host('$dir/socket', 9700);
SELECT citus_add_node('$dir/socket', 9701), citus_add_node('$dir/socket', 9702);
SQL
report < <(sql 9700 <tests/citus/check.sql | tee "$dir/log.check" | grep '^check|' | cut -d '|' -f 2-)
grep -E 'ERROR|FATAL|PANIC' "$dir/log.check" && failed=$((failed + 1))
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
