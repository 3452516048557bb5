# Whose a model is: roles that models and grants name cannot be dropped, dumps
# by who is no superuser, restores where the roles are not, and the table that
# trained a model.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('home');
$node->init;
$node->append_conf('postgresql.conf', 'max_wal_size = 4GB');
$node->start;
my $away = PostgreSQL::Test::Cluster->new('away');
$away->init;
$away->start;

# A database with the extension in schema s.
sub new_database
{
	my ($db, $owner, $version) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER $owner");
	$node->safe_psql($db, "CREATE SCHEMA s; CREATE EXTENSION selfclass SCHEMA s" . ($version ? " VERSION '$version'" : '') . qq{;
		ALTER DATABASE $db SET search_path = public, s;
		GRANT USAGE ON SCHEMA s TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC});
}

# Models as rows alone, but for weights that are none and a log.
sub add_model
{
	my ($db, $owner, $name, $source) = @_;
	$node->safe_psql($db, qq{WITH m AS (
			INSERT INTO s.selfclass_model (name, version, owner, state, recipe, backbone, dim, source, epochs_done, selfclass_version)
			SELECT '$name', count(*) + 1, '$owner', 'ready', '{}', 'resnet18', 512, '$source', 1, '1.0'
			FROM s.selfclass_model WHERE name = '$name' AND owner::text = '$owner' RETURNING model_id),
		w AS (INSERT INTO s.selfclass_model_weights SELECT model_id, 0, '$owner $name' FROM m)
		INSERT INTO s.selfclass_training_log SELECT model_id, 1, 1, 1, 1, now() FROM m});
}

# The first line of the error and its SQLSTATE, and its detail; '' where there is none.
sub failure
{
	my ($db, $sql, $role) = @_;
	my (undef, undef, $err) = $node->psql($db, ($role ? "SET ROLE $role;\n" : '') . $sql, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	my ($error) = $err =~ /ERROR:  (.*)/;
	my ($detail) = $err =~ /DETAIL:  (.*)/;
	return join ' | ', grep { defined } $error, $detail;
}

sub as
{
	my ($db, $role, $sql) = @_;
	return $node->safe_psql($db, "SET ROLE $role; $sql");
}

# The roles that cannot be dropped.
sub held
{
	my ($db, $server) = @_;
	return ($server // $node)->safe_psql($db, q{SELECT string_agg(grantee::regrole::text, ' ' ORDER BY grantee::regrole::text COLLATE "C")
		FROM pg_type, aclexplode(typacl) WHERE typname = 'model_role' AND grantee NOT IN (0, typowner)});
}

$node->safe_psql('postgres', 'CREATE ROLE dba LOGIN; CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE web; CREATE ROLE passer_by');
new_database('home', 'dba');

# ---- dumps by who owns the database -------------------------------------------------

my $dump = $node->basedir . '/home.dump';
my @pg_dump = ('pg_dump', '-Fc', '-Z0', '-d', $node->connstr('home'), '-f', $dump);
$node->command_ok([ @pg_dump, '-U', 'dba' ], 'the owner of a database dumps it');
for my $schema ('public', 'of_its_own')
{
	my $db = "in_$schema";
	$node->safe_psql('postgres', "CREATE DATABASE $db OWNER dba");
	$node->safe_psql($db, "CREATE SCHEMA IF NOT EXISTS $schema; CREATE EXTENSION selfclass SCHEMA $schema");
	# As the documents say.
	$node->safe_psql($db, "GRANT USAGE ON SCHEMA $schema TO pg_database_owner") if $schema ne 'public';
	$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr($db), '-U', 'dba', '-f', "$dump.$db" ], "with the extension in schema $schema, too");
}
is($node->safe_psql('home', q{SELECT count(*) FROM pg_extension, unnest(extconfig) r
	WHERE extname = 'selfclass' AND NOT has_table_privilege('dba', r, 'SELECT')}), '0', 'for he may read every table and sequence that a dump carries');
$node->safe_psql('home', slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql('home', q{CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 12) i;
	GRANT SELECT ON photos TO PUBLIC;
	ALTER TABLE photos OWNER TO dba});
