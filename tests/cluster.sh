#!/bin/sh
# A private, throw-away PostgreSQL cluster with this tree's selfclass in it.
#
#   tests/cluster.sh run COMMAND [ARG ...]   start, run the command, stop, remove
#   tests/cluster.sh start DIR               start one in DIR (created) and keep it
#   tests/cluster.sh stop DIR                stop it and remove DIR
#   tests/cluster.sh tree DIR                only the private copy of the server in DIR
#
# The server listens on a unix socket only and runs as an unprivileged user
# (PostgreSQL refuses root). Nothing is installed into the system's server: its
# binaries are copied aside, where they find their files relative to themselves,
# and selfclass is installed beside them. The command sees PGHOST, PGPORT,
# PGUSER, PGDATABASE, PATH, SELFCLASS_BIN (the copy's bin) and SELFCLASS_DIR.
# SELFCLASS_CONF: more lines for postgresql.conf.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
# The whole path: the command that runs in the cluster has another pg_config first in its own.
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")

as_server()
{
	if [ "$(id -u)" -eq 0 ]; then
		(cd / && setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups \
			env HOME=/tmp PATH="$PATH" "$@")
	else
		"$@"
	fi
}

server_user=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
	server_user=postgres
	id postgres >/dev/null 2>&1 || server_user=nobody
fi

make_tree()
{
	dir=$1
	mkdir -p "$dir/root"
	chmod 755 "$dir"
	bindir=$($PG_CONFIG --bindir)
	sharedir=$($PG_CONFIG --sharedir)
	libdir=$($PG_CONFIG --pkglibdir)
	for d in "$bindir" "$sharedir" "$libdir"; do
		mkdir -p "$dir/root$d"
	done
	cp -R "$bindir/." "$dir/root$bindir"
	cp -R "$sharedir/." "$dir/root$sharedir"
	for f in "$libdir"/*; do
		case "$f" in
			*/pgxs | */bitcode) ;;
			"$bindir") ;;
			*) [ -e "$dir/root$libdir/$(basename "$f")" ] || ln -s "$f" "$dir/root$libdir/$(basename "$f")" ;;
		esac
	done
	rm -f "$dir/root$libdir/selfclass.so" "$dir/root$libdir/selfclass_core.so"
	rm -f "$dir/root$sharedir"/extension/selfclass*
	make -s -C "$here" PG_CONFIG="$PG_CONFIG" install DESTDIR="$dir/root" >"$dir/install.log" 2>&1 ||
		{ cat "$dir/install.log" >&2; exit 1; }
	SELFCLASS_BIN=$dir/root$bindir
}

start()
{
	dir=$1
	make_tree "$dir"
	mkdir -p "$dir/socket" "$dir/data"
	[ "$(id -u)" -ne 0 ] || chown "$server_user" "$dir/socket" "$dir/data"
	chmod 700 "$dir/data"
	as_server "$SELFCLASS_BIN/initdb" -D "$dir/data" -U postgres -A trust -N --locale=C.UTF-8 -E UTF8 \
		>"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
	cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
shared_buffers = 256MB
max_wal_size = 4GB
fsync = off
log_line_prefix = '%m [%p] '
${SELFCLASS_CONF:-}
CONF
	as_server "$SELFCLASS_BIN/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start >/dev/null ||
		{ cat "$dir/data/server.log" >&2; exit 1; }
}

stop()
{
	dir=$1
	SELFCLASS_BIN=$dir/root$($PG_CONFIG --bindir)
	as_server "$SELFCLASS_BIN/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$dir"
}

environment()
{
	PGHOST=$1/socket
	PGPORT=5432
	PGUSER=postgres
	PGDATABASE=postgres
	PATH=$SELFCLASS_BIN:$PATH
	SELFCLASS_DIR=$1
	export PGHOST PGPORT PGUSER PGDATABASE PATH SELFCLASS_BIN SELFCLASS_DIR
}

case "${1:-}" in
	run)
		shift
		dir=$(mktemp -d "${TMPDIR:-/tmp}/selfclass.XXXXXX")
		trap 'stop "$dir"' EXIT
		trap 'exit 1' INT TERM
		start "$dir"
		environment "$dir"
		"$@"
		;;
	start)
		start "$2"
		;;
	stop)
		stop "$2"
		;;
	tree)
		make_tree "$2"
		echo "$SELFCLASS_BIN"
		;;
	*)
		sed -n '2,8p' "$0" >&2
		exit 2
		;;
esac
