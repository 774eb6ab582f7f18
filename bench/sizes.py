"""Orders and invoices of 1 to 1,000 lines: what a document costs, and what a line of it does.

Documents go out one after the other on one connection, so their ack latency is the time that one
takes alone. Each is a whole exchange. The processor time is that of all exchanges of a size from the
first request to the last outcome, divided by their number: nothing is left to the next size.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from time import perf_counter

from bench import trades
from bench.ground import Ground
from bench.load import Load, Windowed
from bench.machine import Reading
from bench.orders import Request
from bench.server import BenchError, Server
from bench.stage import Ticker, percentile
from bench.trades import Body, Step
from hundi.kernel.parsing import MAX_BODY
from hundi.simulator import story

LINES = (1, 10, 100, 300, 1000)
_TOGETHER = 20_000
"""Lines that the documents of one size have together, within the bounds of their number."""
_FEWEST, _MOST = 20, 300
WARM_UP = 4
"""Of a size, one document not counted for so many that are."""
_UNDER_WAY = 4
_FOREVER = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What one kind of document cost at one size; processor time in microseconds a document.

    `spent` maps `server` and, where it runs here, `postgres` to their time.
    """

    database: str
    kind: str
    lines: int
    body: int
    count: int
    p50: float
    p99: float
    spent: dict[str, float]

    @property
    def each(self) -> float:
        """Processor time of a document, the database's with it."""
        return sum(self.spent.values())

    @property
    def per_line(self) -> float:
        """Processor time of one of its lines."""
        return self.each / self.lines


def order(lines: int) -> Body:
    """`req-send` of so many lines: the story's goods again and again."""
    body = trades.agreed_order()
    items = list(_items(lines))
    body["purchaseOrder"] |= {
        "itemLists": items,
        "poValueDetails": _totals(items, "totalPOValue"),
        "paymentMilestones": [],
    }
    return body


def invoice(lines: int) -> Body:
    """`req-send-invoice` that bills every line of such an order in full."""
    body = trades.invoice_on_order()
    items = list(_items(lines))
    values = _totals(items, "totalInvoiceValue")
    body["invoice"] |= {"itemLists": items, "valueDetails": values}
    return body


def _items(lines: int) -> Iterator[Body]:
    figures = story.VERSIONS[2].lines
    for place in range(lines):
        item = story.order_line(place % len(figures), figures[place % len(figures)])
        name = str(place + 1)
        yield item | {"serialno": name, "orderLineReference": name}


def _totals(items: list[Body], total: str) -> Body:
    taxes = (part for item in items for part in item["itemValueDetails"] if part["type"] == "IGST")
    return {
        "assessmentValue": sum((item["assessmentAmount"] for item in items), Decimal(0)),
        total: sum((item["totalItemValue"] for item in items), Decimal(0)),
        "valueInfos": [{"type": "IGST", "value": sum((t["value"] for t in taxes), Decimal(0))}],
    }


@dataclass(frozen=True, slots=True)
class Document:
    """What is sent again and again at one size."""

    kind: str
    lines: int
    step: Step

    def length(self) -> int:
        """Bytes of its body. Raises BenchError where the network would not take it."""
        length = len(story.dumps(self.step.body))
        if length > MAX_BODY:
            message = f"{self.kind} of {length:,} bytes: a body has at most {MAX_BODY:,}"
            raise BenchError(message)
        return length


@dataclass(slots=True, kw_only=True)
class SizeTrial(Ground):
    """Orders of every size, their confirmations, and the invoices on them."""

    sizes: list[Size] = field(default_factory=list)
    _sent: int = 0

    async def measure(self) -> None:
        """One size after the other, on one server."""
        async with self.serving() as server:
            for lines in LINES:
                await self._size(server, lines)

    async def _size(self, server: Server, lines: int) -> None:
        count = min(_MOST, max(_FEWEST, _TOGETHER // lines))
        if self.settings.quick:
            count = max(8, count // 5)
        first, self._sent = self._sent + 1, self._sent + count + count // WARM_UP
        numbers = range(first, self._sent + 1)
        send, confirm, bill = trades.STEPS[:3]
        sending = Document("order", lines, Step(send.sender, send.path, order(lines)))
        billing = Document("invoice", lines, Step(bill.sender, bill.path, invoice(lines)))
        await self._measured(server, sending, numbers)
        await self._send(server, _numbered(confirm.request(self.tokens), numbers))
        await self._measured(server, billing, numbers)

    async def _measured(self, server: Server, document: Document, numbers: range) -> None:
        """Send the documents of one size: some to warm up, then those that count."""
        request = document.step.request(self.tokens)
        warm_up = len(numbers) // (WARM_UP + 1)
        label = f"{self.name}, {document.kind}s of {document.lines:,} lines"
        async with Ticker(label, lambda: len(self.receiver.receipts.informed)):
            await self._send(server, _numbered(request, numbers[:warm_up]))
            watched = self.beside(server)
            before = watched.reading()
            latencies = await self._send(server, _numbered(request, numbers[warm_up:]))
            spent = _spent(watched.reading(), before)
        count = len(latencies)
        self.sizes.append(
            Size(
                database=self.name,
                kind=document.kind,
                lines=document.lines,
                body=document.length(),
                count=count,
                p50=percentile(latencies, 0.50) or 0.0,
                p99=percentile(latencies, 0.99) or 0.0,
                spent={name: seconds / count * 1e6 for name, seconds in spent.items()},
            )
        )

    async def _send(self, server: Server, requests: Iterator[bytes]) -> list[float]:
        """Whole exchanges, a few under way; the ack latencies when the last has ended."""
        informed = self.receiver.receipts.informed
        ended = len(informed)
        pace = Windowed(lambda: load.tally.sent - len(informed) + ended, _UNDER_WAY)
        load = Load(requests, pace)
        await load.open(server.port, 1)
        self.receiver.on_end = lambda *_: load.pump()
        await load.run_until(perf_counter() + _FOREVER, ticking=False)
        self.keep(load.tally)
        await self.drain()
        return sorted(load.tally.latencies)


def _numbered(request: Request, numbers: range) -> Iterator[bytes]:
    return (request.numbered(number) for number in numbers)


def _spent(after: Reading, before: Reading) -> dict[str, float]:
    """Processor seconds between two readings, of those that the documents are charged with."""
    charged = [name for name in ("server", "postgres") if name in after.seconds]
    return {name: after.seconds[name] - before.seconds[name] for name in charged}
