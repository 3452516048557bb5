#!/bin/bash
# Speed of the analytics through SQL, from a table in shared buffers: medians
# of 5. With PEERS_PYTHON, the path of a script that measures the rivals
# (scikit-learn, faiss) on the same rows and prints "name: 1.234 s ..." lines,
# it runs that beside them and prints the ratios.
#
#   tests/bench/analytics.sh          or: make bench-analytics
#
# BENCH_ROWS     rows of 512 dimensions in 64 blobs (50000)
# BENCH_TRAIN    rows of 64 dimensions for kmeans_train ("500000 1000000 2000000")
# BENCH_THREADS  threads, and processes of a parallel plan (2)
# PEERS_PYTHON   the rivals' script; called with --n --threads --copy FILE
# PYTHON         the interpreter for it (python3)
set -eu
cd "$(dirname "$0")/../.."

rows=${BENCH_ROWS:-50000}
sizes=${BENCH_TRAIN:-500000 1000000 2000000}
threads=${BENCH_THREADS:-2}
dims=512
blobs=64

if [ -z "${SELFCLASS_DIR:-}" ]; then
	make -s -j"$(nproc)"
	make -s build/bin/blobs
	# The kernels of OpenBLAS are those that it finds best for this processor.
	unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
	SELFCLASS_CONF="shared_buffers = 1GB
max_parallel_workers_per_gather = $((threads - 1))
autovacuum = off
${SELFCLASS_CONF:-}" exec tests/cluster.sh run "$0" "$@"
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/selfclass.XXXXXX")
trap 'rm -rf "$work"' EXIT
export PGOPTIONS="-c selfclass.threads=$threads -c client_min_messages=error"

sql()
{
	psql -XAtq -v ON_ERROR_STOP=1 "$@"
}

# rivals TIMES: the same script so often; every line that it prints goes to $work/rivals
rivals()
{
	local i
	for i in $(seq "$1"); do
		"${PYTHON:-python3}" "$PEERS_PYTHON" --n "$rows" --threads "$threads" >>"$work/rivals"
	done
}

# median NAME: of the rivals' lines that begin with NAME
median()
{
	awk -v name="$1:" 'index($0, name) == 1 {print $(split(name, w, " ") + 1)}' "$work/rivals" |
		sort -g | awk '{x[NR] = $1} END {if (NR) print x[int((NR + 1) / 2)]}'
}

# report NAME SECONDS GOAL [RIVAL ...]: ours, and how many times as fast as each rival; GOAL: as it is to be, at least
report()
{
	local name=$1 ours=$2 goal=$3 rival theirs
	shift 3
	printf '%s: %.3f s\n' "$name" "$ours"
	[ -s "$work/rivals" ] || return 0
	for rival; do
		theirs=$(median "$rival")
		[ -z "$theirs" ] || awk -v n="$rival" -v t="$theirs" -v o="$ours" -v g="$goal" \
			'BEGIN {printf "    %s: %.3f s, ours %.2f times as fast (goal %s: %s)\n", n, t, t / o, g, (t / o >= g ? "reached" : "MISSED")}'
	done
}

# ours STATEMENT: median seconds of 5; %s in it is the number of the run
ours()
{
	sql -v statement="$1" <<<"SELECT seconds(:'statement', 5)"
}

sql <<'SQL'
CREATE EXTENSION selfclass;
CREATE TABLE items (id int PRIMARY KEY, e embedding);
CREATE TABLE inertia (x float8);
-- EXECUTE without INTO reads all rows at once: a parallel plan may be one here.
CREATE FUNCTION seconds(statement text, times int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz;
	all_of_them float8[];
BEGIN
	FOR run IN 1 .. times LOOP
		began := clock_timestamp();
		EXECUTE format(statement, run);
		all_of_them := all_of_them || extract(epoch FROM clock_timestamp() - began)::float8;
	END LOOP;
	RETURN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY s) FROM unnest(all_of_them) s);
END $$;
SQL

if [ -n "${PEERS_PYTHON:-}" ]; then
	"${PYTHON:-python3}" "$PEERS_PYTHON" --n "$rows" --threads "$threads" --copy "$work/items" >"$work/rivals"
	sql -c "\\copy items FROM '$work/items'"
	rm "$work/items"
	rivals 4
else
	sql -c "\\copy items FROM PROGRAM 'build/bin/blobs $rows $dims $blobs' (FORMAT binary)"
fi
sql <<'SQL'
CREATE TABLE queries AS SELECT * FROM items WHERE id < 1000;
ALTER TABLE queries ADD PRIMARY KEY (id);
CREATE TABLE none (LIKE queries INCLUDING ALL);
VACUUM ANALYZE;
SELECT format('%s rows of %s dimensions, %s', count(*), max(embedding_dims(e)), pg_size_pretty(pg_total_relation_size('items'))) FROM items;
SELECT FROM (SELECT sum(embedding_norm(e)) FROM items) warm;
SQL

