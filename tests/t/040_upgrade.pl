# From version 1.0 to this one: the catalog of 1.0 on this library, ALTER
# EXTENSION UPDATE, a dump of 1.0 in a new database; and 1.0's script stays.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Digest::SHA qw(sha256_hex);
use Test::More;

# A released script is never edited. This is no checksum to renew.
my $sha256_1_0 = 'd9432d29f47142432f66796e5a6f7e42b9fb233565004d1689a8544cbe791c9a';

# What a key that a stored recipe lacks means: what 1.0 did. An option that is
# newer than 1.0 gets a line of its own below, with what 1.0 did without it.
my $absent = q{{"preset": "auto", "id_column": null, "image_column": null, "on_error": "skip", "seed": 1, "precision": "auto",
	"stem": "imagenet", "batch_size": 256, "batch_pieces": 1, "drop_last": true, "epochs": 20, "time_budget": null, "train_sample": 50000,
	"checkpoint_interval": "60 seconds", "retrain": false, "optimizer": "sgd", "lr": 0.06, "momentum": 0.9,
	"weight_decay": 0.0005, "warmup_epochs": 0, "schedule": "cosine", "schedule_step": "step", "temperature": 0.5,
	"proj_hidden_dim": 512, "proj_out_dim": 128, "proj_batch_norm": true, "min_scale": 0.3, "max_scale": 1,
	"min_ratio": 0.75, "max_ratio": 1.33333333333333, "hf_prob": 0.5, "vf_prob": 0, "rr_prob": 0, "rr_degrees": null,
	"shear": 0, "elastic": 0, "elastic_prob": 0, "embed_views": 1, "hog_weight": 0, "neighbor_prob": 0, "neighbor_start": 0.5, "neighbors": 3, "self_label_start": 1, "morph_prob": 0, "cj_prob": 0.8, "cj_strength": 0.5, "cj_bright": 0.8, "cj_contrast": 0.8, "cj_sat": 0.8,
	"cj_hue": 0.2, "random_gray_scale": 0.2, "gaussian_blur": 0.5, "sigmas": [0.1, 2], "kernel_size": null,
	"normalize": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}, "local_contrast_norm": false, "transform_order": "flip_rotate",
	"init": null, "l2_normalize": true, "erase_capture": false, "pca_components": 10, "pca_whiten": true, "max_k": 15, "elbow_method": "kneedle",
	"min_gain": 0.01, "sensitivity": 1, "cluster_method": "kmeans", "n_init": 10, "max_iter": 300, "tol": 0.0001, "kmeans_init": "k-means++", "algorithm": "lloyd",
	"min_confidence": 0}};

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init;
$node->append_conf('postgresql.conf', 'max_wal_size = 4GB');
$node->start;
my ($share) = run_command([ 'pg_config', '--sharedir' ]);
my $scripts = "$share/extension";
my $old_script = slurp_file("$scripts/selfclass--1.0.sql");
my ($rc, $out, $err);

# A database whose extension, in schema s, is not made yet.
sub new_database
{
	my ($db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "CREATE SCHEMA s; ALTER DATABASE $db SET search_path = public, s");
}

# A dump of one database, restored into a new one.
sub copy_database
{
	my ($db, $copy) = @_;
	my $dump = $node->basedir . "/$copy.dump";
	$node->command_ok([ 'pg_dump', '-Fc', '-Z0', '-d', $node->connstr($db), '-f', $dump ], "$copy: dump");
	$node->safe_psql('postgres', "CREATE DATABASE $copy");
	$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr($copy), $dump ], "$copy: restore");
	$node->safe_psql('postgres', "ALTER DATABASE $copy SET search_path = public, s");
	unlink $dump;
}

sub version
{
	my ($db) = @_;
	return $node->safe_psql($db, "SELECT extversion FROM pg_extension WHERE extname = 'selfclass'");
}

# The extension's objects, as \dx+ lists them.
sub objects
{
	my ($db) = @_;
	return [ split /\n/, $node->safe_psql($db, q{SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
		WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'selfclass') ORDER BY 1}) ];
}

# ---- 1.0's script, and the versions ---------------------------------------------

