"""A refusal is a value: a stable code, a JSON path, a sentence that says what to do.

    STALE = Code("DOC-STALE-VERSION", Kind.CONFLICT, "The version is not the stored one.")
    STALE.at("purchaseOrder.objectVersion.currentVersion", "The order is at version 2 …", version=2)

A fault knows no HTTP. `Kind` says what sort of refusal it is; one table at the edge turns the kind
into a status. Each module lists its codes in a tuple `CODES`; the reference page is made of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Kind(Enum):
    """What sort of refusal a code stands for; the order is that of the stages of accepting."""

    WARNING = auto()  # told, never refused
    TOKEN = auto()
    TOO_LARGE = auto()
    MEDIA_TYPE = auto()
    KEY_MISMATCH = auto()
    SHAPE = auto()
    RIGHTS = auto()
    UNKNOWN = auto()
    CONFLICT = auto()
    BUSY = auto()
    RULE = auto()
    LIMIT = auto()
    NOT_NOW = auto()
    METHOD = auto()
    TOO_LATE = auto()
    HEAD_TOO_LARGE = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason for a refusal, or one warning. `context` holds what a program needs to go on."""

    code: str
    kind: Kind
    path: str
    detail: str
    context: Mapping[str, object] = field(default_factory=dict)

    @property
    def warning(self) -> bool:
        """True where the finding is told and refuses nothing."""
        return self.kind is Kind.WARNING

    def as_json(self) -> dict[str, object]:
        """Members as the contract's `faults[]` prints them; `context` only where there is one."""
        shown: dict[str, object] = {"code": self.code, "path": self.path, "detail": self.detail}
        if self.context:
            shown["context"] = dict(self.context)
        return shown


@dataclass(frozen=True, slots=True)
class Code:
    """A fault code: its stable name, its kind, and the sentence of the reference page."""

    name: str
    kind: Kind
    meaning: str

    def at(self, path: str, detail: str, **context: object) -> Fault:
        """The fault of this code at a JSON path, such as `purchaseOrder.itemLists[0].quantity`."""
        return Fault(self.name, self.kind, path, detail, context)


class RefusedError(Exception):
    """Carries faults up to the edge where a value cannot: out of a transaction, out of a reader.

    `faults` is never empty and holds no warnings; all come from one stage.
    """

    def __init__(self, faults: Iterable[Fault], *, retry_after: int | None = None) -> None:
        self.faults = tuple(faults)
        self.retry_after = retry_after
        super().__init__(
            "; ".join(f"{fault.code} {fault.path}: {fault.detail}" for fault in self.faults)
        )


def split(findings: Iterable[Fault]) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Separate findings into (faults, warnings), each in the order found."""
    found = tuple(findings)
    return tuple(f for f in found if not f.warning), tuple(f for f in found if f.warning)
