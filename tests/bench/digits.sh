#!/bin/sh
# Purity of clusters of the 600 digits under SELFCLASS_DATA/mnist600, through
# SQL alone, for three seeds and the untrained encoder, and the loss at ten
# moments of each training:
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
CREATE TEMP TABLE c AS
	SELECT c.id, c.label, t.label AS truth
	FROM cluster_images('digits', k => 10, model => :'what', options => :'options'::jsonb || :'more'::jsonb) c
		JOIN digits USING (id) JOIN truth t USING (name);
SELECT format('%s: purity %s, one-to-one %s, NMI %s, %s s', :'what',
	round(100 * clustering_purity(label, truth)::numeric, 1),
	round(100 * clustering_accuracy(label, truth)::numeric, 1),
	round(normalized_mutual_info(label, truth)::numeric, 3),
	round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz))) FROM c;
SELECT format('%s: 1-NN %s', :'what', round(100 * knn_accuracy(l2_normalize(embedding), truth::text, 1)::numeric, 1))
FROM embed_images('digits', :'what') JOIN c USING (id);
SELECT format('%s: loss %s', :'what', string_agg(format('%s (%s)', round(loss::numeric, 3), epoch), ', ' ORDER BY epoch))
FROM (SELECT l.*, max(l.epoch) OVER () AS last
	FROM selfclass_training_log l JOIN selfclass_models m USING (model_id) WHERE m.name = :'what') l
WHERE epoch IN (1, last) OR epoch % greatest(1, last / 10) = 0 HAVING count(*) > 0;
SQL
}

sql -c "CREATE EXTENSION selfclass"
tests/load_folder.sh "$SELFCLASS_DATA/mnist600" digits
sql -c "CREATE TABLE truth (name text PRIMARY KEY, label bigint)"
sql -c "COPY truth FROM STDIN (FORMAT csv, HEADER)" <"$SELFCLASS_DATA/mnist600/labels.csv"
echo "$options"
measure untrained '{"epochs": 0}'
for seed in $seeds; do
	measure "seed_$seed" "{\"seed\": $seed}"
done
