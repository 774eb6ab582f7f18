"""One document's accounts for tests: book postings, post or void them, look at the balances."""

from collections.abc import Iterable

from hundi.exchange.views import DocumentView, Posting
from hundi.ledger.model import Balance, Books, Phase, Transfer

KEY = ("E", "document", "D")


class AccountBooks:
    """The books of one document, and a counter that gives transfers their ids."""

    def __init__(self) -> None:
        self.books = Books({KEY: {}})
        self.count = 0

    def reserve(self, postings: Iterable[Posting]) -> list[Transfer]:
        """Book what a message says; it waits."""
        return [self._add(posting, Phase.PENDING) for posting in postings]

    def post(self, postings: Iterable[Posting]) -> None:
        """Book what takes effect at once."""
        for posting in postings:
            self._add(posting, Phase.POSTED)

    def _add(self, posting: Posting, phase: Phase) -> Transfer:
        assert posting.amount > 0
        self.count += 1
        transfer = Transfer(
            key=KEY, id=f"M/{self.count}", holder=KEY, debit=posting.debit, credit=posting.credit,
            amount=posting.amount, unit=posting.unit, phase=phase, standing=posting.standing,
        )  # fmt: skip
        self.books.add(transfer)
        return transfer

    def end(self, transfers: Iterable[Transfer], *, posted: bool) -> None:
        """What waited takes effect, or never was."""
        for transfer in transfers:
            self.books.end(transfer, Phase.POSTED if posted else Phase.VOID)

    def of(self, account: str) -> Balance:
        """What one account holds."""
        return self.books.of(KEY).get(account, Balance())

    def net(self, account: str) -> int:
        """Posted debits less posted credits."""
        return self.of(account).net

    def held(self) -> dict[str, int]:
        """The accounts that hold something."""
        return {n: b.net for n, b in sorted(self.books.of(KEY).items()) if b.net}

    def view(self, status: str, **members: object) -> DocumentView:
        """The document as rules see it."""
        given = {"version": 1, "agreed_version": None, "number": "N", "ref": "D"} | members
        return DocumentView(status=status, balances=self.books.of(KEY), **given)  # type: ignore[arg-type]
