"""A body is read as it came: no header may say that it is encoded, the first or another."""

import pytest

from hundi.kernel.faults import RefusedError
from hundi.web.asgi import check_json, headers_of

KIND = (b"content-type", b"application/json")


def judge(*codings: bytes) -> None:
    check_json(headers_of({"headers": [KIND, *((b"content-encoding", one) for one in codings)]}))


@pytest.mark.parametrize("codings", [(), (b"",), (b"identity",), (b"Identity", b"identity")])
def test_a_plain_body_is_taken(codings: tuple[bytes, ...]) -> None:
    judge(*codings)


@pytest.mark.parametrize(
    "codings", [(b"gzip",), (b"identity", b"gzip"), (b"", b"br"), (b"identity, gzip",)]
)
def test_an_encoded_body_is_refused(codings: tuple[bytes, ...]) -> None:
    with pytest.raises(RefusedError, match="Content-Encoding"):
        judge(*codings)
