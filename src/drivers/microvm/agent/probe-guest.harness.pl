# Stands in for a runtime's guest in tests: obeys lines of the wire.
use strict;
use warnings;
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

my ($path, $port) = @ARGV;
socket(my $wire, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
connect($wire, pack_sockaddr_un($path)) or die "connect $path: $!";
$| = 1;

sub say_line { my ($line) = @_; $line .= "\n"; syswrite($wire, $line) }
sub text_of { my ($file) = @_; open(my $in, '<', $file) or return "none ($!)"; local $/ = undef; return <$in> }

sub names_in { opendir(my $folder, $_[0]) or die "open $_[0]: $!"; return sort grep { !/^\./ } readdir $folder }

my %commands = (
    look => sub {
        say_line("user $> $) args @ARGV");
        say_line("env $_=$ENV{$_}") for sort keys %ENV;
        say_line('dev ' . join(' ', names_in('/dev')));
        say_line('writable ' . join(' ', grep { -w $_ } '/', '/usr', '/runtime', '/run', '/run/reactor', '/dev', '/tmp', '/dev/shm', '/proc/sys/kernel/hostname'));
        say_line('agent ' . (-e '/proc/1/cmdline' ? 'seen' : 'hidden'));
        say_line('sys ' . join(' ', names_in('/sys')));
        say_line('privileges ' . join(' ', text_of('/proc/self/status') =~ /^(?:CapEff|NoNewPrivs):\s+(\S+)/mg));
        say_line('limits ' . join(' ', text_of('/proc/self/limits') =~ /^Max (?:core file size|processes|open files)\s+(\d+)/mg));
        say_line('oom ' . text_of('/proc/self/oom_score_adj'));
    },
    identity => sub {
        my ($hostname) = text_of('/proc/sys/kernel/hostname') =~ /(.*)/;
        my ($machine)  = text_of('/etc/machine-id') =~ /(.*)/;
        my ($boot)     = text_of('/proc/sys/kernel/random/boot_id') =~ /(.*)/;
        say_line("identity $hostname $machine $boot " . time);
    },
    random => sub { say_line('random ' . unpack('H*', do { open(my $in, '<', '/dev/urandom') or die; sysread($in, my $bytes, 16); $bytes })) },
    tmp => sub {
        open(my $out, '>', '/tmp/file') or die "open: $!";
        my $bytes = 0;
        while (defined(my $count = syswrite($out, "\0" x 65_536))) { $bytes += $count; last if $bytes > 1 << 28 }
        say_line("tmp $bytes");
        unlink('/tmp/file');
    },
    write => sub { my ($size) = @_; print "o" x $size; print STDERR "e" x $size; say_line("w" x $size) },
    orphan => sub { if (!fork) { if (!fork) { sleep 1000 } exit 0 } wait; say_line('left an orphan') },
    fill => sub { my @held; push @held, "x" x 1_048_576 while 1 },
    spin => sub { say_line('spinning'); 1 while (times)[0] < 2; say_line('spun') },
    close => sub { close($wire); sleep 1000 },
    signal => sub { kill($_[0], $$); sleep 10 },
    exit => sub { exit $_[0] },
);

while (defined(my $line = <$wire>)) {
    chomp $line;
    my ($name, @arguments) = split / /, $line;
    ($commands{$name} or die "unknown command $name")->(@arguments);
}