# Event triggers run as who does a thing: never as the extension's owner, with the search_path of somebody.
$node->safe_psql('home', q{CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS
	'BEGIN RAISE EXCEPTION ''% as %'', TG_TAG, current_user; END';
	CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION told();
	CREATE EVENT TRIGGER told_before ON ddl_command_start EXECUTE FUNCTION told()});
as('home', 'alice', q{CALL train_encoder('m', 'photos', '{"input_size": 16, "epochs": 0}')});
$node->safe_psql('home', 'DROP EVENT TRIGGER told; DROP EVENT TRIGGER told_before; DROP FUNCTION told()');
is(held('home'), 'alice', 'who trains a model is held');
$node->command_ok([ @pg_dump, '-U', 'dba' ], 'and with a model, too');
is($node->safe_psql('home', q{SELECT count(*) FROM s.selfclass_model m JOIN s.selfclass_model_weights USING (model_id) WHERE name = 'm' AND octet_length(data) > 1000000}) > 0,
	1, 'which has weights');
like(failure('home', 'SELECT count(*) FROM s.selfclass_model', 'alice'), qr/^42501/, 'others read no tables of the extension');
# From here on what matters is that the rows are the same.
$node->safe_psql('home', 'UPDATE s.selfclass_model_weights SET data = substr(data, 1, 1000)');

# ---- roles that are named ---------------------------------------------------------------

as('home', 'alice', q{SELECT grant_model('m', 'web')});
is(held('home'), 'alice web', 'who was granted one is held');
for my $role ('alice', 'web')
{
	is(failure('postgres', "DROP ROLE $role"), qq{2BP01: role "$role" cannot be dropped because some objects depend on it | 1 object in database home},
		"role $role cannot be dropped");
}
like(failure('home', 'DROP ROLE web'), qr/privileges for type s?\.?model_role/, 'for the sake of a type of the extension');
is($node->safe_psql('home', q{SELECT count(*) FROM pg_init_privs WHERE classoid = 'pg_type'::regclass AND objoid = 's.model_role'::regtype}),
	'0', 'which dumps know as a privilege of the database');
as('home', 'alice', q{SELECT revoke_model('m', 'web')});
is(held('home'), 'alice', 'the last grant lets a role go');
as('home', 'alice', q{SELECT grant_model('m', 'public')});
is(held('home'), 'alice', 'PUBLIC is nobody to hold');
as('home', 'alice', q{SELECT revoke_model('m', 'public')});

# A training within a long transaction keeps no other role from its first model.
{
	my $long = $node->background_psql('home');
	$long->query_safe(q{SET client_min_messages = warning; SET ROLE bob; BEGIN});
	$long->query_safe(q{SELECT count(*) FROM cluster_images('photos', 2, 'long', '{"input_size": 16, "epochs": 0}')});
	as('home', 'alice', q{SET lock_timeout = '60s'; SELECT grant_model('m', 'web')});
	is(held('home'), 'alice web', 'nobody waits for one who trains');
	$long->query_safe('COMMIT');
	$long->quit;
	is(held('home'), 'alice bob web', 'who is held at his commit');
}

# Nobody takes a name over by an old snapshot, nor at the same moment.
$node->safe_psql('home', 'CREATE ROLE r0');
as('home', 'bob', q{CALL train_encoder('m', 'photos', '{"input_size": 16, "epochs": 0}')});
{
	my $old = $node->background_psql('home', on_error_stop => 0);
	$old->query_safe(q{SET ROLE bob; BEGIN ISOLATION LEVEL REPEATABLE READ});
	$old->query_safe('SELECT count(*) FROM selfclass_models');
	as('home', 'alice', q{SELECT grant_model('m', 'passer_by')});
	$old->query(q{SELECT grant_model('m', 'passer_by')});
	like($old->{stderr}, qr/passer_by may already use a model "m" of another owner/, 'no grant by an old snapshot');
	$old->{stderr} = '';
	$old->query_safe('COMMIT');
	my $first = $node->background_psql('home');
	$first->query_safe(q{SET ROLE alice; BEGIN; SELECT grant_model('m', 'r0')});
	$old->query_until(qr/asked/, "\\echo asked\nSELECT grant_model('m', 'r0');\n\n");
	$node->poll_query_until('home', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted});
	$first->query_safe('COMMIT');
	$first->quit;
	$old->query('SELECT 1');
	$old->quit;
}
is($node->safe_psql('home', q{SELECT string_agg(owner || ' ' || role, ', ' ORDER BY role::text) FROM s.selfclass_model_grant}),
	'alice passer_by, alice r0, alice web', 'a name is granted by one owner, whatever another transaction sees');
