# The pool of lanes in a real server: cancel, terminate and statement_timeout
# while lanes multiply matrices, and a preloaded postmaster that has one thread.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run qw(start timer);
use Time::HiRes qw(sleep time);
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('pool');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'selfclass'\nlog_min_messages = log");
$node->start;

my $postmaster = $node->safe_psql('postgres', 'SELECT pg_read_file(\'postmaster.pid\', 0, 20)');
$postmaster =~ s/\D.*//s;
my @threads = glob "/proc/$postmaster/task/*";
is(scalar(@threads), 1, 'a preloaded postmaster has one thread');

is($node->safe_psql('postgres', 'SHOW selfclass.threads'), '0', 'settings are there when preloaded');
$node->safe_psql('postgres',
	q{CREATE FUNCTION multiply(n int, rounds bigint) RETURNS int AS '$libdir/selfclass', 'scpg_multiply' LANGUAGE C STRICT});
ok($node->safe_psql('postgres', 'SELECT multiply(64, 10)') >= 1, 'lanes multiply and come back');
is($node->safe_psql('postgres', 'SET selfclass.threads = 3; SELECT multiply(64, 10)'), '3', 'selfclass.threads is obeyed');

# Threads of a backend have every signal blocked.
{
	my $out = $node->safe_psql('postgres', q{
		SET selfclass.threads = 3;
		SELECT multiply(64, 10) > 0;
		SELECT pg_backend_pid(), pg_sleep(0);
		SELECT string_agg(pg_read_file('/proc/self/task/' || t || '/status'), E'\n')
		FROM pg_ls_dir('/proc/self/task') t});
	my @masks = $out =~ /SigBlk:\s+([0-9a-f]+)/g;
	is(scalar(@masks), 4, 'a backend with three lanes has four threads');
	my @open = grep { $_ !~ /^f{6}fe7ffbfeff$|^fffffffe7ffbfeff$/ } @masks;
	is(scalar(@open), 1, 'and in all but its own thread every signal is blocked') or diag("@masks");
}

# A session that computes for as long as it may, told to stop by $how.
sub disturb
{
	my ($how, $settings) = @_;
	my ($in, $out, $err) = ("$settings SELECT 'pid', pg_backend_pid(); SELECT multiply(512, 1000000000);\n", '', '');
	my $timer = timer($PostgreSQL::Test::Utils::timeout_default);
	my $session = start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-d', $node->connstr('postgres') ],
		'<', \$in, '>', \$out, '2>', \$err, $timer);
	my $waited = 0;
	$session->pump until $out =~ /pid\|\d+\n/;
	my ($pid) = $out =~ /pid\|(\d+)/;
	until ($node->safe_psql('postgres', "SELECT wait_event_type FROM pg_stat_activity WHERE pid = $pid") eq 'Extension')
	{
		sleep 0.01;
		die 'the session never computed' if ++$waited > 1000;
	}
	sleep rand 0.1;
	my $t0 = time;
	$node->safe_psql('postgres', "SELECT $how($pid)") if $how;
	$session->finish;
	return ($err, time - $t0);
}

srand 1;
for my $threads (1, 2)
{
	my ($cancelled, $terminated) = (0, 0);
	for (1 .. 25)
	{
		my ($err) = disturb('pg_cancel_backend', "SET selfclass.threads = $threads;");
		$cancelled++ if $err =~ /canceling statement due to user request/;
		($err) = disturb('pg_terminate_backend', "SET selfclass.threads = $threads;");
		$terminated++ if $err =~ /terminating connection due to administrator command/;
	}
	is($cancelled, 25, "25 cancels with $threads lanes");
	is($terminated, 25, "25 terminates with $threads lanes");
}

my ($ret, $out, $err) = $node->psql('postgres',
	q{SET statement_timeout = '100ms'; SELECT multiply(512, 1000000000); SET statement_timeout = 0; SELECT multiply(64, 10) > 0},
	on_error_stop => 0);
like($err, qr/canceling statement due to statement timeout/, 'statement_timeout ends a job');
is($out, 't', 'and the session goes on with the same pool');

# Fast shutdown while lanes compute.
{
	my ($in, $sout, $serr) = ("SELECT multiply(512, 1000000000);\n", '', '');
	my $session = start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$sout, '2>', \$serr);
	my $waited = 0;
	until ($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Extension'") eq '1')
	{
		$session->pump_nb;
		sleep 0.01;
		die 'the session never computed' if ++$waited > 1000;
	}
	$node->stop('fast');
	$session->finish;
	like($serr, qr/terminating connection/, 'a fast shutdown ends a computing backend');
}

my $log = slurp_file($node->logfile);
unlike($log, qr/was terminated by signal/, 'no backend was ever killed by a signal');
unlike($log, qr/TRAP|PANIC/, 'no assertion, no panic');

done_testing();
