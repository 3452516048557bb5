# Encoders and embeddings in several sessions: a model that is made anew,
# dropped or seen through an old snapshot, a standby, a dump, cancels.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep time);
use Test::More;
use Session;

my $node = PostgreSQL::Test::Cluster->new('embed');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_wal_size = '2GB'");
$node->start;

my $db = 'postgres';
$node->safe_psql($db, 'CREATE EXTENSION selfclass');
$node->safe_psql($db, slurp_file("tests/fixtures/$_")) for 'gray_jpeg.sql', 'encoder_file.sql';
$node->safe_psql($db, q{
	CREATE TABLE pictures (id int PRIMARY KEY, image bytea);
	INSERT INTO pictures SELECT i, test_picture(i % 3, i) FROM generate_series(1, 40) i;
	CREATE TABLE files AS SELECT seed, encoder_file(seed) AS file FROM generate_series(1, 2) seed;
	CREATE FUNCTION new_version(seed int) RETURNS void LANGUAGE sql AS
		$$SELECT import_encoder('net', file, '{"input_size": 32, "retrain": true}') FROM files f WHERE f.seed = $1$$;
	SELECT new_version(1)});
my $one = q{SELECT md5(embed_image(image, 'net')::text) FROM pictures WHERE id = 1};
my $all = q{SELECT md5(string_agg(embedding::text, ',' ORDER BY id)) FROM embed_images('pictures', 'net')};

# A session that stays.
my $session = Session->new($node, timeout => $PostgreSQL::Test::Utils::timeout_default);
sub ask { return $session->ask(@_) }

my $first = ask($one);
like($first, qr/^[0-9a-f]{32}$/, 'an embedding');
is(ask($one), $first, 'the same again');
is($node->safe_psql($db, $one), $first, 'and in another session');

