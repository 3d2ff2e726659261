"""What a clone of a virtual machine must not have in common with its siblings."""

import random


def renew_clone():
    """
    They begin with the same memory, hence with the same state of `random`. After the machine has its
    own randomness, and before any code of the function runs.
    """
    random.seed()
