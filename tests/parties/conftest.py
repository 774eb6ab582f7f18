"""Nobody is given up because this machine stands still."""

from tests.patience import patient

__all__ = ["patient"]