is(sha256_hex($old_script), $sha256_1_0, 'selfclass--1.0.sql is what was released');

# CREATE FUNCTION looks for the symbol and for the record of its calling convention.
my %symbols = map { $_ => 1 } $old_script =~ /AS 'MODULE_PATHNAME', '(\w+)'/g;
my $probes = join "\n", map { qq{CREATE FUNCTION pg_temp."$_"() RETURNS int AS '\$libdir/selfclass', '$_' LANGUAGE C;} } sort keys %symbols;
($rc, $out, $err) = $node->psql('postgres', $probes, on_error_stop => 0);
is($err, '', keys(%symbols) . " C symbols that 1.0's script names are in the library");
is(() = $old_script =~ /'MODULE_PATHNAME'/g, () = $old_script =~ /AS 'MODULE_PATHNAME', 'scpg_\w+'/g, 'and it names no others');

new_database('old');
$node->safe_psql('old', "CREATE EXTENSION selfclass SCHEMA s VERSION '1.0'");
is(version('old'), '1.0', 'the extension of 1.0');

new_database('fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION selfclass SCHEMA s');
my $version = version('fresh');
my ($unreleased) = slurp_file('CHANGELOG.md') =~ /^## (\S+)/m;
is($version, $unreleased, 'the default version is the newest of the changelog');
is($node->safe_psql('fresh', q{SELECT source, path FROM pg_extension_update_paths('selfclass') WHERE path IS NOT NULL}),
	"1.0|1.0--$version", 'and there is one way to it');
$node->safe_psql('fresh', 'DROP EXTENSION selfclass; CREATE SCHEMA "Of others"; CREATE EXTENSION selfclass SCHEMA "Of others"');
$node->safe_psql('fresh', 'DROP EXTENSION selfclass; CREATE EXTENSION selfclass SCHEMA s');
my $objects = objects('fresh');

# ---- the catalog of 1.0 on this library -------------------------------------------

my $recipe = '"preset": "lightly", "input_size": 16, "batch_size": 16, "train_sample": 32, "epochs": 5, "checkpoint_interval": "1 ms"';

$node->safe_psql('old', slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql('old', qq{
	CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 48) i;
	CALL train_encoder('net', 'photos', '{$recipe}');
	CALL cluster_images_into('photos', 'labels', 3, 'net');

	CREATE ROLE friend;
	SELECT grant_model('net', 'friend');
	GRANT USAGE ON SCHEMA s TO friend;
	GRANT SELECT ON photos TO friend;

	CREATE TABLE kept (id int PRIMARY KEY, image bytea, emb embedding(512));
	CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('net', 'image', 'emb');
	INSERT INTO kept SELECT id, image FROM photos WHERE id <= 20;

	CREATE VIEW neighbours AS SELECT q.id AS query, n.* FROM kept q, LATERAL knn('kept', 'emb', q.emb, 3) n WHERE q.id <= 3;
	CREATE VIEW grouped AS SELECT kmeans_fit(emb, 3) AS m FROM kept;
	CREATE INDEX firsts ON kept (subvector(emb, 1, 2));
	CREATE VIEW my_models AS SELECT name, version, owner, state, images, loss, kmeans FROM selfclass_models;
	CREATE VIEW all_of_models AS SELECT * FROM selfclass_models;

	CREATE TABLE results AS SELECT pca_fit(emb, 3) AS pca, kmeans_fit(emb, 3) AS kmeans, elbow(emb, 8) AS elbow FROM kept});
# As 1.0 wrote them, whatever makes them today.
$node->safe_psql('old', q{
	CREATE TABLE by_hand (pca pca_model, kmeans kmeans_model, elbow elbow_result);
	INSERT INTO by_hand VALUES ('(2,2,0;0,1,1,0,-0,1,2.6666666666666665,0.6666666666666666,0.8,0.2)',
		'(2,2,2,1;4,2,2,-4,1,4,1)', '(3,3;240.66667032241827,69.99999856948855,6.000000476837172)');
	UPDATE s.selfclass_model SET selfclass_version = '1.0'});

