#!/usr/bin/perl
# Do the rooms of src hold? Every include is resolved to a file (below src, or
# below the folders given with -I, the server's headers among them), every file
# lies in a room, and every arrow between two rooms is in the list below, which
# is docs/how-it-works.md's. Prints what is wrong, or how many arrows there are.
#
#   tests/rooms.pl [-I FOLDER ...]
use strict;
use warnings;
use File::Find;

# A room may include from itself and from these. What a room stands on, it may reach through too: arrows never lead back.
my %above = (
	'core' => [ 'core/simclr', 'core/nn', 'core/image', 'core/analytics', 'core/base' ],
	'core/simclr' => [ 'core/nn', 'core/image', 'core/analytics', 'core/base' ],
	'core/nn' => ['core/base'],
	'core/image' => ['core/base'],
	'core/analytics' => ['core/base'],
	'core/base' => [],
	'pg/report' => [ 'pg/cluster', 'pg/model', 'pg/analytics', 'pg/table', 'pg/type', 'pg/server', 'core' ],
	'pg/cluster' => [ 'pg/model', 'pg/analytics', 'pg/table', 'pg/type', 'pg/server', 'core' ],
	'pg/model' => [ 'pg/analytics', 'pg/table', 'pg/type', 'pg/server', 'core' ],
	'pg/analytics' => [ 'pg/table', 'pg/type', 'pg/server', 'core' ],
	'pg/table' => [ 'pg/type', 'pg/server', 'core' ],
	'pg/type' => [ 'pg/server', 'core' ],
	'pg/server' => ['core'],
);

# Libraries that are known where they are not installed, and who alone may name them.
my %library = (
	'cblas.h' => 'core/base',
	'jpeglib.h' => 'core/image',
	'jerror.h' => 'core/image',
	'png.h' => 'core/image',
	'webp/decode.h' => 'core/image',
	'oneapi/dnnl/dnnl.h' => 'core/nn',
	'oneapi/dnnl/dnnl_debug.h' => 'core/nn',
	'oneapi/dnnl/dnnl_version.h' => 'core/nn',
);

my @folders;
while (@ARGV)
{
	my $word = shift;
	if ($word eq '-I') { push @folders, shift; }
	elsif ($word =~ /^-I(.+)/) { push @folders, $1; }
	else { die "usage: $0 [-I FOLDER ...]\n"; }
}
push @folders, '/usr/include', glob('/usr/include/*-linux-gnu'), glob('/usr/lib/gcc/*/*/include');

my ($wrong, %arrow) = (0);

sub wrong
{
	print @_, "\n";
	$wrong++;
}

sub room
{
	my ($file) = @_;
	my ($folder) = $file =~ m{^src/(.*)/[^/]+$};
	return $file =~ m{^src/core/api\.[ch]$} ? 'core' : $folder // '';
}

my @files;
find({ wanted => sub { push @files, $_ if /\.[ch]$/ }, no_chdir => 1 }, 'src');
for my $file (sort @files)
{
	my $room = room($file);
	my $line = 0;

	if (!$above{$room} || ($room eq 'core' && $file !~ /api\.[ch]$/))
	{
		wrong("$file: lies in no room");
		next;
	}
	open my $in, '<', $file or die "$file: $!\n";
	while (<$in>)
	{
		$line++;
		if (/^\s*extern\b/ && $file =~ /\.c$/ && !/\b(?:d[a-z0-9]+_|blas_memory_\w+|omp_\w+|sc_core_open|_PG_init)\s*\(/)
		{
			wrong("$file:$line: declares what a header should: $_");
		}
		next unless /^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)/;
		my ($name, $own) = ($1 // $2, defined $1);

		if ($own && -f "src/$name")
		{
			my $to = room("src/$name");

			$arrow{"$room -> $to"}++ if $to ne $room;
			wrong("$file:$line: $room must not include $name (of $to)")
				unless $to eq $room || grep { $_ eq $to } @{ $above{$room} };
			wrong("$file:$line: src/pg reaches the core through core/api.h alone, not $name")
				if $room =~ /^pg/ && $to =~ /^core/ && $name ne 'core/api.h';
			wrong("$file:$line: $name is of the files of its own room alone")
				if $to ne $room && $name =~ /_parts\.h$/;
		}
		elsif (exists $library{$name})
		{
			wrong("$file:$line: only $library{$name} includes $name") unless $room eq $library{$name};
		}
		elsif ($own && $room =~ /^core/)
		{
			wrong("$file:$line: no such file below src: $name");
		}
		elsif (!(grep { -f "$_/$name" } @folders) && $file ne 'src/pg/server/compat.h')
		{
			wrong("$file:$line: in no folder: $name");
		}
	}
	close $in;
}
if ($wrong)
{
	print "rooms: $wrong wrong\n";
	exit 1;
}
printf "rooms: %d files in %d rooms, %d arrows, all of them in the list\n", scalar(@files), scalar(keys %above), scalar(keys %arrow);