ask('PREPARE one AS ' . $one);
ask('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
is(ask('EXECUTE one'), $first, 'in a transaction');
$node->safe_psql($db, 'SELECT new_version(2)');
is(ask('EXECUTE one'), $first, 'a snapshot keeps seeing its own model');
ask('COMMIT');
my $second = ask('EXECUTE one');
isnt($second, $first, 'after it, the new version');
is($second, $node->safe_psql($db, $one), 'which is what others see');
is(ask(q{SELECT md5(embed_image(image, 'net@1')::text) FROM pictures WHERE id = 1}), $first, 'the old version by its number');

$node->safe_psql($db, q{SELECT drop_model('net@2')});
is(ask('EXECUTE one'), $first, 'the newest was dropped');
$node->safe_psql($db, q{SELECT drop_model('net')});
like(ask('EXECUTE one'), qr/^ERROR:  model "net" does not exist/, 'all were dropped');
$node->safe_psql($db, 'SELECT new_version(2)');
is(ask('EXECUTE one'), $second, 'made again under the same name and version');
$node->safe_psql($db, 'DROP EXTENSION selfclass CASCADE; CREATE EXTENSION selfclass; SELECT new_version(1)');
is(ask($one), $first, 'and in a new extension');

# A cache that gives way: two models and memory for one, in turns, and beside a table.
my $both = q{SELECT count(embed_image(image, 'net') <-> embed_image(image, 'other')) FROM pictures WHERE id <= 3};
$node->safe_psql($db, q{SELECT import_encoder('other', file, '{"input_size": 32}') FROM files WHERE seed = 2});
is(ask("SET selfclass.max_memory = '128MB'; $both"), 3, 'two models where memory is for one');
like(ask($all), qr/^[0-9a-f]{32}$/, 'and an encoder for a table');
is(ask($one), $first, 'which was not kept');
like(ask("SET selfclass.max_memory = '16MB'; $one"), qr/^ERROR:  not enough memory for the/, 'no memory at all');
like(ask($all), qr/^ERROR:  not enough memory for the/, 'nor for a table');
ask('RESET selfclass.max_memory');
is(ask($one), $first, 'until there is some');

# Cancelled in any phase, a session answers at once and goes on.
srand 2;
my $slowest = 0;
my $cancelled = 0;
for my $i (1 .. 20)
{
	my $sql = $i % 2 ? q{SELECT count(embed_image(image, 'net')) FROM pictures, generate_series(1, 100000)} :
		q{SELECT count(e.embedding) FROM generate_series(1, 100000) i, LATERAL (SELECT * FROM embed_images('pictures', NULL::int, 'net', format('{"on_error": "%s"}', CASE WHEN i > 0 THEN 'skip' END)::jsonb)) e};
	$session->give($sql);
	$session->wait_until($node, "state = 'active'");
	sleep rand 0.3;
	my $t0 = time;
	$node->safe_psql($db, "SELECT pg_cancel_backend($session->{pid})");
	my $said = $session->answer;
	$slowest = time - $t0 if time - $t0 > $slowest;
	$cancelled++ if $said =~ /canceling statement due to user request/;
	is(ask($one), $first, "after cancel $i") if $i % 5 == 0;
}
is($cancelled, 20, '20 cancels');
cmp_ok($slowest, '<', 1.5, 'each within a second') if $ENV{SELFCLASS_SOAK};

# A standby embeds as its primary does.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
is($standby->safe_psql($db, $all), $node->safe_psql($db, $all), 'a standby embeds');
$node->safe_psql($db, 'SELECT new_version(2)');
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
is($standby->safe_psql($db, $one), $second, 'with the newest version');
my ($ret, undef, $said) = $standby->psql($db, '\set VERBOSITY sqlstate
	SELECT new_version(1)');
like($said, qr/25006/, 'and imports nothing');
is($standby->safe_psql($db, q{SELECT count(DISTINCT label), count(confidence) FROM cluster_images('pictures', 3, 'net', '{"keep": false}')}),
	'3|40', 'it clusters what is not kept');
for my $call (q{cluster_images('pictures', 3, 'net')}, q{refresh_clusters('net')})
{
	($ret, undef, $said) = $standby->psql($db, "\\set VERBOSITY sqlstate\nSELECT * FROM $call");
	like($said, qr/25006/, "and nothing else: $call");
}
$standby->stop;

# A dump carries the model.
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-Z0', '-f', $dump, $node->connstr($db) ], 'a dump');
$node->safe_psql($db, 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('restored'), $dump ], 'a restore');
is($node->safe_psql('restored', $all), $node->safe_psql($db, $all), 'embeddings are the same to the bit');

# A file carries a model with its groups into another database, in the precision that training chose on this CPU.
$node->safe_psql($db, q{CALL cluster_images_into('pictures', 'labels', 3, 'grouped', '{"input_size": 16, "batch_size": 8, "epochs": 1}')});
my $file = PostgreSQL::Test::Utils::tempdir() . '/file';
$node->safe_psql($db, qq{COPY (SELECT encode(export_encoder('grouped', '{"clusters": true}'), 'hex')) TO '$file'});
$node->safe_psql('restored', qq{SELECT import_encoder('grouped', decode(pg_read_file('$file'), 'hex'))});
my $grouped = q{SELECT id, embed_image(image, 'grouped'), assign_cluster_image(image, 'grouped'),
	assign_cluster(embed_image(image, 'grouped'), 'grouped') FROM pictures ORDER BY id};
is($node->safe_psql('restored', $grouped), $node->safe_psql($db, $grouped), 'a file carries embeddings and labels to the bit');
my $recipe = q{SELECT recipe->'precision', recipe->'input_size' FROM selfclass_models WHERE name = 'grouped'};
is($node->safe_psql('restored', $recipe), $node->safe_psql($db, $recipe), 'and the precision');

$session->finish;
unlike(slurp_file($node->logfile), qr/was terminated by signal|TRAP:|PANIC: |WARNING: .*leak/, 'no crash, nothing leaked');
done_testing();
