"""What strangers' bytes reach first, each as a function that a fuzzer calls and a test can call too."""


class BrokenError(Exception):
    """A promise that an input broke; the text says which."""


def must(holds: object, why: str) -> None:
    """Raise BrokenError where something that was promised does not hold."""
    if not holds:
        raise BrokenError(why)
