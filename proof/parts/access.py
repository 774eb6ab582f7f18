"""Who may call: guesses are locked out, tokens end in time, and a client's limit holds in every process."""

import asyncio
import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, time

from hundi.kernel.clock import SECOND
from hundi.parties.guard import FREE_OF_PAIR
from proof.ground.calling import Answer, Line
from proof.ground.databases import change
from proof.ground.network import Network, standing
from proof.part import BOTH, Figure, Part, ProofError, Run, at_least, at_most, none

PROMISED = 5.0
"""Seconds within which every process hears that a token has ended, or another limit holds."""
RATE = 20
"""Reads a second, and as many at once, that a client is limited to."""
WAIT = 8
"""Seconds that a call waits for events: longer than it takes to revoke a token, and for that to be heard."""
LINES = 8
LIFE = 4
"""Seconds that a token is given to live."""
JUDGED = FREE_OF_PAIR + 3
"""Guesses that are judged: the last three cost a wait of one, two and four seconds."""


@dataclass(slots=True)
class Gate:
    """The servers of a network, asked in turn; what they answered is counted."""

    network: Network

    async def token(self, port: int, role: str, *, secret: str = "") -> Answer:
        """A token call, with the client's own secret or another."""
        client = self.network.clients[role]
        pair = f"{client['clientId']}:{secret or client['clientSecret']}".encode()
        body = b"grant_type=client_credentials"
        head = (
            "POST /oauth/token HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            f"authorization: Basic {base64.b64encode(pair).decode()}\r\n"
            "content-type: application/x-www-form-urlencoded\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return await _answered(Line(port), head.encode() + body)

    async def statuses(self, token: str) -> set[int]:
        """What each server says to a read with a token."""
        return {(await _read(Line(port), token)).status for port in self.network.ports}

    async def refused_after(self, token: str, patience: float) -> float:
        """Seconds until every server refuses a token."""
        began = monotonic()
        while await self.statuses(token) != {401}:
            if monotonic() - began > patience:
                raise ProofError(f"a token still serves after {patience} s")
            await asyncio.sleep(0.05)
        return monotonic() - began


async def _answered(line: Line, request: bytes) -> Answer:
    answer = await line.call(request)
    line.close()
    if answer is None:
        raise ProofError("a call got no answer")
    return answer


async def _read(line: Line, token: str) -> Answer:
    return await _answered(line, _reading(token))


def _reading(token: str, path: str = "endpoint") -> bytes:
    return (
        f"GET /network/v1/{path} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"authorization: Bearer {token}\r\n\r\n"
    ).encode()


async def _guessed(gate: Gate, rounds: int, seen: Counter[str]) -> None:
    """Somebody guesses the buyer's secret, at one server after the other, until he must wait for seconds."""
    client = gate.network.clients["buyer"]["clientId"]
    for _ in range(rounds):
        until = await _guess_on(gate, seen)
        for port in gate.network.ports:
            taken = (await gate.token(port, "buyer")).status == 200
            locked = monotonic() < until
            seen["tried while locked"] += locked
            seen["true secrets taken while locked"] += taken and locked
            seen["others refused meanwhile"] += (await gate.token(port, "supplier")).status != 200
        await gate.network.hundi.run("client", "unlock", "--client", client, "--json")
        for port in gate.network.ports:
            answer = await gate.token(port, "buyer")
            seen["true secrets refused after unlock"] += answer.status != 200


async def _guess_on(gate: Gate, seen: Counter[str]) -> float:
    """Guess until so many were judged; the moment before which nobody is let in who comes so."""
    judged, until, ports = 0, 0.0, gate.network.ports
    while judged < JUDGED:
        sent = monotonic()
        port = ports[seen["guesses"] % len(ports)]
        answer = await gate.token(port, "buyer", secret=f"guess{judged}")
        seen["guesses"] += 1
        allowed = {429} if monotonic() < until else {401, 429}
        seen["guesses answered otherwise"] += answer.status not in allowed
        if answer.status == 401:
            judged += 1
            over = judged - FREE_OF_PAIR
            until = sent + 2 ** (over - 1) if over > 0 else until
        else:
            seen["waits without Retry-After"] += "retry-after" not in answer.headers
            seen["guesses that had to wait"] += 1
            await asyncio.sleep(0.1)
    return until


async def _revoked(gate: Gate, rounds: int, seen: Counter[str]) -> list[float]:
    """Seconds from `hundi client revoke-tokens` until no server takes a token that it had served.

    Meanwhile a call to each server waits for events, and is answered once all of them have to refuse.
    """
    client, spent = gate.network.clients["buyer"]["clientId"], []
    for _ in range(rounds):
        token = (await gate.network.tokens())["buyer"]
        if await gate.statuses(token) != {200}:
            raise ProofError("a fresh token is refused")
        polls = [asyncio.create_task(_polled(port, token)) for port in gate.network.ports]
        await asyncio.sleep(0)
        await gate.network.hundi.run("client", "revoke-tokens", "--client", client, "--json")
        spent.append(await gate.refused_after(token, 2 * PROMISED))
        seen.update([str(await poll) for poll in polls])
    return spent


async def _polled(port: int, token: str) -> int:
    path = f"events?wait={WAIT}"
    return (await _answered(Line(port), _reading(token, path))).status


async def _expired(gate: Gate, rounds: int) -> list[float]:
    """Seconds from a token's end until no server takes it; it served a moment before."""
    late = []
    for _ in range(rounds):
        token = (await gate.network.tokens())["buyer"]
        ends = time() + LIFE
        text = f"update access_token set expires_at = {int(ends * SECOND)} where kind = 'ACCESS'"
        await change(gate.network.place.url, text)
        if await gate.statuses(token) != {200}:
            raise ProofError("a token is refused before its end")
        await gate.refused_after(token, LIFE + 2 * PROMISED)
        late.append(time() - ends)
    return late


async def _hurried(gate: Gate, seconds: float, seen: Counter[str]) -> float:
    """Reads by a limited client as fast as it can, and by another; how long it took."""
    client = gate.network.clients["buyer"]["clientId"]
    await gate.network.hundi.run(
        "client", "limit", "--client", client, "--reads", f"{RATE}/{RATE}", "--json"
    )
    tokens = await gate.network.tokens()
    await asyncio.sleep(PROMISED)
    began = monotonic()
    ports = gate.network.ports * LINES
    await asyncio.gather(
        *(_hurry(port, tokens["buyer"], began + seconds, seen=seen, who="") for port in ports),
        _hurry(ports[0], tokens["supplier"], began + seconds, seen=seen, who="other "),
    )
    return monotonic() - began


async def _hurry(port: int, token: str, until: float, *, seen: Counter[str], who: str) -> None:
    line = Line(port)
    while monotonic() < until:
        answer = await line.call(_reading(token))
        if answer is None:
            raise ProofError("a read got no answer")
        seen[f"{who}{answer.status}"] += 1
        seen["429 without Retry-After"] += answer.status == 429 and not answer.headers.get(
            "retry-after"
        )
        await asyncio.sleep(0.01)
    line.close()


async def measure(run: Run) -> Sequence[Figure]:
    """Guess, revoke, expire and hurry, at two servers on PostgreSQL."""
    rounds, seconds = run.size(full=20, brief=3, tiny=1), run.size(full=30, brief=5, tiny=2)
    guessed, hurried, polled = Counter[str](), Counter[str](), Counter[str]()
    async with standing(run, roles=("api", "all")) as network:
        gate = Gate(network)
        await network.tokens()  # from here both clients are known to call
        await _guessed(gate, rounds, guessed)
        revoked = await _revoked(gate, rounds, polled)
        expired = await _expired(gate, rounds)
        spent = await _hurried(gate, seconds, hurried)
        servers = len(network.ports)
    allowed = servers * RATE * (spent + 1)
    wrong = (
        "guesses answered otherwise", "waits without Retry-After", "true secrets taken while locked",
        "others refused meanwhile", "true secrets refused after unlock",
    )  # fmt: skip
    return [
        at_least(f"guesses: {FREE_OF_PAIR} cost nothing, behind the next one is a wait", rounds * JUDGED, seen=guessed["guesses"]),
        at_least("guesses that had to wait", rounds, seen=guessed["guesses that had to wait"]),
        at_least("tries of the true secret while it is locked", rounds, seen=guessed["tried while locked"]),
        *(none(what, guessed[what]) for what in wrong),
        at_least("revocations", rounds, seen=len(revoked)),
        at_most("the longest until every server refuses", PROMISED, seen=max(revoked), unit="s"),
        at_least("calls that waited for events while their token was revoked: refused", rounds * servers,
                 seen=polled["401"]),
        none("of them answered otherwise", polled.total() - polled["401"]),
        at_least("tokens that came to their end", rounds, seen=len(expired)),
        at_most("the longest that one served beyond it", PROMISED, seen=max(expired), unit="s"),
        at_most(f"reads taken of a client with {RATE} a second, {servers} processes, in {spent:.1f} s", allowed,
                seen=hurried["200"]),
        at_least("of them, so that the limit is no wall", 0.8 * servers * RATE * spent, seen=hurried["200"]),
        at_least("reads beyond it, 429", 1, seen=hurried["429"]),
        none("429 without Retry-After", hurried["429 without Retry-After"]),
        none("reads of another client refused meanwhile",
             sum(n for name, n in hurried.items() if name.startswith("other ")) - hurried["other 200"]),
        at_least("reads of the other client, who has no such limit", RATE * spent, seen=hurried["other 200"]),
    ]  # fmt: skip


PART = Part(
    name="access",
    promise="Who guesses is locked out, tokens end in time, a client's limit holds in each process.",
    databases=BOTH,
    run=measure,
)
