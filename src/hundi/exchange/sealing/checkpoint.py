"""A checkpoint: its digest, its signature, and how it is written to a file. Pure.

The digest goes on from that of the checkpoint before, head by head, in the journal's own encoding:
none can be changed, taken out or put in between without all later signatures failing.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hundi.exchange.journal import GENESIS, link
from hundi.ledger.model import Key

KEY_VARIABLE = "HUNDI_JOURNAL_KEY"
PUBLIC_VARIABLE = "HUNDI_JOURNAL_PUBLIC_KEYS"
_PURPOSE = b"hundi journal checkpoint 1\x00"


class BadKeyError(ValueError):
    """A key of the settings cannot be read; the message says what to give."""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Where a document's journal ended: its key, the number of the last row, and that row's hash in hex."""

    author_entity: str
    type: str
    object_id: str
    sequence: int
    hash: str

    @property
    def key(self) -> Key:
        """The document's key."""
        return self.author_entity, self.type, self.object_id


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed statement of `heads` heads. Digest and signature are hex."""

    number: int
    at: int
    heads: int
    digest: str
    key_id: str
    signature: str


def folded(digest: bytes, heads: Iterable[Head]) -> bytes:
    """A digest that has gone on over some heads; it starts at that of the checkpoint before."""
    for head in heads:
        digest = link(digest, (*head.key, head.sequence), bytes.fromhex(head.hash))
    return digest


def closed(digest: bytes, *, number: int, at: int, heads: int) -> bytes:
    """The digest of a whole checkpoint, after its last head."""
    return link(digest, (number, at, heads), GENESIS)


def new_keys() -> tuple[str, str]:
    """A private key for `HUNDI_JOURNAL_KEY` and its public one, both base64."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return _base64(private.private_bytes_raw()), _base64(public)


class Signer:
    """Signs checkpoints. Raises BadKeyError for a text that is no private key."""

    def __init__(self, text: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(_read(text, KEY_VARIABLE))
        self.public = self._private.public_key().public_bytes_raw()
        self.key_id = key_id(self.public)

    def sign(self, digest: bytes) -> bytes:
        """The signature of a digest, 64 bytes."""
        return self._private.sign(_PURPOSE + digest)


class Trusted:
    """The public keys whose signatures count, by their ids."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = keys

    @classmethod
    def of(cls, public: str, private: str) -> "Trusted":
        """Of the settings: public keys with commas between, and the one that belongs to our own."""
        raw = [_read(one, PUBLIC_VARIABLE) for one in public.split(",") if one.strip()]
        raw += [Signer(private).public] if private else []
        return cls({key_id(one): Ed25519PublicKey.from_public_bytes(one) for one in raw})

    def __bool__(self) -> bool:
        return bool(self._keys)

    def trouble(self, one: Checkpoint) -> str | None:
        """What is wrong with a signature; None where it is good."""
        key = self._keys.get(one.key_id)
        if key is None:
            return f"it is signed with key {one.key_id}, whose public key is not in the settings"
        try:
            key.verify(bytes.fromhex(one.signature), _PURPOSE + bytes.fromhex(one.digest))
        except (InvalidSignature, ValueError):
            return "its signature is not good"
        return None


def key_id(public: bytes) -> str:
    """A short name for a public key: 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _read(text: str, variable: str) -> bytes:
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        detail = "holds no key: 32 bytes in base64, as `hundi journal key` prints them."
        raise BadKeyError(f"{variable} {detail}")
    return raw
