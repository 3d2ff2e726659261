"""The Python guest of Reactor: the protocol, the handlers and the way out."""
