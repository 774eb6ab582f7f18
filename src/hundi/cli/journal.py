"""`hundi journal`: verify the hash chains, make and export signed checkpoints of their heads."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from hundi.cli.database import AsJson, FailedError, UnusableError, show, with_existing
from hundi.cli.findings import Findings
from hundi.cli.meter import Meter
from hundi.exchange.duties import perform
from hundi.exchange.sealing.checkpoint import (
    KEY_VARIABLE,
    PUBLIC_VARIABLE,
    BadKeyError,
    Signer,
    Trusted,
    new_keys,
)
from hundi.exchange.sealing.file import NoCheckpointsError, write_checkpoints
from hundi.exchange.sealing.store import last_checkpoint, sealing
from hundi.exchange.sealing.verify import Verified, Verifier, Wanted
from hundi.kernel.clock import to_text
from hundi.store.engine import Database, Transaction
from hundi.store.whole import begun, publish

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def journal_commands() -> typer.Typer:
    """The commands below `hundi journal`."""
    group = typer.Typer(help="The hash-chained journals of documents.", no_args_is_help=True)
    group.command("verify")(_verify)
    group.command("checkpoint")(_checkpoint)
    group.command("key")(_key)
    return group


def _verify(
    document: Annotated[
        str, typer.Option(help="Only one: type/objectId, as purchase-order/PO….")
    ] = "",
    author: Annotated[str, typer.Option(help="B2B ID of its author, where two use one id.")] = "",
    since: Annotated[
        str, typer.Option(help="Only those that went on since then: 2026-11-25, or with a time.")
    ] = "",
    checkpoint: Annotated[
        Path | None, typer.Option(help="A file of `hundi journal checkpoint --out`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every journal from its rows. Heads and signed checkpoints must agree with them."""
    wanted = _wanted(document, author=author, since=since)
    trusted, findings = _trusted(a_file=checkpoint is not None), Findings(as_json=as_json)
    source = _opened(checkpoint) if checkpoint is not None else None

    async def work(database: Database) -> Verified:
        async def verify(tx: Transaction) -> Verified:
            verifier = Verifier(tx, findings)
            with Meter("Verifying journals") as meter:
                await verifier.journals(wanted, meter)
            if wanted.all:
                await verifier.stored(trusted)
            if source is not None:
                await verifier.file(source, trusted)
            return verifier.result

        return await database.read(verify)

    try:
        result = with_existing(work)
    except NoCheckpointsError as error:
        raise UnusableError(f"{checkpoint}: {error}.") from error
    if document and not result.documents:
        raise UnusableError(f"There is no {document}. Check type, objectId, author and time.")
    unchecked = f"not checked: neither {KEY_VARIABLE} nor {PUBLIC_VARIABLE} is set"
    findings.close(
        documents=result.documents,
        rows=result.rows,
        checkpoints=result.checkpoints,
        signatures="checked" if trusted else unchecked,
    )


def _wanted(document: str, *, author: str, since: str) -> Wanted:
    type_, _, object_id = document.partition("/")
    if document and not (type_ and object_id):
        raise typer.BadParameter("--document is type/objectId, such as purchase-order/PO….")
    return Wanted(type=type_, object_id=object_id, author_b2b=author, since=_instant(since))


def _instant(text: str) -> int:
    """Microseconds of a day or a moment, UTC where it names no zone."""
    if not text:
        return 0
    try:
        moment = datetime.fromisoformat(f"{text}T00:00:00" if _DAY.fullmatch(text) else text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return int(moment.timestamp()) * 1_000_000
    except (ValueError, OverflowError) as error:
        detail = f"--since is a day or a moment, such as 2026-11-25T18:00:00, not {text}."
        raise typer.BadParameter(detail) from error


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnusableError(f"{path} cannot be read: {error.strerror}.") from error


def _trusted(*, a_file: bool) -> Trusted:
    """The keys of the settings; a file needs one, as without a signature anybody could have written it."""
    try:
        found = Trusted.of(os.environ.get(PUBLIC_VARIABLE, ""), os.environ.get(KEY_VARIABLE, ""))
    except BadKeyError as error:
        raise UnusableError(str(error)) from error
    if a_file and not found:
        detail = f"Set {PUBLIC_VARIABLE} to the public keys that `hundi journal key` printed."
        raise UnusableError(f"--checkpoint needs a key to check signatures with. {detail}")
    return found


def _checkpoint(
    out: Annotated[
        Path | None, typer.Option(help="Write all checkpoints to a new file, and make none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign where all journals end now. A serving process with a key does it every day."""
    if out is not None:
        show(_export(out), as_json=as_json)
        return
    text = os.environ.get(KEY_VARIABLE, "")
    if not text:
        detail = f"{KEY_VARIABLE} is not set. `hundi journal key` makes a key."
        raise UnusableError(detail)
    try:
        signer = Signer(text)
    except BadKeyError as error:
        raise UnusableError(str(error)) from error

    async def work(database: Database) -> dict[str, object]:
        if await perform(database, sealing(signer), early=True) is None:
            raise FailedError("Another process is making a checkpoint now. Try again in a minute.")
        made = await database.read(last_checkpoint)
        if made is None:
            raise FailedError("The checkpoint is gone again. Is somebody deleting them?")
        return {
            "checkpoint": made.number,
            "at": to_text(made.at),
            "heads": made.heads,
            "digest": made.digest,
            "key": made.key_id,
        }

    show(with_existing(work), as_json=as_json)


def _export(path: Path) -> dict[str, object]:
    async def work(database: Database) -> int:
        try:
            return await _written(database, path)
        except FileExistsError as error:
            raise UnusableError(f"{path} is there already. Name a new file.") from error
        except OSError as error:
            raise FailedError(f"{path} cannot be written: {error.strerror}.") from error

    return {"checkpoints": with_existing(work), "file": str(path)}


async def _written(database: Database, path: Path) -> int:
    """Write all checkpoints to a new file, which is whole or not there; how many."""
    part = begun(path)
    try:
        with part.open("wb") as out:
            count = await database.read(lambda tx: write_checkpoints(tx, out))
        if not count:
            detail = "There are no checkpoints to write. `hundi journal checkpoint` makes one."
            raise UnusableError(detail)
        publish(part, path)
    finally:
        part.unlink(missing_ok=True)
    return count


def _key(as_json: AsJson = False) -> None:
    """Make a key that signs checkpoints. Its public key verifies them anywhere."""
    private, public = new_keys()
    show({KEY_VARIABLE: private, PUBLIC_VARIABLE: public}, as_json=as_json)
