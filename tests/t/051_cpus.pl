# How many CPUs a quota leaves: cgroups made up of files, of both versions, and
# mounted as systemd, Docker and Kubernetes mount them.
use strict;
use warnings;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cpus');
$node->init;
$node->start;
$node->safe_psql('postgres',
	q{CREATE FUNCTION cpus(top text) RETURNS int AS '$libdir/selfclass', 'scpg_cgroup_test' LANGUAGE C STRICT});

my $folder = PostgreSQL::Test::Utils::tempdir();
my $worlds = 0;

# The files of a made-up system: path => content. What the kernel says of its hierarchies comes first.
sub cpus
{
	my ($cgroup, $mounts, %files) = @_;
	my $top = "$folder/world" . $worlds++;
	my $number = 30;

	$files{'/proc/self/cgroup'} = join '', map { "$_\n" } @$cgroup;
	$files{'/proc/self/mountinfo'} = join '', map { $number++ . " 24 0:$number $_\n" }
		'/ / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro', @$mounts;
	while (my ($path, $content) = each %files)
	{
		(my $parent = "$top$path") =~ s/[^\/]*$//;
		make_path($parent);
		append_to_file("$top$path", $content);
	}
	return $node->safe_psql('postgres', "SELECT cpus('$top')");
}

my $two = '/ /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
my @one = ('/ /sys/fs/cgroup ro,nosuid shared:4 - tmpfs tmpfs ro,mode=755',
	'/ /sys/fs/cgroup/memory rw shared:5 - cgroup cgroup rw,memory',
	'/ /sys/fs/cgroup/cpu,cpuacct rw shared:6 - cgroup cgroup rw,cpu,cpuacct');
my $service = '/system.slice/postgresql.service';

sub quota1
{
	my ($path, $quota) = @_;
	return ("$path/cpu.cfs_quota_us" => "$quota\n", "$path/cpu.cfs_period_us" => "100000\n");
}

is(cpus([], []), 0, 'no cgroups');
is(cpus(['0::/'], [$two], '/sys/fs/cgroup/cpu.max' => "150000 100000\n"), 2, 'version 2, at the top: a begun CPU counts');
is(cpus(["0::$service"], [$two], "/sys/fs/cgroup$service/cpu.max" => "100000 100000\n"), 1, 'version 2, CPUQuota of a service');
is(cpus(["0::$service"], [$two], "/sys/fs/cgroup$service/cpu.max" => "max 100000\n",
	'/sys/fs/cgroup/system.slice/cpu.max' => "300000 100000\n"), 3, 'version 2, of the slice around it');
is(cpus(["0::$service"], [$two], "/sys/fs/cgroup$service/cpu.max" => "400000 100000\n",
	'/sys/fs/cgroup/system.slice/cpu.max' => "20000 10000\n"), 2, 'version 2, the smaller of both');
is(cpus(["0::$service"], [$two], "/sys/fs/cgroup$service/cpu.max" => "max 100000\n"), 0, 'version 2, no quota');
is(cpus(['0::/../../kubepods/pod1/c2'], [$two], '/sys/fs/cgroup/cpu.max' => "100000 100000\n"), 1,
	'version 2, a cgroup outside of what is mounted: the mount');
is(cpus(['0::/kubepods/pod1/c2'], ['/kubepods/pod1/c2 /sys/fs/cgroup ro - cgroup2 cgroup rw'],
	'/sys/fs/cgroup/cpu.max' => "200000 100000\n"), 2, 'version 2, of which a part is mounted');
is(cpus(["5:cpu,cpuacct:$service", "4:memory:$service", '0::/'], \@one, quota1("/sys/fs/cgroup/cpu,cpuacct$service", 100000)),
	1, 'version 1, cpu and cpuacct together');
is(cpus(['2:cpuacct:/a', '1:cpu:/b'],
	['/ /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct', '/ /mnt/the\\040cpus rw - cgroup cgroup rw,cpu'],
	quota1('/sys/fs/cgroup/cpuacct/a', 100000), quota1('/mnt/the cpus', 500000), quota1('/mnt/the cpus/b', -1)),
	5, 'version 1, where it is mounted, a blank in its name');
is(cpus(['5:cpu,cpuacct:/docker/abc'], ['/docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct'],
	quota1('/sys/fs/cgroup/cpu,cpuacct', 200000)), 2, 'version 1, in a container');
is(cpus(['5:cpu,cpuacct:/docker/abc'], \@one, quota1('/sys/fs/cgroup/cpu,cpuacct', 300000)),
	3, 'version 1, in a container that does not see its own path');
is(cpus(["5:cpu,cpuacct:$service", '0::/'], [@one, '/ /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'],
	quota1("/sys/fs/cgroup/cpu,cpuacct$service", 200000), '/sys/fs/cgroup/unified/cpu.max' => "max 100000\n"), 2, 'both versions');
is(cpus(['0::/x'], ["/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw"], '/sys/fs/cgroup/x/cpu.max' => "garbage\n",
	'/sys/fs/cgroup/cpu.max' => "1 0\n"), 0, 'what is no quota is none');
cmp_ok($node->safe_psql('postgres', q{SELECT cpus('')}), '>=', 0, 'and on this machine');

$node->stop;
done_testing();
