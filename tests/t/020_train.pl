# Training and clustering in a real server: cancel and terminate in every phase,
# kill -9 and resume, two trainers of one name, dump and restore.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(run start timer);
use Time::HiRes qw(sleep time);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('train');
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nmax_wal_size = 4GB");
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA s; CREATE EXTENSION selfclass SCHEMA s; ALTER DATABASE postgres SET search_path = public, s');
$node->safe_psql('postgres', slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql('postgres', q{
	CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 96) i;
	CREATE VIEW slow AS SELECT id, image FROM photos WHERE pg_sleep(0.1) IS NOT NULL;
	CREATE TABLE backwards AS SELECT * FROM photos ORDER BY id DESC;
	ALTER TABLE backwards ADD PRIMARY KEY (id)});

my $kills = 0;
my $recipe = '"preset": "lightly", "input_size": 16, "batch_size": 16, "train_sample": 32';
my $quick = '{"input_size": 16, "epochs": 0}';

# A session that runs $sql in the background; its pid is known when this returns.
sub background
{
	my ($sql) = @_;
	my %s = (in => "SELECT 'pid', pg_backend_pid();\n\\echo begins\n$sql\nSELECT 'alive';\n", out => '', err => '');

	$s{harness} = start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres') ],
		'<', \$s{in}, '>', \$s{out}, '2>', \$s{err}, timer($PostgreSQL::Test::Utils::timeout_default));
	$s{harness}->pump until $s{out} =~ /pid\|(\d+)\nbegins/;
	($s{pid}) = $s{out} =~ /pid\|(\d+)/;
	return \%s;
}

# Wait until a query gives t.
sub wait_for
{
	my ($query, $what, $may_fail) = @_;

	for (1 .. 100 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my ($out, $err) = ('', '');
		my $good = run([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $query ], '>', \$out, '2>', \$err);

		return if $good && $out eq "t\n";
		die "$what: $err" if !$good && !$may_fail;
		sleep 0.01;
	}
	die "waited in vain: $what";
}

sub waits
{
	my ($s, $event) = @_;
	wait_for("SELECT wait_event = '$event' FROM pg_stat_activity WHERE pid = $s->{pid}", $event);
}

# ---- stopped in every phase ----------------------------------------------------