# One that was interrupted: told to stop by what it writes in its third epoch.
$node->safe_psql('old', q{
	CREATE FUNCTION cancel() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN PERFORM pg_cancel_backend(pg_backend_pid()); RETURN NULL; END$$;
	CREATE TRIGGER cancel AFTER INSERT ON s.selfclass_training_log FOR EACH ROW WHEN (NEW.epoch = 3) EXECUTE FUNCTION cancel()});
($rc, $out, $err) = $node->psql('old', "CALL train_encoder('stopped', 'photos', '{$recipe}')");
like($err, qr/canceling statement due to user request/, 'a training is interrupted');
$node->safe_psql('old', 'DROP FUNCTION cancel() CASCADE');
is($node->safe_psql('old', q{SELECT state, epochs_done IN (2, 3) FROM s.selfclass_model WHERE name = 'stopped'}), 'training|t', 'and can be resumed');

# What must answer the same for ever, to the bit.
my %question = (
	'embeddings' => q{SELECT md5(string_agg(embedding::text, ',' ORDER BY id)) FROM embed_images('photos', 'net')},
	'labels of images' => q{SELECT string_agg(assign_cluster_image(image, 'net')::text, ',' ORDER BY id) FROM photos},
	'labels of embeddings' => q{SELECT string_agg(assign_cluster(embedding, 'net')::text, ',' ORDER BY id) FROM labels},
	'a clustering' => q{SELECT md5(string_agg(row(id, label, embedding_0, embedding_1, distance)::text, ',' ORDER BY id)) FROM cluster_images('photos', 3, 'net')},
	'the same number of groups' => q{SELECT count(DISTINCT label) FROM cluster_images('photos', model => 'net@1')},
	'an elbow' => q{SELECT md5(string_agg(row(id, embedding_0, embedding_1, distance)::text, ',' ORDER BY id))
		FROM cluster_images('photos', model => 'net@1', options => '{"elbow_method": "kneedle", "keep": false}')},
	'the models' => q{SELECT name, version, owner, state, recipe, backbone, dim, source, images, skipped, epochs_done, loss,
		pca, kmeans, selfclass_version FROM selfclass_models WHERE name = 'net'},
	'a grant' => q{SET ROLE friend; SELECT md5(string_agg(embed_image(image, 'net')::text, ',' ORDER BY id)) FROM photos WHERE id <= 3},
	'and what it does not grant' => q{SET ROLE friend; SELECT name FROM selfclass_models},
	'a trigger' => q{BEGIN; INSERT INTO kept SELECT id + 100, image FROM photos WHERE id <= 3; SELECT id, md5(emb::text) FROM kept WHERE id > 100 ORDER BY id; ROLLBACK},
	'what it kept' => q{SELECT md5(string_agg(emb::text, ',' ORDER BY id)) FROM kept},
	'its file' => q{SELECT md5(export_encoder('net'))},
	'a view on knn' => q{SELECT * FROM neighbours ORDER BY query, distance, id},
	'a view on kmeans_fit' => q{SELECT m FROM grouped},
	'whole numbers that were int' => q{SELECT md5(row(kmeans_fit(emb, 2), kmeans_fit(emb, 2, '{"seed": 2}'), elbow(emb, 4), elbow(emb, 4, '{"seed": 2}'),
			silhouette(emb, id % 3), knn_accuracy(emb, (id % 3)::text, 2))::text),
			row(clustering_purity(id % 3, id::bigint), clustering_accuracy(id % 3, 'x'), normalized_mutual_info(id % 3, id::text), adjusted_rand_index(id % 3, 1),
			majority_truth(id % 3, id)), string_agg(subvector(emb, 2, 3)::text, ',' ORDER BY id), md5(contact_sheet(image, 4, 32 ORDER BY id)), md5(scatter_svg(id, id % 3, id % 3 ORDER BY id)) FROM kept;
		SELECT string_agg(label::text, ',' ORDER BY id) FROM (SELECT id, kmeans(emb, 3) OVER () AS label FROM kept) k;
		SELECT string_agg(label::text, ',' ORDER BY id) FROM (SELECT id, kmeans(emb, 3, '{"seed": 2}') OVER () AS label FROM kept) k;
		SELECT kmeans_train('kept', 'emb', 2);
		SELECT md5(neighbor_sheet('kept', 'image', 'emb', 2, 3));
		SELECT string_agg(row(n.*)::text, ',') FROM knn('kept', NULL::int, 'emb', (SELECT emb FROM kept WHERE id = 1), 3) n;
		SELECT md5(string_agg(row(n.*)::text, ',' ORDER BY id, rank)) FROM knn_join('kept', 'emb', 2) n;
		SELECT md5(string_agg(row(n.*)::text, ',' ORDER BY id, rank)) FROM knn_join('kept', NULL::int, 'emb', 2, 'kept') n;
		SELECT md5(string_agg(row(n.*)::text, ',' ORDER BY id, duplicate)) FROM near_duplicates('kept', NULL::int, 'emb', 1e6) n},
	'a view on selfclass_models' => q{SELECT * FROM my_models WHERE name = 'net'},
	'one on all its columns' => q{SELECT * FROM all_of_models WHERE name = 'net'},
	'a stored pca_model' => q{SELECT md5(pca::text), md5(string_agg(pca_transform(emb, pca)::text, ',' ORDER BY id)) FROM kept, results GROUP BY pca::text},
	'a stored kmeans_model' => q{SELECT md5(kmeans::text), string_agg(row(kmeans_predict(emb, kmeans), kmeans_distance(emb, kmeans))::text, ',' ORDER BY id)
		FROM kept, results GROUP BY kmeans::text},
	'a stored elbow_result' => q{SELECT elbow, elbow_k(elbow), md5(elbow_svg(elbow)) FROM results},
	'those of 1.0' => q{SELECT *, pca_transform('[3,3]', pca), kmeans_predict('[-1,1]', kmeans), kmeans_distance('[4,5]', kmeans), elbow_k(elbow) FROM by_hand},
);

