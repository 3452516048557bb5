#!/bin/bash
# What a call gives on pictures whose kinds are known, through SQL alone:
#
#   tests/quality/quality.sh FOLDER ...      or: make quality IMAGES="FOLDER ..."
#
# Each FOLDER holds pictures and labels.csv (filename,label), which is read after
# clustering, to measure. A row a draw and seed, in Markdown: purity, one-to-one
# accuracy, NMI, ARI with as many groups as there are kinds; the share of pictures
# whose nearest other one is of their kind (1-NN); the number of groups that the
# call chooses where it is not told; seconds. Beside it k-means on the pixels,
# scaled to length 1.
#
# QUALITY_SEEDS    seeds of the training ("1")
# QUALITY_DRAWS    which pictures ("all"): all; half:N, every other one, by a hash with N;
#                  skew:R, the last kind R times rarer than the first, the others between;
#                  kinds:0, kinds:1, every other kind
# QUALITY_OTHERS   1: a model "others" for "init" in QUALITY_OPTIONS: an encoder that the default
#                  trains on the pictures that the draw leaves out, exported and imported again
# QUALITY_OPTIONS  options of the call, as jsonb, several separated by ; ("{}")
# QUALITY_KEEP     a folder for the embeddings: set_draw_recipe_seed.csv (name,kind,label,embedding)
set -euo pipefail

if [ $# -eq 0 ]; then
	echo 'quality: skipped: no folder of pictures with labels.csv is given (IMAGES="folder ...")'
	exit 0
fi
if [ -z "${SELFCLASS_DIR:-}" ]; then
	folders=()
	for folder; do
		[ -f "$folder/labels.csv" ] || { echo "quality: no labels.csv in $folder" >&2; exit 1; }
		folders+=("$(realpath "$folder")")
	done
	cd "$(dirname "$0")/../.."
	make -s -j"$(nproc)"
	make -s build/bin/pixels
	exec tests/cluster.sh run tests/quality/quality.sh "${folders[@]}"
fi

IFS=';' read -ra recipes <<<"${QUALITY_OPTIONS:-{\}}"

sql()
{
	psql -XAtq -v ON_ERROR_STOP=1 "$@"
}

# What this draw keeps of the table named.
draw()
{
	case $1 in
		all) echo true ;;
		half:*) echo "hashtext(name || '${1#half:}') % 2 = 0" ;;
		# Each kind in an order of its own hash, and of the i-th of n kinds the share R^(-(i-1)/(n-1)).
		skew:*) echo "name IN (SELECT name FROM (SELECT name, row_number() OVER (PARTITION BY kind ORDER BY hashtext(name), name) - 1 AS place,
				count(*) OVER (PARTITION BY kind) AS size, dense_rank() OVER (ORDER BY kind) - 1 AS i,
				(SELECT count(DISTINCT kind) FROM truth) AS n FROM truth) x
			WHERE place < round(size * ${1#skew:} ^ (-i::numeric / greatest(1, n - 1))))" ;;
		kinds:*) echo "name IN (SELECT name FROM (SELECT name, dense_rank() OVER (ORDER BY kind) AS i FROM truth) x WHERE i % 2 = ${1#kinds:})" ;;
		*) echo "quality: no draw $1" >&2; return 1 ;;
	esac
}

# The rows of results so far that belong to the set and draw, as Markdown.
show()
{
	sql -c "SELECT concat_ws(' | ', '| ' || \$\$$1\$\$, \$\$$2\$\$, \$\$$3\$\$, round(100 * purity::numeric, 1), round(100 * accuracy::numeric, 1),
			round(nmi::numeric, 3), round(ari::numeric, 3), round(100 * nearest::numeric, 1), chosen, round(seconds::numeric) || ' |')
		FROM measured"
}

# set, draw, recipe, seed
measure()
{
	local recipe=$3
	[ "$4" = pixels ] || recipe="${3%\}}${3:+$([ "$3" = "{}" ] || echo ", ")}\"seed\": $4}"
	if [ "$4" = pixels ]; then
		sql <<'SQL'
SET client_min_messages = error;
SELECT count(DISTINCT kind) AS kinds FROM truth JOIN photos USING (name) \gset
CREATE OR REPLACE TEMP VIEW rows AS SELECT name, kind, l2_normalize(e) AS e FROM pixels JOIN truth USING (name) JOIN photos USING (name);
SELECT clock_timestamp() AS began \gset
CREATE TEMP TABLE grouped AS SELECT kind, e, kmeans(e, :kinds, '{"n_init": 10}') OVER () AS label FROM rows;
SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz) AS seconds \gset
DROP TABLE IF EXISTS measured;
CREATE TABLE measured AS SELECT clustering_purity(label, kind) AS purity, clustering_accuracy(label, kind) AS accuracy,
	normalized_mutual_info(label, kind) AS nmi, adjusted_rand_index(label, kind) AS ari, knn_accuracy(e, kind, 1) AS nearest,
	coalesce(elbow_k(elbow(e, 15))::text, 'none') AS chosen, :seconds AS seconds FROM grouped;
