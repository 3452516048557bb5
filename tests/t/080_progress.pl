# selfclass_progress: what other sessions see of a command, whose rows are whose,
# and that no end of a command leaves one behind.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(start timer);
use Time::HiRes qw(usleep);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('progress');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_wal_size = '2GB'\nrestart_after_crash = on\nmax_connections = 200");
$node->start;

my $db = 'postgres';
$node->safe_psql($db, 'CREATE EXTENSION selfclass');
$node->safe_psql($db, slurp_file("tests/fixtures/$_")) for 'gray_jpeg.sql', 'encoder_file.sql';

# A statement waits, for as long as a session holds the lock, where it calls hold().
$node->safe_psql($db, q{
	CREATE FUNCTION hold() RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_advisory_lock_shared(1);
		PERFORM pg_advisory_unlock_shared(1);
		RETURN true;
	END $$;
	CREATE FUNCTION hold_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM hold(); RETURN NEW; END';
	CREATE FUNCTION hold_command() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM hold(); END';
	CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 96) i;
	-- Waits before the second batch of the reader.
	CREATE VIEW held AS SELECT id, image FROM photos WHERE id <= 64 OR hold();
	CREATE TABLE vectors AS SELECT i AS id, ARRAY[i % 7, i % 11, i % 13]::embedding AS e FROM generate_series(1, 3000) i;
	ALTER TABLE vectors ADD PRIMARY KEY (id);
	-- Waits where it is read for the fourth time: kmeans_train counts, takes a sample, and then goes over all rows.
	CREATE SEQUENCE scans;
	CREATE VIEW scanned AS SELECT id, e FROM vectors WHERE id > 1 OR nextval('scans') < 4 OR hold();
	SELECT import_encoder('net', encoder_file(1), '{"input_size": 32}')});
my $hold_epochs = q{CREATE TRIGGER hold BEFORE INSERT ON selfclass_training_log FOR EACH ROW EXECUTE FUNCTION hold_row()};
$node->safe_psql($db, $hold_epochs);

# A session in the background, which runs $sql; its pid is known when this returns.
sub background
{
	my ($sql, $dbname) = @_;
	my %s = (in => "SELECT 'pid', pg_backend_pid();\n\\echo begins\n$sql\n\\echo done\n", out => '', err => '');

	$s{harness} = start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr($dbname // $db) ],
		'<', \$s{in}, '>', \$s{out}, '2>', \$s{err}, timer($PostgreSQL::Test::Utils::timeout_default));
	$s{harness}->pump until $s{out} =~ /pid\|(\d+)\nbegins/;
	($s{pid}) = $s{out} =~ /pid\|(\d+)/;
	return \%s;
}

sub done
{
	my ($s) = @_;
	$s->{harness}->pump until $s->{out} =~ /^done$/m;
}

sub finish
{
	my ($s) = @_;
	$s->{in} .= "\\q\n";
	$s->{harness}->finish;
	return $s->{err};
}

# Whoever calls hold() waits for the lock that this session has.
my $holder = background('SELECT pg_advisory_lock(1);');
done($holder);

sub release
{
	$holder->{out} =~ s/^done$//m;
	$holder->{in} .= "SELECT pg_advisory_unlock(1);\n\\echo done\n";
	done($holder);
}

sub hold_again
{
	$holder->{out} =~ s/^done$//m;
	$holder->{in} .= "SELECT pg_advisory_lock(1);\n\\echo done\n";
	done($holder);
}

my $nobody = 'SELECT count(*) = 0 FROM selfclass_progress';

# Until the backend of $s waits in hold().
sub wait_held
{
	my ($s) = @_;
	$node->poll_query_until($db, "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $s->{pid}")
		or die "it does not wait: $s->{err}";
}

my $row = q{SELECT pid, datname, relid::regclass, command, model, phase, epochs_total, epochs_done, images_total, images_done,
	loss > 0, images_per_second > 0, remaining >= interval '0' FROM selfclass_progress};
my $learn = '"input_size": 16, "batch_size": 32, "train_sample": 64, "cluster_method": "kmeans"';

# ---- each command ------------------------------------------------------------------

is($node->safe_psql($db, $nobody), 't', 'nothing to see');

