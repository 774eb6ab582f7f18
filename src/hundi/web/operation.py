"""Health and metrics: what every process with a port tells whoever operates it."""

import asyncio
from collections.abc import Sequence

from litestar import Litestar, Response, get
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from hundi.kernel.faults import RefusedError
from hundi.store.engine import UNAVAILABLE, StoreError, Transaction
from hundi.store.migrate import ForeignDatabaseError, is_current
from hundi.web.context import Answer, Context, Network, answer
from hundi.web.metrics import CONTENT_TYPE
from hundi.web.problems import HANDLERS

READY_SECONDS = 1


@get("/healthz")
async def healthz() -> Answer:
    """Whether the process lives."""
    return answer({"status": "ok"})


@get("/readyz")
async def readyz(network: Network) -> Answer:
    """Whether requests can be served: the database answers within a second, with our tables."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            await network.database.read(_ask)
            current = await is_current(network.database)
    except (StoreError, TimeoutError):
        raise _not_ready("The database does not answer within a second.") from None
    except ForeignDatabaseError as error:
        raise _not_ready(str(error)) from None
    if not current:
        raise _not_ready("The database lacks tables of this version. Run `hundi db upgrade`.")
    return answer({"status": "ready"})


@get("/metrics")
async def read_metrics(network: Network) -> Answer:
    """Prometheus text of this process."""
    return Response(await network.metrics.exposition(), media_type=CONTENT_TYPE)


OPERATION = (healthz, readyz, read_metrics)


def operation(context: Context) -> Litestar:
    """The application of a process that takes no calls: a dispatcher with a port."""
    return composed(context, OPERATION)


def composed(
    context: Context, handlers: Sequence[ControllerRouterHandler], **dependencies: Provide
) -> Litestar:
    """Handlers as an application that limits and answers as ours do."""
    application = Litestar(
        handlers,
        dependencies={
            "network": Provide(lambda: context, sync_to_thread=False),
            **dependencies,
        },
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=64 * 1024,
        response_headers={"cache-control": "no-store"},
    )
    application.state.network = context
    return application


async def _ask(tx: Transaction) -> int:
    return tx.now


def _not_ready(detail: str) -> RefusedError:
    return RefusedError([UNAVAILABLE.at("", detail)], retry_after=2)
