# The bar of tests/README.md that needs minutes and a quiet machine: hundreds of
# cancels, terminates, kills and torn pictures, with bounds in milliseconds.
# "make soak" runs it; "make check" does not. BAR="torn kills" runs these parts alone.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Time::HiRes qw(sleep time);
use Test::More;
use Session;

plan skip_all => 'make soak runs it' if !$ENV{SELFCLASS_SOAK};

my $node = PostgreSQL::Test::Cluster->new('bar');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'selfclass'\nmax_connections = 150\nrestart_after_crash = on\nmax_wal_size = 4GB\nautovacuum = off");
$node->start;
my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];

$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
$node->safe_psql('postgres', slurp_file("tests/fixtures/$_")) for 'gray_jpeg.sql', 'encoder_file.sql';
$node->safe_psql('postgres', q{
	CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 96) i;
	CREATE TABLE large AS SELECT i AS id, contact_sheet(p.image, 32, 128) AS image
		FROM generate_series(1, 4) i, photos p, generate_series(1, 10) GROUP BY i;
	ALTER TABLE large ADD PRIMARY KEY (id);
	CREATE TABLE files AS SELECT encoder_file(1) AS file;
	SELECT import_encoder('net', file, '{"input_size": 32}') FROM files;
	CREATE TABLE t AS SELECT i AS id, (i * 7919 % 3001)::int AS label,
			(SELECT array_agg(sin(i * 0.37 * j + i)::real) FROM generate_series(1, 96) j)::embedding AS e
		FROM generate_series(1::bigint, 12000) i;
	ALTER TABLE t ADD PRIMARY KEY (id)});

# Is this part of it asked for?
sub part
{
	my ($name) = @_;
	return !$ENV{BAR} || grep { $_ eq $name } split / /, $ENV{BAR};
}

sub session { return Session->new($node, verbose => 1) }

