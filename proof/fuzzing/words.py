"""Single words of strangers: signatures, cursors, sealed secrets, headers, URLs, addresses."""

import io
import re
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from hundi.delivery import wire
from hundi.delivery.egress import EgressGuard
from hundi.exchange.cursor import LARGEST, cursor, key_of
from hundi.exchange.journal import GENESIS
from hundi.exchange.sealing.checkpoint import Checkpoint, Head, Trusted, closed, folded, new_keys
from hundi.exchange.sealing.file import TOGETHER, NoCheckpointsError, read_checkpoints
from hundi.kernel.faults import RefusedError
from hundi.kernel.sealing import BadKeysError, Keyring, SealError, keyring_from
from hundi.kernel.signature import SignatureError, sign, verify
from hundi.observing import traceparent
from hundi.web.asgi import check_json
from proof.fuzzing import must

_SECRET = "whsec_" + "A" * 43 + "="
_OTHER = "whsec_" + "B" * 43 + "="
_NOW = 1_770_000_000
_BODY = b'{"a":1}'
_TRUE = sign([_SECRET], webhook_id="MSG1", timestamp=_NOW, body=_BODY)
_RING = Keyring([b"k" * 32, b"o" * 32])
_SEALED = _RING.seal("whsec_secret", "client/A", random=lambda count: b"n" * count)
LISTS: dict[str, tuple[str | int, ...]] = {
    "documents": (LARGEST, "", "", ""),
    "deliveries": ("", ""),
    "events": (0,),
}
_OTHER_CHARSET = re.compile(rb";\s*charset\s*=\s*+\"?+(?!utf-?8\b)")
_TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
_TRUSTED = Trusted.of(new_keys()[1], "")
_DEV, _LIVE = EgressGuard.for_mode(dev=True), EgressGuard.for_mode(dev=False)


def signature(raw: bytes) -> None:
    """Four lines: id, time, signatures, body. Only the true message is believed."""
    told, moment, signatures, body = (raw.split(b"\n", 3) + [b""] * 4)[:4]
    headers = {
        "webhook-id": told.decode("latin-1"),
        "webhook-timestamp": moment.decode("latin-1"),
        "webhook-signature": signatures.decode("latin-1"),
    }
    try:
        verify([_SECRET, _OTHER], headers, body, now=_NOW * 1_000_000)
    except SignatureError as error:
        must(_SECRET not in str(error), "a secret in a sentence")
        return
    given = {name: value for name, value in headers.items() if name != "webhook-signature"}
    true = {name: value for name, value in _TRUE.items() if name != "webhook-signature"}
    assert (given, body) == (true, _BODY), "believed, and nobody had signed it"


def signing_secret(raw: bytes) -> None:
    """A text as the secret: it signs what it verifies, or is refused and not repeated."""
    text = raw.decode("latin-1")
    try:
        headers = sign([text], webhook_id="MSG1", timestamp=_NOW, body=_BODY)
    except SignatureError as error:
        must(len(text) < 8 or text not in str(error), "a secret in a sentence")
        return
    verify([text], headers, _BODY, now=_NOW * 1_000_000)


def cursors(raw: bytes) -> None:
    """The first line names the list. What is taken is exactly what the network gives out."""
    name, _, text = raw.decode("utf-8", "surrogateescape").partition("\n")
    first = LISTS.get(name, ("",))
    try:
        key = key_of(text, name, first=first)
    except RefusedError as refusal:
        must(refusal.faults, "refused without a word")
        return
    assert len(key) == len(first)
    assert not text or cursor(name, *key) == text, "two spellings of one cursor"
    for part in key:
        assert not isinstance(part, int) or 0 <= part <= LARGEST, part
        assert not isinstance(part, str) or "\x00" not in part, part


def sealed(raw: bytes) -> None:
    """A sealed text from the store opens only as it was made; the setting's words never show."""
    text = raw.decode("latin-1")
    try:
        opened = _RING.open(text, "client/A")
    except SealError:
        opened = None
    if text.startswith("sealed1."):
        assert opened is None or text == _SEALED, "opened, and it was never sealed"
    try:
        keyring_from(text)
    except BadKeysError as error:
        must(len(text.strip()) < 12 or text.strip() not in str(error), "a key in a sentence")


def checkpoints(raw: bytes) -> None:
    """A file of checkpoints: read to its end, or refused with the line; no signature is made up."""
    try:
        for one, heads_, trouble in read_checkpoints(io.BytesIO(raw)):
            must(len(heads_) <= TOGETHER, "more heads at once than promised")
            must(heads_ or trouble or len(one.digest) == 64, "a digest that is none, and believed")
            must(_TRUSTED.trouble(one), "believed, and nobody had signed it")
    except NoCheckpointsError as error:
        must(str(error).startswith("line "), "refused without a line")


def heads(raw: bytes) -> None:
    """Media type, encoding and trace of a call, a line each: taken, or refused in words."""
    kind, encoding, trace = (raw.split(b"\n", 2) + [b""] * 3)[:3]
    try:
        check_json({b"content-type": kind, b"content-encoding": encoding})
    except RefusedError as refusal:
        must(refusal.faults[0].detail, "refused without a word")
    else:
        assert kind.split(b";")[0].strip().lower() == b"application/json", kind
        codings = {one.strip().lower() for one in encoding.split(b",")}
        assert codings <= {b"", b"identity"}, encoding
        assert not _OTHER_CHARSET.search(kind.lower()), kind
    found = traceparent.normal(trace)
    assert found is None or _TRACE.match(found), found


def retry_after(raw: bytes) -> None:
    """A receiver's Retry-After: seconds, a date, or nothing; never in the past."""
    text = raw.decode("latin-1")
    found = wire._retry_after(text, _NOW * 1_000_000)  # noqa: SLF001 (the reader itself is tried)
    assert found is None or found >= 0, found


def urls(raw: bytes) -> None:
    """An endpoint's URL: judged in words, by one guard no laxer than by the other."""
    text = raw.decode("utf-8", "surrogateescape")
    live = _LIVE.url_refused(text)
    if live is None:
        assert _DEV.url_refused(text) is None, "allowed in earnest and not in play"
        assert text.startswith("https://") or text.lower().startswith("https://"), text
        assert "@" not in text.split("//", 1)[1].split("/", 1)[0], text


def _checkpoint() -> str:
    """One with a head, as a file holds it; its signature is nobody's."""
    head = Head("E1", "invoice", "INV1", 3, "ab" * 32)
    whole = closed(folded(GENESIS, [head]), number=1, at=_NOW, heads=1)
    one = Checkpoint(
        number=1, at=_NOW, heads=1, digest=whole.hex(), key_id="0" * 16, signature="cd" * 64
    )
    return "\n".join(msgspec.json.encode(line).decode() for line in (one, head))


CHECKPOINTS = _checkpoint()
DATE = format_datetime(datetime.fromtimestamp(_NOW + 60, UTC), usegmt=True)
SIGNED = "\n".join((_TRUE["webhook-id"], _TRUE["webhook-timestamp"], _TRUE["webhook-signature"]))
SEALED = _SEALED
SECRET = _SECRET
