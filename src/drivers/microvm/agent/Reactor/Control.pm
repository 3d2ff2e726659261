package Reactor::Control;

# The control port: text lines of the host, each answered in turn by `ok` or `error <why>`. What the
# host sends is checked as if it were hostile; without regular expressions, since every clone comes by
# here, and an emulator makes the code of what it runs anew for each.

use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Reactor::Machine;
use Reactor::Runtime;
use Reactor::System;

my $line_bytes_max   = 4096;
my $answer_bytes_max = 65_536;
my $entropy_bytes    = 64;
my $tmp_bytes_max    = 1 << 40;
# The runtime is settled when it used no processor for this long.
my $settled_seconds     = 0.2;
my $settle_seconds_max  = 20;
my $closed_seconds      = 0.05;

my %commands = (
    ping    => sub { return },
    entropy => sub {
        my ($hex) = @_;
        return 'must be 64 bytes in hex' unless length($hex) == 2 * $entropy_bytes && is_hex($hex);
        Reactor::Machine::add_entropy(pack('H*', $hex));
        Reactor::Runtime::wipe_as_forked();
        return;
    },
    clock => sub {
        my $point   = index($_[0], '.');
        my $seconds = $point < 0 ? $_[0] : substr($_[0], 0, $point);
        my $micros  = $point < 0 ? '000000' : substr($_[0], $point + 1);
        return 'must be Unix seconds, with six digits of a fraction or none'
            unless is_digits($seconds) && length($seconds) <= 11 && is_digits($micros) && length($micros) == 6;
        Reactor::System::set_clock($seconds, $micros * 1000);
        return;
    },
    hostname => sub {
        my ($name) = @_;
        return 'must be 1 to 63 letters, digits and hyphens'
            unless $name ne '' && length($name) <= 63 && $name !~ tr/A-Za-z0-9-//c;
        Reactor::System::set_hostname($name);
        return;
    },
    'machine-id' => sub {
        my ($id) = @_;
        return 'must be 32 hex digits' unless length($id) == 32 && is_hex($id);
        Reactor::Machine::set_machine_id($id);
        return;
    },
    tmp => sub {
        my ($bytes) = @_;
        return 'must be a number of bytes of at least 65536'
            unless is_digits($bytes) && length($bytes) <= 13 && $bytes >= 65_536 && $bytes <= $tmp_bytes_max;
        Reactor::Machine::set_tmp_size($bytes);
        return;
    },
);

sub is_hex { my ($text) = @_; return $text !~ tr/0-9a-f//c }

sub is_digits { my ($text) = @_; return $text ne '' && $text !~ tr/0-9//c }

# `processor_time`: says how much the runtime has used so far.
sub new {
    my ($class, $port, $processor_time) = @_;
    my $self = {
        port           => $port,
        processor_time => $processor_time,
        input          => '',
        output         => '',
        skipping       => 0,
        settling       => undef,
        quiet_till     => 0,
    };
    return bless $self, $class;
}

# Says something that was not asked for.
sub say {
    my ($self, $line) = @_;
    $line =~ s/[^\x20-\x7e]+/ /g;
    $self->{output} .= substr($line, 0, 500) . "\n";
}

sub want {
    my ($self, $now, $reads, $writes) = @_;
    push @$reads, $self->{port} if $self->is_reading && $now >= $self->{quiet_till};
    push @$writes, $self->{port} if $self->{output} ne '';
}

sub is_reading {
    my ($self) = @_;
    return !$self->{settling} && length($self->{output}) < $answer_bytes_max;
}

# Whether it has to look again without anything happening.
sub is_waiting {
    my ($self, $now) = @_;
    return $self->{settling} || $self->is_reading && $now < $self->{quiet_till};
}

# Reads and writes as far as select(2) found the port in its sets.
sub move {
    my ($self, $now, $readable, $writable) = @_;
    $self->write_some if $self->{output} ne '' && Reactor::System::is_in($writable, $self->{port});
    $self->read_some($now) if Reactor::System::is_in($readable, $self->{port});
}

sub read_some {
    my ($self, $now) = @_;
    my $count = sysread($self->{port}, $self->{input}, $line_bytes_max, length $self->{input});
    if ($count) { $self->take_lines($now) }
    # The host's end is closed: there is nothing, all the time.
    elsif (defined $count || !$!{EAGAIN} && !$!{EINTR}) { $self->{quiet_till} = $now + $closed_seconds }
}

sub write_some {
    my ($self) = @_;
    my $count = syswrite($self->{port}, $self->{output});
    substr($self->{output}, 0, $count) = '' if defined $count;
}

sub take_lines {
    my ($self, $now) = @_;
    while (!$self->{settling} && (my $end = index($self->{input}, "\n")) >= 0) {
        my $line = substr($self->{input}, 0, $end + 1, '');
        chop $line;
        if    ($self->{skipping})                { $self->{skipping} = 0 }
        elsif (length($line) > $line_bytes_max)  { $self->refuse_long }
        else                                     { $self->obey($line, $now) }
    }
    return if $self->{settling} || length($self->{input}) <= $line_bytes_max;
    $self->refuse_long unless $self->{skipping};
    $self->{skipping} = 1;
    $self->{input}    = '';
}

sub refuse_long {
    my ($self) = @_;
    $self->say("error the line is over $line_bytes_max bytes");
}

sub obey {
    my ($self, $line, $now) = @_;
    if ($line eq 'settle') {
        $self->{settling} = { until => $now + $settle_seconds_max, since => $now, used => -1 };
        return;
    }
    my $space = index($line, ' ');
    my $name  = $space < 0 ? $line : substr($line, 0, $space);
    my $command = $commands{$name};
    return $self->say('error unknown command') unless $command;
    my $why = eval { $command->($space < 0 ? '' : substr($line, $space + 1)) };
    $why = $@ if $@;
    if   (defined $why) { $self->say("error $name: $why") }
    else                { $self->{output} .= "ok\n" }
}

# Called from time to time while something is waited for.
sub look {
    my ($self, $now) = @_;
    my $settling = $self->{settling} or return;
    my $used = $self->{processor_time}->();
    if ($used != $settling->{used}) {
        @$settling{qw(used since)} = ($used, $now);
        return if $now < $settling->{until};
    }
    return if $now < $settling->{until} && $now - $settling->{since} < $settled_seconds;
    my $settled = $now - $settling->{since} >= $settled_seconds;
    $self->{settling} = undef;
    Reactor::Runtime::find_wiped_on_fork();
    $self->say($settled ? 'ok' : "error settle: the runtime was busy for $settle_seconds_max s");
    $self->take_lines($now);
}

1;
