"""Breaks of what is delivered: order, schedule, leases, endpoints, answers; and of how fast."""

from proof.breaks.breaking import Break, Edit
from proof.part import POSTGRESQL, Length

_WIRE = "answer = await self.wire.post(endpoint, parcel, now=self.clock(), watch=watch)"
_NOTED = (
    'answer = Answer(status=200, body=b\'{"payload": {"resp": {"result": "SUCCESS"}}}\','
    " retry_after=None, milliseconds=0, reached=True, error=None)"
)
_ACK = "    return Reply(200, accepted.response, _headers(accepted))\n"
_BEHIND = "\n    async def _take_later"
_ANSWERED = f"            taken.accepted(accepted)\n{_BEHIND}"
_RECEIVED = '    if watch is not None:\n        watch.note("read")\n'
_KEPT = '    globals().setdefault("_kept", []).append(bytearray(b"1" * ({size})))\n'

BREAKS = (
    Break(
        name="one webhook in sixteen is only noted as delivered",
        edits=(Edit("delivery/dispatch.py", _WIRE, f"if parcel.webhook_id[-1] == '0':\n                {_NOTED}\n            else:\n                {_WIRE}"),),
        part="powercut", finds=("acknowledged and never delivered", "acknowledged and its sender never told"),
    ),
    Break(
        name="a retry has an id of its own",
        edits=(
            Edit("delivery/parcels.py", "webhook_id=leased.webhook_id,\n        kind=leased.kind,\n        path",
                 "webhook_id=leased.webhook_id + '-2' * (leased.number > 1),\n"
                 "        kind=leased.kind,\n        path"),
        ),
        part="kill", finds=("webhooks that came under a second id",),
    ),
    Break(
        name="another body is signed than the one that is sent",
        edits=(Edit("delivery/wire.py", "            body=parcel.body,\n", '            body=parcel.body + b" ",\n'),),
        part="powercut", finds=("wrong signatures",),
    ),
    Break(
        name="a delivered webhook keeps its lease",
        edits=(
            Edit("exchange/outbox.py", "ended_at = $2, lease_until = null", "ended_at = $2"),
        ),
        part="powercut", finds=("broken promises of the store",),
    ),
    Break(
        name="one webhook in sixteen is sent twice",
        edits=(Edit("delivery/dispatch.py", _WIRE, f"{_WIRE}\n            if parcel.webhook_id[-1] == '0':\n                {_WIRE}"),),
        part="kill", finds=("arrivals of a webhook beyond",), beside=("webhooks repeated; wanted",),
    ),
    Break(
        name="another's lease counts for a millisecond",
        edits=(Edit("exchange/leases.py", "LEASE = 30 * SECOND", "LEASE = SECOND // 1000"),),
        part="fleet", database=POSTGRESQL, length=Length.BRIEF,
        finds=("arrivals of a webhook beyond",), beside=("webhooks repeated; wanted",),
    ),
    Break(
        name="a lane has no order",
        edits=(
            Edit("exchange/leases.py", "p.lane = w.lane and p.position < w.position", "p.lane = w.lane and p.position < 0"),
        ),
        part="order", finds=("webhooks whose sequence or version did not rise",),
        beside=("documents whose receiver holds another version", "repeats with another sequence", "p99 of the healthy"),
    ),
    Break(
        name="a dead endpoint is called as often as a healthy one",
        edits=(
            Edit("delivery/breaker.py", "CONCURRENCY = 32", "CONCURRENCY = 10_000"),
            Edit("delivery/breaker.py", "THRESHOLD = 5\n", "THRESHOLD = 10**9\n"),
            Edit("delivery/dispatch.py", "CONCURRENCY = 256\n", "CONCURRENCY = 16\n"),
        ),
        part="order", length=Length.BRIEF, finds=("p99 of the healthy beside the dead",),
        beside=("webhooks to healthy endpoints that did not come",),
    ),
    Break(
        name="jitter of a fifth",
        edits=(Edit("delivery/retry.py", "_JITTER = 10", "_JITTER = 5"),),
        part="schedule", finds=("spans more than a tenth off", "attempts, ends, parkings"),
    ),
    Break(
        name="webhooks are parked a day early",
        edits=(Edit("delivery/retry.py", "GIVES_UP_AFTER = 10 * DAY", "GIVES_UP_AFTER = 9 * DAY"),),
        part="schedule", finds=("attempts, ends, parkings",),
    ),
    Break(
        name="408 declines",
        edits=(Edit("exchange/verdict.py", "frozenset({408, 410, 429})", "frozenset({410, 429})"),),
        part="answers", finds=("attempts, deliveries, exchanges or waits",),
    ),
    Break(
        name="every answer leaves a quarter of a MiB behind",
        edits=(Edit("delivery/connection.py", _RECEIVED, _RECEIVED + _KEPT.format(size="1 << 18")),),
        part="answers", length=Length.BRIEF, finds=("server's memory at the end",),
    ),
    Break(
        name="410 switches nothing off",
        edits=(Edit("parties/health.py", "if one.gone:", "if False:"),),
        part="disabled", finds=("endpoints not warned, disabled", "endpoints that were switched off"),
    ),
    Break(
        name="an endpoint is switched off after nine failed exchanges",
        edits=(Edit("parties/health.py", "FAILED_EXCHANGES = 10", "FAILED_EXCHANGES = 9"),),
        part="disabled", finds=("endpoints not warned, disabled",),
    ),
    Break(
        name="one ack in eight takes two seconds",
        edits=(Edit("web/messages.py", _ANSWERED, f"            asyncio.get_running_loop().call_later(2 * (accepted.req_msg_id[-1] in '08'), taken.accepted, accepted)\n{_BEHIND}"),),
        # Tiny, ten requests or so come at 10 %, and one run in four none of them is slow.
        part="latency", length=Length.BRIEF,
        finds=("at 10 %: ack, p99", "at 30 %: ack, p99", "at 50 %: ack, p99"),
    ),
    Break(
        name="every ack leaves 64 KiB behind",
        edits=(Edit("web/messages.py", _ACK, f"    globals().setdefault('_kept', []).append(bytearray(b'1' * 65_536))\n{_ACK}"),),
        part="soak", length=Length.BRIEF, finds=("all0: memory growth",),
        beside=("ack p50 at the end",),
    ),
    Break(
        name="one ack in 32 leaves a file open",
        edits=(Edit("web/messages.py", _ACK, f"    int(accepted.req_msg_id[-2:], 16) % 32 or globals().setdefault('_kept', []).append(open('/dev/null'))\n{_ACK}"),),
        part="soak", length=Length.BRIEF, finds=("open files and connections",),
        beside=("all0: memory growth",),
    ),
    Break(
        name="a document is looked for without its index",
        edits=(
            Edit("exchange/queries.py", " where author_entity = any($1::text[]) and type = $2 and object_id = $3",
                 " where author_entity = any($1::text[]) and type = $2 and lower(object_id) || '' = lower($3)"),
        ),
        part="full-store", length=Length.BRIEF, finds=("one document",), beside=("history",),
    ),
    Break(
        name="of several API processes only one is given callers",
        edits=(
            Edit("serving/listening.py", "    others = [_bound(settings, port, shared=True) for _ in range(count - 1)]\n",
                 "    others = [_bound(settings, 0, shared=True) for _ in range(count - 1)]\n"),
        ),
        part="curve", database=POSTGRESQL, finds=("2 API processes: of these idle", "4 API processes: of these idle"),
    ),
)  # fmt: skip
