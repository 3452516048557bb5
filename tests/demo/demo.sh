#!/bin/bash
# The demonstration: unlabelled pictures in a table, sorted by one call.
#
#   make demo                  600 pictures of 8 kinds, which a program of ours draws
#   make demo IMAGES=FOLDER    the *.jpg, *.jpeg, *.png and *.webp files of a folder of yours
#
# Installs what is missing, builds, starts a private server that goes again at
# the end, and leaves one HTML file, build/demo.html (or REPORT=FILE), which
# needs nothing else. EPOCHS=N trains longer or shorter.
set -eu

# Epochs for the 600 pictures: less than preset auto would take, for the sake of time.
DEMO_EPOCHS=40

now()
{
	date +%s.%N
}

# Seconds since the moment $1.
since()
{
	awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'
}

say()
{
	printf '\n== %s\n' "$*"
}

sql()
{
	psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# ---- what runs beside the private server -----------------------------------

in_cluster()
{
	local folder=$1 truth=$2 report=$3 t0 load train untrained purity call

	say "loading the pictures of $folder into the table photos"
	t0=$(now)
	sql -c 'CREATE EXTENSION selfclass'
	tests/load_folder.sh "$folder" photos
	load=$(since "$t0")
	sql -At -c "SELECT count(*) || ' pictures, ' || pg_size_pretty(sum(length(image))) FROM photos"

	call="CALL cluster_images_into('photos', 'photo_cluster', "
	[ -z "$truth" ] || call+="k => 8, "
	call+="model => 'photos_v1'"
	[ -z "$EPOCHS" ] || call+=", options => '{\"epochs\": $EPOCHS}'"
	call+=")"
	say "$call"
	t0=$(now)
	sql -c "$call"
	train=$(since "$t0")

	purity= untrained=
	if [ -n "$truth" ]; then
		say "how well the groups agree with what was drawn (the server learns it only now)"
		sql -c 'CREATE TABLE truth (name text PRIMARY KEY, kind text NOT NULL)' \
			-c '\copy truth FROM pstdin WITH (FORMAT csv, HEADER)' <"$truth"
		sql -c "SELECT c.label AS \"group\", count(*) AS pictures, mode() WITHIN GROUP (ORDER BY t.kind) AS \"mostly\",
					round(100.0 * max(n) / count(*), 1) AS \"%\"
				FROM photo_cluster c JOIN photos USING (id) JOIN truth t USING (name)
				JOIN (SELECT label, kind, count(*) AS n FROM photo_cluster JOIN photos USING (id) JOIN truth USING (name)
					  GROUP BY 1, 2) AS counts ON counts.label = c.label AND counts.kind = t.kind
				GROUP BY 1 ORDER BY 1"
		purity=$(sql -At -c "SELECT round((100 * clustering_purity(label, kind))::numeric, 1)
			FROM photo_cluster JOIN photos USING (id) JOIN truth USING (name)")
		untrained=$(PGOPTIONS='-c client_min_messages=warning' sql -At -c "SELECT round((100 * clustering_purity(label, kind))::numeric, 1)
			FROM cluster_images('photos', k => 8, options => '{\"epochs\": 0}') JOIN photos USING (id) JOIN truth USING (name)")
		echo "purity: $purity % of the pictures are in a group of mostly their kind"
		echo "the same with an encoder that has learned nothing: $untrained %"
	else
		say "the groups"
		sql -c 'SELECT label AS "group", count(*) AS pictures FROM photo_cluster GROUP BY 1 ORDER BY 1'
	fi

	sql -At -v load="$load" -v train="$train" -v purity="$purity" -v untrained="$untrained" \
		-v call="$call" \
		-f tests/demo/report.sql >"$report.part"
	mv "$report.part" "$report"
}

if [ "${1:-}" = --in-cluster ]; then
	shift
	in_cluster "$@"
	exit
fi

# ---- before and after it ---------------------------------------------------

folder=${1:-}
if [ -n "$folder" ]; then
	if [ ! -d "$folder" ]; then
		echo "demo: no such folder: $folder" >&2
		exit 1
	fi
	folder=$(cd "$folder" && pwd)
fi
report=${REPORT:-}
[ -z "$report" ] || report=$(realpath "$report")
cd "$(dirname "$0")/../.."
report=${report:-$PWD/build/demo.html}
begin=$(now)
export EPOCHS=${EPOCHS:-}

say "packages"
tests/setup.sh
say "building"
make -s -j"$(nproc)"
mkdir -p build
truth=
if [ -z "$folder" ]; then
	say "drawing 600 pictures of 8 kinds"
	make -s build/bin/make_pictures
	folder=$PWD/build/demo
	truth=$folder/truth.csv
	rm -rf "$folder"
	mkdir -p "$folder"
	build/bin/make_pictures "$folder"
	if [ -z "$EPOCHS" ]; then
		EPOCHS=$DEMO_EPOCHS
		echo "to be done in time they train for $EPOCHS epochs, fewer than preset auto takes by itself"
	fi
fi
say "starting a private server"
tests/cluster.sh run tests/demo/demo.sh --in-cluster "$folder" "$truth" "$report"
say "done in $(since "$begin") s; look at"
echo "$report"
