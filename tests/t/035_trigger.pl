# Rows that arrive: the trigger in INSERT ... SELECT, COPY, partitions and
# logical replication; a torn picture loses no row.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('publisher');
$node->init(allows_streaming => 'logical');
$node->start;
my $other = PostgreSQL::Test::Cluster->new('subscriber');
$other->init(allows_streaming => 'logical');
$other->start;

# A model with groups in both, and the same pictures: one of 1,000 is torn.
for my $n ($node, $other)
{
	$n->safe_psql('postgres', 'CREATE EXTENSION selfclass');
	$n->safe_psql('postgres', slurp_file("tests/fixtures/$_")) for 'gray_jpeg.sql', 'encoder_file.sql';
	$n->safe_psql('postgres', q{
		SELECT import_encoder('net', encoder_file(1), '{"input_size": 16}');
		CREATE TABLE old (id int PRIMARY KEY, image bytea);
		INSERT INTO old SELECT i, test_picture(i % 3, i) FROM generate_series(1, 30) i;
		SELECT count(*) FROM cluster_images('old', k => 3, model => 'net');
		CREATE TABLE made AS SELECT i AS id,
			CASE WHEN i = 617 THEN substr(test_picture(0, i), 1, 160) ELSE test_picture(i % 3, i % 30) END AS image
			FROM generate_series(1, 1000) i;
		CREATE TABLE photo (id int PRIMARY KEY, image bytea, emb embedding(512), label int, sure real);
		CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON photo FOR EACH ROW EXECUTE FUNCTION
			embed_image_trigger('net', 'image', 'emb', '{"label_column": "label", "confidence_column": "sure"}')});
}

# What a table of them should look like.
my $check = q{SELECT count(*), count(*) FILTER (WHERE emb IS NULL), min(id) FILTER (WHERE emb IS NULL),
	bool_and(emb IS NULL OR emb = embed_image(image, 'net')),
	bool_and(label IS NOT DISTINCT FROM assign_cluster(emb, 'net')) FROM };
my $sure = q{SELECT bool_and(sure IS NOT DISTINCT FROM (assign_cluster_details(emb, 'net')).confidence::real), count(sure) > 0 FROM photo};

sub warnings_of
{
	my ($err) = @_;
	return [ $err =~ /WARNING:  (.*)/g ];
}

