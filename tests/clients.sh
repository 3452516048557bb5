#!/bin/sh
# The programs of docs/clients.md, each as it stands there, in a private server. One whose client is not installed is
# left out, and said. Modules of node are looked for where NODE_PATH says.
#
#   tests/clients.sh
set -eu
cd "$(dirname "$0")/.."
here=$PWD

if [ "${1:-}" != inside ]; then
	SELFCLASS_CONF="listen_addresses = '127.0.0.1'
port = ${PORT:-54329}" exec tests/cluster.sh run "$here/tests/clients.sh" inside
fi

PGPORT=${PORT:-54329}
export PGPORT
work=$SELFCLASS_DIR/clients
mkdir "$work"
# The n-th block of a language.
block()
{
	awk -v fence="\`\`\`$1" -v n="$2" '/^```/ { inside = !inside; on = inside && $0 == fence && ++seen == n; next } on' docs/clients.md
}
# What the page says that a program prints: the n-th block of no language.
says()
{
	block "" "$1"
}
failed=0
try()
{
	name=$1 n=$2
	shift 2
	if (cd "$work" && "$@") >"$work/out" 2>"$work/err" && says "$n" | cmp -s - "$work/out"; then
		echo "ok: $name"
	else
		echo "FAILED: $name"
		cat "$work/out" "$work/err"
		failed=1
	fi
}

block sql 1 | psql -Xqv ON_ERROR_STOP=1
psql -Xqv ON_ERROR_STOP=1 -f tests/fixtures/gray_jpeg.sql
psql -Xqc "INSERT INTO photos (name, image) SELECT i, test_picture(i % 3, i) FROM generate_series(1, 48) i"
# The training of the page, short.
block sql 2 | sed "s/ 'photos_v1')/ 'photos_v1', options => '{\"input_size\": 16, \"epochs\": 1}')/" | psql -Xq 2>/dev/null
psql -XAtc "SELECT encode(image, 'hex') FROM photos WHERE id = 1" | perl -ne 'chomp; print pack "H*", $_' >"$work/picture.jpg"
block python 1 >"$work/client.py"
block javascript 1 >"$work/client.js"
block java 1 >"$work/Clients.java"

python=$(for p in python3 /usr/bin/python3; do $p -c 'import psycopg' 2>/dev/null && echo $p && break; done || true)
if [ -n "$python" ]; then try "psycopg" 1 "$python" client.py; else echo "left out: psycopg is not installed"; fi
if node -e 'require("pg"); require("pg-copy-streams")' 2>/dev/null; then
	try "node pg" 2 node client.js
else
	echo "left out: node's pg and pg-copy-streams are not installed (NODE_PATH)"
fi
jar=/usr/share/java/postgresql.jar
if [ -e $jar ] && command -v java >/dev/null; then
	PGHOST=127.0.0.1 try "JDBC" 3 java -cp $jar Clients.java
else
	echo "left out: JDBC or Java is not installed"
fi
exit $failed
