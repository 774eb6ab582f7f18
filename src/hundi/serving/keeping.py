"""The duties of a serving process: the watch over the store's promises, and the daily checkpoint."""

import structlog

from hundi.documents import DOCUMENT_TYPES
from hundi.exchange.duties import Duty
from hundi.exchange.invariants.watch import watching
from hundi.exchange.sealing.checkpoint import KEY_VARIABLE, BadKeyError, Signer
from hundi.exchange.sealing.store import sealing
from hundi.kernel.settings import CannotServeError, Keeping

_log = structlog.get_logger()


def duties(keeping: Keeping) -> tuple[Duty, ...]:
    """What the settings ask for. Raises CannotServeError for a key that is none."""
    types = {kind.name: kind for kind in DOCUMENT_TYPES}
    every = keeping.invariants_every
    watch = (watching(types, every),) if every else ()
    if not keeping.journal_key:
        return watch
    try:
        return (*watch, sealing(Signer(keeping.journal_key)))
    except BadKeyError as error:
        raise CannotServeError(str(error)) from error


def check_duties(keeping: Keeping) -> None:
    """Tell what they leave out, once for all processes. Raises CannotServeError as `duties` does."""
    duties(keeping)
    if not keeping.journal_key:
        _log.info("journal-checkpoints-off", needs=KEY_VARIABLE)