sub percentile
{
	my ($p, @values) = @_;
	@values = sort { $a <=> $b } @values;
	return $values[ int($p * $#values / 100 + 0.5) ];
}

sub status_of
{
	my ($pid, $what) = @_;
	my ($value) = slurp_file("/proc/$pid/status") =~ /^$what:\s*(\d+)/m;
	return $value;
}

my $recipe = '"preset": "lightly", "input_size": 16, "batch_size": 16, "epochs": 100000';
my %phase = (
	decode => q{SELECT count(e.embedding) FROM generate_series(1, 1000) i, LATERAL (SELECT * FROM embed_images('large', NULL::int, 'net', format('{"on_error": "%s"}', CASE WHEN i > 0 THEN 'skip' END)::jsonb)) e},
	embed => q{SELECT count(embed_image(image, 'net')) FROM photos, generate_series(1, 100000)},
	train => qq{SELECT count(*) FROM cluster_images('photos', options => '{$recipe}')},
	'train at 128 pixels' => q{SELECT count(*) FROM cluster_images('photos', options => '{"preset": "lightly", "input_size": 128, "batch_size": 32, "epochs": 100000}')},
	pca => q{SELECT pca_fit(e, 2) FROM t, generate_series(1, 1000)},
	kmeans => q{SELECT kmeans_fit(e, 300, '{"n_init": 10000}') FROM t},
	elbow => q{SELECT elbow(e, 1000) FROM t},
	knn_join => q{SELECT count(*) FROM knn_join('t', 'e', 3000)},
	silhouette => q{SELECT silhouette(e, label) FROM t, generate_series(1, 20)},
	near_duplicates => q{SELECT count(*) FROM near_duplicates('t', 'e', 1e9)},
);
my $canceller = session();
srand 1;

# ---- cancels and timeouts ---------------------------------------------------------------

for my $threads (part('cancels') ? (1, 0) : ())
{
	for my $name (sort keys %phase)
	{
		my $s = session();
		my (@seconds, $cancelled);

		$s->ask("SET selfclass.threads = $threads; SET client_min_messages = warning");
		for (1 .. 50)
		{
			my ($seconds, $said) = $s->disturbed($phase{$name}, 0.8, sub { $canceller->ask("SELECT pg_cancel_backend($s->{pid})") });

			push @seconds, $seconds;
			$cancelled++ if $said =~ /57014/;
		}
		is($cancelled, 50, "$name, threads $threads: 50 cancels");
		my ($p99, $most) = (percentile(98, @seconds), percentile(100, @seconds));
		note sprintf('%s, threads %d: cancel median %.0f ms, p98 %.0f ms, most %.0f ms', $name, $threads, 1000 * percentile(50, @seconds), 1000 * $p99, 1000 * $most);
		cmp_ok($p99, '<=', 0.2, "$name, threads $threads: answered within 200 ms");
		cmp_ok($most, '<=', 1, "$name, threads $threads: at most a second");

		my @late;
		for (1 .. 10)
		{
			my $t0 = time;
			my $said = $s->ask("SET statement_timeout = 100; $phase{$name}; SET statement_timeout = 0");
			push @late, time - $t0 if $said =~ /57014/;
		}
		is(scalar(@late), 10, "$name, threads $threads: 10 timeouts");
		cmp_ok(percentile(90, @late), '<=', 0.3, "$name, threads $threads: statement_timeout of 100 ms returns within 300 ms");
		is($s->ask("SELECT count(embed_image(image, 'net')) FROM photos WHERE id <= 2"), '2', "$name, threads $threads: the session goes on");
		$s->finish;
	}
}

# ---- terminates ----------------------------------------------------------

if (part('terminates'))
{
	my @names = sort keys %phase;
	my $terminated = 0;

	for my $i (1 .. 200)
	{
		my $s = session();
		$s->give($phase{ $names[ $i % @names ] });
		my $end = time + rand 0.5;
		while (time < $end)
		{
			$s->pump;
			sleep 0.005;
		}
		$canceller->ask("SELECT pg_terminate_backend($s->{pid})");
		$s->finish;
		$terminated++ if $s->{err} =~ /57P01/;
	}
	is($terminated, 200, '200 terminates');
}

# ---- a storm of signals -----------------------------------------------------------------------

if (part('storm'))
{
	my $s = session();
	my $sent = 0;

	$s->give(q{SELECT kmeans_fit(e, 30, '{"n_init": 3, "seed": 1}')::text = kmeans_fit(e, 30, '{"n_init": 3, "seed": 1}')::text FROM t});
	until ($s->answered)
	{
		for (1 .. 100)
		{
			kill USR1 => $s->{pid};
			kill ALRM => $s->{pid};
			$sent += 2;
		}
		sleep 0.01;
		$s->pump;
	}
	is($s->answer, 't', 'a computation under a storm of signals');
	note "$sent signals";
	$s->finish;
}

# ---- torn pictures in one backend ---------------------------------------------------------------

if (part('torn'))
{
	my $s = session();
	my $torn = q{SELECT count(*) FROM (SELECT embed_images.embedding FROM embed_images('torn', NULL::int, 'net', '{}')) x};

	$s->ask(q{SELECT setseed(0.5);
		CREATE TABLE torn (id int PRIMARY KEY, image bytea);
		INSERT INTO torn SELECT i, CASE i % 4
			WHEN 0 THEN substr(image, 1, (random() * length(image))::int)
			WHEN 1 THEN set_byte(image, (random() * (length(image) - 1))::int, (random() * 255)::int)
			WHEN 2 THEN set_byte(set_byte(image, (random() * least(200, length(image) - 1))::int, (random() * 255)::int), (random() * (length(image) - 1))::int, (random() * 255)::int)
			ELSE substr(image, 1, (random() * length(image))::int) || substr(image, (random() * length(image))::int) END
		FROM generate_series(1, 10000) i JOIN photos ON photos.id = 1 + i % 96;
		SET client_min_messages = error});
	is($s->ask($torn), '10000', '10,000 torn pictures');
	my $before = status_of($s->{pid}, 'VmRSS');
	is($s->ask($torn), '10000', 'and again');
	my $grown = status_of($s->{pid}, 'VmRSS') - $before;
	note "memory grew by $grown kB";
	cmp_ok($grown, '<', 10 * 1024, 'in the same memory');
	$s->finish;
}

# ---- trained and broken off, again and again ---------------------------------------------------------

if (part('cycles'))
{
	my $s = session();
	my ($cycles, $cancelled) = (1000, 0);
	my (%before, %after);
	my $look = sub {
		return (memory => status_of($s->{pid}, 'VmRSS'), threads => status_of($s->{pid}, 'Threads'),
			files => scalar(my @f = glob "/proc/$s->{pid}/fd/*"));
	};

	$s->ask('SET client_min_messages = error');
	for my $i (1 .. $cycles + 100)
	{
		my (undef, $said) = $s->disturbed($phase{train}, 0.1, sub { $canceller->ask("SELECT pg_cancel_backend($s->{pid})") });
		$cancelled++ if $said =~ /57014/;
		%before = $look->() if $i == 100;
	}
	%after = $look->();
	is($cancelled, $cycles + 100, 'a thousand trainings begun and cancelled');
	my $each = ($after{memory} - $before{memory}) / $cycles;
	note sprintf('memory: %.3f kB a cycle', $each);
	cmp_ok($each, '<', 1, 'less than 1 kB of memory each');
	is($after{threads}, $before{threads}, 'no thread more');
	is($after{files}, $before{files}, 'no file more');
	$s->finish;
}

# ---- many sessions, a preloaded postmaster ---------------------------------------------------------------

if (part('sessions'))
{
	my @sessions = map { session() } 1 .. 100;
	my $embed = q{SELECT md5(string_agg(embed_image(image, 'net')::text, ',' ORDER BY id)) FROM photos WHERE id <= 4};
	my %said;

	is(scalar(my @threads = glob "/proc/$postmaster/task/*"), 1, 'a preloaded postmaster has one thread');
	$_->give("SET selfclass.threads = 2; $embed") for @sessions;
	$said{ $_->answer }++ for @sessions;
	is_deeply([ values %said ], [100], '100 sessions at once embed the same');
	$_->finish for @sessions;
}

# ---- CREATE and DROP EXTENSION ---------------------------------------------------------------

if (part('drops'))
{
	$node->safe_psql('postgres', 'CREATE DATABASE dropped');
	for (1 .. 50)
	{
		$node->safe_psql('dropped', q{CREATE EXTENSION selfclass; SELECT kmeans_fit('[1,2]'::embedding, 1); DROP EXTENSION selfclass});
	}
	is($node->safe_psql('dropped', q{SELECT count(*) FROM pg_proc WHERE probin LIKE '%selfclass%'}), '0', '50 cycles of CREATE and DROP EXTENSION leave nothing');
}

# ---- kill -9 at any moment of a training -----------------------------------------------------------------------

if (part('kills'))
{
	my $whole = '"preset": "lightly", "input_size": 16, "batch_size": 16, "epochs": 12, "precision": "f32", "checkpoint_interval": "200 ms"';
	my $of = sub { return $node->safe_psql('postgres', "SELECT state, epochs_done, weights_crc FROM selfclass_model WHERE name = '$_[0]' ORDER BY version DESC LIMIT 1") };
	my ($same, $resumed) = (0, 0);

	$node->safe_psql('postgres', "CALL train_encoder('whole', 'photos', '{$whole}')");
	$canceller->kill;
	for my $i (1 .. 20)
	{
		my $s = session();
		$s->give("CALL train_encoder('killed$i', 'photos', '{$whole}')");
		sleep 0.3 + rand 1.5;
		kill KILL => $s->{pid};
		$s->finish;
		# The postmaster sees it, and restarts everything.
		sleep 0.5;
		for (1 .. 600)
		{
			last if IPC::Run::run([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', 'SELECT 1' ], '>', \my $out, '2>', \my $err);
			sleep 0.05;
		}
		my $state = $node->safe_psql('postgres', "SELECT state FROM selfclass_model WHERE name = 'killed$i'");
		if ($state eq 'training') { $node->safe_psql('postgres', "CALL resume_encoder('killed$i')"); $resumed++ }
		elsif ($state eq '') { $node->safe_psql('postgres', "CALL train_encoder('killed$i', 'photos', '{$whole}')") }
		$same++ if $of->("killed$i") eq $of->('whole');
	}
	is($same, 20, '20 kills, each resumed to the same bits');
	note "$resumed of 20 in the midst of the training";
	is(scalar(my @left = glob $node->data_dir . '/base/pgsql_tmp/*'), 0, 'no temporary file is left');
}

# ---- the postmaster is killed ---------------------------------------------------------------------------------------

if (part('postmaster'))
{
	my $s = session();
	$s->give($phase{train});
	sleep 1;
	$postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	kill KILL => $postmaster;
	my $t0 = time;
	sleep 0.01 while kill(0, $s->{pid}) && time - $t0 < 10;
	my $seconds = time - $t0;
	note sprintf('gone after %.0f ms', 1000 * $seconds);
	cmp_ok($seconds, '<=', 2, 'a training ends with its postmaster');
	$s->kill;
	$node->{_pid} = undef;
	sleep 1;
	unlink $node->data_dir . '/postmaster.pid';
	$node->start;
	is($node->safe_psql('postgres', "SELECT count(embed_image(image, 'net')) FROM photos WHERE id <= 2"), '2', 'and the server starts again');
}

my @killed = slurp_file($node->logfile) =~ /was terminated by signal (\d+)/g;
is_deeply(\@killed, [ (9) x (part('kills') ? 20 : 0) ], 'no backend was ended by a signal but by ours');
unlike(slurp_file($node->logfile), qr/TRAP:|PANIC: |XX000|WARNING: .*leak/, 'no assertion, no panic, no leak');
done_testing();
