"""`hundi invariants`: does the store keep every promise?"""

from hundi.cli.database import AsJson, with_existing
from hundi.cli.findings import Findings
from hundi.cli.meter import Meter
from hundi.documents import DOCUMENT_TYPES
from hundi.exchange.invariants.walk import Result, check_store
from hundi.store.engine import Database

TYPES = {kind.name: kind for kind in DOCUMENT_TYPES}


def invariants(as_json: AsJson = False) -> None:
    """Check the whole store, also while it serves. Each broken promise is a line, the exit code then 1."""
    findings = Findings(as_json=as_json)

    async def work(database: Database) -> Result:
        with Meter("Checking the store") as meter:
            return await database.read(
                lambda tx: check_store(tx, TYPES, report=findings, progress=meter)
            )

    result = with_existing(work)
    findings.close(accepted=result.rows["exchange"], states=result.states, rows=result.rows)
