# Somebody else's objects before the server's own in search_path: a function, an
# operator, a type, an aggregate and a table of each name, which end a statement that
# takes them. Whatever the extension runs by itself must name its objects whole.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('search_path');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nmax_locks_per_transaction = 512");
$node->start;
my $db = 'postgres';

# A trap for every function, operator, aggregate and relation of a schema, in the schema "trap".
$node->safe_psql($db, <<'SQL');
CREATE SCHEMA trap;
CREATE FUNCTION set_traps(of_schema name) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	o record;
	many int := 0;
BEGIN
	-- What takes or gives pseudo-types (but void) cannot be written in plpgsql.
	FOR o IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, p.prokind,
				CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || format_type(p.prorettype, NULL) AS result,
				ARRAY(SELECT format_type(a, NULL) FROM unnest(p.proargtypes) a) AS types
			FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
			WHERE n.nspname = of_schema AND p.prokind IN ('f', 'a') AND p.proargmodes IS NULL
				AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = ANY (p.proargtypes || p.prorettype) AND t.typtype = 'p' AND t.typname <> 'void')
				AND NOT 'void'::regtype = ANY (p.proargtypes)
	LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', o.proname, array_to_string(o.types, ', '), o.result,
				format('BEGIN RAISE EXCEPTION USING MESSAGE = %L; END', 'trapped by function ' || o.proname));
			many := many + 1;
		EXCEPTION WHEN duplicate_function THEN
		END;
	END LOOP;
	FOR o IN SELECT oprname, oprleft, oprright, oprresult, CASE WHEN oprleft = 0 THEN '' ELSE format('LEFTARG = %s, ', format_type(oprleft, NULL)) END AS l, format_type(oprright, NULL) AS r
			FROM pg_operator JOIN pg_namespace n ON n.oid = oprnamespace
			WHERE n.nspname = of_schema AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (oprleft, oprright, oprresult) AND t.typtype = 'p')
	LOOP
		EXECUTE format('CREATE FUNCTION trap.operator_%s(%s%s) RETURNS %s LANGUAGE plpgsql AS %L', many,
			CASE WHEN o.oprleft = 0 THEN '' ELSE format_type(o.oprleft, NULL) || ', ' END, o.r, format_type(o.oprresult, NULL),
			format('BEGIN RAISE EXCEPTION USING MESSAGE = %L; END', 'trapped by operator ' || o.oprname));
		EXECUTE format('CREATE OPERATOR trap.%s (%sRIGHTARG = %s, FUNCTION = trap.operator_%s)', o.oprname, o.l, o.r, many);
		many := many + 1;
	END LOOP;
	RAISE NOTICE '% traps', many;
END $$;
CREATE FUNCTION set_traps_of_names(of_schema name) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	o record;
BEGIN
	FOR o IN SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE n.nspname = of_schema AND relkind IN ('r', 'v')
	LOOP
		EXECUTE format('CREATE TABLE trap.%I ()', o.relname);
	END LOOP;
	-- A cast to such a type ends everything.
	FOR o IN SELECT typname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
			WHERE n.nspname = of_schema AND typtype IN ('b', 'd') AND typelem = 0 AND typname NOT LIKE '\_%'
	LOOP
		EXECUTE format('CREATE DOMAIN trap.%I AS boolean CHECK (NOT value)', o.typname);
	END LOOP;