# What AVX2 alone allows is less.
lesser=$([ "${SELFCLASS_ISA:-}" = avx2 ] && echo yes || true)
report "reading the rows alone" "$(ours "SELECT max(embedding_norm(e)) FROM items")" 0
report "reading and copying them" "$(ours "SELECT * FROM knn_join('items', 'e', 1, 'none')")" 0
report "k-means++ and 20 Lloyd iterations" \
	"$(ours "INSERT INTO inertia SELECT kmeans_inertia(kmeans_fit(e, $blobs, '{\"n_init\": 1, \"max_iter\": 20, \"tol\": 0, \"seed\": %s}')) FROM items")" \
	"$([ -n "$lesser" ] && echo 5 || echo 6)" "sklearn KMeans++" "faiss Kmeans"
sql -c "SELECT format('    inertia, median of 5 seeds: %s', round((percentile_cont(0.5) WITHIN GROUP (ORDER BY x))::numeric, 0)) FROM inertia"
[ ! -s "$work/rivals" ] || awk '/^(sklearn KMeans|faiss Kmeans)/ && !seen[$1]++ {print "    inertia, " $1 ": " $NF}' "$work/rivals"
report "PCA to 2" "$(ours "SELECT pca_fit(e, 2) FROM items")" "$([ -n "$lesser" ] && echo 1.25 || echo 1.43)" "sklearn PCA(2)" "sklearn PCA(2, full)" "faiss PCA(2)"
report "10-NN of 1,000 queries" "$(ours "SELECT count(*) FROM knn_join('items', 'e', 10, 'queries')")" \
	"$([ -n "$lesser" ] && echo 2.5 || echo 3)" "sklearn 10-NN, 1000 queries" "faiss flat 10-NN, 1000 queries"
one="SELECT id FROM items ORDER BY e <-> (SELECT e FROM queries WHERE id = 7) LIMIT 10"
report "10-NN of one query, one process" \
	"$(PGOPTIONS="$PGOPTIONS -c max_parallel_workers_per_gather=0" ours "$one")" 1 "faiss flat 10-NN, 1 query"
report "10-NN of one query, parallel plan" "$(ours "$one")" 1 "faiss flat 10-NN, 1 query"
if [ -n "$(sql -c "SELECT 1 FROM pg_available_extensions WHERE name = 'vector'")" ]; then
	sql -c "CREATE EXTENSION vector"
	for storage in external main plain; do
		sql -c "CREATE TABLE vectors (id int PRIMARY KEY, e vector)" -c "ALTER TABLE vectors ALTER e SET STORAGE $storage" \
			-c "INSERT INTO vectors SELECT id, e::real[]::vector FROM items" -c "VACUUM ANALYZE vectors" \
			-c "SELECT FROM (SELECT sum(vector_norm(e)) FROM vectors) warm"
		printf '    pgvector, storage %s, one process: %.3f s\n' "$storage" \
			"$(PGOPTIONS="$PGOPTIONS -c max_parallel_workers_per_gather=0" \
				ours "SELECT id FROM vectors ORDER BY e <-> (SELECT e FROM vectors WHERE id = 7) LIMIT 10")"
		sql -c "DROP TABLE vectors"
	done
fi
# What the type's default is worth: the same query where the embeddings are stored otherwise.
for storage in main plain external; do
	sql -c "CREATE TABLE stored (id int, e embedding)" -c "ALTER TABLE stored ALTER e SET STORAGE $storage" \
		-c "INSERT INTO stored TABLE items" -c "VACUUM ANALYZE stored" \
		-c "SELECT FROM (SELECT sum(embedding_norm(e)) FROM stored) warm"
	printf '    storage %s: %.3f s, %s\n' "$storage" \
		"$(PGOPTIONS="$PGOPTIONS -c max_parallel_workers_per_gather=0" ours "${one/items/stored}")" \
		"$(sql -c "SELECT pg_size_pretty(pg_total_relation_size('stored'))")"
	sql -c "DROP TABLE stored"
done
sql -c "DROP TABLE items, queries, none"

for n in $sizes; do
	sql -c "CREATE TABLE many (id int, e embedding)" -c "\\copy many FROM PROGRAM 'build/bin/blobs $n 64 $blobs' (FORMAT binary)" \
		-c "VACUUM ANALYZE many"
	sql -v k="$blobs" -v n="$n" <<'SQL'
SELECT FROM (SELECT sum(embedding_norm(e)) FROM many) warm;
SELECT clock_timestamp() AS began \gset
SELECT kmeans_iterations(kmeans_train('many', 'e', :k, '{"n_init": 1, "max_iter": 10, "tol": 0}')) AS passes \gset
SELECT format('kmeans_train, %s rows of 64 dimensions: %s s, %s passes, memory of the backend %s MB at its peak without shared buffers',
	:'n', round(extract(epoch FROM clock_timestamp() - :'began'::timestamptz), 2), :passes + 1,
	(substring(status FROM 'VmHWM:\s*(\d+) kB')::int - substring(status FROM 'RssShmem:\s*(\d+) kB')::int) / 1024)
FROM pg_read_file('/proc/self/status') status;
DROP TABLE many;
SQL
done
