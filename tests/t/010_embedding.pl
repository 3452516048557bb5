# The type embedding in a real server: mutated input, text and binary, that must
# end in an error of the right class and never in a crash; dump and restore.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('embedding');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA s; CREATE EXTENSION selfclass SCHEMA s; ALTER DATABASE postgres SET search_path = public, s');

# The same inputs in every run; another seed can be given to try others.
srand($ENV{SELFCLASS_TEST_SEED} // 1);

# Run statements in one session; returns its pid before and after, and its errors' SQLSTATEs.
sub session
{
	my @statements = @_;
	my ($rc, $out, $err) = $node->psql('postgres',
		join("\n", '\set VERBOSITY sqlstate', 'SELECT pg_backend_pid();', @statements, 'SELECT pg_backend_pid();'),
		on_error_stop => 0);
	my @lines = split /\n/, $out;
	my @states = $err =~ /(?:ERROR|FATAL|PANIC):\s+(\w+)/g;
	is($lines[0], $lines[-1], 'the backend survived') or diag($err);
	return ($out, @states);
}

sub mutated
{
	my ($bytes, @alphabet) = @_;

	for (0 .. int rand 3)
	{
		my $at = int rand(length($bytes) + 1);
		my $what = int rand 3;
		my $new = $alphabet[rand @alphabet];

		substr($bytes, $at, $what == 0 ? 0 : 1) = $what == 2 ? '' : $new if $at < length $bytes or $what == 0;
	}
	return $bytes;
}

# Text: 100 mutations of each of three literals. (22021: half a multibyte character.)
{
	my @statements;

	for my $literal ('[1,2,3]', '[1.5e3,-0.25,+7]', ' [ 1e-45 , 3.4e38 ] ')
	{
		for (1 .. 100)
		{
			my $text = mutated($literal, '[', ']', ',', '-', '+', '.', 'e', ' ', "\t", '0' .. '9',
				'999', 'nan', 'inf', '0x', '[[', '{', '"', '\\', '%s', "\xc3\xa9", ',' x 300);
			$text =~ s/'/''/g;
			# What is accepted must come back from its own text and binary form.
			push @statements, "SELECT 'accepted', embedding_send(e::text::embedding) = embedding_send(e) FROM (SELECT '$text'::embedding AS e) t;";
		}
	}
	my ($out, @states) = session(@statements);
	my @accepted = $out =~ /^accepted\|(.)$/mg;
	is(@accepted + @states, 300, 'every literal is accepted or refused');
	cmp_ok(scalar(@accepted), '>=', 30, 'some mutations are good literals');
	is(scalar(grep { $_ ne 't' } @accepted), 0, 'and those come back from their text');
	is_deeply([ grep { !/^(22P02|22000|22003|54000|22021)$/ } @states ], [], 'refused with the right SQLSTATE');
}

# Binary: 200 mutations of the field of a COPY file.
{
	my $dir = $node->basedir;
	my @statements = ('CREATE TEMP TABLE b (e embedding);');

	for my $n (1 .. 200)
	{
		my $field = pack('s>s>f>*', 4, 0, 1.5, -2, 0, 3e38);
		$field = mutated($field, map { chr } 0, 0, 1, 2, 3, 4, 0x3e, 0x7f, 0x80, 0xc0, 0xff);
		my $file = "$dir/b$n.copy";
		open my $fh, '>:raw', $file or die "$file: $!";
		print $fh "PGCOPY\n\xff\r\n\0", pack('N N', 0, 0), pack('n N', 1, length $field), $field, pack('n', 0xffff);
		close $fh;
		push @statements, "COPY b FROM '$file' (FORMAT binary);";
	}
	push @statements,
		q{SELECT 'rows', count(*), bool_and(embedding_send(e) = embedding_send(e::text::embedding)) FROM b;};
	my ($out, @states) = session(@statements);
	my ($rows, $same) = $out =~ /^rows\|(\d+)\|(.)$/m;
	is($rows + @states, 200, 'every field is accepted or refused');
	cmp_ok($rows, '>=', 10, 'some mutations are good fields');
	is($same, 't', 'and those have a text form that reads back');
	is_deeply([ grep { !/^(22P03|22000|54000)$/ } @states ], [], 'refused with the right SQLSTATE');
}

# Dump and restore: bits, modifier, indexes, a view and a default on the type.
$node->safe_psql(
	'postgres', q{
	CREATE TABLE t (id int PRIMARY KEY, e embedding(64), any_dim embedding DEFAULT '[1,2]', list embedding[],
		norm float8 GENERATED ALWAYS AS (embedding_norm(e)) STORED, CHECK (embedding_dims(e) = 64));
	INSERT INTO t (id, e, list)
		SELECT i, v::embedding, ARRAY[v::embedding, NULL, '[-0]']
		FROM generate_series(1, 300) i, LATERAL (SELECT array_agg((sin(i * j) * 10.0::float8 ^ (i % 70 - 37))::real) AS v FROM generate_series(1, 64) j) x;
	INSERT INTO t (id) VALUES (301);
	CREATE INDEX t_order ON t (e);
	CREATE INDEX t_hash ON t USING hash (e);
	CREATE INDEX t_norm ON t (embedding_norm(e));
	CREATE TABLE p (e embedding(2)) PARTITION BY HASH (e);
	CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO p SELECT ARRAY[i, i % 5] FROM generate_series(1, 50) i;
	CREATE MATERIALIZED VIEW mean AS SELECT avg(e) AS e, sum(e) AS s FROM t WHERE id % 70 < 30;
	CREATE VIEW near AS SELECT id, e <-> (SELECT e FROM mean) AS distance FROM t ORDER BY 2, 1});
my $dir = $node->basedir;
my @contents = map { "SELECT count(*), md5(string_agg(x::text, ';')) FROM ($_) x" }
	'SELECT id, embedding_send(e), embedding_send(any_dim), list::text, norm FROM t ORDER BY id',
	'SELECT tableoid::regclass::text, e FROM p ORDER BY e', 'SELECT embedding_send(e), embedding_send(s) FROM mean', 'SELECT * FROM near',
	q{SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE atttypid = 'embedding'::regtype AND attrelid >= 16384 ORDER BY 1, 2};
my $before = $node->safe_psql('postgres', join(';', @contents));

# connection by environment: server of this test alone
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
command_ok([ 'pg_dump', '-f', "$dir/plain.sql", 'postgres' ], 'pg_dump, plain');
command_ok([ 'pg_dump', '-Fc', '-f', "$dir/custom.dump", 'postgres' ], 'pg_dump, custom');
$node->safe_psql('postgres', 'CREATE DATABASE plain TEMPLATE template0; CREATE DATABASE custom TEMPLATE template0');
command_ok([ 'psql', '-qXAt', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql", 'plain' ], 'restored by psql');
command_ok([ 'pg_restore', '-e', '-j2', '-d', 'custom', "$dir/custom.dump" ], 'restored by pg_restore');
for my $db ('plain', 'custom')
{
	my $set = 'SET search_path = public, s;';
	is($node->safe_psql($db, $set . join(';', @contents)), $before, "$db: bit for bit the same");
	is($node->safe_psql($db, "$set SET enable_seqscan = off; SELECT a.id FROM t a WHERE a.e = (SELECT e FROM t WHERE id = 77)"),
		'77', "$db: an index finds a row");
}

# Where the types are is known anew in a session that drops the extension, makes it elsewhere, or takes that back.
my $table = q{CREATE TABLE there (id int PRIMARY KEY, e %1$s.embedding); INSERT INTO there VALUES (1, '[1,2]'), (2, '[3,4]');};
my $nearest = q{SELECT '%1$s', id FROM %1$s.knn('there', 'e', '[3,5]', 1);};
$node->safe_psql('postgres', 'CREATE DATABASE moved TEMPLATE template0; ALTER DATABASE moved SET search_path = public');
is($node->safe_psql('moved', join("\n", 'CREATE SCHEMA one; CREATE SCHEMA two; CREATE EXTENSION selfclass SCHEMA one;',
	sprintf($table, 'one'), sprintf($nearest, 'one'),
	'BEGIN; DROP EXTENSION selfclass CASCADE; DROP TABLE there; CREATE EXTENSION selfclass SCHEMA two;',
	sprintf($table, 'two'), sprintf($nearest, 'two'), 'ROLLBACK;', sprintf($nearest, 'one'),
	'DROP EXTENSION selfclass CASCADE; DROP TABLE there; CREATE EXTENSION selfclass SCHEMA two;',
	sprintf($table, 'two'), sprintf($nearest, 'two'))),
	"one|2\ntwo|2\none|2\ntwo|2", 'knn finds the types where the extension is');

$node->stop;
done_testing();
