# The analytics in a real server: told to stop in the middle, each ends within
# a second, and the session goes on; a role's rights and parallel plans.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(start timer);
use Time::HiRes qw(sleep time);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('analytics');
$node->init;
$node->start;
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION selfclass;
	CREATE TABLE t AS SELECT i AS id, (i * 7919 % 3001)::int AS label, (i * 104729 % 2999)::bigint AS truth,
			(SELECT array_agg(sin(i * 0.37 * j + i)::real) FROM generate_series(1, 96) j)::embedding AS e
		FROM generate_series(1::bigint, 12000) i;
	ALTER TABLE t ADD PRIMARY KEY (id);
	CREATE VIEW t20 AS SELECT e FROM t, generate_series(1, 20);
	CREATE TABLE models AS SELECT kmeans_fit(e, 1000, '{"n_init": 1, "max_iter": 1, "init": "random"}') AS m FROM t WHERE id <= 2000;
	CREATE TABLE wide AS SELECT (SELECT array_agg(sin(i * 0.37 * j + i)::real) FROM generate_series(1, 6000) j)::embedding AS e FROM generate_series(1, 40) i});

# Each would take far longer than it is given.
my %statement = (
	'pca_fit' => q{SELECT pca_fit(e, 2) FROM wide},
	'kmeans_fit' => q{SELECT kmeans_fit(e, 300, '{"n_init": 10000}') FROM t},
	'kmeans, window' => q{SELECT count(l) FROM (SELECT kmeans(e, 300, '{"n_init": 10000}') OVER () AS l FROM t) x},
	'kmeans_train, sample' => q{SELECT kmeans_train('t', 'e', 300, '{"n_init": 10000}')},
	'kmeans_train, iterations' => q{SELECT kmeans_train('t20', 'e', 1000, '{"n_init": 1, "init": "random", "max_iter": 100000, "tol": 0, "sample": 4000}')},
	'kmeans_step' => q{SELECT kmeans_step(e, (SELECT m FROM models)) FROM t, generate_series(1, 50)},
	'elbow' => q{SELECT elbow(e, 1000) FROM t},
	'elbow by silhouette' => q{SELECT elbow(e, 1000, '{"method": "silhouette"}') FROM t},
	'silhouette' => q{SELECT silhouette(e, label) FROM t, generate_series(1, 20)},
	'knn_join' => q{SELECT count(*) FROM knn_join('t', 'e', 3000)},
	'near_duplicates' => q{SELECT count(*) FROM near_duplicates('t', 'e', 1e9)},
	'duplicate_groups' => q{SELECT count(*) FROM generate_series(1, 20) g, duplicate_groups('t', 'e', 1e9 + g)},
	'diverse_sample' => q{SELECT count(*) FROM generate_series(1, 20) g, diverse_sample('t', 'e', 12000 - g)},
	'knn_accuracy' => q{SELECT knn_accuracy(e, truth::text, 10) FROM t, generate_series(1, 20)},
	'clustering_accuracy' => q{SELECT clustering_accuracy((label * g % 5003)::int, truth * g % 5003) FROM t, generate_series(1, 5) g},
);

for my $name (sort keys %statement)
{
	my $answered = 0;
	my @late;

	for my $ms (40, 300, 900)
	{
		my $t0 = time;
		my ($rc, $out, $err) = $node->psql('postgres',
			"BEGIN; SET LOCAL statement_timeout = '${ms}ms'; $statement{$name}; ROLLBACK; SELECT 'goes on', kmeans_fit(e, 2) IS NOT NULL FROM t WHERE id < 10;",
			on_error_stop => 0);

		push @late, time - $t0 - $ms / 1000;
		$answered++ if $err =~ /canceling statement due to statement timeout/ && $out =~ /goes on\|t/;
	}
	is($answered, 3, "$name: ends at its timeout, and the session goes on");
	# The middle one of three: a busy machine can hold up any of them.
	cmp_ok((sort { $a <=> $b } @late)[1], '<', 1.5, "$name: soon, a connection and another statement included")
		if $ENV{SELFCLASS_SOAK};
}