my $s = background("CALL train_encoder('trained', 'photos', '{$learn, \"epochs\": 3}');");
wait_held($s);
is($node->safe_psql($db, $row), "$s->{pid}|postgres|photos|train_encoder|trained|training|3|1|64|0|t|t|t", 'train_encoder');
is($node->safe_psql($db, q{SELECT count(*) FROM selfclass_progress_rows() p JOIN pg_stat_activity a USING (pid, datid, backend_start)}),
	1, 'of the backend that pg_stat_activity knows');
$node->safe_psql($db, "SELECT pg_terminate_backend($s->{pid})");
$s->{harness}->finish;
$node->poll_query_until($db, $nobody) or die 'a slot is left';
pass('terminated, it leaves nothing');

$s = background("CALL resume_encoder('trained');");
wait_held($s);
is($node->safe_psql($db, $row), "$s->{pid}|postgres|photos|resume_encoder|trained|training|3|1|64|0|t|t|t", 'resume_encoder');
release();
done($s);
is(finish($s) =~ /ERROR/, '', 'goes on');
is($node->safe_psql($db, $nobody), 't', 'and leaves nothing');
hold_again();

# One single statement, and an error at its end.
$s = background("SELECT count(*) FROM cluster_images('photos', 3, 'one', '{$learn, \"epochs\": 2}');");
wait_held($s);
is($node->safe_psql($db, $row), "$s->{pid}|postgres|photos|cluster_images|one|training|2|1|64|0|t|t|t", 'cluster_images');
$node->safe_psql($db, "SELECT pg_cancel_backend($s->{pid})");
done($s);
like($s->{err}, qr/57014/, 'cancelled');
is($node->safe_psql($db, $nobody), 't', 'an error leaves nothing');
finish($s);

# What nothing can hold: its phases are waited for.
for my $what ([ 'clustering', "SELECT count(*) FROM cluster_images('photos', options => '{\"input_size\": 16, \"epochs\": 0, \"n_init\": 10000, \"max_k\": 90, \"elbow_method\": \"kneedle\"}');" ],
	[ 'embedding', "DO 'BEGIN LOOP PERFORM cluster_images(''photos'', 3, ''trained''); END LOOP; END';" ])
{
	my ($phase, $sql) = @$what;
	release() if $phase eq 'embedding';
	$s = background($sql);
	$node->poll_query_until($db, "SELECT count(*) = 1 FROM selfclass_progress WHERE phase = '$phase' AND images_total = 96")
		or die "never in phase $phase: $s->{err}";
	$node->safe_psql($db, "SELECT pg_cancel_backend($s->{pid})");
	done($s);
	is($node->safe_psql($db, $nobody), 't', "cluster_images, $phase");
	finish($s);
	hold_again() if $phase eq 'embedding';
}

$s = background("SELECT count(*) FROM cluster_images('held', options => '{$learn, \"epochs\": 0, \"id_column\": \"id\"}');");
wait_held($s);
is($node->safe_psql($db, $row), "$s->{pid}|postgres|held|cluster_images||reading||||64||t|", 'reading a view, whose rows nobody counts');
release();
done($s);
is(finish($s) =~ /ERROR/, '', 'goes on');
hold_again();

$node->safe_psql($db, q{CREATE EVENT TRIGGER hold ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION hold_command()});
$s = background("CALL cluster_images_into('photos', 'labels', 3, 'trained');");
wait_held($s);
is($node->safe_psql($db, $row), "$s->{pid}|postgres|photos|cluster_images_into|trained|writing|||96||||", 'cluster_images_into');
release();
done($s);
is(finish($s) =~ /ERROR/, '', 'goes on');
$node->safe_psql($db, 'DROP EVENT TRIGGER hold');
hold_again();

$s = background("SELECT count(*) FROM embed_images('held', NULL::int, 'net', '{\"id_column\": \"id\"}');");
wait_held($s);
is($node->safe_psql($db, $row), "$s->{pid}|postgres|held|embed_images|net|embedding||||64||t|", 'embed_images');
# Another one within a command is not another row.
$node->safe_psql($db, q{CREATE VIEW nested AS SELECT id, e FROM vectors
	WHERE (SELECT count(*) FROM embed_images('held', NULL::int, 'net', '{"id_column": "id"}')) > 0});
