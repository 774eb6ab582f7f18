"""Signed webhooks with one bit changed, for our verifier and for that of the specification."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from time import sleep

import standardwebhooks

from hundi.kernel.clock import SECOND, wall_clock
from hundi.kernel.signature import SignatureError, new_secret, sign, verify
from hundi.simulator import story
from hundi.simulator.erp import Erp
from hundi.simulator.rules import Rules
from hundi.simulator.state import in_memory
from hundi.simulator.webhook import Webhook

PATH = "/api/v0/purchase-order/req-send"
SIGNATURE = "webhook-signature"
Signed = tuple[Mapping[str, str], bytes]


def order(number: int) -> bytes:
    """A purchase order as it is sent."""
    return story.dumps(story.order(object_id=f"PUR{number:032d}", number=f"ILT/{number}"))


def signed(secret: str, number: int, *, body: bytes, age: int = 0) -> Signed:
    """A webhook that was signed so many seconds ago, with its three headers."""
    moment = wall_clock() // SECOND - age
    return sign([secret], webhook_id=f"MSG{number:032X}", timestamp=moment, body=body), body


def flipped(headers: Mapping[str, str], body: bytes) -> Iterator[tuple[str, Signed]]:
    """Every message that differs in one bit, with the part that it is in."""
    for name, value in headers.items():
        for place in range(len(value)):
            for bit in range(8):
                other = chr(ord(value[place]) ^ 1 << bit)
                spoiled = value[:place] + other + value[place + 1 :]
                yield name, ({**headers, name: spoiled}, body)
    for place in range(len(body)):
        for bit in range(8):
            spoiled_body = bytearray(body)
            spoiled_body[place] ^= 1 << bit
            yield "body", (headers, bytes(spoiled_body))


def ours(secret: str, message: Signed) -> bool:
    """Whether our verifier believes a message. Whatever else it raises is an error of ours."""
    try:
        verify([secret], *message, now=wall_clock())
    except SignatureError:
        return False
    return True


def theirs(verifier: standardwebhooks.Webhook, message: Signed) -> bool:
    """Whether the specification's library believes a message; it refuses with many exceptions."""
    headers, body = message
    try:
        verifier.verify(body, dict(headers))
    except Exception:  # noqa: BLE001 (a base64 or a number that cannot be read is refused as well)
        return False
    return True


@dataclass(slots=True)
class Flips:
    """What was believed of what was changed.

    `lax` is what only the specification's library believed, of the signature's own spelling: it
    decodes base64, whose last digit has two bits that say nothing.
    """

    secret: str
    tried: int = 0
    untouched: int = 0
    ours: int = 0
    theirs: int = 0
    lax: int = 0

    def play(self, number: int) -> None:
        """One order: itself, and every message that differs in a bit."""
        message = signed(self.secret, number, body=order(number))
        verifier = standardwebhooks.Webhook(self.secret)
        self.untouched += ours(self.secret, message) + theirs(verifier, message)
        for part, spoiled in flipped(*message):
            self.tried += 1
            self.ours += ours(self.secret, spoiled)
            believed = theirs(verifier, spoiled)
            self.lax += believed and part == SIGNATURE
            self.theirs += believed and part != SIGNATURE


def wrong_ages(random: Random) -> list[str]:
    """Ages of which one of the verifiers says the wrong thing."""
    secret = new_secret(random.randbytes)
    verifier = standardwebhooks.Webhook(secret)
    wrong = []
    # Early in a second: a clock that ticks while they look would make 300 of 299.
    while wall_clock() % SECOND > SECOND // 2:
        sleep(0.05)
    for age, wanted in ((0, True), (299, True), (-299, True), (301, False), (-302, False)):
        message = signed(secret, 1, body=order(1), age=age)
        told = {"ours": ours(secret, message), "theirs": theirs(verifier, message)}
        wrong += [f"{who}: {age} s" for who, said in told.items() if said != wanted]
    return wrong


@dataclass(slots=True)
class Repeats:
    """An ERP that hears everything several times, each signed anew."""

    tried: int = 0
    differing: int = 0
    applied: int = 0

    def play(self, random: Random, many: int) -> None:
        """So many orders, in a random order, up to five times each."""
        secret = new_secret(random.randbytes)
        erp = Erp([secret], state=in_memory(), rules=Rules())
        first: dict[int, tuple[int, bytes]] = {}
        heard = [n for n in range(many) for _ in range(random.randint(2, 5))]
        random.shuffle(heard)
        for number in heard:
            headers, body = signed(secret, number, body=order(number), age=random.randint(0, 200))
            answer = erp.receive(Webhook(PATH, headers, body), now=wall_clock())
            self.tried += 1
            self.differing += first.setdefault(number, (answer.status, answer.body)) != (
                answer.status,
                answer.body,
            )
        applied = erp.applied()
        self.applied += abs(many - len(applied)) + sum(times != 1 for times in applied.values())
        erp.state.close()
