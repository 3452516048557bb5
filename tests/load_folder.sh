#!/bin/sh
# Load the pictures of a folder into a new table, with psql and perl alone:
#
#   tests/load_folder.sh DIR TABLE
#
# Takes every *.jpg, *.jpeg, *.png and *.webp under DIR, in the order of their names, so
# that the same folder gives the same ids. Creates
#   TABLE (id bigint generated always as identity primary key, name text, image bytea)
# where name is the path within DIR. The server is the one that psql finds
# (PGHOST and the others). The files travel through COPY one at a time, so
# thousands of them take no more memory than the largest one.
set -eu

if [ $# -ne 2 ]; then
	sed -n '2,4p' "$0" >&2
	exit 2
fi
if [ ! -d "$1" ]; then
	echo "load_folder: no such folder: $1" >&2
	exit 1
fi

# Sizes are looked at first: a picture of more than 256 MB would not pass
# through COPY's text form, and a folder without any should leave no table.
list=$(mktemp "${TMPDIR:-/tmp}/selfclass-list.XXXXXX")
trap 'rm -f "$list"' EXIT
trap 'exit 1' INT TERM
perl -MFile::Find -e '
	my ($dir) = @ARGV;
	my @found;
	find({ no_chdir => 1, follow_fast => 1, follow_skip => 2, wanted => sub {
		return unless /\.(?:jpe?g|png|webp)\z/i && -f $_;
		my $name = substr($_, length($dir));
		$name =~ s{^/+}{};
		if (-s $_ > 256 << 20) { warn "load_folder: left out, over 256 MB: $name\n"; return }
		push @found, $name;
	} }, $dir);
	print "$_\0" for sort @found;
' "$1" >"$list"
if [ ! -s "$list" ]; then
	echo "load_folder: no *.jpg, *.jpeg, *.png or *.webp in $1" >&2
	exit 1
fi

{
	cat <<'SQL'
BEGIN;
CREATE TABLE :"table" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
					   name text NOT NULL, image bytea NOT NULL);
COPY :"table" (name, image) FROM STDIN;
SQL
	# A name need not be UTF-8, but text must be; and COPY's own signs are escaped.
	perl -MEncode -e '
		my ($dir, $list) = @ARGV;
		my %escape = ("\\" => "\\\\", "\t" => "\\t", "\n" => "\\n", "\r" => "\\r");
		open my $in, "<", $list or die "load_folder: $list: $!\n";
		$/ = "\0";
		while (my $name = <$in>) {
			chomp $name;
			open my $fh, "<:raw", "$dir/$name" or do { warn "load_folder: left out: $name: $!\n"; next };
			my $bytes = do { local $/; <$fh> } // "";
			my $text = encode("UTF-8", decode("UTF-8", $name));
			$text =~ s/([\\\t\n\r])/$escape{$1}/g;
			print $text, "\t\\\\x", unpack("H*", $bytes), "\n";
		}
		print "\\.\nCOMMIT;\n";
	' "$1" "$list"
} | PGCLIENTENCODING=UTF8 psql -X -q -v ON_ERROR_STOP=1 -v table="$2"