as('home', 'bob', q{SELECT drop_model('m')});
as('home', 'alice', q{SELECT revoke_model('m', 'passer_by'); SELECT revoke_model('m', 'r0')});
$node->safe_psql('home', 'DROP ROLE r0');
as('home', 'bob', q{CREATE MATERIALIZED VIEW groups AS SELECT * FROM cluster_images('photos', 2, 'viewed', '{"input_size": 16, "epochs": 0}'); DROP MATERIALIZED VIEW groups});
as('home', 'bob', q{SELECT drop_model('viewed'); SELECT drop_model('long')});
is(held('home'), 'alice web', 'the last model lets its owner go');

# Many at once: each is held, or not, as the rows say in the end.
$node->safe_psql('home', join ';', map { "CREATE ROLE r$_" } 1 .. 6);
my %script = ('grant' => q{SELECT grant_model('m', 'r' || :r);}, 'revoke' => q{SELECT revoke_model('m', 'r' || :r);});
for my $verb (keys %script)
{
	append_to_file($node->basedir . "/$verb.sql", "\\set r random(1, 6)\nSET ROLE alice;\n$script{$verb}\n");
}
$node->command_ok([ 'pgbench', '-n', '-c', 4, '-t', 30, (map { ('-f', $node->basedir . "/$_.sql") } keys %script), '-h', $node->host, '-p', $node->port, 'home' ],
	'grants and revokes at once');
$node->safe_psql('home', q{SET ROLE alice; SELECT grant_model('m', 'r1'); SELECT revoke_model('m', 'r2')});
is(held('home'), $node->safe_psql('home', q{SELECT string_agg(DISTINCT name COLLATE "C", ' ' ORDER BY name COLLATE "C") FROM (
	SELECT owner::text AS name FROM s.selfclass_model UNION ALL SELECT unnest(ARRAY[owner::text, role::text]) FROM s.selfclass_model_grant) r}),
	'hold just those that rows name');
$node->safe_psql('home', 'DELETE FROM s.selfclass_model_grant; DROP ROLE r1; DROP ROLE r2');

# ---- a dump, where the roles are and where they are not ----------------------------------

add_model('home', 'alice', 'm', 'photos');
add_model('home', 'bob', 'm', 'photos');
add_model('home', 'bob', 'own', 'photos');
add_model('home', 'postgres', 'm', 'photos');
as('home', 'alice', q{SELECT grant_model('m', 'web', 'edit')});
as('home', 'bob', q{SELECT grant_model('own', 'passer_by')});
$node->safe_psql('home', q{INSERT INTO s.selfclass_model_grant VALUES ('bob', 'm', 'web'), ('bob', 'own', 'public')});
$node->command_ok([ @pg_dump, '-U', 'dba' ], 'a dump of models of several owners, by one who is none');

my $rows = q{SELECT owner, name, version, source, (SELECT count(*) FROM s.selfclass_training_log l WHERE l.model_id = m.model_id),
	(SELECT md5(string_agg(data, '' ORDER BY part)) FROM s.selfclass_model_weights w WHERE w.model_id = m.model_id)
	FROM s.selfclass_model m ORDER BY model_id};
my $grants = 'SELECT owner, name, role, privilege FROM s.selfclass_model_grant ORDER BY owner::text, name, role::text';

$node->safe_psql('postgres', 'CREATE DATABASE copy');
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('copy'), $dump ], 'restored beside it');
# Data alone: into an extension without models, and not into one that has them.
my @data_only = ('pg_restore', '--data-only', '--single-transaction', '-d');
my $counts = q{SELECT (SELECT count(*) FROM s.selfclass_model), (SELECT count(*) FROM s.selfclass_model_weights), (SELECT count(*) FROM s.selfclass_model_grant)};
$node->safe_psql('postgres', 'CREATE DATABASE data_only OWNER dba');
$node->command_ok([ 'pg_restore', '-e', '--schema-only', '-d', $node->connstr('data_only'), $dump ], 'a schema');
$node->command_ok([ @data_only, $node->connstr('data_only'), $dump ], 'takes data alone');
is($node->safe_psql('data_only', $counts), $node->safe_psql('home', $counts), 'models, weights and grants');
$node->command_fails([ @data_only, $node->connstr('data_only'), $dump ], 'where there are models, nothing comes');
is($node->safe_psql('data_only', $counts), $node->safe_psql('home', $counts), 'and nothing is lost');
$node->safe_psql('postgres', 'DROP DATABASE data_only');
is($node->safe_psql('copy', $rows), $node->safe_psql('home', $rows), 'the models are there');
is($node->safe_psql('copy', $grants), $node->safe_psql('home', $grants), 'and the grants');
is(held('copy'), held('home'), 'and roles cannot be dropped for them');

