# The tutorial, typed line by line on a fresh cluster: every statement works, and
# what it prints has the form that the page shows. The trainings are shorter here,
# so numbers may differ, and the number of groups: each counts as any other, and rows
# of one form that follow each other count as one.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# What the page's code blocks hold, in order: language and text.
sub blocks
{
	my ($page) = @_;
	my $text = slurp_file($page);
	my @blocks;

	push @blocks, { language => $1, text => $2 } while $text =~ /^```(\w*)\n(.*?)^```$/msg;
	return @blocks;
}

# Numbers, and the widths that follow from them, made alike.
sub form
{
	my ($text) = @_;

	$text =~ s/\d+(\.\d+)?(e-?\d+)?/#/g;
	$text =~ s/-+/-/g;
	$text =~ s/(?<![#\w])-#/#/g;
	$text =~ s/ +/ /g;
	$text =~ s/ ?([|+]) ?/$1/g;
	$text =~ s/^ | $//mg;
	$text =~ s/^\(# \Krows?\)/rows)/mg;
	$text =~ s/\n+\z//;
	$text =~ s/^(.*)\n(?:\1(?:\n|\z))+/$1\n/mg;
	return $text;
}

my $node = PostgreSQL::Test::Cluster->new('tutorial');
$node->init;
$node->append_conf('postgresql.conf', "max_wal_size = '4GB'");
$node->start;

my $pictures = $node->basedir . '/demo';
mkdir $pictures or die "$pictures: $!";
system_or_bail('tests/make_pictures', $pictures);

$node->safe_psql('postgres', 'CREATE EXTENSION selfclass');
{
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	system_or_bail('sh', 'tests/load_folder.sh', $pictures, 'photos');
}
my @blocks = blocks('docs/tutorial.md');
cmp_ok(scalar(grep { $_->{language} eq 'sql' } @blocks), '>', 8, 'the page has statements');

# What stands in one block is one session, for \gset.
my $number = 0;
while (@blocks)
{
	my $block = shift @blocks;
	my $expected = @blocks && $blocks[0]{language} eq 'text' ? shift(@blocks)->{text} : undef;
	my $text = $block->{text};
	my ($out, $err) = ('', '');
	my ($title) = $text =~ /^(.*)/;

	$number++;
	$text =~ s{build/demo}{$pictures}g;
	$text =~ s/"epochs": \d+/"epochs": 2, "input_size": 32/g;
	if ($block->{language} eq 'sql')
	{
		my $ok = IPC::Run::run([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ],
			'<', \$text, '>', \$out, '2>', \$err);
		ok($ok, "block $number: $title") or diag($err);
	}
	is(form($out), form($expected), "block $number prints what the page shows") if defined $expected;
}

$node->stop;
done_testing();