my %phase = (
	reading => [ "SELECT count(*) FROM cluster_images('slow', options => '{\"id_column\": \"id\"}');", sub { waits($_[0], 'PgSleep') } ],
	training => [ "SELECT count(*) FROM cluster_images('photos', options => '{$recipe, \"epochs\": 100000}');",
		sub { $_[0]{harness}->pump until $_[0]{err} =~ /epoch +2\// } ],
	'training, committing' => [ "CALL train_encoder('stopped', 'photos', '{$recipe, \"epochs\": 100000}');",
		sub { $_[0]{harness}->pump until $_[0]{err} =~ /epoch +2\// } ],
	embedding => [ "CREATE TEMP TABLE many AS SELECT row_number() OVER () AS id, image FROM photos, generate_series(1, 100);\n" .
		"SELECT count(*) FROM cluster_images('many', options => '{\"preset\": \"lightly\", \"id_column\": \"id\", \"input_size\": 512, \"epochs\": 0, \"batch_size\": 2}');",
		sub { waits($_[0], 'Extension'); sleep 2 } ],
	importing => [ "DO 'DECLARE file bytea := (SELECT f FROM file); BEGIN FOR i IN 1 .. 100000 LOOP PERFORM import_encoder(format(''m%s'', i), file); END LOOP; END';",
		sub { waits($_[0], 'Extension') } ],
	clustering => [ "SELECT count(*) FROM cluster_images('photos', options => '{\"input_size\": 16, \"epochs\": 0, \"n_init\": 10000, \"max_k\": 90}');",
		sub { waits($_[0], 'Extension'); sleep 1.5 } ],
);

# Weights are read on the pool, so that whoever imports them answers.
$node->safe_psql('postgres', "CALL train_encoder('file', 'photos', '$quick'); CREATE TABLE file AS SELECT export_encoder('file') AS f; SELECT drop_model('file')");

for my $name (sort keys %phase)
{
	my ($sql, $reached) = @{ $phase{$name} };

	for my $how ('pg_cancel_backend', 'pg_terminate_backend')
	{
		my $s = background("$sql\nSELECT count(*) FROM cluster_images('photos', 2, options => '$quick');");

		$reached->($s);
		my $began = $node->safe_psql('postgres', "SELECT query_start FROM pg_stat_activity WHERE pid = $s->{pid}");
		my $t0 = time;
		$node->safe_psql('postgres', "SELECT $how($s->{pid})");
		wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $s->{pid} AND state = 'active' AND query_start = '$began')",
			'the end of the statement');
		my $seconds = time - $t0;
		note sprintf('%s, %s: %.3f s', $name, $how, $seconds);
		$s->{harness}->finish;
		if ($how eq 'pg_cancel_backend')
		{
			like($s->{err}, qr/57014/, "$name: cancelled");
			like($s->{out}, qr/^96\nalive/m, "$name: and the session goes on");
		}
		else
		{
			like($s->{err}, qr/57P01/, "$name: terminated");
		}
		cmp_ok($seconds, '<', 2, "$name: $how answers soon") if $ENV{SELFCLASS_SOAK};
		$node->safe_psql('postgres', "SELECT drop_model('stopped')") if $name eq 'training, committing';
	}
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM selfclass_model'), '0', 'nothing was left behind');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', 'no lock either');

# ---- resume ----------------------------------------------------------------------

sub weights
{
	my ($model) = @_;
	return $node->safe_psql('postgres',
		"SELECT state, epochs_done, weights_bytes, weights_crc, loss FROM selfclass_model WHERE name = '$model'");
}

my $epochs = sub { "SELECT count(*) >= $_[1] FROM selfclass_training_log JOIN selfclass_model USING (model_id) WHERE name = '$_[0]'" };
my ($rc, $out, $err);

# What a step depends on, beside the recipe and its number, would show here.
for (['f32'], ['bf16'], ['f32_more', '"batch_pieces": 2, "hog_weight": 5, "neighbor_prob": 0.7, "neighbor_start": 0.2'],
	['f32_labels', '"train_sample": 96, "self_label_start": 0'])
{
	my ($precision, $more) = @$_;
	my $values = join ', ', $recipe, '"epochs": 16', '"precision": "' . $precision =~ s{_.*}{}r . '"', $more // ();
	my $long = "{$values}";

	($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET client_min_messages = debug1; CALL train_encoder('whole_$precision', 'photos', '$long')");
	if ($precision eq 'bf16' && $err =~ /0A000: .* no bf16 arithmetic/)
	{
		note 'not tried: bf16, which this CPU or this build does not have';
		next;
	}
	note "tried: $precision";
	is($rc, 0, "$precision: an uninterrupted training") or diag($err);
	my @lines = $err =~ /^psql:<stdin>:2: NOTICE:  00000: epoch +\d+\/16 \[[#-]{20}\] loss \d+\.\d{4}, \d+ images\/s, \d+:\d\d left$/mg;
	is(scalar(@lines), 16, "$precision: a line for every epoch") or diag($err);
	my @sure = $err =~ /self-labelling: \d+ groups of stability [\d.]+, (\d+) images are sure/g;
	is(scalar(@sure), $precision =~ /labels/ ? 16 : 0, "$precision: images are labelled where that is asked for");
	cmp_ok(scalar(grep { $_ > 0 } @sure), '>', 0, "$precision: and some surely") if @sure;
	like($lines[3], qr/epoch   4\/16 \[#{5}-{15}\] /, "$precision: with a bar");
	like($lines[15], qr/epoch  16\/16 \[#{20}\] .* 0:00 left/, "$precision: to the end");

	$node->safe_psql('postgres', "SET selfclass.threads = 1; CALL train_encoder('one_thread_$precision', 'backwards', '$long')");
	is(weights("one_thread_$precision"), weights("whole_$precision"), "$precision: one thread and another order of rows: the same bits");

	for my $signal ('KILL', defined $more ? () : ('cancel', 'cancel before a checkpoint'))
	{
		my $model = "broken_${precision}_" . length $signal;
		my $interval = $signal =~ /before/ ? '1 hour' : '1 second';
		my $s = background(qq{CALL train_encoder('$model', 'photos', '{$values, "checkpoint_interval": "$interval"}');});

		wait_for($signal =~ /before/ ? $epochs->($model, 2) :
			"SELECT count(*) = 1 FROM selfclass_model WHERE name = '$model' AND epochs_done > 0", 'the time to stop');
		if ($signal eq 'KILL')
		{
			kill KILL => $s->{pid};
			$s->{harness}->finish;
			wait_for("SELECT 't'", 'the restart', 1);
			$kills++;
		}
		else
		{
			$node->safe_psql('postgres', "SELECT pg_cancel_backend($s->{pid})");
			$s->{harness}->finish;
		}
		my $told = $s->{err} =~ /NOTICE:  00000: a checkpoint of \d+ MB every 1 s is up to \d+ GB of WAL an hour/;
		is(!!$told, $interval eq '1 second', "$precision, $signal: what checkpoints cost is told where they are many");
		is($node->safe_psql('postgres', qq{SELECT state, epochs_done BETWEEN 1 AND 15 FROM selfclass_model WHERE name = '$model'}),
			$signal =~ /before/ ? 'training|f' : 'training|t', "$precision, $signal: the model waits");
		($rc, $out, $err) = $node->psql('postgres', "SELECT embed_image(image, '$model') FROM photos LIMIT 1");
		like($err, qr/is not ready.*CALL resume_encoder\('$model'\)/s, "$precision, $signal: and cannot be used");
		($rc, $out, $err) = $node->psql('postgres', "SELECT * FROM cluster_images('photos', model => '$model')");
		like($err, qr/CALL resume_encoder\('$model'\)/, "$precision, $signal: nor is it trained by another call");
		($rc, $out, $err) = $node->psql('postgres', "CALL train_encoder('$model', 'photos')");
		like($err, qr/CALL resume_encoder\('$model'\)/, "$precision, $signal: which says how to go on");
		$node->safe_psql('postgres', "CALL resume_encoder('$model')");
		is(weights($model), weights("whole_$precision"), "$precision, $signal: resumed to the same bits");
		is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT epoch) FROM selfclass_training_log JOIN selfclass_model USING (model_id) WHERE name = '$model'"),
			'16|16', "$precision, $signal: one row of the log for every epoch");
	}
}

# The source may be gone.
{
	$node->safe_psql('postgres', 'CREATE TABLE gone AS SELECT * FROM photos; ALTER TABLE gone ADD PRIMARY KEY (id)');
	my $s = background(qq{CALL train_encoder('orphan', 'gone', '{$recipe, "epochs": 100000, "checkpoint_interval": "1 ms"}');});
	wait_for($epochs->('orphan', 2), 'two epochs');

	# While it trains: the table is free, no snapshot is held, the name is not.
	wait_for("SELECT backend_xmin IS NULL AND wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $s->{pid}", 'no snapshot');
	ok(1, 'a training holds no snapshot');
	for my $call ("CALL train_encoder('orphan', 'photos')", "CALL resume_encoder('orphan')",
		"SELECT * FROM cluster_images('photos', model => 'orphan')", "CALL cluster_images_into('photos', 'labels', model => 'orphan')",
		"SELECT embed_image(image, 'orphan') FROM photos", "SELECT drop_model('orphan')")
	{
		($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$call");
		like($err, qr/55006: model "orphan" is being trained/, "55006: $call");
	}
	$node->safe_psql('postgres', 'DROP TABLE gone');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($s->{pid})");
	$s->{harness}->finish;
	like($s->{err}, qr/57014/, 'and the table can be dropped meanwhile');
	($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nCALL resume_encoder('orphan')");
	like($err, qr/42P01/, 'a training whose table is gone is not resumed');
	$node->safe_psql('postgres', "SELECT drop_model('orphan')");
}

# An error or a cancel of cluster_images_into leaves no table.
{
	my $s = background(qq{CALL cluster_images_into('photos', 'labels', 3, options => '{$recipe, "epochs": 100000}');});
	$s->{harness}->pump until $s->{err} =~ /epoch +2\//;
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($s->{pid})");
	$s->{harness}->finish;
	is($node->safe_psql('postgres', "SELECT to_regclass('labels') IS NULL"), 't', 'a cancelled call leaves no table');
}

# ---- memory --------------------------------------------------------------------

# What a backend takes beyond what it held after a small training is what the plan said.
{
	my $size = sub { return "SELECT 'size', (regexp_match(pg_read_file('/proc/self/status'), '$_[0]:\\s*(\\d+) kB'))[1]::int / 1024" };
	my $options = '"preset": "lightly", "input_size": 64, "batch_size": 48, "epochs": 1';
	my ($out, $err);

	$node->psql('postgres', join(";\n", qq{CALL train_encoder('small', 'photos', '$quick')}, $size->('VmRSS'), 'SET client_min_messages = debug1',
		qq{CALL train_encoder('planned', 'photos', '{$options}')}, $size->('VmHWM')), stdout => \$out, stderr => \$err);
	my ($before, $peak) = $out =~ /size\|(\d+)/g;
	my ($planned) = $err =~ /memory of this training: (\d+) MB/;

	cmp_ok(abs($peak - $before - $planned), '<', 0.15 * $planned, 'the memory of a training is what was planned');
	($out, $err) = ('', '');
	$node->psql('postgres', "SET selfclass.max_memory = " . int($planned * 0.5) . "; CALL train_encoder('refused', 'photos', '{$options}')",
		stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/54000: not enough memory for this training.*It needs \d+ MB/s, 'a limit far below it says what is needed');
}

# ---- dump and restore ---------------------------------------------------------------

$node->safe_psql('postgres', "CALL cluster_images_into('photos', 'labels', 3, 'whole_f32')");
is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE assign_cluster_image(image, 'whole_f32') = label) FROM photos JOIN labels USING (id)"),
	'96', 'every image has the label of its cluster');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $dump ], 'restore');
is($node->safe_psql('copy', "SET search_path = public, s; SELECT count(*) FILTER (WHERE assign_cluster_image(image, 'whole_f32') = label) FROM photos JOIN labels USING (id)"),
	'96', 'the restored model gives the same labels');
is($node->safe_psql('copy', "SET search_path = public, s; SELECT count(*) FILTER (WHERE assign_cluster(embedding, 'whole_f32') = label) FROM labels"),
	'96', 'from embeddings too');
is($node->safe_psql('copy', "SET search_path = public, s; CALL train_encoder('new', 'photos', '$quick'); SELECT state FROM selfclass_model WHERE name = 'new'"),
	'ready', 'and another one can be trained there');

my $log = slurp_file($node->logfile);
my @killed = $log =~ /was terminated by signal (\d+)/g;
is_deeply(\@killed, [ (9) x $kills ], 'no backend was killed by a signal but by us');
unlike($log, qr/TRAP|PANIC|XX000/, 'no assertion, no panic');

done_testing();