$away->safe_psql('postgres', 'CREATE DATABASE away; CREATE ROLE passer_by');
$away->command_ok([ 'pg_restore', '-e', '--no-owner', '--no-acl', '-d', $away->connstr('away'), $dump ], 'restored where the roles are not');
my $mine = $node->safe_psql('home', $rows) =~ s/^(alice|bob)\|/postgres|/mgr;
is($away->safe_psql('away', $rows) =~ s/\|m\|\d\|/|m||/gr, $mine =~ s/\|m\|\d\|/|m||/gr, 'models, weights and logs are there, owned by who restores');
is($away->safe_psql('away', q{SELECT string_agg(version::text, ' ' ORDER BY version) FROM s.selfclass_models WHERE name = 'm' AND owner = 'postgres'::regrole}),
	'1 2 3 4', 'in versions of their own');
is($away->safe_psql('away', $grants), "postgres|m|web|edit\npostgres|own|passer_by|use\npostgres|own|public|use", 'the grants, too');
is($away->safe_psql('away', 'SELECT role FROM s.selfclass_model_grants WHERE role NOT IN (SELECT quote_ident(rolname) FROM pg_roles)'),
	"web\npublic", 'of which those to nobody');
$away->safe_psql('away', 'CREATE ROLE web; GRANT USAGE ON SCHEMA s TO PUBLIC');
is($away->safe_psql('away', 'SET ROLE web; SELECT DISTINCT name FROM s.selfclass_models'), 'own', 'mean nobody who comes later');
is($away->safe_psql('away', q{SELECT role FROM s.selfclass_model_grant WHERE name = 'm'}), 'web (dropped)', 'and say so');
is(held('away', $away), 'passer_by', 'a role that is there is held');

# ---- roles that go -----------------------------------------------------------------------

$node->safe_psql('home', 'DROP OWNED BY alice');
is($node->safe_psql('home', q{SELECT DISTINCT owner FROM s.selfclass_models WHERE name = 'm' AND owner <> 'postgres'::regrole AND owner <> 'bob'::regrole}),
	'alice', 'DROP OWNED leaves the models');
$node->safe_psql('copy', 'DROP OWNED BY alice');
my $alice = $node->safe_psql('home', q{SELECT 'alice'::regrole::oid});
is(failure('home', 'DROP ROLE alice'), '', 'and frees the role');
is($node->safe_psql('home', q{SELECT DISTINCT owner FROM s.selfclass_model WHERE owner::regrole IS NULL}), 'alice', 'whose name stays');
is($node->safe_psql('home', q{SELECT count(*) FROM s.selfclass_models WHERE owner IS NULL}), '2', 'with NULL in the view, for superusers');
is(as('home', 'bob', q{SELECT count(*) FROM s.selfclass_models WHERE owner IS NULL}), '0', 'and for no others');
is(as('home', 'web', q{SELECT count(*) FROM s.selfclass_models WHERE owner IS NULL}), '0', 'grants of one that is gone are none');
$node->safe_psql('home', 'CREATE ROLE alice');
is(as('home', 'alice', q{SELECT count(*) FROM s.selfclass_models WHERE name = 'm'}), '0', 'a later role of the name is another');
is($node->safe_psql('home', q{SELECT DISTINCT owner FROM s.selfclass_model WHERE owner::regrole IS NULL}), 'alice (dropped)', 'and told from it');
$node->safe_psql('postgres', 'ALTER ROLE bob RENAME TO "Bob B."');
is($node->safe_psql('home', q{SELECT DISTINCT owner FROM s.selfclass_model WHERE name = 'own'}), '"Bob B."', 'a role that is renamed is the same');
like(failure('postgres', 'DROP ROLE "Bob B."'), qr/^2BP01/, 'and held');
$node->safe_psql('postgres', 'ALTER ROLE "Bob B." RENAME TO bob');

