"""The function that `reactor doctor prove` deploys on Python: it tries to do what a sandbox must
not let it do, and says how that went. It runs inside an instance and is never run by the server."""

from end_attacks import END_ATTACKS
from file_attacks import FILE_ATTACKS
from kernel_attacks import KERNEL_ATTACKS
from network_attacks import NETWORK_ATTACKS
from process_attacks import PROCESS_ATTACKS
from resource_attacks import RESOURCE_ATTACKS

ATTACKS = {
    **FILE_ATTACKS,
    **PROCESS_ATTACKS,
    **KERNEL_ATTACKS,
    **NETWORK_ATTACKS,
    **RESOURCE_ATTACKS,
    **END_ATTACKS,
}


def handler(event):
    return ATTACKS[event["attack"]](**event["args"])
