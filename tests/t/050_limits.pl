# Backends that the system gives too little: address space (ulimit -v, set on the
# running backend, in 40 steps), or no memory that is both writable and
# executable. Whatever computes ends well or with an error of its own, never in a
# loop or by a signal, and the session goes on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(start timer);
use POSIX qw(uname);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('limits');
$node->init;
$node->append_conf('postgresql.conf', "jit = off\nrestart_after_crash = on\nselfclass.threads = 2\nmax_wal_size = 2GB");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
$node->safe_psql('postgres', slurp_file("tests/fixtures/$_")) for 'gray_jpeg.sql', 'encoder_file.sql';
$node->safe_psql(
	'postgres', q{
	CREATE TABLE t AS SELECT i AS id, (i % 3)::int AS label,
			(SELECT array_agg(sin(i * 0.37 * j + i)::real) FROM generate_series(1, 96) j)::embedding AS e
		FROM generate_series(1::bigint, 300) i;
	ALTER TABLE t ADD PRIMARY KEY (id);
	CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
	INSERT INTO pictures SELECT i, test_picture(i % 3, i) FROM generate_series(1, 16) i;
	SELECT import_encoder('net', encoder_file(1), '{"input_size": 16}')});

my %statement = (
	'pca_fit' => q{SELECT pca_fit(e, 5) FROM t},
	'kmeans_fit' => q{SELECT kmeans_fit(e, 3) FROM t},
	'kmeans_train' => q{SELECT kmeans_train('t', 'e', 3)},
	'elbow' => q{SELECT elbow(e, 4) FROM t},
	'silhouette' => q{SELECT silhouette(e, label) FROM t},
	'knn_join' => q{SELECT count(*) FROM knn_join('t', 'e', 3)},
	'near_duplicates' => q{SELECT count(*) FROM near_duplicates('t', 'e', 1)},
	'duplicate_groups' => q{SELECT count(*) FROM duplicate_groups('t', 'e')},
	'diverse_sample' => q{SELECT count(*) FROM diverse_sample('t', 'e', 5)},
	'embedding' => q{SELECT count(*) FROM embed_images('pictures', 'net')},
	'training' => q{SELECT count(*) FROM cluster_images('pictures', k => 2, options =>
		'{"preset": "lightly", "epochs": 1, "input_size": 16, "batch_size": 8, "precision": "f32"}')},
	'more threads' => q{SELECT kmeans_fit(e, 3) FROM t},
);
# What the session does before, without a limit.
my %before = (
	'more threads' => q{SET selfclass.threads = 1; SELECT pca_fit(e, 2) IS NOT NULL FROM t; SET selfclass.threads = 6},
);

# As many sessions at once.
my $together = 4;
my $steps = 40;
my %step_mb = ((map { $_ => 20 } keys %statement), training => 30);

# What a session does: a statement with so much more of address space than it has, then another without a limit.
my $script = PostgreSQL::Test::Utils::tempdir() . '/limited.sql';
append_to_file(
	$script, q{
	:before;
	SELECT pg_backend_pid() AS pid, embedding_dims(e) FROM t LIMIT 1 \gset
	\setenv PID :pid
	\setenv MB :mb
	\echo backend :pid
	\! prlimit --pid $PID --as=$(($(cut -d' ' -f1 /proc/$PID/statm) * 4096 + $MB * 1048576)):
	:statement;
	\echo ended :SQLSTATE
	\! prlimit --pid $PID --as=unlimited:
	SELECT 'goes on', pca_fit(e, 2) IS NOT NULL FROM t;
});

sub limited
{
	my ($name, $mb) = @_;
	my $before = $before{$name} // 'SELECT 1';
	my %s = (out => '', err => '', mb => $mb);

	$s{harness} = start(
		[ 'psql', '-XAtq', '-v', "before=$before", '-v', "statement=$statement{$name}", '-v', "mb=$mb", '-f', $script,
			'-d', $node->connstr('postgres') ],
		'<', '/dev/null', '>', \$s{out}, '2>', \$s{err}, timer($PostgreSQL::Test::Utils::timeout_default));
	return \%s;
}

# How it ended: the SQLSTATE; "lost" or "hangs" where it did not.
sub outcome
{
	my ($s) = @_;

	unless (eval { $s->{harness}->finish; 1 })
	{
		$s->{harness}->kill_kill;
		kill 'KILL', $1 if $s->{out} =~ /^backend (\d+)$/m;
		return 'hangs';
	}
	return $s->{out} =~ /^ended (\w+)\ngoes on\|t$/m ? $1 : 'lost';
}

for my $name (sort keys %statement)
{
	my (%ended, @wrong);

	for (my $step = 0; $step < $steps; $step += $together)
	{
		my @sessions = map { limited($name, $_ * $step_mb{$name}) } $step .. $step + $together - 1;

		for my $s (@sessions)
		{
			my $code = outcome($s);

			$ended{$code}++;
			push @wrong, "$s->{mb} MB, $code: $s->{out}$s->{err}" unless $code =~ /^(00000|53200|53000|58000)$/;
		}
		last if $ended{hangs};
	}
	ok(!@wrong, "$name: with little address space it ends well or says so, and the session goes on")
		or diag(join "\n", @wrong);
	ok($ended{'00000'} && $ended{53200}, "$name: the steps went from too little to enough")
		or diag(join ', ', map { "$ended{$_} times $_" } sort keys %ended);
}

# From here on nothing that this test starts may have memory that is writable and executable (Linux from 6.3 on).
SKIP:
{
	my %prctl = (x86_64 => 157, aarch64 => 167);
	my $call = $prctl{ (uname)[4] };

	skip 'this kernel does not refuse memory that is writable and executable', 1
		unless defined $call && syscall($call, 65, 1, 0, 0, 0) == 0;
	$node->restart;
	for my $name (sort keys %statement)
	{
		my ($rc, $out, $err) = $node->psql('postgres', $statement{$name});

		is($rc, 0, "$name: without code that is generated") or diag($err);
		# A build without oneDNN has nothing to say.
		like($err, qr/^(|.*WARNING:  convolutions run without oneDNN: the operating system forbids.*)$/s, "$name: says so")
			if $name eq 'embedding';
	}
	my ($rc, undef, $err) = $node->psql('postgres',
		q{SELECT count(*) FROM cluster_images('pictures', k => 2, options => '{"precision": "bf16", "input_size": 16}')});
	if ($rc == 0)
	{
		like(slurp_file('/proc/cpuinfo'), qr/\bamx_bf16\b/, 'bf16 without code that is generated: by AMX');
		unlike($err, qr/WARNING:  convolutions run without oneDNN/, 'which is not slow');
	}
	else
	{
		like($err, qr/ERROR:  (there is no bf16 arithmetic: the operating system forbids|this CPU has no bf16|without oneDNN)/, 'bf16 says why not');
	}
}

$node->stop;
my $log = slurp_file($node->logfile);
unlike($log, qr/was terminated by signal/, 'no backend was ever killed by a signal');
unlike($log, qr/TRAP|PANIC/, 'no assertion, no panic');

done_testing();
