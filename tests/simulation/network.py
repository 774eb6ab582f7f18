"""An in-memory network between the dispatcher and two simulated ERPs, and it is not a good one."""

from collections.abc import Mapping
from random import Random

from hundi.delivery.wire import Endpoint, Parcel
from hundi.exchange.verdict import Answer
from hundi.kernel.signature import sign
from hundi.simulator.answering import Manner
from hundi.simulator.erp import Erp
from hundi.simulator.webhook import Webhook

LOST = Answer(
    status=None, body=b"", retry_after=None, milliseconds=5, reached=False, error="connect"
)
UNHEARD = Answer(
    status=None, body=b"", retry_after=None, milliseconds=15_000, reached=True, error="timeout"
)


class BadNetwork:
    """Implements the dispatcher's wire. Loses requests, loses answers, delivers twice, late.

    `trouble` is the chance of each of these, 0 for a perfect network.
    """

    def __init__(self, erps: Mapping[str, Erp], random: Random, trouble: float) -> None:
        self._erps = erps
        self._random = random
        self.trouble = trouble
        self._late: list[tuple[Endpoint, Parcel]] = []

    async def post(
        self, endpoint: Endpoint, parcel: Parcel, *, now: int, watch: object = None
    ) -> Answer:
        """Deliver a webhook, more or less."""
        if self._random.random() < self.trouble:
            return LOST
        if self._random.random() < self.trouble:
            self._late.append((endpoint, parcel))  # arrives long after its sender gave up
            return UNHEARD
        answer = self._deliver(endpoint, parcel, now)
        if self._random.random() < self.trouble:
            answer = self._deliver(endpoint, parcel, now)
        if self._random.random() < self.trouble:
            return UNHEARD
        return answer

    def deliver_late(self, now: int) -> None:
        """Deliver what was held up on the way; nobody hears the answers."""
        late, self._late = self._late, []
        for endpoint, parcel in late:
            self._deliver(endpoint, parcel, now)

    def _deliver(self, endpoint: Endpoint, parcel: Parcel, now: int) -> Answer:
        headers = {
            **sign(
                endpoint.secrets,
                webhook_id=parcel.webhook_id,
                timestamp=now // 1_000_000,
                body=parcel.body,
            ),
            "hundi-sequence": parcel.sequence,
            "hundi-exchange": parcel.req_msg_id,
        }
        erp = self._erps[endpoint.base_url]
        told = erp.receive(Webhook("/" + parcel.path, headers, parcel.body), now=now)
        if told.manner is not Manner.WHOLE:
            return UNHEARD
        return Answer(
            status=told.status,
            body=told.body,
            retry_after=None,
            milliseconds=1,
            reached=True,
            error=None,
        )
