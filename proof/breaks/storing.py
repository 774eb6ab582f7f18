"""Breaks of what is kept: commits, keys, locks, copies, migrations, what is answered without them."""

from proof.breaks.breaking import END, SOURCES, Break, Edit
from proof.part import POSTGRESQL, SQLITE, Length

_BATCH = "store/batch.py"
_VERSIONS = "store/migrations/versions"
_NEWEST = f"{_VERSIONS}/{max(p.name for p in (SOURCES / 'hundi' / _VERSIONS).glob('v0*.py'))}"
_WORK = "return await self._database.write_here(work)"
_FORGOTTEN = Edit(
    _BATCH,
    _WORK,
    """self._turns = getattr(self, "_turns", 0) + 1
                if self._turns % 3 or not hasattr(members[0], "idempotency_key"):
                    return await self._database.write(lambda tx: self._work(tx, members))
                kept = []

                async def forgotten(tx):
                    kept.append(await self._work(tx, members))
                    raise KeyError

                try:
                    await self._database.write(forgotten)
                except KeyError:
                    return kept[0]""",
)
_LOST = (
    "acknowledged and not settled, or gone",
    "acknowledged and never delivered",
    "acknowledged and its sender never told",
)
_OF_THE_LOST = ("applied twice", "repeats of a key that got another answer")
_EARLY = (
    Edit(_BATCH, "self._tried(members, waits=", "self._tried(members, batch, waits="),
    Edit(
        _BATCH,
        "        self, members: list[M], *, waits: int | None\n    ) ->",
        "        self, members, batch, waits\n    ) ->",
    ),
    Edit(_BATCH, "self._attempt(members, waits=waits)", "self._attempt(members, batch, waits)"),
    Edit(
        _BATCH,
        "def _attempt(self, members: list[M], *, waits: int | None)",
        "def _attempt(self, members, batch, waits)",
    ),
    Edit(
        _BATCH,
        _WORK,
        """async def early(tx):
                    outcomes = await self._work(tx, members)
                    for waiting, outcome in zip(batch, outcomes):
                        if not isinstance(outcome, Again):
                            waiting.future.done() or waiting.future.set_result(outcome)
                    return outcomes

                return await self._database.write(early)""",
    ),
)
_SQLITE_COMMITS = '    try:\n        connection.execute("commit")\n'
_CLAIMS = "row in await tx.bulk(_CLAIM, rows)}\n    return [d for d in drafts if d.request.idempotency_key is None or _key_of(d) in got]"
_RETRY = 'RefusedError([code.at("", code.meaning)], retry_after=2)'

