# Groups that people correct: two who edit one model at once, a standby, a dump
# with edits, names and label table, and what becomes of roles that edited.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('edits');
$node->init(allows_streaming => 1);
$node->start;
$node->safe_psql('postgres', q{CREATE ROLE painter LOGIN; CREATE ROLE critic LOGIN; CREATE ROLE guest LOGIN; CREATE DATABASE home OWNER painter});

# Four groups of 8 rows by formula, each in two parts, as a clustering leaves them in a model and its label table.
$node->safe_psql('home', q{CREATE SCHEMA s; CREATE EXTENSION selfclass SCHEMA s; GRANT USAGE ON SCHEMA s TO PUBLIC;
	GRANT CREATE ON SCHEMA public TO PUBLIC; ALTER DATABASE home SET search_path = public, s});
$node->safe_psql('home', q{SET ROLE painter;
	CREATE TABLE lab AS SELECT i AS id, i % 4 AS label, 0::float8 AS embedding_0, 0::float8 AS embedding_1, 0.1::float8 AS distance,
		(SELECT array_agg(CASE j WHEN i % 4 THEN 10 WHEN 10 + i % 8 THEN CASE WHEN i < 26 THEN 3 ELSE 2 END WHEN 100 + i THEN 0.1 ELSE 0 END::real ORDER BY j)
			FROM generate_series(0, 511) j)::real[]::embedding(512) AS embedding, 1::float8 AS confidence, false AS pinned FROM generate_series(0, 33) i;
	ALTER TABLE lab ADD PRIMARY KEY (id), ALTER pinned SET NOT NULL});
$node->safe_psql('home', q{INSERT INTO selfclass_model (name, version, owner, state, recipe, backbone, dim, epochs_done, selfclass_version, kmeans, k, k_by, labels)
	SELECT 'm', 1, 'painter', 'ready', '{"l2_normalize": true, "pca_components": null, "cluster_method": "kmeans"}', 'resnet18', 512, 1, '1.1',
		(SELECT kmeans_fit(l2_normalize(embedding), 4) FROM lab), 4, 'given', 'lab'});
$node->safe_psql('home', q{UPDATE lab SET label = assign_cluster(embedding, 'm')});

