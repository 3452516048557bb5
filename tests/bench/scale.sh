#!/bin/bash
# Does time grow in proportion to the pictures, and memory not at all? Drawn
# pictures (make_pictures), views of 32 pixels, the recipe of "auto" but for the
# epochs: seconds of a second epoch, of embedding the table, and the backend's
# memory at its peak without shared buffers and files. Then the same on fewer
# lanes: images a second and the efficiency, which is the speed over that of as
# many single lanes.
#
#   tests/bench/scale.sh              or: make bench-scale
#
# SCALE_IMAGES   how many pictures ("5000 10000 20000 50000")
# SCALE_OPTIONS  more options of the training, as jsonb ("{}")
set -euo pipefail
cd "$(dirname "$0")/../.."

counts=${SCALE_IMAGES:-5000 10000 20000 50000}
if [ -z "${SELFCLASS_DIR:-}" ]; then
	make -s -j"$(nproc)"
	make -s build/bin/make_pictures
	exec tests/cluster.sh run "$0" "$@"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/selfclass.XXXXXX")
trap 'rm -rf "$work"' EXIT
export PGOPTIONS="-c client_min_messages=error"

sql()
{
	psql -XAtq -v ON_ERROR_STOP=1 "$@"
}

# run COUNT LANES: seconds of an epoch, of embedding; MB at the peak, in one session
run()
{
	sql -v n="$1" -v lanes="$2" -v options="${SCALE_OPTIONS:-{\}}" <<'SQL'
SET selfclass.threads = :lanes;
DROP TABLE IF EXISTS part;
CREATE TABLE part AS SELECT * FROM photos ORDER BY id LIMIT :n;
ALTER TABLE part ADD PRIMARY KEY (id);
CALL train_encoder('scale', 'part', jsonb_build_object('input_size', 32, 'epochs', 2, 'retrain', true) || :'options');
SELECT round((recipe->>'batch_size')::numeric * floor(:n / (recipe->>'batch_size')::numeric) / images_per_second::numeric, 1) AS epoch
FROM selfclass_training_log JOIN selfclass_models USING (model_id) WHERE epoch = 2 ORDER BY model_id DESC LIMIT 1 \gset
SELECT clock_timestamp() AS began \gset
SELECT count(embedding) AS n FROM embed_images('part', 'scale') \gset
SELECT round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz)::numeric, 1) AS embedding \gset
SELECT (substring(status FROM 'VmHWM:\s*(\d+) kB')::int - substring(status FROM 'RssFile:\s*(\d+) kB')::int
	- substring(status FROM 'RssShmem:\s*(\d+) kB')::int) / 1024 AS memory
FROM pg_read_file('/proc/self/status') status \gset
SELECT :'epoch', :'embedding', :'memory';
SQL
}

most=0
for n in $counts; do
	[ "$n" -le "$most" ] || most=$n
done
mkdir "$work/pictures"
build/bin/make_pictures "$work/pictures" "$most" >/dev/null
sql -c "CREATE EXTENSION selfclass"
tests/load_folder.sh "$work/pictures" photos >"$work/load"
rm -r "$work/pictures"

printf '%s, %s CPUs%s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" "$(nproc)" "${SELFCLASS_ISA:+, SELFCLASS_ISA=$SELFCLASS_ISA}"
printf '| %s |\n' "pictures | an epoch, s | a thousand pictures of it, s | embedding, s | a thousand of it, s | memory, MB" \
	"--- | --- | --- | --- | --- | ---"
for n in $counts; do
	run "$n" "$(nproc)" | awk -F'|' -v n="$n" '{printf "| %d | %s | %.2f | %s | %.2f | %s |\n", n, $1, 1000 * $1 / n, $2, 1000 * $2 / n, $3}'
done
first=${counts%% *}
echo
printf '| %s |\n' "lanes | training, images/s | efficiency | embedding, images/s | efficiency" "--- | --- | --- | --- | ---"
for lanes in $(seq "$(nproc)"); do
	run "$first" "$lanes"
done | awk -F'|' -v n="$first" 'NR == 1 {t = $1; e = $2}
	{printf "| %d | %.0f | %.2f | %.0f | %.2f |\n", NR, n / $1, t / $1 / NR, n / $2, e / $2 / NR}'
