package Reactor::Pump;

# Carries bytes from one handle to another. It reads no more while the other side does not take what
# was read, so that a flood stops its writer and nothing else.
#
# A turn of the loop takes an emulated machine as long as copying some hundred KiB, and a port gives at
# most 4 KiB and takes at most 32 KiB in a call. So a pump reads as long as there is something, and
# writes what it has read at once instead of in the next turn.

use strict;
use warnings;
use Errno qw(EAGAIN EINTR);

# How much one turn of the loop moves at most, so that the other pumps and the control port come by.
my $turn_bytes = 262_144;
# Once so much is read it is written, so that the other side works on it meanwhile.
my $piece_bytes = 65_536;
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
    return defined $self->{from} && !$self->{ended} && length($self->{held}) < $piece_bytes;
}

# Whether it reads again later without anything happening.
sub is_waiting {
    my ($self, $now) = @_;
    return $self->is_reading && $now < $self->{quiet_till};
}

# Reads and writes as far as select(2) found the handles in its sets.
sub move {
    my ($self, $now, $readable, $writable) = @_;
    my ($from, $to) = @$self{qw(from to)};
    $self->write_some if $self->{held} ne '' && defined $to && Reactor::System::is_in($writable, $to);
    return unless defined $from && Reactor::System::is_in($readable, $from);
    my $left = $turn_bytes;
    while ($left > 0 && $self->is_reading) {
        my $count = $self->read_some($now) or last;
        $left -= $count;
        # Nobody may be there yet to write to.
        $self->write_some if defined $self->{to};
    }
}

# Reads until there is nothing more or a piece is full. Returns how much that was.
sub read_some {
    my ($self, $now) = @_;
    my $before = length $self->{held};
    while ((my $length = length $self->{held}) < $piece_bytes) {
        my $count = sysread($self->{from}, $self->{held}, $piece_bytes - $length, $length);
        next if $count;
        last if !defined $count && ($!{EAGAIN} || $!{EINTR});
        if   ($self->{is_port}) { $self->{quiet_till} = $now + $closed_seconds }
        else                    { $self->{ended} = 1 }
        last;
    }
    return length($self->{held}) - $before;
}

# Writes until nothing is held or the other side takes no more.
sub write_some {
    my ($self) = @_;
    my $at = 0;
    while ($at < length $self->{held}) {
        my $count = syswrite($self->{to}, $self->{held}, length($self->{held}) - $at, $at);
        if    (defined $count)            { $at += $count }
        elsif ($!{EAGAIN} || $!{EINTR})   { last }
        else                              { return $self->discard }
    }
    substr($self->{held}, 0, $at) = '';
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
