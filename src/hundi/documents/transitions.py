"""Writing a life cycle down: one call for each transition of a contract, one row for each source."""

from collections.abc import Iterable

from hundi.exchange.definition import Effect, Guard, Move, VersionRule


def rows(
    on: str,
    *,
    by: str,
    action: str | None,
    sources: Iterable[str],
    target: str,
    version: VersionRule,
    effect: Effect = Effect.PROPOSAL,
    guard: Guard | None = None,
) -> tuple[Move, ...]:
    """The rows of one transition of the contract, one for each state it starts from."""
    return tuple(
        Move(
            on=on,
            action=action,
            source=source,
            target=target,
            by=by,
            effect=effect,
            version=version,
            guard=guard,
        )
        for source in sources
    )