END $$;
CREATE SCHEMA s;
CREATE EXTENSION selfclass SCHEMA s;
SET search_path = public, s;
CREATE FUNCTION trap.next(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped by an aggregate'; END $$;
CREATE AGGREGATE trap.count(*) (SFUNC = trap.next, STYPE = bigint, INITCOND = '0');
SQL
$node->safe_psql($db, "SET search_path = public, s;\n" . slurp_file("tests/fixtures/$_")) for 'gray_jpeg.sql', 'encoder_file.sql';
$node->safe_psql($db, <<'SQL');
SET search_path = public, s;
CREATE TABLE photos (id int PRIMARY KEY, image bytea, emb embedding, label int);
INSERT INTO photos (id, image) SELECT i, test_picture(i % 3, i) FROM generate_series(1, 30) i;
CREATE TABLE named (name text PRIMARY KEY, e embedding, truth text);
CREATE TABLE files AS SELECT encoder_file(1) AS file;
CREATE TABLE results (step text, answer text);
CREATE ROLE friend;
SELECT import_encoder('net', file, '{"input_size": 32}') FROM files;
UPDATE photos p SET emb = e.embedding FROM embed_images('photos', 'net') e WHERE e.id = p.id;
INSERT INTO named SELECT 'n' || id, subvector(emb, 1, 12), id % 3 FROM photos;
SELECT set_traps('s'), set_traps('pg_catalog');
SELECT set_traps_of_names('s'), set_traps_of_names('pg_catalog');
SQL
cmp_ok($node->safe_psql($db, q{SELECT count(*) FROM pg_proc WHERE pronamespace = 'trap'::regnamespace}), '>', 2500, 'traps are set');

for my $caught ('SELECT 1 = 1', "SELECT lower('A'::pg_catalog.text)", 'SELECT count(*) FROM public.photos', 'SELECT relname FROM pg_class', "SELECT 'x'::text", q{SELECT drop_model('x'::pg_catalog.text, true)})
{
	my ($rc) = $node->psql($db, "SET search_path = trap, pg_catalog, public, s;\n$caught;", on_error_stop => 1);
	isnt($rc, 0, "a trap for $caught");
}

my $small = '"input_size": 16, "batch_size": 8, "precision": "f32"';
my @steps = (
	q{SELECT s.cluster_images('public.photos', 3, NULL, '{"epochs": 1, SMALL}')},
	q{SELECT s.cluster_images('public.photos', NULL::int, 3, 'm', '{"epochs": 1, SMALL}')},
	q{SELECT s.cluster_images('public.photos', k => 4, model => 'm')},
	q{CALL s.cluster_images_into('public.photos', 'public.labels', NULL, 'm2', '{"epochs": 1, "cluster_method": "graph", SMALL}')},
	q{CALL s.cluster_images_into('public.photos', 'public.labels_paper', NULL, 'm3', '{"preset": "paper", "epochs": 1, SMALL}')},
	q{CALL s.train_encoder('m4', 'public.photos', '{"epochs": 2, SMALL}')},
	q{CALL s.train_encoder('m4', 'public.photos', '{"epochs": 1, "retrain": true, SMALL}')},
	q{SELECT s.embed_images('public.photos', 'm4')},
	q{SELECT s.embed_images('public.photos', NULL::int, 'm4', '{"id_column": "id"}')},
	q{SELECT s.embed_image(image, 'm4') FROM public.photos LIMIT 2},
	q{SELECT s.assign_cluster_image(image, 'm'), s.assign_cluster(s.embed_image(image, 'm'), 'm') FROM public.photos LIMIT 2},
	q{SELECT s.report_html('m')},
	q{SELECT s.report_html('m2')},
	q{SELECT s.import_encoder('copy', s.export_encoder('m', '{"clusters": true}'))},
	q{SELECT s.knn('public.photos', 'emb', emb, 3) FROM public.photos LIMIT 1},
	q{SELECT s.knn('public.named', NULL::pg_catalog.text, 'e', e, 3) FROM public.named LIMIT 1},
	q{SELECT s.knn_join('public.photos', 'emb', 3)},
	q{SELECT s.knn_join('public.named', NULL::pg_catalog.text, 'e', 3, 'public.named')},
	q{SELECT s.near_duplicates('public.photos', 'emb', 0.5)},
	q{SELECT s.neighbor_sheet('public.photos', 'image', 'emb', 2, 3)},
	q{SELECT s.contact_sheet(image, 4, 32) FROM public.photos},
	q{SELECT s.kmeans_train('public.photos', 'emb', 3)},
	q{SELECT s.kmeans_train('public.photos', 'emb', 3, '{"sample": 1000}')},
	q{SELECT s.kmeans_fit(emb, 3), s.elbow(emb, 5), s.pca_fit(emb, 2), s.avg(emb), s.sum(emb), s.silhouette(emb, 1) FROM public.photos},
	q{SELECT s.kmeans(emb, 3) OVER (), s.leiden(emb) OVER () FROM public.photos},
	q{SELECT s.knn_accuracy(e, truth, 1), s.clustering_purity(1, truth), s.clustering_accuracy(1, truth), s.majority_truth(1, truth) FROM public.named},
	q{SELECT s.elbow_svg(s.elbow(emb, 5)), s.scatter_svg(1.5, 2.5, 1) FROM public.photos},
	q{SELECT emb OPERATOR(s.<->) emb, emb OPERATOR(s.+) emb, s.embedding_dims(emb), emb::pg_catalog.float4[] FROM public.photos},
	q{SELECT emb FROM public.photos ORDER BY emb},
	q{CREATE TRIGGER t BEFORE INSERT OR UPDATE OF image ON public.photos FOR EACH ROW EXECUTE FUNCTION s.embed_image_trigger('m', 'image', 'emb')},
	q{UPDATE public.photos SET image = image},
	q{DROP TRIGGER t ON public.photos},
	q{SELECT s.grant_model('m', 'friend')},
	q{SELECT name FROM s.selfclass_models},
	q{SELECT role FROM s.selfclass_model_grants},
	q{SELECT s.revoke_model('m', 'friend')},
	q{SELECT s.reassign_models('postgres', 'friend')},
	q{SELECT s.reassign_models('friend', 'postgres')},
	q{SELECT s.drop_model('m4@1')},
	q{SELECT s.drop_model('m')});
for my $step (@steps)
{
	(my $sql = $step) =~ s/SMALL/$small/;
	my ($rc, undef, $err) = $node->psql($db, "SET search_path = trap, pg_catalog, public, s;\nSET client_min_messages = error;\n$sql;");
	is($err, '', $step);
}

# A schema of somebody's making: nothing in it that is already there is taken, or taken over.
$node->safe_psql($db, 'CREATE DATABASE other');
$node->safe_psql('other', q{CREATE SCHEMA s; CREATE TABLE s.selfclass_model (name text)});
my (undef, undef, $said) = $node->psql('other', '\set VERBOSITY sqlstate
	CREATE EXTENSION selfclass SCHEMA s');
like($said, qr/42P07/, 'a table that is there ends CREATE EXTENSION');
$node->safe_psql('other', q{DROP TABLE s.selfclass_model; CREATE FUNCTION s.knn_accuracy_final(internal) RETURNS float8 LANGUAGE internal AS 'int4in'});
(undef, undef, $said) = $node->psql('other', '\set VERBOSITY sqlstate
	CREATE EXTENSION selfclass SCHEMA s');
like($said, qr/42723/, 'so does a function');

# Nor does a script call what fits its call less well, but comes by the type that a literal takes first.
chomp(my $share = `pg_config --sharedir`);
my ($old, $new) = map { slurp_file("$share/extension/selfclass--$_.sql") } '1.0', '1.0--1.1';
my %names = map { $_ => 1 } "$old$new" =~ /^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE|AGGREGATE) (\w+)\(/mg;
delete @names{ "$old$new" =~ /^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE|AGGREGATE) (\w+)\((?:\w+ )?text(?: DEFAULT [^,]*)?\)/mg };
cmp_ok(scalar keys %names, '>', 100, 'names of the scripts');
$node->safe_psql('other', join "\n", 'DROP FUNCTION s.knn_accuracy_final(internal);', map {
	"CREATE FUNCTION s.$_(text) RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'trapped by $_'; END \$\$;" } sort keys %names);
(undef, undef, $said) = $node->psql('other', 'CREATE EXTENSION selfclass SCHEMA s');
is($said, '', 'CREATE EXTENSION calls nothing of somebody else');
done_testing();
