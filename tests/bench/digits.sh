#!/bin/sh
# Purity of clusters of the 600 digits under SELFCLASS_DATA/mnist600, through
# SQL alone, for three seeds and the untrained encoder:
#
#   SELFCLASS_DATA=folder tests/bench/digits.sh [OPTIONS as jsonb] [SEEDS]
#
# The folder holds mnist600/*.jpg and mnist600/labels.csv (filename,label); the
# labels are read after clustering, to measure it.
set -eu
cd "$(dirname "$0")/../.."

if [ -z "${SELFCLASS_DATA:-}" ]; then
	echo "digits: skipped: SELFCLASS_DATA is not set"
	exit 0
fi
if [ -z "${SELFCLASS_DIR:-}" ]; then
	make -s -j"$(nproc)"
	exec tests/cluster.sh run "$0" "$@"
fi

options=${1:-'{"preset": "lightly", "input_size": 64, "epochs": 40, "pca_components": 10, "pca_whiten": true}'}
seeds=${2:-"1 2 3"}

sql()
{
	psql -XAtq -v ON_ERROR_STOP=1 "$@"
}

measure()
{
	sql -v what="$1" -v options="$options" -v more="$2" <<'SQL'
SET client_min_messages = warning;
SELECT clock_timestamp() AS began \gset
SELECT format('%s: purity %s, one-to-one %s, NMI %s, %s s', :'what',
	round(100 * clustering_purity(c.label, t.label)::numeric, 1),
	round(100 * clustering_accuracy(c.label, t.label)::numeric, 1),
	round(normalized_mutual_info(c.label, t.label)::numeric, 3),
	round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz)))
FROM cluster_images('digits', k => 10, options => :'options'::jsonb || :'more'::jsonb) c
	JOIN digits USING (id) JOIN truth t USING (name);
SQL
}

sql -c "CREATE EXTENSION selfclass"
tests/load_folder.sh "$SELFCLASS_DATA/mnist600" digits
sql -c "CREATE TABLE truth (name text PRIMARY KEY, label bigint)"
sql -c "COPY truth FROM STDIN (FORMAT csv, HEADER)" <"$SELFCLASS_DATA/mnist600/labels.csv"
echo "$options"
measure untrained '{"epochs": 0}'
for seed in $seeds; do
	measure "seed $seed" "{\"seed\": $seed}"
done