sub answers
{
	my ($db) = @_;
	return { map { $_ => $node->safe_psql($db, $question{$_}) } sort keys %question };
}

# Resumed to the weights of the training that nothing interrupted.
sub resumes
{
	my ($db, $when) = @_;
	$node->safe_psql($db, "CALL resume_encoder('stopped')");
	is($node->safe_psql($db, q{SELECT count(DISTINCT (state, epochs_done, weights_bytes, weights_crc, loss)), min(state) FROM selfclass_model}),
		'1|ready', "$when: the training is resumed to the same bits");
}

my $answers = answers('old');
is($answers->{'those of 1.0'}, '(2,2,0;0,1,1,0,-0,1,2.6666666666666665,0.6666666666666666,0.8,0.2)|(2,2,2,1;4,2,2,-4,1,4,1)' .
	'|(3,3;240.66667032241827,69.99999856948855,6.000000476837172)|[3,2]|0|4|3', 'values that 1.0 stored mean what they did');
like($answers->{'a grant'}, qr/^[0-9a-f]{32}$/, 'a role uses the model that was granted to it');
is($answers->{'and what it does not grant'}, 'net', 'and no other');
is_deeply(answers('old'), $answers, 'the same answers again');

# What its functions that 1.1 has others for still do, and that they keep to what is new.
my $used = qr/cannot drop model "net", which a trigger uses/;
($rc, $out, $err) = $node->psql('old', q{SELECT drop_model('net')});
like($err, $used, 'a model under a trigger stays');
is($node->safe_psql('old', q{CREATE ROLE other; SELECT grant_model('net', 'other'), revoke_model('net', 'other');
	SELECT role FROM s.selfclass_model_grant}), "|\nfriend", 'grants in the tables of 1.0');

# ---- a dump of 1.0, and the update --------------------------------------------------

copy_database('old', 'copy');
is(version('copy'), $version, 'a dump of 1.0 restores into this version');
is_deeply(answers('copy'), $answers, 'with the same answers');
is_deeply(objects('copy'), $objects, 'and the objects of a new install');
resumes('copy', 'from a dump of 1.0');

