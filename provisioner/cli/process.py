"""Whether this process is one run of `provision` and nothing else: then the kernel may end it when its lock is lost.

A test, or a program that calls `main` as a function, is never ended by us.
"""

_OWN = False


def own() -> None:
    """Called once, by what starts the command line in a process of its own."""
    global _OWN
    _OWN = True


def is_own() -> bool:
    return _OWN
