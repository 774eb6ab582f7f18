"""Credentials of a client, as `hundi client add --json` prints them: read whole, and never shown."""

import pytest

from hundi.simulator.credentials import CredentialsError, parse_credentials

PRINTED = (
    b'{"clientId":"CEKABC1234","clientSecret":"clientsecret","username":"api@x",'
    b'"password":"pass word&=","webhookSecret":"whsec_x","endpoint":null}'
)


def test_credentials_show_no_secret() -> None:
    shown = repr(parse_credentials(PRINTED))
    assert "CEKABC1234" in shown
    assert not any(secret in shown for secret in ("clientsecret", "pass word", "whsec_x"))


@pytest.mark.parametrize("raw", [b"", b"\xff", b"7", b"{}", b'{"clientId":""}', b"[" * 50_000])
def test_credentials_that_are_none(raw: bytes) -> None:
    with pytest.raises(CredentialsError):
        parse_credentials(raw)