($rc, $out, $err) = $node->psql('old', "ALTER EXTENSION selfclass UPDATE");
is($rc, 0, 'the update') or diag($err);
my @kept = $err =~ /^(?:psql:\S* )?WARNING:  (.*)\n.*DETAIL:  (.*)$/mg;
is_deeply([ @kept ], [
	's.kmeans_fit(s.embedding,integer) is kept as kmeans_fit_1_0', 'It is used by view public.grouped.',
	's.subvector(s.embedding,integer,integer) is kept as subvector_1_0', 'It is used by index public.firsts.',
	's.kmeans_accum(internal,s.embedding,integer) is kept as kmeans_accum_1_0', 'It is used by function s.kmeans_fit_1_0(s.embedding,integer).',
	's.knn(regclass,name,s.embedding,integer) is kept as knn_1_0', 'It is used by view public.neighbours.'], 'keeps what views and indexes use, and says so');
is(version('old'), $version, 'is to this version');
is_deeply(answers('old'), $answers, 'and gives the same answers');
is_deeply(objects('old'), $objects, 'and the objects of a new install');
my $autovacuum = q{SELECT c.reloptions, t.reloptions FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid
	WHERE c.oid = 's.selfclass_model_weights'::regclass};
like($node->safe_psql('old', $autovacuum), qr/autovacuum_vacuum_scale_factor=0,.*\|.*autovacuum_vacuum_scale_factor=0,/, 'old weights are vacuumed soon');
is($node->safe_psql('old', $autovacuum), $node->safe_psql('fresh', $autovacuum), 'as in a new install');
resumes('old', 'after the update');
copy_database('old', 'again');
is($node->safe_psql('again', $question{$_}), $answers->{$_}, "$_, in a dump of it") for 'a view on knn', 'a view on kmeans_fit';
is($node->safe_psql('old', qq{CALL train_encoder('new', 'photos', '{"input_size": 16, "epochs": 0}');
	SELECT selfclass_version FROM selfclass_models WHERE name = 'new'}), $version, 'a new model names the new version');
is($node->safe_psql('old', q{SELECT count(*) FROM selfclass_progress; SELECT min(epoch), max(epoch) > 1 FROM selfclass_epochs}), "0\n1|t",
	'nothing is in progress, and epochs of 1.0 are seen');

# ---- whose a model is --------------------------------------------------------------------

is($node->safe_psql($_, q{SELECT owner = current_user::regrole, name, role, privilege FROM selfclass_model_grants}),
	't|net|friend|use', "$_: a grant of 1.0 is one to use") for 'old', 'copy';
$node->safe_psql('old', q{
	CREATE FUNCTION grant_as_1_0(text, regrole) RETURNS void AS '$libdir/selfclass', 'scpg_grant_model' LANGUAGE C;
	CREATE FUNCTION revoke_as_1_0(text, regrole) RETURNS void AS '$libdir/selfclass', 'scpg_revoke_model' LANGUAGE C;
	CREATE FUNCTION drop_as_1_0(text) RETURNS void AS '$libdir/selfclass', 'scpg_drop_model' LANGUAGE C});
is($node->safe_psql('old', q{SELECT grant_as_1_0('net', 'other'); SELECT role, privilege FROM selfclass_model_grants ORDER BY role;
	SELECT revoke_as_1_0('net', 'other'); SELECT role FROM selfclass_model_grants}), "\nfriend|use\nother|use\n\nfriend",
	'the functions of 1.0 on the tables of this version');
($rc, $out, $err) = $node->psql('old', q{SELECT drop_as_1_0('net')});
like($err, $used, 'which keep a model under a trigger too');
is($node->safe_psql('old', q{SELECT grant_model('net', 'public', 'edit'); SET ROLE friend; SELECT role, privilege FROM selfclass_model_grants ORDER BY role;
	SELECT name, version, current FROM selfclass_models; RESET ROLE; SELECT revoke_model('net', 'public')}),
	"\nfriend|use\npublic|edit\nnet|1|t\n", 'a grant to everyone');

# What is new in this version: groups of near rows, by the keys that tables of 1.0 have.
is($node->safe_psql('old', q{CREATE TABLE twins AS SELECT i AS id, ARRAY[i / 2, 1]::embedding AS emb FROM generate_series(2, 9) i;
	ALTER TABLE twins ADD PRIMARY KEY (id); SELECT count(*), max(group_id) FROM duplicate_groups('twins', 'emb', 0);
	SELECT count(*) FROM diverse_sample('twins', 'emb', 3); DROP TABLE twins}), "8|3\n3", 'duplicate_groups, diverse_sample');

