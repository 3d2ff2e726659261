package Reactor::Agent;

# The loop of the first process.
#
#   setting up --hello--> running --the runtime ends--> draining --all written--> reported --> off

use strict;
use warnings;
use POSIX qw(WIFEXITED WEXITSTATUS WTERMSIG WNOHANG);
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);
use Reactor::Control;
use Reactor::Machine;
use Reactor::Pump;
use Reactor::Runtime;
use Reactor::System;

my $protocol      = 1;
my $socket_path   = '/run/reactor/host.sock';
my @port_names    = map { "reactor.$_" } qw(control wire stdout stderr);
# The host may be slow to take the last output, not dead.
my $drain_seconds = 30;
my $kill_signal   = 9;
# How long a runtime may go on without its connection.
my $hung_up_seconds = 1;
# How soon to look again at what no handle tells.
my $look_seconds = 0.05;

# Never returns: a first process that ends is a panic of the kernel.
sub main {
    my $control;
    eval {
        $SIG{PIPE} = 'IGNORE';
        %ENV = ();
        my %ports = Reactor::Machine::set_up(@port_names);
        $control = $ports{'reactor.control'};
        run(%ports);
    };
    if (my $why = $@) {
        print STDERR "agent: $why";
        $why =~ s/[^\x20-\x7e]+/ /g;
        eval { Reactor::System::write_through($control, "exit failed $why\n") } if $control;
    }
    while (1) {
        Reactor::System::power_off();
        sleep 1;
    }
}

sub run {
    my (%ports)  = @_;
    my $control  = $ports{'reactor.control'};
    my $listener = listen_for_runtime();
    my ($pid, $stdout, $stderr) = Reactor::Runtime::start();
    # Else every write of the runtime would be a switch to the pumps and back for a few KiB.
    Reactor::System::be_patient();
    $SIG{CHLD} = sub { };    # Lets orphans be collected when select(2) comes back from it.
    my $self = {
        listener => $listener,
        process  => Reactor::System::process_handle($pid),
        pid      => $pid,
        status   => undef,
        control  => Reactor::Control->new($control, sub { Reactor::Runtime::processor_time($pid) }),
        to_guest => Reactor::Pump->new(from => $ports{'reactor.wire'}, is_port => 1),
        to_host  => Reactor::Pump->new(to => $ports{'reactor.wire'}),
        outputs  => [
            Reactor::Pump->new(from => $stdout, to => $ports{'reactor.stdout'}),
            Reactor::Pump->new(from => $stderr, to => $ports{'reactor.stderr'}),
        ],
    };
    Reactor::System::set_blocking($_, 0) for $stdout, $stderr;
    $self->{control}->say("hello $protocol");
    turn($self) until defined $self->{status};
    my $exit = end_of($self->{status});
    kill($kill_signal, -1);    # What the function left running.
    drain($self);
    $self->{control}->say("exit $exit");
    Reactor::System::write_through($control, $self->{control}{output});
}

sub listen_for_runtime {
    socket(my $listener, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
    bind($listener, pack_sockaddr_un($socket_path)) or die "bind $socket_path: $!\n";
    listen($listener, 1) or die "listen $socket_path: $!\n";
    chmod(0666, $socket_path) or die "chmod $socket_path: $!\n";
    return $listener;
}

sub pumps {
    my ($self) = @_;
    return ($self->{to_guest}, $self->{to_host}, @{ $self->{outputs} });
}

# Waits for something to happen, and does what there is to do.
sub turn {
    my ($self) = @_;
    my @movers = (pumps($self), $self->{control});
    my $is_over = defined $self->{status};
    my $now = Reactor::System::monotonic();
    my (@reads, @writes);
    $_->want($now, \@reads, \@writes) for @movers;
    push @reads, $self->{listener} if $self->{listener};
    push @reads, $self->{process} unless $is_over;
    my $readable = Reactor::System::set_of(@reads);
    my $writable = Reactor::System::set_of(@writes);
    my $looks_again = $is_over || $self->{to_host}{ended} || grep { $_->is_waiting($now) } @movers;
    my $count = select($readable, $writable, undef, $looks_again ? $look_seconds : undef);
    $now = Reactor::System::monotonic();
    if ($count > 0) {
        my $listener = $self->{listener};
        accept_runtime($self) if $listener && Reactor::System::is_in($readable, $listener);
        $_->move($now, $readable, $writable) for @movers;
    }
    $self->{control}->look($now);
    end_hung_up($self, $now) if $self->{to_host}{ended} && !$is_over;
    collect($self);
}

# A runtime that has closed its connection ends by itself, or is ended and the host is told.
sub end_hung_up {
    my ($self, $now) = @_;
    $self->{hung_up} //= $now;
    return if $self->{is_ended} || $now - $self->{hung_up} < $hung_up_seconds;
    $self->{control}->say('closed');
    $self->{is_ended} = kill($kill_signal, $self->{pid});
}

# Only the first connection is taken.
sub accept_runtime {
    my ($self) = @_;
    accept(my $connection, $self->{listener}) or return;
    Reactor::System::set_blocking($connection, 0);
    close($self->{listener});
    unlink($socket_path);
    $self->{listener}       = undef;
    $self->{to_guest}{to}   = $connection;
    $self->{to_host}{from}  = $connection;
}

# Collects every process that has ended: those that lost their parent are this one's.
sub collect {
    my ($self) = @_;
    while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
        $self->{status} = $? if $pid == $self->{pid};
    }
}

# Writes what is left of the runtime's words; no longer than the host may take for it.
sub drain {
    my ($self) = @_;
    $self->{to_guest}->discard;
    my $until = Reactor::System::monotonic() + $drain_seconds;
    my @last = ($self->{to_host}, @{ $self->{outputs} });
    while (grep { !$_->is_done } @last) {
        return if Reactor::System::monotonic() > $until;
        turn($self);
    }
}

sub end_of {
    my ($status) = @_;
    return 'code ' . WEXITSTATUS($status) if WIFEXITED($status);
    my $signal = WTERMSIG($status);
    my $is_memory = $signal == $kill_signal && Reactor::Machine::memory_kills() > 0;
    return "signal $signal" . ($is_memory ? ' oom' : '');
}

1;
