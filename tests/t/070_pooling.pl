# Behind PgBouncer in transaction mode: clients take turns at the same backends,
# which keep what one of them trained, cached or broke off.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(start timer);
use Time::HiRes qw(usleep);
use Test::More;

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'no pgbouncer here' if !defined $pgbouncer;

my $node = PostgreSQL::Test::Cluster->new('pooled');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_wal_size = '2GB'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
$node->safe_psql('postgres', slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql('postgres', q{
	CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 48) i});

# ---- a pool of one backend, then of two --------------------------------------------

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $dir = $node->basedir;
my $host = $node->host;
my ($user) = split /\n/, $node->safe_psql('postgres', 'SELECT current_user');

my @client = ('-XAtq', '-h', $host, '-p', $port, '-U', $user, '-d', 'postgres');

# One statement of one client: what it prints, errors too.
sub ask
{
	my ($sql) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', @client, '-c', $sql ], '<', \undef, '>', \$out, '2>', \$err,
		timer($PostgreSQL::Test::Utils::timeout_default));
	chomp(my $said = $out . $err);
	return $said;
}

sub start_pool
{
	my ($size) = @_;
	my ($out, $err) = ('', '');
	my $pool;

	open(my $ini, '>', "$dir/pgbouncer.ini") or die;
	# auth_type any logs everybody in as the user of the database.
	print $ini "[databases]\npostgres = host=$host port=" . $node->port . " user=$user\n" .
		"[pgbouncer]\nlisten_port = $port\nunix_socket_dir = $host\nauth_type = any\nauth_file =\n" .
		"pool_mode = transaction\ndefault_pool_size = $size\n" .
		"ignore_startup_parameters = extra_float_digits,options\nlogfile = $dir/pgbouncer.log\n";
	close $ini;
	$pool = start([ $pgbouncer, '-q', "$dir/pgbouncer.ini" ], '<', \undef, '>', \$out, '2>', \$err);
	for (1 .. 100)
	{
		last if ask('SELECT 1') eq '1';
		usleep(100_000);
	}
	return $pool;
}

my $pool = start_pool(1);
is(ask('SELECT 1'), '1', 'the pool answers') or diag(slurp_file("$dir/pgbouncer.log"));

my $recipe = '"preset": "lightly", "input_size": 16, "batch_size": 16';
my $net = 'SELECT md5(string_agg(embedding::text, $$,$$ ORDER BY id)) FROM embed_images($$photos$$, $$net$$)';
my $backend = ask('SELECT pg_backend_pid()');
is(ask("CALL train_encoder('net', 'photos', '{$recipe, \"epochs\": 2}')") =~ s/^NOTICE.*\n?//mgr, '', 'a client trains');
my $first = ask($net);
like($first, qr/^[0-9a-f]{32}$/, 'another uses what was trained');
is(ask('SELECT pg_backend_pid()'), $backend, 'all in one backend');
like(ask("SELECT label, count(*) FROM cluster_images('photos', 3, 'net') GROUP BY 1 ORDER BY 1"), qr/^0\|\d+\n1\|\d+\n2\|\d+$/, 'and groups');

# A client that goes away in the midst of a training: its backend is the next one's.
my ($out, $err) = ('', '');
my $trainer = start([ 'psql', @client, '-c', "CALL train_encoder('long', 'photos', '{$recipe, \"epochs\": 100000}')" ],
	'<', \undef, '>', \$out, '2>', \$err, timer($PostgreSQL::Test::Utils::timeout_default));
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM selfclass_training_log JOIN selfclass_model USING (model_id) WHERE name = 'long'");
$trainer->signal('INT');
$trainer->finish;
like($err, qr/canceling statement due to user request/, 'a client cancels its training through the pool');
is(ask($net), $first, 'the next one gets the same embeddings');
is(ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), '0', 'and no lock of the other');
like(ask("CALL train_encoder('long', 'photos', '{\"retrain\": true, $recipe, \"epochs\": 1}')"), qr/^(NOTICE.*\n?)*$/, 'nor its name');

$pool->kill_kill;
$pool = start_pool(2);

# Clients that take turns at two backends, with a model that is made anew meanwhile.
my %said;
for my $turn (1 .. 20)
{
	$node->safe_psql('postgres', "CALL train_encoder('net', 'photos', '{\"retrain\": true, $recipe, \"epochs\": 0, \"seed\": 7}')") if $turn == 11;
	$said{ $turn > 10 ? 'after' : 'before' }{ ask($net) }++;
}
is_deeply($said{before}, { $first => 10 }, 'every backend gives the same');
is(scalar(keys %{ $said{after} }), 1, 'and the new version, once there is one');
isnt((keys %{ $said{after} })[0], $first, 'which is another');
$pool->kill_kill;

unlike(slurp_file($node->logfile), qr/was terminated by signal|TRAP:|PANIC: |XX000|WARNING: .*leak/, 'no crash, nothing leaked');
done_testing();
