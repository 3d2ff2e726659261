"""What a clone of a virtual machine must not have in common with its siblings."""

import random
import sys


def renew_clone():
    """
    They begin with the same memory, hence with the same state of `random`. After the machine has its
    own randomness, and before any code of the function runs.
    """
    random.seed()


def renew_loaded_clone():
    """As above, in a copy whose function was imported before it was made."""
    renew_clone()
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        # Its generator takes new bytes of the system's with these, and else only once in a while.
        ssl.RAND_add(random.SystemRandom().randbytes(32), 32.0)