# Terminated at any moment: the server stays up.
my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
srand 1;
for my $name (sort keys %statement)
{
	my ($in, $out, $err) = ("SELECT 'pid', pg_backend_pid(); $statement{$name};\n", '', '');
	my $session = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$in, '>', \$out, '2>', \$err, timer($PostgreSQL::Test::Utils::timeout_default));

	$session->pump until $out =~ /pid\|\d+\n/;
	my ($pid) = $out =~ /pid\|(\d+)/;
	sleep 0.1 + rand 0.5;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	$session->finish;
	like($err, qr/terminating connection due to administrator command/, "$name: terminated");
}
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'no crash of the cluster');
unlike(slurp_file($node->logfile), qr/was terminated by signal/, 'no backend died by a signal');

# Memory that a statement took is given back, whether it ends or fails.
my $memory = $node->safe_psql('postgres', q{
	SET selfclass.max_memory = '24MB';
	SELECT count(*) FROM generate_series(1, 12) g, LATERAL (SELECT kmeans_fit(e, 2 + g % 2, '{"n_init": 1}') FROM t WHERE id <= 3000) x;
	SELECT count(*) FROM generate_series(1, 6) g, LATERAL (SELECT max(rank) FROM knn_join('t', 'e', g)) x});
is($memory, "12\n6", 'many computations within a limit that all together would pass');

# Rows by any order, any number of workers: the same answer.
my @answers = map { $node->safe_psql('postgres', "$_; SELECT kmeans_fit(e, 7)::text, elbow(e, 4)::text, clustering_purity(label, truth), adjusted_rand_index(label, truth), knn_accuracy(e, (id % 5)::text, 3) FROM (SELECT * FROM t WHERE id <= 2000 ORDER BY md5(id::text || current_setting('selfclass.threads'))) x") }
	'SET selfclass.threads = 1', 'SET selfclass.threads = 2', 'SET selfclass.threads = 5',
	'SET selfclass.threads = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0';
is(scalar(grep { $_ eq $answers[0] } @answers), 4, 'the same bits for any number of threads and workers and any order');

# Training is made of ordinary queries: the planner gives each pass its workers.
my $parallel = q{SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;};
my ($rc, $out, $err) = $node->psql('postgres', qq{
	LOAD 'auto_explain';
	SET auto_explain.log_min_duration = 0;
	SET auto_explain.log_nested_statements = on;
	SET auto_explain.log_analyze = on;
	SET auto_explain.log_level = notice;
	$parallel
	SELECT kmeans_train('t', 'e', 4, '{"sample": 2000, "n_init": 1}')::text});
is($rc, 0, 'kmeans_train');
my @passes = $err =~ /SELECT public\.kmeans_step\(e, \$1\) FROM public\.t\n(.*?)(?=NOTICE|\z)/sg;
my $iterations = () = $err =~ /NOTICE:  k-means iteration/g;
cmp_ok($iterations, '>', 0, 'a NOTICE an iteration');
cmp_ok(scalar(@passes), '>=', $iterations, 'a query an iteration');
is(scalar(grep { /Workers Launched: 2/ && /Partial Aggregate/ } @passes), scalar(@passes), 'each of them in parallel');
my ($sampled) = $err =~ /embedding_hash_extended.*?\n(.*?)(?=NOTICE|\z)/s;
like($sampled, qr/Workers Launched: 2/, 'so is the reading of the sample');
is($out, $node->safe_psql('postgres', q{SET max_parallel_workers_per_gather = 0; SELECT kmeans_train('t', 'e', 4, '{"sample": 2000, "n_init": 1}')::text}),
	'the same bits without workers');

# As the caller: no right, no rows; row security is obeyed.
$node->safe_psql('postgres', q{
	CREATE ROLE reader;
	CREATE TABLE secret AS SELECT id, e FROM t WHERE id <= 100;
	ALTER TABLE secret ADD PRIMARY KEY (id);
	ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
	CREATE POLICY first_60 ON secret USING (id <= 60)});
($rc, $out, $err) = $node->psql('postgres', q{SET ROLE reader; SELECT kmeans_train('secret', 'e', 2)});
like($err, qr/permission denied for table secret/, 'kmeans_train: reads as the caller');
is($node->safe_psql('postgres', q{GRANT SELECT ON secret TO reader; SET ROLE reader; SELECT sum(size) FROM kmeans_centroids(kmeans_train('secret', 'e', 2))}),
	60, 'kmeans_train: the rows that the caller may see');

$node->stop;
done_testing();