my ($rc, $out, $err) = $node->psql('postgres', 'INSERT INTO photo SELECT id, image FROM made');
is($rc, 0, 'INSERT ... SELECT of 1,000 rows with a torn picture');
is_deeply(warnings_of($err), ['image of public.photo with id = 617 could not be read'], 'one warning, with the key');
like($err, qr/DETAIL:  JPEG image is corrupt \(Rows missing/, 'and the reason');
is($node->safe_psql('postgres', $check . 'photo'), '1000|1|617|t|t', 'every row is there');
is($node->safe_psql('postgres', $sure), 't|t', 'with how sure its label is');

my $file = PostgreSQL::Test::Utils::tempdir . '/made';
$node->safe_psql('postgres', "\\copy made TO '$file' (FORMAT binary)");
$node->safe_psql('postgres', 'TRUNCATE photo');
($rc, $out, $err) = $node->psql('postgres', "\\copy photo (id, image) FROM '$file' (FORMAT binary)");
is($rc, 0, 'COPY of them');
is_deeply(warnings_of($err), ['image of public.photo with id = 617 could not be read'], 'one warning, with the key');
is($node->safe_psql('postgres', $check . 'photo'), '1000|1|617|t|t', 'every row is there');

# With "fail" the statement fails, and says which row it was.
$node->safe_psql('postgres', q{CREATE TABLE strict (LIKE photo);
	CREATE TRIGGER embed BEFORE INSERT ON strict FOR EACH ROW EXECUTE FUNCTION
		embed_image_trigger('net', 'image', 'emb', '{"on_error": "fail"}')});
($rc, $out, $err) = $node->psql('postgres', 'INSERT INTO strict SELECT id, image FROM made WHERE id > 600');
like($err, qr/ERROR:  JPEG image is corrupt/, '"on_error": "fail"');
is($node->safe_psql('postgres', 'SELECT count(*) FROM strict'), '0', 'no row then');

# Nothing is computed where the bytes are the same: not even the model is looked for.
$node->safe_psql('postgres', q{CREATE TABLE kept AS SELECT * FROM photo WHERE id < 20;
	CREATE TRIGGER embed BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION embed_image_trigger('nobody', 'image', 'emb')});
$node->safe_psql('postgres', 'UPDATE kept SET label = 7');
$node->safe_psql('postgres', 'UPDATE kept SET image = image');
$node->safe_psql('postgres', q{UPDATE kept SET image = image || ''::bytea});
$node->safe_psql('postgres', q{UPDATE kept k SET image = m.image FROM made m WHERE m.id = k.id});
($rc, $out, $err) = $node->psql('postgres', q{UPDATE kept SET image = image || '\x00'});
like($err, qr/model "nobody" does not exist/, 'another byte is another picture');
($rc, $out, $err) = $node->psql('postgres', 'UPDATE kept SET emb = NULL');
like($err, qr/model "nobody" does not exist/, 'an embedding that is gone is made anew');

# Partitions: a trigger on the whole, rows that move.
$node->safe_psql('postgres', q{
	CREATE TABLE part (id int, at int, image bytea, emb embedding(512), label bigint, PRIMARY KEY (at, id)) PARTITION BY LIST (at);
	CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
	CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
	CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON part FOR EACH ROW EXECUTE FUNCTION
		embed_image_trigger('net', 'image', 'emb', '{"label_column": "label"}')});
($rc, $out, $err) = $node->psql('postgres', 'INSERT INTO part SELECT id, 1 + id % 2, image FROM made WHERE id BETWEEN 600 AND 640');
is_deeply(warnings_of($err), ['image of public.part_2 with (id, at) = (617, 2) could not be read'], 'a partition and its key');
is($node->safe_psql('postgres', $check . 'part'), '41|1|617|t|t', 'every row is there');
$node->safe_psql('postgres', 'UPDATE part SET at = 3 - at WHERE id <> 617');
is($node->safe_psql('postgres', $check . 'part'), '41|1|617|t|t', 'rows that moved');

# Logical replication: the subscriber's trigger fires where it is enabled always.
$node->safe_psql('postgres', q{CREATE TABLE shot (id int PRIMARY KEY, image bytea);
	CREATE PUBLICATION pub FOR TABLE shot});
$other->safe_psql('postgres', q{
	CREATE TABLE shot (id int PRIMARY KEY, image bytea, emb embedding(512), label int);
	CREATE TRIGGER embed BEFORE INSERT OR UPDATE ON shot FOR EACH ROW EXECUTE FUNCTION
		embed_image_trigger('net', 'image', 'emb', '{"label_column": "label"}');
	ALTER TABLE shot ENABLE ALWAYS TRIGGER embed});
$node->safe_psql('postgres', 'INSERT INTO shot SELECT id, image FROM made WHERE id BETWEEN 600 AND 620');
$other->safe_psql('postgres', "CREATE SUBSCRIPTION sub CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION pub");
$other->wait_for_subscription_sync($node, 'sub');
is($other->safe_psql('postgres', $check . 'shot'), '21|1|617|t|t', 'rows of the first copy');
$node->safe_psql('postgres', q{
	INSERT INTO shot SELECT id, image FROM made WHERE id BETWEEN 621 AND 640;
	UPDATE shot SET image = (SELECT image FROM made WHERE id = 7) WHERE id = 617;
	UPDATE shot SET image = substr(image, 1, 160) WHERE id = 601;
	DELETE FROM shot WHERE id = 640});
$node->wait_for_catchup('sub');
is($other->safe_psql('postgres', $check . 'shot'), '40|1|601|t|t', 'rows that were inserted, changed and deleted');
like(slurp_file($other->logfile), qr/WARNING:  image of public\.shot with id = 601 could not be read/, 'the warning is in the log');

$node->stop;
$other->stop;
done_testing();
