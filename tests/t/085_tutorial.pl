# The tutorial, typed line by line on a fresh cluster: every statement works, and
# what it prints has the form that the page shows. The trainings are shorter here,
# so numbers may differ: each counts as any other, how many rows there are does not.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# What the page's code blocks hold, in order: language and text.
sub blocks
{
	my ($page) = @_;
	my @blocks;

	push @blocks, { language => $1, text => $2 } while slurp_file($page) =~ /^```(\w*)\n(.*?)^```$/msg;
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
	$text =~ s/^\(#\Krows?\)/ rows)/mg;
	$text =~ s/\n+\z//;
	return $text;
}

my $node = PostgreSQL::Test::Cluster->new('tutorial');
$node->init;
$node->append_conf('postgresql.conf', "max_wal_size = '4GB'");
$node->start;

my $pictures = $node->basedir . '/demo';
mkdir $pictures or die "$pictures: $!";
system_or_bail('tests/make_pictures', $pictures);

my $env = 'PGHOST=' . $node->host . ' PGPORT=' . $node->port . ' PGDATABASE=postgres';
my @blocks = blocks('docs/tutorial.md');
cmp_ok(scalar(grep { $_->{language} eq 'sql' } @blocks), '>', 8, 'the page has statements');

# One session for all statements, as a reader has: \gset and settings hold. Where
# the page goes to the shell, the session ends; nothing of it is needed after that.
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
	elsif ($block->{language} eq 'sh')
	{
		ok(IPC::Run::run([ 'sh', '-ec', "export $env; cd " . $node->basedir . "; load_folder() { :; }; $text" ],
			'>', \$out, '2>', \$err), "block $number: $title") or diag($err);
	}
	is(form($out), form($expected), "block $number prints what the page shows") if defined $expected;
}

$node->stop;
done_testing();
