#!/bin/bash
# Training and embedding through SQL, each pair in alternation with a rival:
# medians, the ratio, and the processor's name.
#
#   tests/bench/learn.sh FOLDER         or: make bench IMAGES=FOLDER
#
# The first BENCH_LIMIT pictures (256) of FOLDER, at BENCH_SIZES pixels
# ("128 64 32") in BENCH_PRECISIONS ("f32 bf16"), batches of BENCH_BATCH (64), two views each.
# A training is two epochs and counts by its second: images are decoded before
# the first. Embedding decodes each picture of the table, as the rival does from
# its files.
#
# The last column is the ratio that is to be reached, and whether it is; of
# "scalar", embed_image of one photo, decoding included, from a session's second
# call on, it is none.
#
# The last rows are the backend's memory at its peak after the training, in MB,
# and how much of that is shared buffers and files.
#
# BENCH_TIMES     pairs of runs (5)
# BENCH_OPTIONS   more options of the training, as jsonb ("{}")
# BENCH_THREADS   threads (2)
# LEARN_PEER      the rival's script; called with FOLDER --size N --batch N
#                 --epochs 2 --limit N --precision P --threads N; it prints lines
#                 "train epoch 2: …, 12.34 images/s …" and "embed: 12.34 images/s …"
# PYTHON          the interpreter for it (python3)
set -eu
cd "$(dirname "$0")/../.."

if [ $# -ne 1 ]; then
	sed -n 5p "$0" >&2
	exit 2
fi
if [ -z "${SELFCLASS_DIR:-}" ]; then
	make -s -j"$(nproc)"
	exec tests/cluster.sh run "$0" "$(realpath "$1")"
fi

folder=$1
limit=${BENCH_LIMIT:-256}
batch=${BENCH_BATCH:-64}
threads=${BENCH_THREADS:-2}
times=${BENCH_TIMES:-5}
work=$(mktemp -d "${TMPDIR:-/tmp}/selfclass.XXXXXX")
trap 'rm -rf "$work"' EXIT
export PGOPTIONS="-c selfclass.threads=$threads -c client_min_messages=error"

sql()
{
	psql -XAtq -v ON_ERROR_STOP=1 "$@"
}

# ours SIZE PRECISION: lines "ours train N" and "ours embed N", images a second
ours()
{
	sql -v size="$1" -v precision="$2" -v batch="$batch" -v options="${BENCH_OPTIONS:-{\}}" <<'SQL'
CALL train_encoder('bench', 'photos', jsonb_build_object('preset', 'lightly', 'cj_strength', 0.5, 'retrain', true,
	'input_size', :size, 'precision', :'precision', 'batch_size', :batch, 'epochs', 2) || :'options');
SELECT 'ours train ' || images_per_second FROM selfclass_training_log
WHERE model_id = (SELECT max(model_id) FROM selfclass_models) ORDER BY epoch DESC LIMIT 1;
SELECT format(E'ours memory %s\nours shared %s', substring(status FROM 'VmHWM:\s*(\d+) kB')::int / 1024,
	(substring(status FROM 'RssFile:\s*(\d+) kB')::int + substring(status FROM 'RssShmem:\s*(\d+) kB')::int) / 1024)
FROM pg_read_file('/proc/self/status') status;
SELECT clock_timestamp() AS began \gset
SELECT count(embedding) AS n FROM embed_images('photos', 'bench') \gset
SELECT 'ours embed ' || :n / extract(epoch FROM clock_timestamp() - :'began'::timestamptz);
-- One photo by the scalar: the second call of a session.
SELECT id AS one FROM photos ORDER BY id LIMIT 1 \gset
SELECT embed_image(image, 'bench') FROM photos WHERE id = :one \g /dev/null
SELECT clock_timestamp() AS began \gset
SELECT embed_image(image, 'bench') FROM photos WHERE id = :one \g /dev/null
SELECT 'ours scalar ' || 1 / extract(epoch FROM clock_timestamp() - :'began'::timestamptz);
SQL
}

# theirs SIZE PRECISION: likewise
theirs()
{
	[ -n "${LEARN_PEER:-}" ] || return 0
	"${PYTHON:-python3}" "$LEARN_PEER" "$folder" --size "$1" --batch "$batch" --epochs 2 --limit "$limit" --precision "$2" \
		--workers "$threads" --threads "$threads" |
		perl -ne 'print "theirs train $1\n" if /^train epoch 2: .*?([\d.]+) images/; print "theirs embed $1\n" if /^embed: ([\d.]+)/'
}

# median WHO WHAT FILE
median()
{
	awk -v who="$1" -v what="$2" '$1 == who && $2 == what {print $3}' "$3" |
		sort -g | awk '{x[NR] = $1} END {if (NR) printf "%.1f", x[int((NR + 1) / 2)]}'
}

# goal WHAT PRECISION: how many times as fast as the rival it is to be, at least
goal()
{
	case $1-$2${SELFCLASS_ISA:+-$SELFCLASS_ISA} in
		train-f32-avx2) echo 2 ;;
		embed-f32-avx2) echo 1.6 ;;
		train-f32) echo 2.5 ;;
		train-bf16) echo 1.65 ;;
		embed-f32) echo 1.5 ;;
		embed-bf16) echo 1.4 ;;
	esac
}

sql -c "CREATE EXTENSION selfclass"
tests/load_folder.sh "$folder" all_photos >"$work/load"
sql -v limit="$limit" <<'SQL'
CREATE TABLE photos AS SELECT * FROM all_photos ORDER BY name LIMIT :limit;
ALTER TABLE photos ADD PRIMARY KEY (id);
SQL
printf '%s, %s threads, %s, medians of %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" "$threads" \
	"$(for isa in avx512_bf16 avx512f avx2; do grep -owm1 $isa /proc/cpuinfo && break; done)${SELFCLASS_ISA:+, SELFCLASS_ISA=$SELFCLASS_ISA}" "$times"
printf '| %s |\n' "work | precision | here, images/s (memory: MB) | rival | ratio | goal" "--- | --- | --- | --- | --- | ---"
for size in ${BENCH_SIZES:-128 64 32}; do
	for precision in ${BENCH_PRECISIONS:-f32 bf16}; do
		runs=$work/runs_${size}_$precision
		for _ in $(seq "$times"); do
			ours "$size" "$precision" >>"$runs"
			theirs "$size" "$precision" >>"$runs"
		done
		for what in train embed scalar memory shared; do
			here=$(median ours "$what" "$runs")
			rival=$(median theirs "$what" "$runs")
			printf '| %s at %s px | %s | %s | %s | %s |\n' "$what" "$size" "$precision" "$here" "${rival:--}" \
				"$(awk -v a="$here" -v b="${rival:-0}" -v goal="$(goal "$what" "$precision")" 'BEGIN {
					if (b == 0) print "- | -"
					else if (goal == "") printf "%.2f | -", a / b
					else printf "%.2f | %s: %s", a / b, goal, (a / b >= goal ? "reached" : "MISSED")}')"
		done
	done
done