SQL
	else
		sql -v options="$recipe" <<'SQL'
SET client_min_messages = error;
SELECT count(DISTINCT kind) AS kinds FROM truth JOIN photos USING (name) \gset
DROP TABLE IF EXISTS grouped, chosen, measured;
SELECT clock_timestamp() AS began \gset
CALL cluster_images_into('photos', 'grouped', k => :kinds, model => 'measured', options => :'options'::jsonb || '{"retrain": true}');
SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz) AS seconds \gset
-- The same encoder again, without k.
CREATE TABLE chosen AS SELECT * FROM cluster_images('photos', model => 'measured', options => '{"replace_groups": true, "keep": false}');
CREATE TABLE measured AS SELECT clustering_purity(label, kind) AS purity, clustering_accuracy(label, kind) AS accuracy,
	normalized_mutual_info(label, kind) AS nmi, adjusted_rand_index(label, kind) AS ari,
	knn_accuracy(l2_normalize(embedding), kind, 1) AS nearest,
	(SELECT count(DISTINCT label) FROM chosen)::text AS chosen, :seconds AS seconds
FROM grouped JOIN photos USING (id) JOIN truth USING (name);
SQL
	fi
	show "$1" "$2" "$recipe"
	if [ -n "${QUALITY_KEEP:-}" ] && [ "$4" != pixels ]; then
		sql -c "COPY (SELECT name, kind, label, embedding FROM grouped JOIN photos USING (id) JOIN truth USING (name) ORDER BY name)
			TO STDOUT (FORMAT csv)" >"$QUALITY_KEEP/$1_$2_$(tr -c 'a-z0-9\n' _ <<<"$recipe").csv"
	fi
}

# Weights that have seen no picture of the draw, as a file from elsewhere brings them.
import_others()
{
	sql -v left_out="NOT ($1)" >/dev/null <<'SQL'
SET client_min_messages = error;
DROP TABLE IF EXISTS left_out;
CREATE TABLE left_out AS SELECT * FROM all_photos WHERE :left_out;
ALTER TABLE left_out ADD PRIMARY KEY (id);
SELECT drop_model(name) FROM selfclass_models WHERE name = 'others';
CALL train_encoder('others', 'left_out');
CREATE TEMP TABLE file AS SELECT export_encoder('others') AS bytes;
SELECT drop_model('others');
SELECT import_encoder('others', bytes) FROM file;
SQL
}

sql -c "CREATE EXTENSION selfclass"
printf '%s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) CPUs${SELFCLASS_ISA:+, SELFCLASS_ISA=$SELFCLASS_ISA}" \
	'| pictures | draw | options | purity % | one-to-one % | NMI | ARI | 1-NN % | k chosen | seconds |' \
	'| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
for folder; do
	sql -c "SET client_min_messages = error; DROP TABLE IF EXISTS all_photos, photos, truth, pixels"
	tests/load_folder.sh "$folder" all_photos >"$SELFCLASS_DIR/load.log"
	sql -c "CREATE TABLE truth (name text PRIMARY KEY, kind text NOT NULL)" \
		-c "COPY truth FROM STDIN (FORMAT csv, HEADER)" <"$folder/labels.csv"
	sql -c "CREATE TABLE pixels (name text PRIMARY KEY, e embedding)"
	(cd "$folder" && sql -c "SELECT name FROM all_photos" | "$OLDPWD/build/bin/pixels" 32) | sql -c "COPY pixels FROM STDIN"
	for draw in ${QUALITY_DRAWS:-all}; do
		kept=$(draw "$draw")
		sql -c "SET client_min_messages = error; DROP TABLE IF EXISTS photos" \
			-c "CREATE TABLE photos AS SELECT * FROM all_photos WHERE $kept" -c "ALTER TABLE photos ADD PRIMARY KEY (id)"
		if [ -n "${QUALITY_OTHERS:-}" ]; then
			import_others "$kept"
		fi
		measure "${folder##*/}" "$draw" pixels pixels
		for recipe in "${recipes[@]}"; do
			for seed in ${QUALITY_SEEDS:-1}; do
				measure "${folder##*/}" "$draw" "$recipe" "$seed"
			done
		done
	done
done