# An export carries the recipe and, where asked, the groups.
is($node->safe_psql('old', q{SELECT count(import_encoder('moved', export_encoder('net', '{"clusters": true}')));
	SELECT bool_and(embed_image(image, 'moved') = embed_image(image, 'net')), bool_and(assign_cluster_image(image, 'moved') = assign_cluster_image(image, 'net')) FROM photos}),
	"1\nt|t", 'a model of 1.0 goes through a file with its groups');

# The label table of a model of 1.0, which does not know it, as it is before it is clustered again: one call makes one that it knows.
is($node->safe_psql('old', q{UPDATE s.selfclass_model SET calibration = NULL WHERE name = 'net'; SELECT count(*), count(a.distance), count(a.confidence) FROM labels, assign_cluster_details(embedding, 'net') a}),
	'48|48|0', 'groups of 1.0: no confidence');
($rc, $out, $err) = $node->psql('old', q{SELECT * FROM refresh_clusters('net')});
like($err, qr/ERROR:  model "net" has no label table\n.*\nHINT:  Make one: CALL cluster_images_into\('public.photos', 'net_labels', model => 'net\@1'\)\./, 'and no members');
($rc, $out, $err) = $node->psql('old', q{CALL cluster_images_into('photos', 'labels', model => 'net@1')});
like($err, qr/ERROR:  relation "labels" already exists/, 'what 1.0 made stays');
my $of_images = q{SELECT string_agg(assign_cluster_image(image, 'net')::text, ',' ORDER BY id) FROM photos};
is($node->safe_psql('old', qq{CALL cluster_images_into('public.photos', 'net_labels', model => 'net\@1'); $of_images}),
	$answers->{'labels of images'}, 'the call that the hint gives');
is($node->safe_psql('old', q{SELECT count(label), count(confidence), bool_or(pinned) FROM net_labels; SELECT labels, k FROM selfclass_models WHERE name = 'net';
	SELECT sum(size), count(*) FROM selfclass_clusters WHERE model = 'net'; SELECT count(a.confidence) FROM labels, assign_cluster_details(embedding, 'net') a;
	INSERT INTO photos SELECT 100, image FROM photos WHERE id = 1; SELECT added, removed FROM refresh_clusters('net'); DELETE FROM photos WHERE id = 100;
	SELECT added, removed FROM refresh_clusters('net', options => '{"remove": true}')}),
	"48|48|f\nnet_labels|3\n48|3\n48\n1|0\n0|1", 'makes all of it work');

# And its groups can be corrected.
is($node->safe_psql('old', q{CREATE TABLE as_clustered AS SELECT id, label FROM net_labels;
	SELECT merge_clusters('net', 0, 1) = (SELECT count(*) FROM as_clustered WHERE label = 1), count(*) FROM cluster_tree('net');
	SELECT name_cluster('net', 0, 'Most'); SELECT count(*), sum(size) < 48 FROM split_cluster('net', 0); SELECT revert_clusters('net', min(edit)) > 0 FROM selfclass_cluster_edits WHERE command = 'merge_clusters';
	SELECT count(*) FROM as_clustered a JOIN net_labels l USING (id) WHERE a.label <> l.label}), "t|2\n\n2|t\nt\n0", 'edits of groups that 1.0 made');

# ---- a recipe without a key -----------------------------------------------------------

# cluster_images writes the recipe of its owner's model again, with every key. The two sizes are the network's own.
$node->safe_psql('old', q{UPDATE s.selfclass_model SET recipe =
	jsonb_build_object('input_size', recipe->'input_size', 'image_side', recipe->'image_side') WHERE name = 'new'});
$node->safe_psql('old', q{SELECT count(*) FROM cluster_images('photos', model => 'new')});
is($node->safe_psql('old', qq{SELECT jsonb_pretty(recipe - '{input_size,image_side}'::text[]) FROM selfclass_model WHERE name = 'new'}),
	$node->safe_psql('old', qq{SELECT jsonb_pretty('$absent')}), 'a key that a stored recipe lacks means what 1.0 did');
