package Reactor::Pump;

# Carries bytes from one handle to another. It reads no more while the other side does not take what
# was read, so that a flood stops its writer and nothing else.

use strict;
use warnings;
use Errno qw(EAGAIN EINTR);

my $piece_bytes  = 65_536;
my $buffer_bytes = 262_144;
# How long a port is left alone whose host end is closed: it is readable all the time, with nothing.
my $closed_seconds = 0.05;

# `from` and `to` may come later. `is_port`: `from` is a port, whose end may be opened again.
sub new {
    my ($class, %options) = @_;
    my $self = {
        from       => $options{from},
        to         => $options{to},
        is_port    => $options{is_port},
        held       => '',
        ended      => 0,
        quiet_till => 0,
    };
    return bless $self, $class;
}

# Adds itself to the sets of select(2): handles to read, handles to write.
sub want {
    my ($self, $now, $reads, $writes) = @_;
    push @$reads, $self->{from} if $self->is_reading && $now >= $self->{quiet_till};
    push @$writes, $self->{to} if defined $self->{to} && $self->{held} ne '';
}

sub is_reading {
    my ($self) = @_;
    return defined $self->{from} && !$self->{ended} && length($self->{held}) < $buffer_bytes;
}

# Whether it reads again later without anything happening.
sub is_waiting {
    my ($self, $now) = @_;
    return $self->is_reading && $now < $self->{quiet_till};
}

# Reads and writes as far as select(2) found the handles ready.
sub move {
    my ($self, $now, $is_readable, $is_writable) = @_;
    $self->write_some if $self->{held} ne '' && defined $self->{to} && $is_writable->($self->{to});
    $self->read_some($now) if defined $self->{from} && $is_readable->($self->{from});
}

sub read_some {
    my ($self, $now) = @_;
    my $count = sysread($self->{from}, $self->{held}, $piece_bytes, length $self->{held});
    return if $count || !defined $count && ($!{EAGAIN} || $!{EINTR});
    if   ($self->{is_port}) { $self->{quiet_till} = $now + $closed_seconds }
    else                    { $self->{ended} = 1 }
}

sub write_some {
    my ($self) = @_;
    my $count = syswrite($self->{to}, $self->{held}, $piece_bytes);
    if (defined $count) { substr($self->{held}, 0, $count) = '' }
    elsif (!$!{EAGAIN} && !$!{EINTR}) { $self->discard }
}

# Nobody takes what is held, nor what comes.
sub discard {
    my ($self) = @_;
    $self->{held}  = '';
    $self->{ended} = 1;
}

# Nothing more will come and nothing is held back.
sub is_done {
    my ($self) = @_;
    return $self->{held} eq '' && ($self->{ended} || !defined $self->{from});
}

1;
