package Reactor::Runtime;

# The runtime's process: how it is started, and what it is started with.

use strict;
use warnings;
use Fcntl qw(O_RDWR);
use POSIX ();
use Reactor::System;

my $start_file = '/runtime/start';
my $user       = 65_534;
# Numbers of limits, by getrlimit(2).
my %limits = (4 => 0, 6 => 256, 7 => 4096);

# Lines of the image: `env NAME=value` and `arg word`, in order.
sub read_start {
    my (%start) = (env => {}, words => []);
    for my $line (split /\n/, Reactor::System::read_file($start_file)) {
        if    ($line =~ /\Aenv ([A-Za-z0-9_]+)=(.*)\z/) { $start{env}{$1} = $2 }
        elsif ($line =~ /\Aarg (.*)\z/)              { push @{ $start{words} }, $1 }
        else                                         { die "$start_file has a wrong line\n" }
    }
    return \%start;
}

# Starts it as a user without rights. Returns its id and the handles of its two outputs.
sub start {
    my $start = read_start();
    pipe(my $stdout, my $stdout_writer) or die "pipe: $!\n";
    pipe(my $stderr, my $stderr_writer) or die "pipe: $!\n";
    my $pid = fork();
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        eval { become($start, $stdout_writer, $stderr_writer) };
        # Its stderr is the runtime's by now, so the host reads why.
        print STDERR "cannot start the runtime: $@";
        POSIX::_exit(127);
    }
    close($stdout_writer);
    close($stderr_writer);
    return ($pid, $stdout, $stderr);
}

sub become {
    my ($start, $stdout, $stderr) = @_;
    open(STDIN,  '<',  '/dev/null') or die "open /dev/null: $!\n";
    open(STDOUT, '>&', $stdout)     or die "dup: $!\n";
    open(STDERR, '>&', $stderr)     or die "dup: $!\n";
    POSIX::setsid();
    POSIX::nice(10);
    $SIG{PIPE} = $SIG{CHLD} = 'DEFAULT';
    Reactor::System::write_file('/proc/self/oom_score_adj', '500');
    Reactor::System::limit($_, $limits{$_}) for sort keys %limits;
    Reactor::System::no_new_privileges();
    $) = "$user $user";
    POSIX::setgid($user) or die "setgid: $!\n";
    POSIX::setuid($user) or die "setuid: $!\n";
    chdir('/tmp') or die "chdir /tmp: $!\n";
    %ENV = %{ $start->{env} };
    my @words = @{ $start->{words} };
    exec { $words[0] } @words or die "exec $words[0]: $!\n";
}

# Parts of the memory of processes that the kernel would empty in a child of fork(2), as their libraries
# asked it to (MADV_WIPEONFORK): [handle of the memory, address, as many zeros, process].
my @wiped_on_fork;

# Finds them, for a machine that is about to be copied. Looking takes long, and they stay where they are.
sub find_wiped_on_fork {
    no warnings 'portable';    # Addresses have more than 32 bits.
    @wiped_on_fork = ();
    for my $folder (glob('/proc/[0-9]*')) {
        my ($pid) = $folder =~ m{(\d+)\z};
        my ($from, $to);
        for my $line (split /\n/, eval { Reactor::System::read_file("$folder/smaps") } // '') {
            if ($line =~ /\A([0-9a-f]+)-([0-9a-f]+) /) { ($from, $to) = (hex $1, hex $2) }
            elsif ($line =~ /\AVmFlags:.* wf\b/) {
                my $memory = Reactor::System::open_file("/proc/$pid/mem", O_RDWR);
                push @wiped_on_fork, [$memory, $from, "\0" x ($to - $from), $pid];
            }
        }
    }
}

# Empties them: by that libraries know that they are in a copy and may not go on drawing from the
# randomness that they share with it.
sub wipe_as_forked {
    for my $part (@wiped_on_fork) {
        my ($memory, $address, $zeros, $pid) = @$part;
        my $count = Reactor::System::overwrite($memory, $address, $zeros) // -1;
        # Nothing is left to be written to where the process has ended.
        die "write the memory of $pid: $!\n" if $count != length($zeros) && -e "/proc/$pid";
    }
}

# Hundredths of a second of processor time that it and its threads have used; -1 when it is gone.
sub processor_time {
    my ($pid) = @_;
    my $stat = eval { Reactor::System::read_file("/proc/$pid/stat") };
    return -1 unless defined $stat;
    my @fields = split / /, substr($stat, rindex($stat, ')') + 2);
    return $fields[11] + $fields[12];
}

1;
