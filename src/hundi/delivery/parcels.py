"""What a leased webhook is: where it goes, and what goes out."""

import json
from collections.abc import Sequence

import msgspec

from hundi.delivery.wire import Endpoint, Parcel
from hundi.exchange.leases import Leased
from hundi.exchange.verdict import Answer
from hundi.kernel.identity import exchange_or_receipt
from hundi.kernel.sealing import Keyring
from hundi.parties.at_rest import NO_HEADERS, opened

SHORTEST_HIDDEN = 6


def endpoint_of(leased: Leased, now: int, *, keyring: Keyring) -> Endpoint | None:
    """Where a leased webhook goes, as its receiver's client stood when the lease was taken.

    Raises SealError where a secret cannot be opened.
    """
    row = leased.row
    if row is None or row["endpoint_url"] is None:
        return None
    secrets = [opened(row, "webhook_secret", keyring)]
    if row["previous_secret"] is not None and row["previous_secret_until"] > now:
        secrets.append(opened(row, "previous_secret", keyring))
    bare = row["endpoint_headers"] == NO_HEADERS
    return Endpoint(
        base_url=row["endpoint_url"],
        headers={} if bare else json.loads(opened(row, "endpoint_headers", keyring)),
        secrets=tuple(secrets),
        empty_means_success=bool(row["empty_means_success"]),
    )


def hidden_of(endpoint: Endpoint | None) -> list[str]:
    """What nobody else may learn of an endpoint's static headers, the longest first.

    Some receivers echo them in their answers, whose words travel to the counterparty.
    """
    values = endpoint.headers.values() if endpoint is not None else ()
    return sorted((v for v in values if len(v) >= SHORTEST_HIDDEN), key=len, reverse=True)


def without(hidden: Sequence[str], answer: Answer) -> Answer:
    """An answer as it may be kept: without what is hidden, in clear or as JSON spells it."""
    body = answer.body
    for value in hidden:
        for spelt in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
            for slash in ("/", "\\/"):
                body = body.replace(spelt.replace("/", slash).encode(), b"***")
    return msgspec.structs.replace(answer, body=body)


def parcel_of(leased: Leased, trace: str | None = None) -> Parcel:
    """The webhook as it goes out; the body is the stored one, byte for byte."""
    row = leased.row
    if row is None:
        message = "a lapsed lease is not sent"
        raise ValueError(message)
    return Parcel(
        webhook_id=leased.webhook_id,
        kind=leased.kind,
        path=row["path"],
        body=bytes(row["bytes"]),
        req_msg_id=exchange_or_receipt(leased.webhook_id),
        sequence=row["sequences"] or str(row["position"]),
        idempotency_key=row["idempotency_key"],
        trace=trace,
    )
