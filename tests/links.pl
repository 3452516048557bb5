#!/usr/bin/perl
# The documents name what exists: every relative link, and its #anchor, leads to
# a file and a heading; every path of the repository in `backticks` or in an
# example is there; README.md has at most 200 lines. Prints TAP, a test for each
# document, and says in comments what is wrong.
#
#   tests/links.pl              all documents
#   tests/links.pl FILE ...     some of them
use strict;
use warnings;
use File::Basename;

my $readme_lines = 200;

chdir dirname(__FILE__) . '/..' or die "links: $!\n";

sub read_text
{
	my ($file) = @_;

	open my $in, '<:encoding(UTF-8)', $file or die "links: $file: $!\n";
	local $/;
	return <$in>;
}

# A document without its examples, which are returned beside it.
sub split_examples
{
	my ($text) = @_;
	my $examples = '';

	$text =~ s/^```[^\n]*\n(.*?)^```$/$examples .= $1; "\n" x ($1 =~ tr{\n}{} + 2)/gems;
	return ($text, $examples);
}

# The anchors that a page gets from its headings, as GitHub makes them.
my %anchors;
sub anchors_of
{
	my ($file) = @_;

	return $anchors{$file} if $anchors{$file};
	my ($text) = split_examples(read_text($file));
	my %seen;
	while ($text =~ /^#{1,6}\s+(.*?)\s*$/gm)
	{
		my $name = lc $1;
		$name =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
		$name =~ s/[^\w\- ]//g;
		$name =~ tr/ /-/;
		my $count = $seen{$name}++;
		$anchors{$file}{ $count ? "$name-$count" : $name } = 1;
	}
	return $anchors{$file} //= {};
}

# What is wrong with a link that stands in a file, or nothing.
sub wrong_link
{
	my ($file, $link) = @_;

	return if $link =~ /^(?:https?|mailto):/;
	my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
	my $target = $path eq '' ? $file : dirname($file) eq '.' ? $path : dirname($file) . "/$path";
	1 while $target =~ s{(?:^|(?<=/))(?!\.\./)[^/]+/\.\./}{};
	return "$link: no such file" unless -e $target;
	return "$link: no such heading" if defined $anchor && $target =~ /\.md$/ && !anchors_of($target)->{$anchor};
	return;
}

# The words that look like a path of the repository. X, NAME and the like stand for something else.
sub paths_in
{
	my ($text) = @_;
	my @paths;

	for my $word (split /[\s'"()|,;=]+/, $text)
	{
		next unless $word =~ m{^(?:src|tests|sql|docs|expected|packaging|\.ci|\.github)/[\w./*+-]+$};
		next if $word =~ m{(?:^|[/_.-])(?:X|NAME|PROGRAM|FILTER)(?:[._/-]|$)};
		$word =~ s/[.:]+$//;
		push @paths, $word;
	}
	return @paths;
}

my @files = @ARGV ? @ARGV : (qw(README.md CONTRIBUTING.md CHANGELOG.md), glob 'docs/*.md');
my $failed = 0;
my $checked = 0;

printf "1..%d\n", scalar @files;
for my $i (0 .. $#files)
{
	my $file = $files[$i];
	my $whole = read_text($file);
	my ($text, $examples) = split_examples($whole);
	my @wrong;

	while ($text =~ /\]\(([^()\s]+)\)/g)
	{
		$checked++;
		push @wrong, wrong_link($file, $1);
	}
	$examples .= " $1" while $text =~ /`([^`]+)`/g;
	for my $path (paths_in($examples))
	{
		$checked++;
		my @found = grep { -e } glob $path;
		push @wrong, "$path: no such file" unless @found;
	}
	my $lines = $whole =~ tr/\n//;
	push @wrong, "$lines lines, more than $readme_lines" if $file eq 'README.md' && $lines > $readme_lines;
	printf "%sok %d - %s\n", @wrong ? 'not ' : '', $i + 1, $file;
	print "#   $_\n" for @wrong;
	$failed++ if @wrong;
}
print "# $checked links and paths checked\n";
exit($failed > 0);
