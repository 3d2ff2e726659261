#!/usr/bin/perl
# Firecracker as far as its API goes: answers at the socket it is told, prints every request as one
# line, and once it is started connects to the host's side of each vsock port as a machine would.
use strict;
use warnings;
use IO::Socket::UNIX;
use Socket;

$| = 1;
my %options = @ARGV;
my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $options{"--api-sock"}, Listen => 8)
  or die "cannot listen: $!";
my @ports;
while (my $client = $server->accept) {
  my $head = "";
  while (my $line = <$client>) {
    $head .= $line;
    last if $line eq "\r\n";
  }
  # Somebody only looked whether anybody listens.
  next if $head eq "";
  my ($method, $path) = $head =~ /^(\S+) (\S+) HTTP\/1\.1\r\n/ or die "no request: $head";
  my ($length) = $head =~ /^content-length: (\d+)/im;
  read($client, my $body, $length // 0);
  print "$method $path $body\n";
  my $refused = $body =~ /refuse-me/;
  my $fault = '{"fault_message":"The request is refused."}';
  print $client $refused
    ? "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: " . length($fault) . "\r\n\r\n$fault"
    : "HTTP/1.1 204 No Content\r\nServer: Firecracker API\r\n\r\n";
  close $client;
  next unless $body =~ /InstanceStart|resume_vm/;
  for my $port (1024 .. 1027) {
    my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "/run/reactor/v_$port")
      or die "cannot reach port $port: $!";
    print $socket "port $port\n";
    push @ports, $socket;
  }
}
