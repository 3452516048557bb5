# pg_upgrade into another cluster, of the same version here: models, groups that
# were edited, label tables, triggers and grants are there, and give the same bits.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->start;
my $db = 'postgres';

$old->safe_psql($db, 'CREATE SCHEMA s; CREATE EXTENSION selfclass SCHEMA s; CREATE ROLE alice; CREATE ROLE web; CREATE ROLE gone;
	ALTER DATABASE postgres SET search_path = public, s; GRANT USAGE ON SCHEMA s TO PUBLIC; GRANT CREATE ON SCHEMA public TO alice, gone');
$old->safe_psql($db, slurp_file('tests/fixtures/gray_jpeg.sql'));
$old->safe_psql($db, <<'SQL');
SET client_min_messages = warning;
CREATE TABLE photos (id int PRIMARY KEY, image bytea, emb embedding(512), label int);
INSERT INTO photos (id, image) SELECT i, test_picture(i % 3, i) FROM generate_series(1, 24) i;
GRANT SELECT ON photos TO PUBLIC;
ALTER TABLE photos OWNER TO alice;
SET ROLE alice;
CALL cluster_images_into('photos', 'photo_labels', 4, 'm', '{"preset": "lightly", "stem": "small", "input_size": 16, "batch_size": 8, "epochs": 1}');
GRANT SELECT, INSERT, UPDATE, DELETE ON photo_labels TO web;
SELECT merge_clusters('m', 0, 1), name_cluster('m', 0, 'both');
SELECT split_cluster('m', 2);
UPDATE photo_labels SET label = 3, pinned = true WHERE id = 7;
UPDATE photos p SET emb = e.embedding FROM embed_images('photos', 'm') e WHERE e.id = p.id;
CREATE INDEX ON photos (emb);
CREATE TRIGGER sorted BEFORE INSERT OR UPDATE OF image ON photos FOR EACH ROW
	EXECUTE FUNCTION embed_image_trigger('m', 'image', 'emb', '{"label_column": "label"}');
SELECT grant_model('m', 'web', 'edit'), grant_model('m', 'public');
CREATE TABLE kept AS SELECT pca_fit(emb, 2) AS pca, kmeans_fit(emb, 3) AS kmeans, elbow(emb, 5) AS elbow FROM photos;
CREATE MATERIALIZED VIEW groups AS SELECT label, name, size FROM selfclass_clusters;
RESET ROLE;
SET ROLE gone;
CALL train_encoder('left', 'photos', '{"preset": "lightly", "stem": "small", "input_size": 16, "epochs": 0}');
RESET ROLE;
DROP OWNED BY gone;
DROP ROLE gone;
SQL

# All that a user sees of it, each as one text.
my %seen = (
	'models' => q{SELECT string_agg((to_jsonb(m) - 'model_id')::text, E'\n' ORDER BY name) FROM selfclass_models m},
	'rows of the extension' => q{SELECT string_agg(m::text, E'\n' ORDER BY model_id) FROM selfclass_model m},
	'weights' => q{SELECT md5(string_agg(data, '' ORDER BY model_id, part)) FROM selfclass_model_weights},
	'log' => q{SELECT string_agg(l::text, E'\n' ORDER BY model_id, epoch) FROM selfclass_training_log l},
	'groups' => q{SELECT string_agg(c::text, E'\n' ORDER BY label) FROM selfclass_clusters c},
	'edits' => q{SELECT string_agg(e::text, E'\n' ORDER BY edit) FROM selfclass_cluster_edits e},
	'labels' => q{SELECT md5(string_agg(l::text, E'\n' ORDER BY id)) FROM photo_labels l},
	'stored embeddings' => q{SELECT md5(string_agg(p::text, E'\n' ORDER BY id)) FROM photos p},
	'embeddings' => q{SELECT md5(string_agg(embedding::text, E'\n' ORDER BY id)) FROM embed_images('photos', 'alice.m')},
	'an embedding' => q{SELECT bool_and(embed_image(image, 'alice.m') = emb) FROM photos},
	'assigned' => q{SELECT string_agg(id || ' ' || d::text, E'\n' ORDER BY id) FROM photos, assign_cluster_details(emb, 'alice.m') d},
	'stored results' => q{SELECT md5(kept::text) FROM kept},
	'grants' => q{SELECT string_agg(g::text, E'\n' ORDER BY role) FROM selfclass_model_grants g},
	'neighbours' => q{SELECT md5(string_agg(k::text, E'\n' ORDER BY id, rank)) FROM knn_join('photos', 'emb', 3) k},
	'who owns what of roles that are gone' => q{SELECT owner FROM selfclass_model WHERE name = 'left'},
	'what the trigger gives' => q{SET client_min_messages = warning; BEGIN; UPDATE photos SET image = image, emb = NULL; SELECT md5(string_agg(p::text, E'\n' ORDER BY id)) FROM photos p; ROLLBACK},
);
my %before = map { $_ => $old->safe_psql($db, $seen{$_}) } keys %seen;

is($before{'an embedding'}, 't', 'before');
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
chomp(my $bin = `pg_config --bindir`);
chdir $new->basedir or die;
command_ok([ 'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bin, '-B', $bin, '-s', $new->host, '-p', $old->port, '-P', $new->port ],
	'pg_upgrade');
$new->start;
for my $what (sort keys %seen)
{
	my ($rc, $out, $err) = $new->psql($db, $seen{$what});

	is($out, $before{$what}, "$what: as before") or diag($err);
}

# And it goes on.
my $roles = join '', map { my (undef, undef, $err) = $new->psql($db, "DROP ROLE $_"); $err } 'alice', 'web';
is(() = $roles =~ /cannot be dropped because some objects depend on it/g, 2, 'roles are held');
is($new->safe_psql($db, q{SET client_min_messages = warning; SET ROLE web; SELECT revert_clusters('m') IS NOT NULL}), 't', 'edits are taken back')
	or diag('as role web');
is($new->safe_psql($db, q{SET client_min_messages = warning; SET ROLE alice; CALL train_encoder('later', 'photos', '{"preset": "lightly", "stem": "small", "input_size": 16, "epochs": 0}');
	SELECT count(*) FROM selfclass_models WHERE name = 'later'}), '1', 'a model of later gets a number of its own');
$new->safe_psql($db, 'DROP EXTENSION selfclass CASCADE');
$new->stop;
done_testing();
