# DROP EXTENSION while a training saves: one of the two waits for the other.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(run start timer);
use Time::HiRes qw(sleep);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('drop');
$node->init;
$node->start;
$node->safe_psql('postgres', slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql('postgres', q{
	CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 32) i;
	CREATE FUNCTION linger() RETURNS bool LANGUAGE plpgsql AS $$
	BEGIN
		WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock') LOOP
			PERFORM pg_sleep(0.3);
		END LOOP;
		RETURN true;
	END$$;
	CREATE VIEW slow AS SELECT id, image FROM photos WHERE linger()});

my $recipe = '"preset": "lightly", "input_size": 16, "batch_size": 16, "train_sample": 32, "precision": "f32"';

# A training in the background.
sub trainer
{
	my ($relation, $options) = @_;
	my %s = (in => "\\echo begins\nCALL train_encoder('m', '$relation', '{$recipe, $options}');\nSELECT 'alive';\n", out => '', err => '');

	$s{harness} = start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres') ],
		'<', \$s{in}, '>', \$s{out}, '2>', \$s{err}, timer($PostgreSQL::Test::Utils::timeout_default));
	$s{harness}->pump until $s{out} =~ /begins/;
	return \%s;
}

# Drop the extension, now, and see how the training ends.
sub drop
{
	my ($s, $what) = @_;
	my ($rc, undef, $said) = $node->psql('postgres', "\\set VERBOSITY verbose\nDROP EXTENSION selfclass");

	is($rc, 0, "$what: the extension is dropped") or diag($said);
	$s->{harness}->finish;
	unlike($said . $s->{err}, qr/40P01/, "$what: nobody waited for whom it kept waiting");
	my @errors = $s->{err} =~ /ERROR: +(.*)/g;
	is_deeply(\@errors, ['42704: extension "selfclass" does not exist'], "$what: how the training ends");
	like($s->{out}, qr/^alive$/m, "$what: and the session goes on");
	$node->safe_psql('postgres', 'DROP EXTENSION IF EXISTS selfclass CASCADE');
}

for my $try (1 .. 10)
{
	$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
	my $s = trainer('photos', '"epochs": 3000, "checkpoint_interval": "1 ms"');
	$s->{harness}->pump until $s->{err} =~ /epoch +[1-9]\//;
	sleep(0.013 * $try);
	drop($s, "try $try");
}

# One that has looked for its model, and reads its pictures until somebody waits to drop the tables; then it makes
# the model, which takes the sequence of the numbers of models too. DROP EXTENSION locks that first.
$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
my $s = trainer('slow', '"epochs": 3000, "id_column": "id"');
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'") or die 'no training';
drop($s, 'between two tables');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'object')"), '0', 'no lock is left');

# A session knows an extension that was created again as another one.
$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
my $train = "CALL train_encoder('m', 'photos', '{$recipe, \"epochs\": 0}');";
my ($rc, $out, $err) = $node->psql('postgres', "$train DROP EXTENSION selfclass; CREATE EXTENSION selfclass; $train" . q{
	BEGIN;
	SELECT drop_model('m');
	SELECT count(*) FROM pg_locks l JOIN pg_extension e ON l.classid = 'pg_extension'::regclass AND l.objid = e.oid
		AND l.objsubid = 0 AND l.mode = 'AccessShareLock' WHERE extname = 'selfclass' AND pid = pg_backend_pid();
	COMMIT}, on_error_stop => 1);
is($rc, 0, 'dropped and created within a session') or diag($err);
like($out, qr/^1$/m, 'its changes hold a lock on the extension');

$node->stop;
done_testing();
