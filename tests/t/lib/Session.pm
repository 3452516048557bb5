# A session of psql that stays, to which a test gives statements one by one and
# to which it can do something meanwhile: cancel, terminate, kill.
package Session;

use strict;
use warnings;
use IPC::Run qw(start timer);
use Time::HiRes qw(sleep time);

my $asked = 0;

# Session->new($node, %options): db (postgres), user (the node's own), verbose (errors show
# their SQLSTATE), timeout (in seconds; none). Its pid is that of its backend.
sub new
{
	my ($class, $node, %options) = @_;
	my %s = (in => '', out => '', err => '');
	my $to = $node->connstr($options{db} // 'postgres');
	my @more = $options{timeout} ? (timer($options{timeout})) : ();

	$to .= " user=$options{user}" if $options{user};
	$s{psql} = start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-v', 'VERBOSITY=' . ($options{verbose} ? 'verbose' : 'default'), '-d', $to ],
		'<', \$s{in}, '>', \$s{out}, '2>', \$s{err}, @more);
	my $self = bless \%s, $class;
	$self->{pid} = $self->ask('SELECT pg_backend_pid()');
	return $self;
}

# Give it a statement.
sub give
{
	my ($self, $sql) = @_;

	$asked++;
	$self->{out} = $self->{err} = '';
	$self->{in} .= "$sql;\n\\echo end$asked\n\\warn end$asked\n";
	$self->{end} = "end$asked";
	$self->{psql}->pump_nb for 1 .. 3;
}

# Let what it says come.
sub pump
{
	my ($self) = @_;
	$self->{psql}->pump_nb;
}

# Is it done with that? A line can come in pieces: it ends where its newline is.
sub answered
{
	my ($self) = @_;
	return $self->{out} =~ /^$self->{end}\n/m && $self->{err} =~ /^$self->{end}\n/m;
}

# What it prints for that, errors too.
sub answer
{
	my ($self) = @_;

	$self->{psql}->pump until $self->answered;
	(my $said = $self->{out} . $self->{err}) =~ s/^$self->{end}\n//mg;
	chomp $said;
	return $said;
}

sub ask
{
	my ($self, $sql) = @_;

	$self->give($sql);
	return $self->answer;
}

# Wait until its backend is in a state, such as active, or waits for a lock ("Lock").
sub wait_until
{
	my ($self, $node, $condition) = @_;
	my $waited = 0;

	until ($node->safe_psql('postgres', "SELECT $condition FROM pg_stat_activity WHERE pid = $self->{pid}") eq 't')
	{
		$self->pump;
		sleep 0.01;
		die "it never came to: $condition" if ++$waited > 3000;
	}
}

# How long a statement goes on after something was done to it, at a random moment
# of its first `longest` seconds, and what it says.
sub disturbed
{
	my ($self, $sql, $longest, $deed) = @_;

	$self->give($sql);
	my $end = time + 0.02 + rand $longest;
	while (time < $end)
	{
		$self->pump;
		sleep 0.002;
	}
	my $t0 = time;
	$deed->();
	# On a busy machine the statement may not have begun by then, and a cancel of an idle session is lost.
	my $again = $t0 + 10;
	until ($self->answered)
	{
		$self->pump;
		sleep 0.001;
		next if time < $again;
		$deed->();
		$again = time + 10;
	}
	my $said = $self->answer;
	return (time - $t0, $said);
}

# It ends by itself; or its psql is ended, whatever it does.
sub finish
{
	my ($self) = @_;
	$self->{psql}->finish;
}

sub kill
{
	my ($self) = @_;
	$self->{psql}->kill_kill;
}

1;
