# The first process of a microVM: sets the machine up, runs the runtime, carries its connection and its
# output to the host, and obeys the host's control port, whose commands are in Reactor/Control.pm.
use strict;
use warnings;
use Reactor::Agent;

Reactor::Agent::main();
