"""Ids that the network makes, and the randomness they need.

Message ids are UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits. They sort roughly by
time, which keeps indexes warm; nothing in the network derives an order from them.
"""

import os
from collections.abc import Callable

RandomBytes = Callable[[int], bytes]
"""A source of random bytes: `os.urandom` in production, a seeded generator in simulation."""

system_random: RandomBytes = os.urandom

_VARIANT = {f"{digit:X}": f"{digit & 0b11 | 0b1000:X}" for digit in range(16)}
"""A random digit with its two upper bits set to the variant."""


def uuid7_hex(now: int, random: RandomBytes) -> str:
    """32 upper-case hex digits of a UUIDv7 for a moment in microseconds."""
    digits = random(10).hex().upper()
    moment = now // 1000 & (1 << 48) - 1
    return f"{moment:012X}7{digits[:3]}{_VARIANT[digits[4]]}{digits[5:]}"


def request_id(now: int, random: RandomBytes) -> str:
    """A `reqMsgId`: `MSG` and the 32 digits of a UUIDv7, 35 characters."""
    return "MSG" + uuid7_hex(now, random)


def first_request_id(now: int) -> str:
    """What sorts before each `reqMsgId` of a moment and after all of earlier ones."""
    return f"MSG{max(0, now) // 1000:012X}"


def moment_of(req_msg_id: str) -> str:
    """The begin that all ids of its millisecond have: what `first_request_id` makes."""
    return req_msg_id[:15]


def response_id(req_msg_id: str) -> str:
    """The webhook id of the `resp-X` that belongs to a request."""
    return "RSP" + req_msg_id[3:]


def receiver_copy_id(req_msg_id: str) -> str:
    """The webhook id of the receiver's copy of an outcome."""
    return response_id(req_msg_id) + "-R"


def exchange_or_receipt(webhook_id: str) -> str:
    """The id that an ack has named, from that of any of its webhooks."""
    return "MSG" + webhook_id.removesuffix("-R")[3:]