my $outer = background("SELECT count(*) FROM kmeans_train('nested', 'e', 2);");
wait_held($outer);
is($node->safe_psql($db, "$row WHERE pid = $outer->{pid}"), "$outer->{pid}|postgres|nested|kmeans_train|||||||||", 'a command within a command');
release();
done($_) for $s, $outer;
is(finish($_) =~ /ERROR/, '', 'goes on') for $s, $outer;
is($node->safe_psql($db, $nobody), 't', 'and leaves nothing');

$s = background("DO 'BEGIN LOOP PERFORM embed_images(''photos'', ''net''); END LOOP; END';");
$node->poll_query_until($db, q{SELECT count(*) = 1 FROM selfclass_progress
	WHERE command = 'embed_images' AND images_total = 96 AND images_done = 64 AND remaining IS NOT NULL}) or die 'never embeds';
pass('embed_images of a table, whose rows are counted');
$node->safe_psql($db, "SELECT pg_cancel_backend($s->{pid})");
done($s);
finish($s);
hold_again();

$s = background("SELECT kmeans_iterations(kmeans_train('scanned', 'e', 5, '{\"max_iter\": 50, \"tol\": 0, \"sample\": 1000}'));");
wait_held($s);
like($node->safe_psql($db, $row), qr/^$s->{pid}\|postgres\|scanned\|kmeans_train\|\|iterating\|50\|[12]\|3000\|\|t\|t\|$/, 'kmeans_train, of whose iterations nobody knows how many are left');

# ---- who sees what -------------------------------------------------------------------

$node->safe_psql($db, q{CREATE ROLE other LOGIN; CREATE ROLE stats LOGIN; GRANT pg_read_all_stats TO stats; CREATE ROLE owner LOGIN});
is($node->safe_psql($db, "SET ROLE other; SELECT * FROM selfclass_progress"),
	"$s->{pid}|" . $node->safe_psql($db, 'SELECT oid FROM pg_database WHERE datname = current_database()') . '|postgres' . '|' x 11,
	'another role sees that there is one');
is($node->safe_psql($db, "SET ROLE stats; SELECT command, images_total FROM selfclass_progress"), 'kmeans_train|3000', 'one with pg_read_all_stats all of it');

