# Prints how often the processor's time stamp counter counts in a millisecond. The counter is read by
# machine code of x86-64 that is put into a page of memory, which is all that Perl lacks for it.
use strict;
use warnings;
use DynaLoader;

use constant {
    SYS_READ          => 0,
    SYS_MMAP          => 9,
    SYS_CLOCK_GETTIME => 228,
    READ_WRITE_EXEC   => 7,
    PRIVATE_ANONYMOUS => 0x22,
    CLOCK_MONOTONIC   => 1,
};
my $tries   = 50;
my $seconds = 0.05;

my $page = syscall(SYS_MMAP, 0, 4096, READ_WRITE_EXEC, PRIVATE_ANONYMOUS, -1, 0);
die "no memory for machine code: $!\n" if $page == -1;
my $result = $page + 2048;
# rdtsc; shl rdx, 32; or rax, rdx; mov [result], rax; ret
my $code = "\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\x48\xa3" . pack('Q', $result) . "\xc3";
pipe(my $reader, my $writer) or die "pipe: $!\n";
syswrite($writer, $code);
syscall(SYS_READ, fileno($reader), $page, length $code) == length $code or die "read: $!\n";
my $count = DynaLoader::dl_install_xsub('main::read_counter', $page);

sub nanoseconds {
    my $time = pack('q q', 0, 0);
    syscall(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, $time);
    my ($whole, $rest) = unpack('q q', $time);
    return $whole * 1e9 + $rest;
}

# Time and counter at one moment: of many tries the one that nothing came between.
sub moment {
    my ($least, @moment);
    for (1 .. $tries) {
        my $before = nanoseconds();
        $count->();
        my $between = nanoseconds() - $before;
        next if defined $least && $between >= $least;
        my $counted = unpack('Q', unpack('P8', pack('Q', $result)));
        ($least, @moment) = ($between, $before + $between / 2, $counted);
    }
    return @moment;
}

my ($start, $first) = moment();
select(undef, undef, undef, $seconds);
my ($end, $last) = moment();
printf "%.0f\n", ($last - $first) / ($end - $start) * 1e6;
