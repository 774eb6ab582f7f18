"""Secrets at rest: sealed under a key of the operator's, bound to the place that holds them.

    keyring = keyring_from("hsk_new… hsk_old…")         # the newest first: it seals
    sealed = keyring.seal("whsec_…", "client/CEK…/webhook_secret", random=system_random)
    keyring.open(sealed, "client/CEK…/webhook_secret")  # SealError at any other place

Sealed is `sealed1.{key id}.{base64 of nonce and AES-256-GCM}`. A text that is not sealed is opened
as it is: rows of the version before stay readable until they are sealed.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hundi.kernel.identity import RandomBytes

VARIABLE = "HUNDI_SECRET_KEYS"

_PREFIX = "hsk_"
_SEALED = "sealed1."
_NONCE = 12
_KEYS_AT_MOST = 16
_KEPT = 4096
_LONGEST_KEPT = 1024
_KEY = re.compile(r"hsk_[A-Za-z0-9_-]{43}")


class BadKeysError(ValueError):
    """The setting holds no usable keys; the message says what to give and shows none of it."""


class SealError(Exception):
    """A secret cannot be sealed or opened; the message says what to do and holds no secret."""


def new_key(random: RandomBytes) -> str:
    """A key of 256 random bits: `hsk_` and URL-safe base64."""
    return _PREFIX + base64.urlsafe_b64encode(random(32)).rstrip(b"=").decode()


def is_sealed(text: str) -> bool:
    """Whether a stored text is sealed."""
    return text.startswith(_SEALED)


def key_id_of(sealed: str) -> str:
    """The id of the key that a text is sealed under; an id tells nothing about its key."""
    return sealed.split(".", 2)[1]


class Keyring:
    """Keys, the newest first; none at all opens what is not sealed and seals nothing.

    What was opened is remembered (4096 short texts at most), so that a webhook costs no decryption.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._newest = next(iter(self._ciphers), "")
        self._remembered = lru_cache(_KEPT)(self._opened)

    def __bool__(self) -> bool:
        """Whether it can seal."""
        return bool(self._ciphers)

    @property
    def newest(self) -> str:
        """The id of the key that seals."""
        return self._newest

    def seal(self, secret: str, place: str, *, random: RandomBytes) -> str:
        """Seal a secret for one place. Raises SealError where there is no key."""
        if not self._ciphers:
            raise SealError(f"No key to keep secrets with. {HOW_TO_SET}")
        nonce = random(_NONCE)
        hidden = self._ciphers[self._newest].encrypt(nonce, secret.encode(), place.encode())
        return f"{_SEALED}{self._newest}.{base64.b64encode(nonce + hidden).decode()}"

    def open(self, text: str, place: str) -> str:
        """The secret at a place. Raises SealError: its key is not here, or it was not sealed for it."""
        if not is_sealed(text):
            return text
        if len(text) > _LONGEST_KEPT:
            return self._opened(text, place)
        return self._remembered(text, place)

    def _opened(self, text: str, place: str) -> str:
        cipher = self._ciphers.get(key_id_of(text))
        if cipher is None:
            detail = (
                f"{place} is sealed under key {key_id_of(text)}, which is not among those given."
            )
            raise SealError(f"{detail} Add it to {VARIABLE}.")
        try:
            hidden = base64.b64decode(text.split(".", 2)[2], validate=True)
            return cipher.decrypt(hidden[:_NONCE], hidden[_NONCE:], place.encode()).decode()
        except (InvalidTag, ValueError, IndexError):
            detail = f"{place} was changed, or moved there from elsewhere, and cannot be opened."
            raise SealError(f"{detail} Set it again.") from None


HOW_TO_SET = f"Make one by `hundi secrets key` and set {VARIABLE} to it, for every process alike."


def keyring_from(text: str) -> Keyring:
    """Keys from the setting, parted by blanks or commas; "" gives none. Raises BadKeysError."""
    keys = [
        _bytes_of(word, place) for place, word in enumerate(re.split(r"[\s,]+", text.strip()), 1)
    ]
    found = [key for key in keys if key]
    if len(found) > _KEYS_AT_MOST:
        raise BadKeysError(f"{VARIABLE} holds {len(found)} keys. Give {_KEYS_AT_MOST} at most.")
    if len(set(found)) < len(found):
        raise BadKeysError(f"{VARIABLE} holds a key twice. Give each once, the newest first.")
    return Keyring(found)


def _bytes_of(word: str, place: int) -> bytes:
    if not word:
        return b""
    text = word.removeprefix(_PREFIX)
    key = base64.urlsafe_b64decode(text + "=") if _KEY.fullmatch(word) else b""
    if base64.urlsafe_b64encode(key).decode() != text + "=":
        detail = f"{VARIABLE}: word {place} is no key. Make one by `hundi secrets key`."
        raise BadKeysError(detail)
    return key


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"hundi key id\x00" + key).hexdigest()[:8]