BREAKS = (
    *(
        Break(
            name=f"every third batch is rolled back after its acks ({part}, {database})",
            edits=(_FORGOTTEN,), part=part, database=database, finds=_LOST, beside=_OF_THE_LOST,
        )
        for part, database in (("kill", SQLITE), ("kill", POSTGRESQL), ("fleet", POSTGRESQL))
    ),
    Break(
        name="the ack goes out before its commit",
        edits=(
            *_EARLY,
            Edit("store/sqlite.py", _SQLITE_COMMITS,
                 '    __import__("time").sleep(0.05)\n' + _SQLITE_COMMITS),
        ),
        part="powercut", length=Length.BRIEF, finds=("acknowledged before a copy and not in it",),
    ),
    Break(
        name="one transaction is committed in pieces",
        edits=(
            Edit("store/sqlite.py", "if rows:\n                self._connection.executemany(bulk.sqlite, rows)",
                 "if rows:\n                self._connection.executemany(bulk.sqlite, rows)\n"
                 '                self._connection.execute("commit")\n'
                 '                self._connection.execute("begin immediate")'),
        ),
        part="powercut", length=Length.BRIEF, finds=("halves of a transaction in a copy",),
    ),
    Break(
        name="the ack goes out before the commit, on two servers",
        edits=(
            *_EARLY,
            Edit("store/postgres.py", "    connection, warnings = held.connection, list[str]()\n",
                 "    await __import__('asyncio').sleep(0.4)\n"
                 "    connection, warnings = held.connection, list[str]()\n"),
        ),
        part="failover", database=POSTGRESQL, finds=("acknowledged, and unknown to the new primary",),
        beside=(*_LOST, *_OF_THE_LOST, "refused for good", "refusals other than 503", "longest time until"),
    ),
    Break(
        name="a backup is a plain copy of the file",
        edits=(
            Edit("store/backup.py", "        _copy(source, part, progress)\n",
                 "        __import__('shutil').copy(source, part)\n"),
        ),
        part="backup", finds=("acknowledged before a copy and not in it",),
    ),
    Break(
        name="an upgrade loses a row",
        edits=(
            Edit(_NEWEST, "def upgrade() -> None:\n",
                 'def upgrade() -> None:\n    op.execute("delete from exchange where req_msg_id ='
                 " (select min(req_msg_id) from exchange where state = 'SETTLED')\")\n"),
        ),
        part="upgrade", finds=(_LOST[0], "broken promises of the store"),
    ),
    Break(
        name="the insert of a key does not decide",
        edits=(Edit("exchange/idempotency.py", _CLAIMS, "row in ()}\n    return drafts"),),
        part="keys", finds=("answers that differed", "another body under the key"),
        beside=("answers more than one",),
    ),
    Break(
        name="a key is replayed to any body",
        edits=(
            Edit("exchange/idempotency.py", 'if bytes(row["fingerprint"]) != fingerprint:', "if False:"),
        ),
        part="keys", finds=("another body under the key",),
    ),
    Break(
        name="a replay does not say that it is one",
        edits=(Edit("exchange/idempotency.py", "replayed=True", "replayed=False"),),
        part="keys", finds=("answers more than one a round",),
    ),
    Break(
        name="a busy document is no obstacle",
        edits=(Edit("exchange/subjects.py", "    if shut:\n", "    if False:\n"),),
        part="race", finds=("rounds with another number of winners",),
        beside=("orders with another number", "losers who were", "of them with another version", END),
    ),
    Break(
        name="rows are judged without their locks",
        edits=(
            Edit("exchange/record.py", 'd.object_id for update of d"', 'd.object_id"'),
        ),
        part="race", database=POSTGRESQL, length=Length.BRIEF,
        finds=("of them with another version",),
        beside=("losers who were", "rounds with another number", "orders with another number", END),
    ),
    Break(
        name="a loser is not told the version",
        edits=(Edit("exchange/standing.py", '        "version": document.version,\n', ""),),
        part="race", finds=("of them with another version",), beside=("losers who were",),
    ),
    Break(
        name="503 does not say when to come again",
        edits=(Edit("web/not_now.py", _RETRY, _RETRY.replace("=2", "=None")),),
        part="starved",
        finds=("disk full: 503 without Retry-After", "file held by another process: 503 without"),
        beside=("disk full: refused with 503", "file held by another process: refused with 503", "no file handles: 503 without"),
    ),
    Break(
        name="500 instead of 503",
        edits=(
            Edit("web/not_now.py", "import OVERLOADED\n", "import INTERNAL, OVERLOADED\n"),
            Edit("web/not_now.py", _RETRY, 'RefusedError([INTERNAL.at("", INTERNAL.meaning)])'),
        ),
        part="starved",
        finds=(END,),
    ),
    Break(
        name="a proposal expires within five minutes",
        edits=(Edit("kernel/lifetimes.py", "usual: int = 10 * DAY", "usual: int = DAY // 288"),),
        part="clock", finds=("exchanges expired or webhooks parked",), beside=(END, "refused for good", *_LOST),
    ),
    Break(
        name="a document stays busy for ever",
        edits=(
            Edit("exchange/conclude.py",
                 "    if after.open_exchange == exchange.req_msg_id:\n        after.open_exchange = None\n", ""),
        ),
        part="simulation", finds=("worlds with a broken promise",), beside=("messages accepted",),
    ),
    Break(
        name="one side of a booking is a paisa off",
        edits=(
            Edit("ledger/model.py", "side + suffix, amount)", 'side + suffix, amount + (side == "credit"))'),
        ),
        part="trades", finds=("that broke a ledger",),
    ),
    Break(
        name="one side of a booking is a paisa off, in financings",
        edits=(
            Edit("ledger/model.py", "side + suffix, amount)", 'side + suffix, amount + (side == "credit"))'),
        ),
        part="financings", finds=("that broke a ledger",), beside=("messages accepted",),
    ),
)  # fmt: skip
