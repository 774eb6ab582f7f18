"""What `hundi client add --json` printed once, read from a file."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

_MEMBERS = ("clientId", "clientSecret", "username", "password", "webhookSecret")


class CredentialsError(Exception):
    """A credentials file that cannot be used; the text names the member and shows no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A client of the network: who it is, and the secret its webhooks are signed with."""

    client_id: str
    client_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def read_credentials(path: Path) -> Credentials:
    """Credentials from a file. Raises CredentialsError."""
    try:
        raw = path.read_bytes()
    except OSError as trouble:
        message = f"The credentials file {path} cannot be read: {trouble.strerror}."
        raise CredentialsError(message) from trouble
    try:
        return parse_credentials(raw)
    except CredentialsError as trouble:
        message = f"{path}: {trouble} Write it with `hundi client add … --json > {path}`."
        raise CredentialsError(message) from trouble


def parse_credentials(raw: bytes) -> Credentials:
    """Credentials from JSON text; members beside the five are left alone. Raises CredentialsError."""
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None
    if not isinstance(told, dict):
        message = "This is not a JSON object."
        raise CredentialsError(message)
    for name in _MEMBERS:
        if not isinstance(told.get(name), str) or not told[name]:
            message = f"{name} is missing or not a text."
            raise CredentialsError(message)
    return Credentials(
        client_id=told["clientId"],
        client_secret=told["clientSecret"],
        username=told["username"],
        password=told["password"],
        webhook_secret=told["webhookSecret"],
    )
