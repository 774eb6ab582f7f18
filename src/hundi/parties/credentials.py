"""Client ids, secrets, passwords and access tokens: made, hashed, checked.

Secrets and passwords are kept as scrypt hashes (RFC 7914), tokens as SHA-256 of 32 random bytes:
a stolen database holds none of the three in a form that opens the door.
"""

import base64
import hashlib
import hmac

from hundi.kernel.identity import RandomBytes

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_COST, _BLOCK, _PARALLEL = 1 << 14, 8, 1

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 30 * 24 * 3600


def new_client_id(random: RandomBytes) -> str:
    """`CEK` and seven of A-Z0-9, the portal's form of a company id."""
    return "CEK" + "".join(_ALPHABET[b % 36] for b in _unbiased(random, 7))


def _unbiased(random: RandomBytes, count: int) -> list[int]:
    picked: list[int] = []
    while len(picked) < count:
        picked += [b for b in random(count * 2) if b < 252]
    return picked[:count]


def new_secret_text(random: RandomBytes) -> str:
    """256 random bits as URL-safe text, for client secrets, passwords and tokens."""
    return base64.urlsafe_b64encode(random(32)).rstrip(b"=").decode()


def hashed(secret: str, random: RandomBytes) -> str:
    """A salted scrypt hash, as `scrypt$salt$digest` in base64. Costs tens of milliseconds."""
    salt = random(16)
    return f"scrypt${_text(salt)}${_text(_scrypt(secret, salt))}"


def matches(secret: str, stored: str) -> bool:
    """Whether a secret is the one behind a stored hash. Costs as much as making the hash."""
    kind, _, rest = stored.partition("$")
    salt, _, digest = rest.partition("$")
    if kind != "scrypt":
        return False
    expected = base64.b64decode(digest)
    return hmac.compare_digest(_scrypt(secret, base64.b64decode(salt)), expected)


def token_hash(token: str) -> bytes:
    """The stored form of an access or refresh token."""
    return hashlib.sha256(token.encode()).digest()


def _scrypt(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=32)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
