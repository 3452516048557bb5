# A training that goes on with other instructions or libraries than it began with says so.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(start timer);
use POSIX qw(uname);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('arithmetic');
delete $ENV{SELFCLASS_ISA};
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
$node->safe_psql('postgres', slurp_file('tests/fixtures/gray_jpeg.sql'));
$node->safe_psql('postgres', q{CREATE TABLE photos (id int PRIMARY KEY, image bytea);
	INSERT INTO photos SELECT i, test_picture(i % 3, i) FROM generate_series(1, 8) i});

# What a training says until its first epoch is done and kept; there it is ended.
sub begins
{
	my ($call) = @_;
	my %s = (out => '', err => '');

	$s{harness} = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $call ],
		'<', '/dev/null', '>', \$s{out}, '2>', \$s{err}, timer($PostgreSQL::Test::Utils::timeout_default));
	$s{harness}->pump until $s{err} =~ /epoch +\d+\/|ERROR/;
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE query LIKE 'CALL %'});
	eval { $s{harness}->finish };
	return $s{err};
}

my $other = qr/NOTICE:  this training goes on with other arithmetic than it began with\nDETAIL:  It began with loops \w+; OpenBLAS \w+; .*\. Here it is loops (\w+); OpenBLAS \w+; (.*)\.\n/;
my $begun = begins(q{CALL train_encoder('m', 'photos', '{"preset": "lightly", "input_size": 16, "batch_size": 8,
	"epochs": 100000, "precision": "f32", "checkpoint_interval": "1 ms"}')});
unlike($begun, $other, 'a training begins');
my $here = $node->safe_psql('postgres', q{SELECT arithmetic FROM selfclass_model WHERE state = 'training' AND weights_bytes > 0});
like($here, qr/^loops \w+; OpenBLAS \w+; /, 'and keeps with what');
my $same = begins(q{CALL resume_encoder('m')});
like($same, qr/going on with model "m" after epoch [1-9]/, 'it goes on');
unlike($same, $other, 'as it began');

SKIP:
{
	skip 'this CPU has no lower kind', 1 if $here =~ /^loops base/;
	local $ENV{SELFCLASS_ISA} = 'base';
	$node->restart;
	like(begins(q{CALL resume_encoder('m')}), $other, 'with other instructions it says so');
}
$node->restart;
unlike(begins(q{CALL resume_encoder('m')}), $other, 'where it began it does not');
$node->safe_psql('postgres', q{UPDATE selfclass_model SET arithmetic = NULL});
unlike(begins(q{CALL resume_encoder('m')}), $other, 'nor where that is not known, as of one that 1.0 began');
$node->safe_psql('postgres', qq{UPDATE selfclass_model SET arithmetic = '$here'});

# From here on nothing that this test starts may have memory that is writable and executable (Linux from 6.3 on).
SKIP:
{
	my %prctl = (x86_64 => 157, aarch64 => 167);
	my $call = $prctl{ (uname)[4] };

	skip 'a build without oneDNN', 1 if $here =~ /no oneDNN/;
	skip 'this kernel does not refuse memory that is writable and executable', 1
		unless defined $call && syscall($call, 65, 1, 0, 0, 0) == 0;
	$node->restart;
	like(begins(q{CALL resume_encoder('m')}), qr/$other/, 'without code that is generated, too');
	my $mdwe = begins(q{CALL train_encoder('slow', 'photos', '{"preset": "lightly", "input_size": 16, "batch_size": 8,
		"epochs": 100000, "precision": "f32", "checkpoint_interval": "1 ms"}')});
	like($node->safe_psql('postgres', q{SELECT arithmetic FROM selfclass_model WHERE name = 'slow'}), qr/; no oneDNN$/, 'what begins so keeps that');
}
$node->stop;
done_testing();