# A later role of the same oid is not the one that is gone: not as it comes, and not when it has models of its own.
sub set_next_oid
{
	my ($oid) = @_;
	$node->stop;
	command_ok([ 'pg_resetwal', '-o', $oid, '-D', $node->data_dir ], 'the next oid is one that was used');
	$node->start;
}
set_next_oid($alice);
$node->safe_psql('home', 'CREATE ROLE eve');
is($node->safe_psql('home', q{SELECT 'eve'::regrole::oid}), $alice, 'a role with the oid of one that is gone');
is(as('home', 'eve', q{SELECT count(*) FROM s.selfclass_models WHERE name = 'm'}), '0', 'does not get its models');
add_model('home', 'eve', 'm', 'photos');
is(as('home', 'eve', q{SELECT version FROM s.selfclass_models WHERE name = 'm'}), '3', 'nor with one of its own');
is($node->safe_psql('home', q{SELECT count(*), count(DISTINCT model_id) FROM s.selfclass_model WHERE owner::text = 'alice (dropped)'}), '2|2', 'which stay what they were');
like(failure('home', q{SELECT embed_image(test_picture(1, 1), 'alice (dropped).m@1')}), qr/^(?!22023|42)\w{5}: /, 'superusers reach them by the name that messages list');
like(failure('home', q{SELECT embed_image(test_picture(1, 1), 'alice (dropped).m@1')}, 'eve'), qr/^42501/, 'and nobody else');
is(failure('home', q{BEGIN; SELECT drop_model('alice (dropped).m@1'); ROLLBACK}), '', 'or drop them');

# ---- to another owner ----------------------------------------------------------------------

like(failure('home', q{SELECT reassign_models('bob', 'eve')}, 'eve'), qr/^42501: .*both roles/, 'it takes the privileges of both roles');
like(failure('home', q{SELECT reassign_models('bob', 'eve')}, 'bob'), qr/^42501: .*both roles/, 'not of one');
like(failure('home', q{SELECT reassign_models('alice (dropped)', 'bob')}, 'bob'), qr/^42501: .*the database's owner/, 'of one that is gone, of the database\'s owner');
is(failure('home', q{SELECT reassign_models('alice (dropped)', 'bob')}), '42710: role "bob" already has a model "m"', 'a name keeps its meaning');
is(failure('home', q{SELECT reassign_models('bob', 'nobody')}), '42704: role "nobody" does not exist', 'to a role');
is(failure('home', q{SELECT reassign_models('nobody', 'bob')}), "42704: role \"nobody\" does not exist | No model names it as its owner either.", 'of a role, or of one that was');
is(failure('home', q{SELECT reassign_models(NULL, 'bob')}), '22004: the role must not be null', 'and of one that is given');
is($node->safe_psql('home', q{SELECT reassign_models('bob', 'bob')}), '0', 'to the same role there is nothing to do');
$node->safe_psql('home', 'GRANT web TO dba');
# What a name means to a role stays one thing, by grants too that a model of nobody's has.
$node->safe_psql('home', 'CREATE ROLE since');
$node->safe_psql('home', qq{SET session_replication_role = replica; INSERT INTO s.selfclass_model_grant (owner, name, role) SELECT owner, 'm', r::model_role FROM s.selfclass_model, unnest(ARRAY['since', 'public']) r WHERE owner::text = 'alice (dropped)' AND version = 1});
as('home', 'bob', q{SELECT grant_model('m', 'since')});
for my $to ('since', 'public')
{
	my (undef, undef, $err) = $node->psql('home', q{SELECT reassign_models('alice (dropped)', 'web')}, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, qr/42710: role (\S+) may already use a model "m" of another owner\nHINT:  .* AND role::text = '(since|public)';/, 'no name becomes ambiguous');
	my ($hint) = $err =~ /(DELETE FROM .*;)/;
	is(failure('home', $hint), '', 'and the hint works');
}
as('home', 'bob', q{SELECT revoke_model('m', 'since')});
$node->safe_psql('home', 'DROP OWNED BY since; DROP ROLE since');
is(as('home', 'dba', q{SELECT reassign_models('alice (dropped)', 'web')}), '2', 'the owner of the database gives away what nobody owns');
is(as('home', 'web', q{SELECT string_agg(version::text, ' ' ORDER BY version) FROM s.selfclass_models WHERE owner = 'web'::regrole}), '1 2', 'to a role that then has it');
$node->safe_psql('home', 'GRANT bob TO web; CREATE ROLE heir; GRANT heir TO web');
is(as('home', 'web', q{SELECT reassign_models('bob', 'heir')}), '2', 'who has both roles reassigns');
is($node->safe_psql('home', q{SELECT string_agg(concat_ws(' ', owner, name, role), ', ' ORDER BY name, role::text) FROM s.selfclass_model_grant WHERE owner::text = 'heir'}),
	'heir m web, heir own passer_by, heir own public', 'with the grants');
