# A core of another build beside selfclass.so: refused by what it says of itself
# (a hash of the core's headers), before anything of its table is called.
use strict;
use warnings;
use File::Copy qw(copy);
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('build');
$node->init;
$node->start;

# The two libraries in a folder of their own: the core is looked for beside selfclass.so.
my ($installed) = run_command([ 'pg_config', '--pkglibdir' ]);
my $folder = PostgreSQL::Test::Utils::tempdir;
my $core = "$folder/selfclass_core.so";

copy("$installed/selfclass.so", "$folder/selfclass.so") or die "selfclass.so: $!";
$node->safe_psql('postgres',
	"CREATE FUNCTION multiply(n int, rounds bigint) RETURNS int AS '$folder/selfclass', 'scpg_multiply' LANGUAGE C STRICT");

# Multiply in a new session beside that core; the output, and the errors.
sub with_core
{
	my ($file) = @_;

	unlink $core;
	copy($file, $core) or die "$file: $!";
	my ($rc, $out, $err) = $node->psql('postgres', '\set VERBOSITY verbose' . "\nSELECT multiply(64, 10) > 0", on_error_stop => 0);
	return ($out, $err);
}

my ($out, $err) = with_core("$FindBin::RealBin/../selfclass_core_other.so");
is($out, '', 'nothing is computed with a core of another build');
like($err, qr/ERROR:  58000: the library "selfclass_core.so" is of another build than "selfclass.so"/, 'it is refused as such');
like($err, qr/HINT:  Install both again, then reconnect\./, 'and the hint says what to do');

($out, $err) = with_core("$installed/selfclass_core.so");
is($out, 't', 'the core of the same build works');
is($err, '', 'and says nothing');

$node->stop;
done_testing();
