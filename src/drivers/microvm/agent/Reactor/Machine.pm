package Reactor::Machine;

# Sets up what the runtime sees of the machine: as in the process sandbox, read-only but for /tmp and
# /dev/shm, with few devices, and no /sys.

use strict;
use warnings;
use Fcntl qw(O_CREAT O_NONBLOCK O_RDWR O_WRONLY);
use Reactor::System;

my $tmp_bytes_default = 64 * 1024 * 1024;
my $port_seconds_max  = 10;
my $ports_folder      = '/sys/class/virtio-ports';
# Free memory goes back to the host in pieces of 128 KiB: the kernel's own 2 MiB are seldom free in a
# small machine.
my $reporting_file  = '/sys/module/page_reporting/parameters/page_reporting_order';
my $reporting_order = '5';
# What a machine used in the last second must stay in its memory, or it has too little.
my $generations_folder = '/sys/kernel/mm/lru_gen';
my $working_set_ms     = '1000';
my @devices           = (
    ['null',    1, 3],
    ['zero',    1, 5],
    ['full',    1, 7],
    ['random',  1, 8],
    ['urandom', 1, 9],
    ['tty',     5, 0],
);
my %links = (
    fd     => '/proc/self/fd',
    stdin  => '/proc/self/fd/0',
    stdout => '/proc/self/fd/1',
    stderr => '/proc/self/fd/2',
    ptmx   => 'pts/ptmx',
);

# What is done in every clone is done by handles that it has from its template.
my ($random, %id_files);

# Mounts everything and returns the ports by name. `names` are those that there must be.
sub set_up {
    my (@names) = @_;
    my $guarded = Reactor::System::MS_NOSUID | Reactor::System::MS_NODEV;
    Reactor::System::mount('proc', '/proc', $guarded | Reactor::System::MS_NOEXEC, 'hidepid=2');
    Reactor::System::mount('sysfs', '/sys', $guarded | Reactor::System::MS_NOEXEC, '');
    Reactor::System::write_file($reporting_file, $reporting_order) if -w $reporting_file;
    end_thrashing();
    my %ports = open_ports(@names);
    Reactor::System::unmount('/sys');
    Reactor::System::mount('tmpfs', '/run', $guarded | Reactor::System::MS_NOEXEC, 'size=256k,mode=755');
    mkdir('/run/reactor') or die "mkdir /run/reactor: $!\n";
    open_id_files();
    set_up_devices();
    $random = Reactor::System::open_file('/dev/urandom', O_RDWR);
    Reactor::System::mount('tmpfs', '/dev/shm', $guarded, 'mode=1777');
    Reactor::System::mount('tmpfs', '/tmp',     $guarded, 'mode=1777');
    set_tmp_size($tmp_bytes_default);
    Reactor::System::write_file('/proc/sys/user/max_user_namespaces', '0');
    Reactor::System::write_file('/proc/self/oom_score_adj',           '-1000');
    Reactor::System::set_hostname(my $name = 'function');
    start_loopback();
    return %ports;
}

# A kernel that lacks memory would rather drop the runtime's own code and read it again from the disk, over
# and over, for up to a minute, than end a process.
sub end_thrashing {
    return unless -w "$generations_folder/min_ttl_ms";
    Reactor::System::write_file("$generations_folder/min_ttl_ms", $working_set_ms);
    Reactor::System::write_file("$generations_folder/enabled",    'y');
}

# The device files of virtio-serial ports that the kernel has announced so far, by their names.
sub port_files {
    my %files;
    opendir(my $folder, $ports_folder) or die "open $ports_folder: $!\n";
    for my $port (grep { !/\A\./ } readdir $folder) {
        my $name = eval { Reactor::System::read_file("$ports_folder/$port/name") };
        next unless defined $name;    # The host has not said it yet.
        chomp $name;
        $files{$name} = "/dev/$port";
    }
    return %files;
}

sub open_ports {
    my (@names) = @_;
    my $until = Reactor::System::monotonic() + $port_seconds_max;
    my %files;
    while (1) {
        %files = port_files();
        my @missing = grep { !exists $files{$_} || !-e $files{$_} } @names;
        last if !@missing;
        die 'there is no virtio-serial port ' . join(', ', @missing) . "\n"
            if Reactor::System::monotonic() > $until;
        select(undef, undef, undef, 0.005);
    }
    my %ports;
    for my $name (@names) {
        sysopen(my $port, $files{$name}, O_RDWR | O_NONBLOCK) or die "open $files{$name}: $!\n";
        $ports{$name} = $port;
    }
    return %ports;
}

# A /dev without the disk and the ports.
sub set_up_devices {
    my $flags = Reactor::System::MS_NOSUID | Reactor::System::MS_NOEXEC;
    Reactor::System::mount('tmpfs', '/dev', $flags, 'size=64k,mode=755');
    Reactor::System::make_device("/dev/$_->[0]", 0666, $_->[1], $_->[2]) for @devices;
    for my $name (sort keys %links) {
        symlink($links{$name}, "/dev/$name") or die "symlink /dev/$name: $!\n";
    }
    mkdir("/dev/$_", 0755) or die "mkdir /dev/$_: $!\n" for qw(shm pts);
    Reactor::System::mount('devpts', '/dev/pts', $flags, 'newinstance,ptmxmode=0666,mode=620');
    Reactor::System::mount('tmpfs', '/dev', $flags | Reactor::System::MS_REMOUNT | Reactor::System::MS_RDONLY, '');
}

# The size of /tmp, and of /dev/shm, which is a quarter of it.
sub set_tmp_size {
    my ($bytes) = @_;
    my $flags = Reactor::System::MS_NOSUID | Reactor::System::MS_NODEV | Reactor::System::MS_REMOUNT;
    Reactor::System::mount('tmpfs', '/tmp',     $flags, "size=$bytes");
    Reactor::System::mount('tmpfs', '/dev/shm', $flags, 'size=' . int($bytes / 4));
}

# The machine's id, and the boot's, which is drawn by the kernel and so is the same in every clone.
sub set_machine_id {
    my ($id) = @_;
    my %texts = ('machine-id' => "$id\n", 'boot-id' => join('-', unpack('a8 a4 a4 a4 a12', $id)) . "\n");
    for my $name (keys %texts) {
        my $count = Reactor::System::overwrite($id_files{$name}, 0, $texts{$name});
        die "write /run/$name: $!\n" unless defined $count;
    }
}

# Written over in every clone, each time by as many bytes: opening them anew would take it longer.
sub open_id_files {
    my $flags = O_WRONLY | O_CREAT;
    $id_files{$_} = Reactor::System::open_file("/run/$_", $flags) for qw(machine-id boot-id);
    set_machine_id('0' x 32);
    Reactor::System::bind('/run/boot-id', '/proc/sys/kernel/random/boot_id');
}

# As `Reactor::System::add_entropy`.
sub add_entropy {
    my ($bytes) = @_;
    Reactor::System::add_entropy($random, $bytes);
}

# Processes that the kernel has killed for want of memory.
sub memory_kills {
    my ($count) = Reactor::System::read_file('/proc/vmstat') =~ /^oom_kill (\d+)/m;
    return $count // 0;
}

sub start_loopback {
    system('/usr/bin/busybox', 'ip', 'link', 'set', 'lo', 'up') == 0
        or die "cannot start the loopback interface\n";
}

1;