is(held('home'), 'eve heir passer_by web', 'and the roles are held that have them now');

# ---- the table that trained a model ------------------------------------------------------------

my $source = q{SELECT source FROM s.selfclass_models WHERE name = 'm' AND owner = 'postgres'::regrole};
my $kept_source = q{SELECT source FROM s.selfclass_model WHERE name = 'm' AND owner::text = 'postgres'};
$node->safe_psql('home', q{CREATE SCHEMA attic; ALTER TABLE photos RENAME TO "Old photos"; ALTER TABLE "Old photos" SET SCHEMA attic;
	ALTER TABLE attic."Old photos" ADD COLUMN note text});
$node->safe_psql('home', 'VACUUM FULL pg_attribute; VACUUM FULL pg_class');
is($node->safe_psql('home', $source), 'attic."Old photos"', 'a table that is renamed and moved is the same');
is($node->safe_psql('home', $kept_source), 'attic."Old photos"', 'by its new name');
$node->safe_psql('home', 'CREATE TABLE photos (id int PRIMARY KEY, image bytea)');
is($node->safe_psql('home', $source), 'attic."Old photos"', 'whatever has its old one');
my $photos = $node->safe_psql('home', q{SELECT 'attic."Old photos"'::regclass::oid});
$node->safe_psql('home', 'DROP TABLE attic."Old photos"');
is($node->safe_psql('home', $source), '', 'of one that is gone the view says NULL');
is($node->safe_psql('home', $kept_source), 'public.photos (dropped)', 'and the row its name, told from what has it now');
$node->safe_psql('home', 'DROP TABLE photos');
is($node->safe_psql('home', $kept_source), 'public.photos', 'or the name alone');
set_next_oid($photos);
$node->safe_psql('home', 'CREATE TABLE secrets (id int PRIMARY KEY, image bytea)');
is($node->safe_psql('home', q{SELECT 'secrets'::regclass::oid}), $photos, 'another table with its oid');
is($node->safe_psql('home', $source), '', 'is not taken for it');
$node->safe_psql('home', q{UPDATE s.selfclass_model SET state = 'training' WHERE name = 'm' AND owner::text = 'postgres'});
is(failure('home', q{CALL resume_encoder('m')}), '42P01: the relation that model "m" was trained on does not exist any more', 'nor by a training');
like($node->safe_psql('home', q{UPDATE s.selfclass_model SET state = 'ready' WHERE name = 'm' AND owner::text = 'postgres'; SELECT report_html('m')}),
	qr/public\.photos, a table that is gone/, 'nor by a report');

# ---- the types' binary form ------------------------------------------------------------------

my $file = $node->basedir . '/names.binary';
$node->safe_psql('home', qq{CREATE TABLE names (r s.model_role, t s.model_relation);
	INSERT INTO names VALUES ('heir', 'secrets'), ('nobody', 'nowhere.nothing'), ('16999', '16999'), ('public', NULL);
	COPY names TO '$file' (FORMAT binary)});
