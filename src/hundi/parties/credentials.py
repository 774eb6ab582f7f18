"""Client ids, secrets, passwords and access tokens: made, hashed, checked.

The network makes all of them from 256 random bits, so that a plain SHA-256 keeps them: a stolen
database holds none in a form that opens the door, and nobody can keep us busy by asking for slow
hashes (docs/decisions/0005). A password that people choose would need a slow one.
"""

import base64
import hashlib
import hmac

from hundi.kernel.identity import RandomBytes

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

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


def hashed(secret: str) -> str:
    """The stored form of a client secret or password of ours: `sha256$` and 64 hex digits."""
    return f"sha256${hashlib.sha256(secret.encode()).hexdigest()}"


def matches(secret: str, stored: str) -> bool:
    """Whether a secret is the one behind a stored hash; its time tells nothing about it."""
    return hmac.compare_digest(hashed(secret), stored)


def token_hash(token: str) -> bytes:
    """The stored form of an access or refresh token."""
    return hashlib.sha256(token.encode()).digest()
