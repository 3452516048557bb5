# Writes to a table while it is read, embedded and trained on: what is read is
# one consistent set of rows, plain writes never wait, and what changes the table
# itself waits for the reading and no longer.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Session;

my $node = PostgreSQL::Test::Cluster->new('writes');
$node->init;
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION selfclass; CREATE ROLE reader LOGIN; CREATE TABLE kept (what text)');
$node->safe_psql('postgres', slurp_file("tests/fixtures/$_")) for 'gray_jpeg.sql', 'encoder_file.sql';
# A reader who waits at row 20 for as long as the gate is closed: by a policy, which is no part of the table's columns.
$node->safe_psql('postgres', q{
	CREATE TABLE files AS SELECT encoder_file(1) AS file;
	SELECT import_encoder('net', file, '{"input_size": 32}') FROM files;
	SELECT grant_model('net', 'reader');
	CREATE FUNCTION passes(id int) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		IF id = 20 THEN PERFORM pg_advisory_xact_lock_shared(42); END IF;
		RETURN true;
	END $$;
	CREATE FUNCTION make_photos() RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		DROP TABLE IF EXISTS photos;
		CREATE TABLE photos (id int PRIMARY KEY, image bytea);
		INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 40) i;
		ALTER TABLE photos ENABLE ROW LEVEL SECURITY;
		CREATE POLICY gate ON photos TO reader USING (passes(id));
		GRANT SELECT ON photos TO reader;
	END $$;
	SELECT make_photos()});

my @options = (timeout => $PostgreSQL::Test::Utils::timeout_default);
my $gate = Session->new($node, @options);
my $reader = Session->new($node, @options, user => 'reader');
my $writer = Session->new($node, @options);
my $recipe = '"preset": "lightly", "input_size": 16, "batch_size": 8, "seed": 3';
my %read = (
	embed_images => q{SELECT count(*), md5(string_agg(embedding::text, ',' ORDER BY id)) FROM embed_images('photos', 'net')},
	cluster_images => qq{SELECT count(*), md5(string_agg(label || ' ' || distance, ',' ORDER BY id)) FROM cluster_images('photos', 3, options => '{"epochs": 1, $recipe}')},
);
my %write = (
	INSERT => q{INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(41, 60) i},
	UPDATE => q{UPDATE photos SET image = test_picture(2, 100 + id)},
	DELETE => q{DELETE FROM photos WHERE id % 2 = 0},
	TRUNCATE => q{TRUNCATE photos},
	'ALTER TYPE' => q{ALTER TABLE photos ALTER image TYPE text USING 'gone'},
	'DROP COLUMN' => q{ALTER TABLE photos DROP image},
	RENAME => q{ALTER TABLE photos RENAME TO others},
	DROP => q{DROP TABLE photos},
);
my %waits = map { $_ => 1 } 'TRUNCATE', 'ALTER TYPE', 'DROP COLUMN', 'RENAME', 'DROP';

sub restore
{
	$node->safe_psql('postgres', q{DROP TABLE IF EXISTS others; SELECT make_photos()});
}

# Reads, stops in the midst of it; the write; the rest of the reading. Returns what was read.
sub read_while
{
	my ($sql, $name) = @_;

	$gate->ask('SELECT pg_advisory_lock(42)');
	$reader->give($sql);
	$reader->wait_until($node, q{wait_event_type = 'Lock' AND wait_event = 'advisory'});
	$writer->give($write{$name});
	if ($waits{$name}) { $writer->wait_until($node, q{wait_event_type = 'Lock' AND wait_event = 'relation'}) }
	else { is($writer->answer, '', "$name does not wait for who reads") }
	$gate->ask('SELECT pg_advisory_unlock(42)');
	my $said = $reader->answer;
	is($writer->answer, '', "$name is done") if $waits{$name};
	return $said;
}

$reader->ask('SET client_min_messages = error');
for my $what ('embed_images', 'cluster_images')
{
	my $before = $reader->ask($read{$what});
	like($before, qr/^40\|[0-9a-f]{32}$/, $what);
	for my $name ($what eq 'embed_images' ? sort keys %write : ('UPDATE', 'TRUNCATE'))
	{
		is(read_while($read{$what}, $name), $before, "$what reads one set of rows, $name or not");
		restore();
	}
}

# A training reads, lets go, and computes: what came after its snapshot is no part of it, and the table is free.
$node->safe_psql('postgres', q{GRANT SELECT ON kept TO reader});
for my $name ('INSERT', 'TRUNCATE', 'ALTER TYPE', 'DROP')
{
	(my $model = lc "m_$name") =~ s/ /_/;
	is(read_while(qq{CALL train_encoder('$model', 'photos', '{"epochs": 2, "precision": "f32", $recipe}')}, $name), '', "a training, $name meanwhile");
	is($node->safe_psql('postgres', "SELECT state, images FROM selfclass_model WHERE name = '$model'"), 'ready|40', 'has the rows of before');
	restore();
}
is($node->safe_psql('postgres', q{SELECT count(DISTINCT weights_crc) FROM selfclass_model WHERE name LIKE 'm\_%'}), 1, 'and the same weights');

# In its epochs it holds neither a lock nor a snapshot: nothing waits.
$reader->give(qq{CALL train_encoder('long', 'photos', '{"epochs": 100000, $recipe}')});
$node->poll_query_until('postgres', q{SELECT epochs_done > 0 FROM selfclass_model WHERE name = 'long'}) or die 'no epoch';
for my $name ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'ALTER TYPE', 'DROP COLUMN', 'RENAME')
{
	is($writer->ask($write{$name}), '', "$name while it trains");
	is($node->safe_psql('postgres', "SELECT state FROM pg_stat_activity WHERE pid = $reader->{pid}"), 'active', 'which goes on');
	restore() if $waits{$name};
}
$node->poll_query_until('postgres', "SELECT backend_xmin IS NULL FROM pg_stat_activity WHERE pid = $reader->{pid}") or die 'a snapshot';
$node->safe_psql('postgres', "SELECT pg_cancel_backend($reader->{pid})");
like($reader->answer, qr/canceling statement due to user request/, 'until it is cancelled');

$_->finish for $gate, $reader, $writer;
unlike(slurp_file($node->logfile), qr/was terminated by signal|TRAP:|PANIC: |XX000|WARNING: .*leak/, 'no crash, nothing leaked');
done_testing();