is($node->safe_psql('home', qq{CREATE TABLE again (LIKE names); COPY again FROM '$file' (FORMAT binary);
	SELECT r, t, r::regrole, t::regclass FROM again}), "heir|public.secrets|heir|secrets
nobody|nowhere.nothing||
16999|16999||
public|||", 'is their text');

# ---- from 1.0 ------------------------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE ROLE gone');
new_database('old', 'dba', '1.0');
$node->safe_psql('old', 'CREATE TABLE photos (id int); CREATE TABLE lost (id int)');
$node->safe_psql('old', qq{INSERT INTO s.selfclass_model (name, version, owner, state, recipe, backbone, dim, source, epochs_done, selfclass_version)
	SELECT name, 1, owner::regrole, 'ready', '{}', 'resnet18', 512, source::regclass, 1, '1.0'
	FROM (VALUES ('m', 'eve', 'photos'), ('m', 'gone', 'lost'), ('m', 'bob', 'photos')) v (name, owner, source)});
$node->safe_psql('old', q{INSERT INTO s.selfclass_model_grant VALUES ('eve', 'm', 'web'), ('eve', 'm', 'gone');
	CREATE VIEW mine AS SELECT owner, name, source FROM selfclass_models;
	DROP TABLE lost; DROP ROLE gone});
my $number = $node->safe_psql('old', q{SELECT owner FROM s.selfclass_model WHERE owner::text ~ '^[0-9]+$'});
my $old_dump = $node->basedir . '/old.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-Z0', '-d', $node->connstr('old'), '-f', $old_dump ], 'a dump of 1.0');
$node->safe_psql('old', 'ALTER EXTENSION selfclass UPDATE');
is(held('old'), 'bob eve web', 'the update holds the roles of the rows');
is($node->safe_psql('old', q{SELECT count(*) FROM pg_init_privs WHERE classoid = 'pg_type'::regclass AND objoid = 's.model_role'::regtype}), '0', 'for dumps too');
is($node->safe_psql('old', 'SELECT * FROM mine ORDER BY owner::text'), "bob|m|photos\neve|m|photos\n|m|", 'views of users say what they did, but no numbers');
is($node->safe_psql('old', 'SELECT owner FROM s.selfclass_model WHERE owner::regrole IS NULL'), $number, 'which are kept for who knows whose they were');
set_next_oid($number);
$node->safe_psql('old', 'CREATE ROLE later');
is($node->safe_psql('old', q{SELECT 'later'::regrole::oid}), $number, 'a role that comes to have the number');
is($node->safe_psql('old', q{SET ROLE later; SELECT count(*) FROM s.selfclass_models}), '0', 'has nothing by it');
is($node->safe_psql('old', qq{SELECT reassign_models('$number', 'heir')}), '1', 'and the models go to another role by it');

$node->safe_psql('postgres', 'CREATE DATABASE old_copy');
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('old_copy'), $old_dump ], 'a dump of 1.0 restores');
is($node->safe_psql('old_copy', 'SELECT owner, name, version, source FROM s.selfclass_model ORDER BY model_id') =~ s/\|\d+$/|NUMBER/mr,
	"eve|m|1|public.photos\npostgres|m|1|NUMBER\nbob|m|1|public.photos", 'what nobody owns belongs to who restores');
is($node->safe_psql('old_copy', 'SET ROLE later; SELECT count(*) FROM s.selfclass_models'), '0', 'and to nobody by a number');
is(held('old_copy'), 'bob eve web', 'roles are held');
$away->safe_psql('postgres', 'CREATE DATABASE old_away');
$away->command_ok([ 'pg_restore', '-e', '--no-owner', '--no-acl', '-d', $away->connstr('old_away'), $old_dump ], 'also where the roles are not');
is($away->safe_psql('old_away', 'SELECT owner, name, version FROM s.selfclass_model ORDER BY model_id'),
	"postgres|m|1\npostgres|m|2\npostgres|m|3", 'and owned by who restores');

# ---- the triggers are the extension's ----------------------------------------------------------------

for my $function ('selfclass_adopt', 'selfclass_hold_roles')
{
	is(failure('home', "CREATE TEMP TABLE t (owner s.model_role, name text, version int); CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION s.$function();
		INSERT INTO t VALUES ('bob', 'm', 1)", 'eve'), '39P01: this function is for triggers of extension "selfclass" on its own tables', "$function is for the extension");
}

for my $server ($node, $away)
{
	unlike(slurp_file($server->logfile), qr/was terminated by signal|TRAP:|PANIC: |XX000|WARNING: .*leak/, 'no crash, nothing leaked on ' . $server->name);
}
done_testing();
