# Two-phase commit: what writes to the extension's tables can be prepared, holds its
# locks until the end, and is then there or not, roles that are held with it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('prepared');
$node->init;
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nlock_timeout = '300ms'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION selfclass; CREATE ROLE web; CREATE ROLE other; GRANT CREATE ON SCHEMA public TO other');
$node->safe_psql('postgres', slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql('postgres', q{CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 12) i;
	GRANT SELECT ON photos TO other});
my $recipe = q{'{"preset": "lightly", "stem": "small", "input_size": 16, "epochs": 0}'};

# The SQLSTATE; 00000: none.
sub code
{
	my ($sql) = @_;
	my (undef, undef, $err) = $node->psql('postgres', $sql, extra_params => [ '-v', 'VERBOSITY=sqlstate' ], on_error_stop => 1);
	return $err =~ /ERROR:  (\w{5})/ ? $1 : '00000';
}

sub prepare
{
	my ($what, $sql) = @_;
	is(code("BEGIN; $sql; PREPARE TRANSACTION 'p'"), '00000', "$what is prepared");
}

sub models
{
	return $node->safe_psql('postgres', q{SELECT coalesce(string_agg(owner || ' ' || name || ' ' || state, ', ' ORDER BY model_id), '') FROM selfclass_models});
}

my $train = "SET ROLE other; SELECT count(*) FROM cluster_images('photos', 2, 'm', $recipe); RESET ROLE";
prepare('a training', $train);
is(models(), '', 'whose model nobody sees');
is(code("SET ROLE other; SELECT count(*) FROM cluster_images('photos', 2, 'm', $recipe)"), '55006', 'whose name is busy');
is(code('DROP ROLE other'), '55P03', 'whose owner stays');
is(code('DROP EXTENSION selfclass'), '55P03', 'and whose extension');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'p'");
is(models(), '', 'rolled back it never was');
prepare('it', $train);
$node->restart;
is(code('DROP ROLE other'), '55P03', 'after a restart too');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is(models(), 'other m ready', 'committed it is there');
is(code('DROP ROLE other'), '2BP01', 'and its owner is held');
my $labels = $node->safe_psql('postgres', q{SELECT string_agg(assign_cluster_image(image, 'm')::text, ' ' ORDER BY id) FROM photos});

prepare('a grant', q{SET ROLE other; SELECT grant_model('m', 'web')});
is(code('DROP ROLE web'), '55P03', 'its role stays');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'p'");
is(code('BEGIN; DROP ROLE web; ROLLBACK'), '00000', 'but not if it is rolled back');
prepare('a grant', q{SET ROLE other; SELECT grant_model('m', 'web')});
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is(code('DROP ROLE web'), '2BP01', 'its role is held');

prepare('a drop', q{SELECT drop_model('m')});
is(code("SET ROLE other; SELECT count(*) FROM cluster_images('photos', 2, 'm', $recipe)"), '55P03', 'what writes to the model waits');
is($node->safe_psql('postgres', q{SELECT string_agg(assign_cluster_image(image, 'm')::text, ' ' ORDER BY id) FROM photos}), $labels, 'what reads it does not');
$node->safe_psql('postgres', "ROLLBACK PREPARED 'p'");
is(models(), 'other m ready', 'rolled back it stays');
prepare('a drop', q{SELECT drop_model('m')});
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is(models(), '', 'committed it is gone');
is(code(q{SELECT embed_image(test_picture(1, 1), 'm')}), '42704', 'for everybody');
is(code('DROP ROLE web; DROP OWNED BY other; DROP ROLE other'), '00000', 'and roles go');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'object')}), '0', 'no lock is left');

is(code("BEGIN; CALL train_encoder('m', 'photos', $recipe)"), '2D000', 'what commits as it goes cannot be prepared');
is(code("BEGIN; SELECT count(*) FROM cluster_images('photos', 2, NULL, $recipe); PREPARE TRANSACTION 'p'"), '00000', 'what keeps nothing can');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");

# A role that goes while its session trains or grants: it goes before, or not at all.
for my $try (1 .. 3)
{
	$node->safe_psql('postgres', "CREATE ROLE r$try");
	$node->safe_psql('postgres', "GRANT SELECT ON photos TO PUBLIC");
	my $s = $node->background_psql('postgres', on_error_stop => 0);
	$s->query_safe("SET client_min_messages = error; SET ROLE r$try; BEGIN");
	$s->query_safe("SELECT count(*) FROM cluster_images('photos', 2, 'm$try', $recipe)") if $try == 1;
	is(code("DROP ROLE r$try"), $try == 1 ? '55P03' : '00000', $try == 1 ? 'a role that has a model, not committed yet, stays' : 'one without goes');
	$s->query($try == 2 ? "SELECT grant_model('m1', 'r2')" : "SELECT count(*) FROM cluster_images('photos', 2, 'm$try', $recipe)");
	if ($try > 1)
	{
		unlike($s->{stderr}, qr/cache lookup|XX000/, "what its session then does ends well");
		like($s->{stderr}, qr/ERROR/, 'in an error of its own');
	}
	$s->{stderr} = '';
	$s->query_safe('COMMIT');
	$s->quit;
}
is(models(), 'r1 m1 ready', 'the model of a role that is there');
is($node->safe_psql('postgres', q{SELECT count(*) FROM selfclass_model WHERE owner::regrole IS NULL}), '0', 'none of one that is not');
$node->stop;
unlike(slurp_file($node->logfile), qr/XX000|TRAP|PANIC|terminated by signal/, 'and nothing else');
done_testing();
