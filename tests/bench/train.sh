#!/bin/sh
# Training and embedding speed through SQL, and the memory of the backend:
#
#   tests/bench/train.sh FOLDER [LIMIT] [OPTIONS as jsonb]
#
# Trains on the first LIMIT pictures of FOLDER (256; default options: 128 px,
# batches of 64, 2 epochs) and embeds them all. Images are decoded once, before
# the first epoch; the second epoch's speed is the steady one.
set -eu
cd "$(dirname "$0")/../.."

if [ $# -lt 1 ]; then
	sed -n 4p "$0" >&2
	exit 2
fi
if [ -z "${SELFCLASS_DIR:-}" ]; then
	make -s -j"$(nproc)"
	exec tests/cluster.sh run "$0" "$@"
fi

psql -XAtq -c "CREATE EXTENSION selfclass"
tests/load_folder.sh "$1" all_photos
psql -XAtq -v ON_ERROR_STOP=1 -v limit="${2:-256}" -v options="${3:-{\}}" <<'SQL'
CREATE TABLE photos AS SELECT * FROM all_photos ORDER BY name LIMIT :limit;
ALTER TABLE photos ADD PRIMARY KEY (id);
SET client_min_messages = warning;
SELECT clock_timestamp() AS began \gset
CALL train_encoder('bench', 'photos', '{"preset": "lightly", "cj_strength": 0.5, "input_size": 128, "batch_size": 64,
	"epochs": 2}'::jsonb || :'options');
SELECT format('train: %s s, reading the images included',
	round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz), 1));
SELECT format('epoch %s: loss %s, %s images/s', epoch, round(loss::numeric, 4), round(images_per_second::numeric, 2))
FROM selfclass_training_log ORDER BY epoch;
SELECT format('memory of the backend: %s MB at its peak, of them %s MB shared buffers or files',
	substring(status FROM 'VmHWM:\s*(\d+) kB')::int / 1024,
	(substring(status FROM 'RssFile:\s*(\d+) kB')::int + substring(status FROM 'RssShmem:\s*(\d+) kB')::int) / 1024)
FROM pg_read_file('/proc/self/status') status;
SELECT clock_timestamp() AS began \gset
SELECT count(embedding) AS n FROM embed_images('photos', 'bench') \gset
SELECT format('embed: %s images/s', round(:n / extract(epoch FROM clock_timestamp() - :'began'::timestamptz), 2));
SQL