sub sql
{
	my ($sql, %options) = @_;
	return ($options{node} // $node)->safe_psql('home', $sql, extra_params => [ '-U', $options{user} // 'painter' ]);
}

my $groups = q{SELECT string_agg(concat_ws(':', label, name, size), ' ' ORDER BY label) FROM selfclass_clusters WHERE model = 'm'};
my $members = q{SELECT string_agg(label::text, ' ' ORDER BY id) FROM lab};
my $assigned = q{SELECT string_agg(assign_cluster(embedding, 'm')::text, ' ' ORDER BY id) FROM lab};
my $first = sql($members);

# ---- two at once ------------------------------------------------------------------------

sql(q{SELECT grant_model('m', 'critic', 'edit'); GRANT SELECT, UPDATE ON lab TO critic});
my $one = Session->new($node, db => 'home', user => 'painter', verbose => 1);
my $other = Session->new($node, db => 'home', user => 'critic', verbose => 1);
$one->ask('BEGIN');
$one->ask(q{SELECT merge_clusters('m', 0, 1)});
$other->give(q{SELECT sum(size) FROM split_cluster('painter.m', 2)});
ok($node->poll_query_until('home', "SELECT cardinality(pg_blocking_pids($other->{pid})) > 0"), 'an edit waits for one that is under way');
is(sql($members), $first, 'which nobody sees yet');
$one->ask('COMMIT');
like($other->answer, qr/^\d+$/m, 'then it goes on');
is(sql(q{SELECT string_agg(edit || ' ' || edited_by || ' ' || command, ', ' ORDER BY edit) FROM selfclass_cluster_edits}),
	'1 painter merge_clusters, 2 critic split_cluster', 'both edits are there');
is(sql(q{SELECT string_agg(DISTINCT label::text, ' ' ORDER BY label::text) FROM lab}), '0 2 3 4', 'and both are in the groups');
is(sql($assigned), sql($members), 'as assign_cluster has them, in every session');

# The one waits for the other, and the label that the other gave is not given twice.
$one->ask('BEGIN');
$one->ask(q{SELECT * FROM split_cluster('m', 0)});
$other->give(q{SELECT max(label) FROM split_cluster('m', 3)});
$node->poll_query_until('home', "SELECT cardinality(pg_blocking_pids($other->{pid})) > 0");
$one->ask('COMMIT');
like($other->answer, qr/^6$/m, 'two groups never get one number');
# A transaction that sees an older state does not edit a newer one.
$other->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
$other->ask('SELECT count(*) FROM lab');
$one->ask(q{SELECT name_cluster('m', 0, 'Lines')});
like($other->ask(q{SELECT name_cluster('m', 2, 'Dots')}), qr/40001/, 'a repeatable read does not edit what it does not see');
$other->ask('ROLLBACK');
# Rolled back, an edit has never been.
$one->ask('BEGIN');
$one->ask(q{SELECT merge_clusters('m', 0, 2)});
$one->ask('ROLLBACK');
is(sql('SELECT count(*) FROM selfclass_cluster_edits'), 5, 'a preview leaves nothing behind');
my (undef, undef, $refused) = $node->psql('home', q{SELECT merge_clusters('m', 0, 2)}, extra_params => [ '-U', 'guest', '-v', 'VERBOSITY=verbose' ]);
like($refused, qr/42501/, 'a stranger edits nothing');
undef $one;
undef $other;

# ---- a dump -----------------------------------------------------------------------------------

sql(q{UPDATE lab SET label = 3, pinned = true WHERE id = 0; SELECT name_cluster('m', 3, 'Circles')});
my $before = join("\n", sql($groups), sql($members), sql($assigned));
# whoever edited may go
$node->safe_psql('home', q{REASSIGN OWNED BY critic TO painter; DROP OWNED BY critic});
sql(q{SELECT revoke_model('m', 'critic')});
$node->safe_psql('home', q{DROP ROLE critic});
is(sql('SELECT edited_by FROM selfclass_cluster_edits WHERE edit = 2'), 'critic', 'who is gone stays named');
my $dump = $node->basedir . '/home.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('home'), '-U', 'painter', '-f', $dump ], 'who owns the database dumps it');
$node->safe_psql('postgres', 'CREATE DATABASE copy OWNER painter; ALTER DATABASE copy SET search_path = public, s');
$node->command_ok([ 'pg_restore', '-d', $node->connstr('copy'), '-e', $dump ], 'a dump with edits is restored');
sub copied { return $node->safe_psql('copy', $_[0], extra_params => [ '-U', 'painter' ]) }
is(join("\n", copied($groups), copied($members), copied($assigned)), $before, 'groups, members and labels of new rows are as before');
my $edits = q{SELECT string_agg(concat_ws('|', edit, at, edited_by, login, command, arguments, rows_changed, reverts), ',' ORDER BY edit) FROM selfclass_cluster_edits};
is(copied($edits), sql($edits), 'and so are the edits');
is(copied(q{SELECT labels FROM selfclass_models}), 'lab', 'the label table is the copy');
is(copied(q{SELECT revert_clusters('m', 1) > 0}), 't', 'which are taken back there');
my $expected = $first =~ s/^\d+/3/r;
is(copied($members), $expected, 'to the first groups, but for what is pinned');
is(copied($assigned), $first, 'by which new rows are labelled');
is(sql($members), (split /\n/, $before)[1], 'and here nothing has moved');
is(copied(q{SELECT max(label) FROM split_cluster('m', 0)}), 7, 'a label is given once, there too');

# ---- a standby -----------------------------------------------------------------------------------

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
sql(q{SELECT grant_model('m', 'guest')});
$node->wait_for_catchup($standby);
is(sql($groups, node => $standby, user => 'guest'), sql($groups), 'a standby shows the groups to who may use the model');
is(sql(q{SELECT count(*) FROM cluster_tree('m')}, node => $standby, user => 'guest'),
	sql(q{SELECT count(*) FROM cluster_labels('m', 1)}, node => $standby, user => 'guest') - 1, 'and their tree');
for my $call (q{merge_clusters('m', 0, 2)}, q{split_cluster('m', 0)}, q{name_cluster('m', 0, 'x')}, q{revert_clusters('m')})
{
	my (undef, undef, $error) = $standby->psql('home', "SELECT $call", extra_params => [ '-U', 'painter', '-v', 'VERBOSITY=verbose' ]);
	like($error, qr/25006/, "not $call");
}

# ---- what goes with a model --------------------------------------------------------------------

sql(q{SELECT drop_model('m')});
is($node->safe_psql('home', q{SELECT (SELECT count(*) FROM selfclass_cluster) + (SELECT count(*) FROM selfclass_cluster_edit)
	+ (SELECT count(*) FROM selfclass_cluster_before) + (SELECT count(*) FROM selfclass_cluster_edit_row)}), 0, 'nothing is left of a model that is dropped');
done_testing();
