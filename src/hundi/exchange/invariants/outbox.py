"""What must hold of an exchange and its webhooks: none lost, none doubled, each as it should be. Pure."""

from collections.abc import Iterator, Sequence

from hundi.exchange.definition import Effect
from hundi.exchange.following import HELD
from hundi.exchange.invariants.finding import EXCHANGE, OUTBOX, Broken
from hundi.exchange.record import State
from hundi.exchange.verdict import Kind
from hundi.kernel.identity import receiver_copy_id, response_id
from hundi.store.engine import Row

_STATES = frozenset(state.value for state in State)
_UNANSWERED = frozenset({State.EXPIRED.value, State.ABANDONED.value})
_WAITS = ("QUEUED", "LEASED", "PARKED")
_LIVE = frozenset({*_WAITS, HELD})
NONE, MAY, ONE = (0, 0), (0, 1), (1, 1)
"""How many of a webhook there are: at least and at most."""


def wrong_exchange(x: Row) -> Iterator[Broken]:
    """Its own row: a state that there is, and an end if and only if it is not open."""
    id_, state = x["req_msg_id"], x["state"]
    if state not in _STATES:
        yield Broken(EXCHANGE, id_, f"its state {state!r} is none that there is")
    if (state == State.OPEN.value) == (x["ended_at"] is not None):
        yield Broken(EXCHANGE, id_, f"it is {state}, and its time of ending says otherwise")
    if (state == State.OPEN.value) != (x["result"] == "PENDING"):
        yield Broken(EXCHANGE, id_, f"it is {state}, and its result is {x['result']!r}")


def wrong_outbox(x: Row, deliveries: Sequence[Row], leader: str | None) -> Iterator[Broken]:
    """The webhooks of one exchange. `leader` is the state of the exchange that it waits for.

    A delivery's row holds webhook_id, kind, state, attempts, lease_until, whether its body is
    `stored`, how many attempts are `noted`, how many of them may have `reached` somebody, and how many
    found the body `erased`: such a fact stays parked, and that is known. The
    exchange's row says whether an answer to the sender is `answered`, stored.
    """
    own = {
        Kind.REQUEST: x["req_msg_id"],
        Kind.RESPONSE: response_id(x["req_msg_id"]),
        Kind.COPY: receiver_copy_id(x["req_msg_id"]),
    }
    found = {row["webhook_id"]: row for row in deliveries}
    for kind, (least, most) in _wanted(x, found.get(own[Kind.REQUEST])).items():
        webhook_id = own[kind]
        if webhook_id in found and not most:
            yield Broken(OUTBOX, webhook_id, f"its exchange is {x['state']} and asks for none")
        if webhook_id not in found and least:
            yield Broken(OUTBOX, webhook_id, f"it is lost; its exchange is {x['state']}")
    if _is_unsent(x) and own[Kind.RESPONSE] not in found and own[Kind.COPY] not in found:
        yield Broken(OUTBOX, own[Kind.RESPONSE], "it is lost; its body is stored")
    kinds = {webhook_id: kind for kind, webhook_id in own.items()}
    if x["receipt_id"] is not None:
        kinds[response_id(x["receipt_id"])] = Kind.RESPONSE
    for row in deliveries:
        kind_ = kinds.get(row["webhook_id"])
        if kind_ is None or row["kind"] != kind_.value:
            what = f"it is no {row['kind']} of exchange {x['req_msg_id']}"
            yield Broken(OUTBOX, row["webhook_id"], what)
        else:
            yield from _wrong_delivery(row, _allowed(x, kind_, leader))


def _wanted(x: Row, request: Row | None) -> dict[Kind, tuple[int, int]]:
    travels = x["receiver_b2b"] != "" and not x["mailbox"]
    return {
        Kind.REQUEST: _requests(x) if travels else NONE,
        Kind.RESPONSE: _responses(x),
        Kind.COPY: _copies(x, request) if travels else NONE,
    }


def _requests(x: Row) -> tuple[int, int]:
    """A withdrawal of what nobody holds does not travel: it has settled at once."""
    at_once = x["state"] == State.SETTLED.value and x["ended_at"] == x["created_at"]
    return MAY if at_once else ONE


def _responses(x: Row) -> tuple[int, int]:
    if x["state"] == State.OPEN.value or x["receipt_id"] is not None:
        return NONE
    mailbox = x["sender_mailbox"]  # unknown of old exchanges
    if mailbox is None:
        return MAY
    return NONE if mailbox else ONE


def _is_unsent(x: Row) -> bool:
    """Of an old exchange between businesses: an answer was written, so it was to be sent."""
    return bool(x["sender_mailbox"] is None and x["answered"] and x["receiver_b2b"] != "")


def _copies(x: Row, request: Row | None) -> tuple[int, int]:
    """The receiver hears of an end that it did not decide, if an attempt may have reached it."""
    if x["state"] not in _UNANSWERED or request is None or not request["noted"]:
        return NONE
    return ONE if request["reached"] else MAY


def _allowed(x: Row, kind: Kind, leader: str | None) -> frozenset[str]:
    """The states that a webhook may have as its exchange stands."""
    if kind is not Kind.REQUEST:
        return frozenset({*_WAITS, "DELIVERED"})
    if x["state"] == State.OPEN.value:
        held = x["leader_id"] is not None and leader == State.OPEN.value
        return frozenset({HELD} if held else _WAITS)
    if x["state"] in _UNANSWERED:
        return frozenset({"WITHDRAWN"})
    again = _WAITS if x["effect"] == Effect.FACT.value else ()  # a fact may be sent once more
    return frozenset({"DELIVERED", *again})


def _wrong_delivery(row: Row, allowed: frozenset[str]) -> Iterator[Broken]:
    id_, state = row["webhook_id"], row["state"]
    if state not in allowed:
        yield Broken(OUTBOX, id_, f"it is {state}, and may be {' or '.join(sorted(allowed))}")
    if (state == "LEASED") == (row["lease_until"] is None):
        yield Broken(OUTBOX, id_, f"it is {state}, and its lease says otherwise")
    if row["attempts"] != row["noted"]:
        what = f"it counts {row['attempts']} attempts, and {row['noted']} are noted"
        yield Broken(OUTBOX, id_, what)
    if state in _LIVE and not row["stored"] and not row["erased"]:
        yield Broken(OUTBOX, id_, "it is to be sent, and its body is gone")


def wrong_receipt(r: Row, legs: Sequence[Row], answers: int) -> Iterator[Broken]:
    """A call to several receivers: its count of what waits, and its one answer.

    `legs` are its exchanges, `answers` how many webhooks tell its sender of the end.
    """
    id_ = r["receipt_id"]
    waiting = sum(leg["state"] == State.OPEN.value for leg in legs)
    if not legs:
        yield Broken(EXCHANGE, id_, "the receipt has no exchanges")
        return
    if r["waiting"] != waiting:
        what = f"the receipt waits for {r['waiting']} exchanges, {waiting} are open"
        yield Broken(EXCHANGE, id_, what)
    if (r["ended_at"] is None) == (waiting == 0):
        yield Broken(EXCHANGE, id_, "the receipt's time of ending does not fit its exchanges")
    mailbox = legs[0]["sender_mailbox"]
    least, most = MAY if mailbox is None else NONE if mailbox or waiting else ONE
    if not least <= answers <= most:
        what = f"{answers} answers to the call are stored, its exchanges ask for {most}"
        yield Broken(OUTBOX, response_id(id_), what)
