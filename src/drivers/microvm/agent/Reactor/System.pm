package Reactor::System;

# What Perl has no function for: system calls of x86-64 Linux, by their numbers.

use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK SEEK_SET);

use constant {
    SYS_MKNOD              => 133,
    SYS_SCHED_SETSCHEDULER => 144,
    SYS_PRCTL              => 157,
    SYS_MOUNT              => 165,
    SYS_UMOUNT             => 166,
    SYS_REBOOT             => 169,
    SYS_SETHOSTNAME        => 170,
    SYS_CLOCK_SETTIME      => 227,
    SYS_CLOCK_GETTIME      => 228,
    SYS_PRLIMIT            => 302,
    SYS_PIDFD_OPEN         => 434,
};
use constant {
    MS_RDONLY  => 1,
    MS_NOSUID  => 2,
    MS_NODEV   => 4,
    MS_NOEXEC  => 8,
    MS_REMOUNT => 32,
    MS_BIND    => 4096,
};
use constant { CLOCK_REALTIME => 0, CLOCK_MONOTONIC => 1 };
use constant { RND_ADD_ENTROPY => 0x40085203, RND_RESEED => 0x5207 };
use constant { S_IFCHR => 0020000 };
use constant SCHED_BATCH => 3;
use constant PR_SET_NO_NEW_PRIVS => 38;

# Dies with what could not be done and why.
sub call {
    my ($what, $number, @arguments) = @_;
    my $result = syscall($number, @arguments);
    die "$what: $!\n" if $result == -1;
    return $result;
}

# `flags` and `options` as mount(2) has them.
sub mount {
    my ($type, $target, $flags, $options) = @_;
    my $source = $type;
    call("mount $type at $target", SYS_MOUNT, $source, $target, $type, $flags, $options);
}

# Puts a file in the place of another.
sub bind {
    my ($source, $target) = @_;
    my $none = '';
    call("bind $source to $target", SYS_MOUNT, $source, $target, $none, MS_BIND, $none);
}

sub unmount {
    my ($target) = @_;
    call("unmount $target", SYS_UMOUNT, $target, 0);
}

sub make_device {
    my ($path, $mode, $major, $minor) = @_;
    call("make $path", SYS_MKNOD, $path, S_IFCHR | $mode, $major << 8 | $minor);
    chmod($mode, $path) or die "chmod $path: $!\n";
}

sub set_hostname {
    my ($name) = @_;
    call('set the host name', SYS_SETHOSTNAME, $name, length $name);
}

sub set_clock {
    my ($seconds, $nanoseconds) = @_;
    my $time = pack('q q', $seconds, $nanoseconds);
    call('set the clock', SYS_CLOCK_SETTIME, CLOCK_REALTIME, $time);
}

# Seconds that no change of the clock touches.
sub monotonic {
    my $time = pack('q q', 0, 0);
    # Not by `call`, which hands a copy to the kernel, who writes to it.
    syscall(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, $time) == 0 or die "read the clock: $!\n";
    my ($seconds, $nanoseconds) = unpack('q q', $time);
    return $seconds + $nanoseconds / 1e9;
}

# Mixes the bytes into the kernel's pool and makes every generator draw anew from it. `random`: a handle
# of /dev/urandom.
sub add_entropy {
    my ($random, $bytes) = @_;
    my $pool = pack('l l a*', 8 * length($bytes), length($bytes), $bytes);
    defined(ioctl($random, RND_ADD_ENTROPY, $pool)) or die "add entropy: $!\n";
    defined(ioctl($random, RND_RESEED, 0)) or die "reseed: $!\n";
}

# Sets a limit of this process, soft and hard.
sub limit {
    my ($resource, $value) = @_;
    my $limits = pack('Q Q', $value, $value);
    # A number that was the key of a hash is a string until it is reckoned with.
    call("set limit $resource", SYS_PRLIMIT, 0, $resource + 0, $limits, 0);
}

sub no_new_privileges {
    call('set no_new_privs', SYS_PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

# Has this process, and what it starts from here on, wait until the one that runs waits itself, or for
# the kernel's next tick (4 ms), instead of interrupting it.
sub be_patient {
    my $priority = pack('l', 0);
    call('set the scheduler', SYS_SCHED_SETSCHEDULER, 0, SCHED_BATCH, $priority);
}

# A handle that becomes readable when the process has ended.
sub process_handle {
    my ($pid) = @_;
    my $descriptor = call("watch process $pid", SYS_PIDFD_OPEN, $pid, 0);
    open(my $handle, '<&=', $descriptor) or die "watch process $pid: $!\n";
    return $handle;
}

# Ends the machine. Returns only when the kernel refuses.
sub power_off {
    my ($magic, $magic2) = (0xfee1dead, 672274793);
    for my $how (0x4321fedc, 0x01234567) {    # Power off; where that cannot be done, restart.
        syscall(SYS_REBOOT, $magic, $magic2, $how, 0);
    }
}

# Handles as select(2) takes them.
sub set_of {
    my $set = '';
    vec($set, fileno($_), 1) = 1 for @_;
    return $set;
}

sub is_in {
    my ($set, $handle) = @_;
    return vec($set, fileno($handle), 1);
}

sub set_blocking {
    my ($handle, $blocking) = @_;
    my $flags = fcntl($handle, F_GETFL, 0) or die "fcntl: $!\n";
    $flags = $blocking ? $flags & ~O_NONBLOCK : $flags | O_NONBLOCK;
    fcntl($handle, F_SETFL, $flags) or die "fcntl: $!\n";
}

# Writes to a port and returns when the host has taken it.
sub write_through {
    my ($port, $bytes) = @_;
    set_blocking($port, 1);
    while ($bytes ne '') {
        my $count = syswrite($port, $bytes);
        die "write to a port: $!\n" unless defined $count;
        substr($bytes, 0, $count) = '';
    }
}

# Opens a file; `flags` as open(2) has them.
sub open_file {
    my ($path, $flags) = @_;
    sysopen(my $file, $path, $flags, 0644) or die "open $path: $!\n";
    return $file;
}

# Puts the bytes at the place of as many others. Returns how many that were.
sub overwrite {
    my ($file, $at, $bytes) = @_;
    sysseek($file, $at, SEEK_SET) or die "seek: $!\n";
    return syswrite($file, $bytes);
}

# Replaces what a file of /proc holds.
sub write_file {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or die "open $path: $!\n";
    print {$file} $text;
    close($file) or die "write $path: $!\n";
}

sub read_file {
    my ($path) = @_;
    open(my $file, '<', $path) or die "open $path: $!\n";
    local $/ = undef;
    return scalar <$file>;
}

1;
