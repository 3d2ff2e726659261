"""Entry of the Python guest: `python guest.pyz <socketPath> <proxyPort|0>`."""

import sys

from reactor_guest.main import main

main(sys.argv[1:])