# Other databases: the rows are the server's, a name may be none in the other encoding.
$node->safe_psql($db, "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('latin', 'CREATE SCHEMA s; CREATE EXTENSION selfclass SCHEMA s');
is($node->safe_psql('latin', 'SELECT datname, command FROM s.selfclass_progress'), 'postgres|kmeans_train', 'another database');
$node->safe_psql('latin', 'DROP EXTENSION selfclass; CREATE EXTENSION selfclass SCHEMA s');
is($node->safe_psql('latin', 'SELECT datname, command FROM s.selfclass_progress'), 'postgres|kmeans_train', 'made anew');
release();
done($s);
is(finish($s) =~ /ERROR/, '', 'goes on');
hold_again();

$node->safe_psql($db, "SELECT import_encoder(E'n\\u00e9t', encoder_file(1), '{\"input_size\": 32}')");
my $long = 'x' . "\x{c3}\x{a9}" x 31;
$node->safe_psql($db, "SELECT import_encoder('$long', encoder_file(1), '{\"input_size\": 32}')");
for my $name ("n\x{c3}\x{a9}t", $long)
{
	$s = background("SELECT count(*) FROM embed_images('held', NULL::int, '$name', '{\"id_column\": \"id\"}');");
	wait_held($s);
	is($node->safe_psql($db, "SELECT model = '$name' FROM selfclass_progress"), 't', 'a name that is not ASCII');
	is($node->safe_psql('latin', 'SELECT command, model FROM s.selfclass_progress'), 'embed_images|', 'which the other database cannot read');
	$node->safe_psql($db, "SELECT pg_cancel_backend($s->{pid})");
	done($s);
	finish($s);
}

# ---- many ----------------------------------------------------------------------------

# pgbench: so many sessions, one statement each.
sub crowd
{
	my ($sessions, $sql) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/script';
	my %s = (out => '', err => '');

	append_to_file($file, "$sql\n");
	$s{harness} = start([ 'pgbench', '-n', '-c', $sessions, '-t', 1, '-f', $file, $node->connstr($db) . ' application_name=crowd' ],
		'<', \undef, '>', \$s{out}, '2>', \$s{err}, timer($PostgreSQL::Test::Utils::timeout_default));
	return \%s;
}

$node->safe_psql($db, 'CREATE VIEW waiting AS SELECT id, e FROM vectors WHERE id <= 100 AND (id > 1 OR hold())');
for my $sessions (100, 140)
{
	my $c = crowd($sessions, q{SELECT kmeans_train('waiting', 'e', 3, '{"max_iter": 20}');});
	$node->poll_query_until($db, "SELECT count(*) = $sessions FROM pg_stat_activity WHERE application_name = 'crowd' AND wait_event = 'advisory'")
		or die "they never wait: $c->{err}";
	my $rows = $sessions < 128 ? $sessions : 128;
	is($node->safe_psql($db, q{SELECT count(*), count(DISTINCT pid), min(command) FROM selfclass_progress_rows() p
		JOIN pg_stat_activity a USING (pid, backend_start) WHERE a.application_name = 'crowd'}), "$rows|$rows|kmeans_train", "$sessions at once");
	release();
	# Read while they write.
	my $odd = 0;
	while ($c->{harness}->pumpable)
	{
		$odd += $node->safe_psql($db, q{SELECT count(*) FROM selfclass_progress WHERE command <> 'kmeans_train'
			OR relid <> 'waiting'::regclass OR (phase IS NOT NULL AND images_total <> 100) OR epochs_done > epochs_total});
		$c->{harness}->pump_nb;
	}
	$c->{harness}->finish;
	like($c->{out}, qr/transactions actually processed: $sessions\/$sessions\b/, 'all of them end, seen or not');
	is($odd, 0, 'nothing odd was seen');
	is($node->safe_psql($db, $nobody), 't', 'and leave nothing');
	hold_again();
}

# Rows are never half written: here a phase is the number of its images.
$node->safe_psql($db, q{CREATE FUNCTION test_progress(n int) RETURNS void AS '$libdir/selfclass', 'scpg_test_progress' LANGUAGE C STRICT});
$s = background('SELECT test_progress(2000000000);');
$node->poll_query_until($db, q{SELECT count(*) = 1 FROM selfclass_progress WHERE command = 'test' AND images_total > 0}) or die 'no rows are written';
$node->safe_psql($db, q{
	CREATE FUNCTION look(n int, OUT seen bigint, OUT odd bigint, OUT most bigint) LANGUAGE plpgsql AS $$
	DECLARE p record;
	BEGIN
		seen := 0;
		odd := 0;
		FOR i IN 1 .. n LOOP
			SELECT phase, images_total INTO p FROM selfclass_progress_rows();
			seen := seen + (p.images_total IS DISTINCT FROM most)::int;
			odd := odd + (p.phase::bigint IS DISTINCT FROM p.images_total)::int;
			most := greatest(most, p.images_total);
		END LOOP;
	END $$});
like($node->safe_psql($db, 'SELECT seen > 1, odd FROM look(50000)'), qr/^t\|0$/, 'whole rows');
$node->safe_psql($db, "SELECT pg_cancel_backend($s->{pid})");
done($s);
finish($s);

# ---- the end of a server ---------------------------------------------------------------

$s = background("CALL train_encoder('killed', 'photos', '{$learn, \"epochs\": 3}');");
wait_held($s);
is($node->safe_psql($db, 'SELECT count(*) FROM selfclass_progress'), 1, 'before kill -9');
kill 9, $s->{pid};
$s->{harness}->finish;
$holder->{harness}->finish;
$node->poll_query_until($db, $nobody) or die 'a slot is left';
pass('after it');
is($node->safe_psql($db, q{SELECT count(*) FROM embed_images('photos', 'net')}), 96, 'and work goes on');
$node->stop;
my $log = slurp_file($node->logfile);
is(() = $log =~ /was terminated by signal 9/g, 1, 'one kill');
unlike($log, qr/terminated by signal (?!9)|TRAP:|PANIC: |WARNING: .*leak/, 'no crash, nothing leaked');
done_testing();