my $clustering = q{SELECT md5(string_agg(row(c.*)::text, ',' ORDER BY id)) FROM cluster_images('photos', model => 'new') c};
my $of_new = $node->safe_psql('old', $clustering);
for my $key ('precision', 'kmeans_init', 'n_init', 'elbow_method')
{
	$node->safe_psql('old', "UPDATE s.selfclass_model SET recipe = recipe - '$key' WHERE name = 'new'");
	is($node->safe_psql('old', $clustering), $of_new, "the same clustering without \"$key\"");
}

# ---- how a later update retires a function ---------------------------------------------

my ($retire) = slurp_file("$scripts/selfclass--1.0--1.1.sql") =~ /^-- BEGIN retire\n(.*)^-- END retire\n/ms;
append_to_file("$scripts/selfclass--$version--retired.sql", $retire . q{
	SELECT retire('knn(regclass, name, embedding, bigint)'::pg_catalog.regprocedure);
	SELECT retire('near_duplicates(regclass, name, double precision)'::pg_catalog.regprocedure);
	DROP FUNCTION retire(regprocedure);
	CREATE FUNCTION knn(items regclass, emb name, query embedding, k bigint)
		RETURNS TABLE (id bigint, distance double precision, rank integer) LANGUAGE sql AS 'SELECT 1::bigint, 0.0::float8, 1';
	CREATE FUNCTION near_duplicates(items regclass, emb name, threshold double precision)
		RETURNS TABLE (id bigint, duplicate bigint, distance double precision, rank integer) LANGUAGE sql AS 'SELECT 1::bigint, 2::bigint, 0.0::float8, 1'});

$node->safe_psql('fresh', q{
	CREATE TABLE kept AS SELECT i AS id, ARRAY[i, i * i % 7]::embedding AS emb FROM generate_series(1, 20) i;
	ALTER TABLE kept ADD PRIMARY KEY (id);
	CREATE VIEW neighbours AS SELECT * FROM knn('kept', 'emb', '[3,2]', 3);
	CREATE FUNCTION nearest() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT id FROM knn('kept', 'emb', '[3,2]', 1); END;
	REVOKE EXECUTE ON FUNCTION near_duplicates(regclass, name, double precision) FROM PUBLIC});
my $view = 'SELECT * FROM neighbours ORDER BY distance, id; SELECT nearest()';
my $neighbours = $node->safe_psql('fresh', $view);
($rc, $out, $err) = $node->psql('fresh', "ALTER EXTENSION selfclass UPDATE TO 'retired'");
is($rc, 0, 'an update that changes the columns of functions') or diag($err);
my $kept = 's.knn_1_0(regclass,name,s.embedding,bigint)';
like($err, qr/WARNING:  \Qs.knn(regclass,name,s.embedding,bigint) is kept as knn_1_0\E
DETAIL:  \QIt is used by function public.nearest(), view public.neighbours.\E
HINT:  \QLet them use the new one, then DROP ROUTINE $kept.\E/, 'names what uses the old one');
like($err, qr/\QWARNING:  privileges on s.near_duplicates(regclass,name,double precision) are those of a new function\E/, 'and whose privileges are gone');
is(() = $err =~ /WARNING/g, 2, 'and nothing else');
is_deeply(objects('fresh'), $objects, 'the objects are those of a new install');
is($node->safe_psql('fresh', $view), $neighbours, 'the view and the function answer as before');
is($node->safe_psql('fresh', q{SELECT rank FROM knn('kept', 'emb', '[3,2]', 3)}), '1', 'a new call has the new column');
copy_database('fresh', 'retired');
is($node->safe_psql('retired', $view), $neighbours, 'a dump of it restores');
$node->safe_psql('retired', "DROP VIEW neighbours; DROP FUNCTION nearest(); DROP ROUTINE $kept");

unlike(slurp_file($node->logfile), qr/was terminated by signal|TRAP:|PANIC: |XX000|WARNING: .*leak/, 'no crash, nothing leaked');
done_testing();
