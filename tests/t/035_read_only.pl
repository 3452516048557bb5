# Who may only read: a role with SELECT and a grant, on the primary in a read-only
# transaction and on a standby. What writes nothing works there, with the same
# results; what writes is refused before any work.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(start timer);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_wal_size = '2GB'\nmax_standby_streaming_delay = 0\nhot_standby_feedback = off");
$node->start;

my $db = 'postgres';
my $learn = '"preset": "lightly", "input_size": 16, "batch_size": 8, "epochs": 1';
$node->safe_psql($db, 'CREATE EXTENSION selfclass');
$node->safe_psql($db, slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql($db, qq{
	CREATE ROLE owner LOGIN;
	CREATE ROLE reader LOGIN;
	ALTER ROLE reader SET default_transaction_read_only = on;
	GRANT CREATE ON SCHEMA public TO owner;
	SET ROLE owner;
	CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 24) i;
	INSERT INTO photos VALUES (25, 'no picture');
	CALL cluster_images_into('photos', 'labels', 3, 'net', '{$learn}');
	SELECT grant_model('net', 'reader');
	GRANT SELECT ON photos, labels TO reader});

my %works = (
	'cluster_images without a model' => "SELECT * FROM cluster_images('photos', k => 3, options => '{$learn}')",
	'embed_images' => q{SELECT id, md5(embedding::text) FROM embed_images('photos', 'net')},
	'embed_image' => q{SELECT id, md5(embed_image(image, 'net')::text) FROM photos WHERE id <= 3},
	'assign_cluster' => q{SELECT id, assign_cluster(embedding, 'net') FROM labels},
	'assign_cluster_image' => q{SELECT id, assign_cluster_image(image, 'net') FROM photos WHERE id <= 24},
	'export_encoder' => q{SELECT md5(export_encoder('net', '{"clusters": true}'))},
	'the report' => q{SELECT length(report_html('net')) > 1000},
	'a contact sheet' => q{SELECT md5(contact_sheet(image, 4, 32 ORDER BY id)) FROM photos WHERE id <= 8},
	'neighbours' => q{SELECT * FROM knn('labels', 'embedding', (SELECT embedding FROM labels WHERE id = 1), 3)},
	'near duplicates' => q{SELECT * FROM near_duplicates('labels', NULL::int, 'embedding', 0.5)},
	'k-means' => q{SELECT id, kmeans(embedding, 3) OVER () FROM labels WHERE embedding IS NOT NULL},
	'k-means of a table' => q{SELECT md5(kmeans_train('labels', 'embedding', 3)::text)},
	'components' => q{SELECT md5(pca_fit(embedding, 2)::text) FROM labels},
	'image_info' => q{SELECT id, (image_info(image)).* FROM photos},
	'the models' => q{SELECT name, version, state, current, k FROM selfclass_models},
	'the epochs' => q{SELECT model, epoch, loss FROM selfclass_epochs},
	'the groups' => q{SELECT * FROM selfclass_clusters},
	'the edits' => q{SELECT * FROM selfclass_cluster_edits},
	'the grants' => q{SELECT * FROM selfclass_model_grants},
	'the progress' => q{SELECT count(*) FROM selfclass_progress},
);

# What a statement gives to the reader, on a server: sorted rows, or its SQLSTATE.
sub reads
{
	my ($server, $sql) = @_;
	my ($rc, $out, $err) = $server->psql($db, "\\set VERBOSITY sqlstate\nSET client_min_messages = error;\n$sql;", extra_params => [ '-U', 'reader' ]);

	return $err =~ /ERROR:\s+(\w+)/ ? $1 : join "\n", sort split /\n/, $out;
}

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
for my $what (sort keys %works)
{
	my $here = reads($node, $works{$what});

	unlike($here, qr/^\w{5}$/, "$what, read-only") if $what !~ /edits|groups|duplicates|progress/;
	is(reads($standby, $works{$what}), $here, "$what, on a standby");
}

# As its own superuser: nothing of this is a matter of rights.
my %refused = (
	'cluster_images with a model' => "SELECT * FROM cluster_images('photos', 3, 'mine', '{$learn}')",
	'cluster_images_into' => "CALL cluster_images_into('photos', 'mine', 3, options => '{$learn}')",
	'train_encoder' => "CALL train_encoder('mine', 'photos', '{$learn}')",
	'resume_encoder' => "CALL resume_encoder('net')",
	'import_encoder' => q{SELECT import_encoder('mine', export_encoder('net'))},
	'drop_model' => q{SELECT drop_model('net')},
	'grant_model' => q{SELECT grant_model('net', 'public')},
	'revoke_model' => q{SELECT revoke_model('net', 'reader')},
	'reassign_models' => q{SELECT reassign_models('owner', 'reader')},
);
for my $what (sort keys %refused)
{
	for my $server ($node, $standby)
	{
		my ($rc, $out, $err) = $server->psql($db, "\\set VERBOSITY sqlstate\nSET default_transaction_read_only = on;\n$refused{$what};");
		like($err, qr/25006/, "$what is refused, " . $server->name);
	}
}

# A conflict with recovery ends what reads for long.
my ($in, $out, $err) = ("\\echo begins\n" . q{SELECT count(embed_image(image, 'net')) FROM photos, generate_series(1, 10000000) WHERE id < 25;} .
	"\nSELECT 'alive';\n", '', '');
my $session = start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-U', 'reader', '-d', $standby->connstr($db) ],
	'<', \$in, '>', \$out, '2>', \$err, timer($PostgreSQL::Test::Utils::timeout_default));
$session->pump until $out =~ /^begins$/m;
$standby->poll_query_until($db, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active' AND backend_xmin IS NOT NULL})
	or die "it does not begin: $err";
$node->safe_psql($db, 'DELETE FROM photos WHERE id > 20; VACUUM photos');
$session->pump until $out =~ /^alive$/m;
like($err, qr/ERROR:  40001: canceling statement due to conflict with recovery/, 'a conflict with recovery');
is(() = $err =~ /ERROR/g, 1, 'after which the session goes on');
$in .= "\\q\n";
$session->finish;
$standby->stop;
unlike(slurp_file($_->logfile), qr/was terminated by signal|TRAP:|PANIC: |WARNING: .*leak/, 'no crash, nothing leaked') for $node, $standby;
done_testing();
