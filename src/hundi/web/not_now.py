"""What callers are told when the store cannot take their call now."""

from hundi.kernel.faults import RefusedError
from hundi.store.batch import OverloadedError
from hundi.store.engine import UNAVAILABLE, UNKNOWN_COMMIT, CommitUnknownError, StoreError
from hundi.web.envelope import OVERLOADED


def not_now(error: StoreError) -> RefusedError:
    """The refusal of a call: too many wait, the database is gone, or did not say what it did."""
    if isinstance(error, OverloadedError):
        return RefusedError([OVERLOADED.at("", OVERLOADED.meaning)], retry_after=1)
    code = UNKNOWN_COMMIT if isinstance(error, CommitUnknownError) else UNAVAILABLE
    return RefusedError([code.at("", code.meaning)], retry_after=2)
