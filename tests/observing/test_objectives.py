"""Dashboard and alerts are what the code says, and ask only for what a process tells."""

import asyncio
import json
import re
from dataclasses import dataclass

import promql_parser
import pytest
import yaml
from prometheus_client.utils import floatToGoString

from hundi.kernel.clock import wall_clock
from hundi.observing.objectives import BURNS, OBJECTIVES, burning
from hundi.store.opening import open_database
from hundi.web.metrics import Metrics
from hundi.web.siblings import LABEL, UP
from hundi.web.tallies import Counts, Durations
from tests.house.generator import deploy
from tests.house.sources import ROOT

FOLDER = ROOT / "deploy"
ALERTS = yaml.safe_load((FOLDER / "prometheus" / "alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
BOARD = json.loads((FOLDER / "grafana" / "hundi.json").read_text())
EXPRESSIONS = {rule["alert"]: rule["expr"] for rule in RULES} | {
    f"{panel['title']} {place}": target["expr"].replace("$__rate_interval", "5m")
    for panel in BOARD["panels"]
    for place, target in enumerate(panel.get("targets", ()))
}


def test_the_files_are_up_to_date() -> None:
    stored = {name: (FOLDER / name).read_text(encoding="utf-8") for name in deploy.files()}
    assert stored == deploy.files(), "run `make reference` and commit"


@dataclass(frozen=True)
class Series:
    """What there is under one name: its labels, and the bounds of its buckets."""

    labels: frozenset[str]
    bounds: frozenset[str]


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Series]:
    """Everything that a process tells, by the name that a query has for it."""

    async def ask() -> dict[str, Series]:
        path = tmp_path_factory.mktemp("metrics") / "hundi.db"
        database = await open_database(f"sqlite:///{path}", wall_clock)
        metrics = Metrics(database)
        await database.close()
        told: dict[str, Series] = {UP: Series(frozenset({"instance", LABEL}), frozenset())}
        told["up"] = Series(frozenset({"instance", "job"}), frozenset())  # Prometheus tells it
        for registry in (metrics.registry, metrics.network):
            samples = (sample for family in registry.collect() for sample in family.samples)
            told |= {s.name: Series(frozenset(s.labels), frozenset()) for s in samples}
            named = registry._collector_to_names.items()
            told |= {name: _series(one) for one, names in named for name in names}
        return told

    return asyncio.run(ask())


def _series(collector: object) -> Series:
    ours = isinstance(collector, Counts | Durations)
    named = collector.labels if ours else getattr(collector, "_labelnames", ())
    labels = {"instance", "worker", *named}
    bounds = collector.bounds if isinstance(collector, Durations) else ()
    return Series(frozenset(labels), frozenset(floatToGoString(float(b)) for b in bounds))


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(name: str, series: dict[str, Series]) -> None:
    found = list(selectors(EXPRESSIONS[name]))
    assert found, "an expression without a metric"
    for selector in found:
        known = series[selector.name]
        for matcher in selector.matchers.matchers:
            if matcher.name == "le":
                assert matcher.value in known.bounds
            else:
                assert matcher.name in known.labels


def selectors(text: str) -> list[promql_parser.VectorSelector]:
    """Every look-up of series in an expression."""
    found: list[promql_parser.VectorSelector] = []

    def visit(expr: object) -> None:
        if isinstance(expr, promql_parser.MatrixSelector):
            found.append(expr.vector_selector)
        elif isinstance(expr, promql_parser.VectorSelector):
            found.append(expr)

    promql_parser.walk(promql_parser.parse(text), visit)
    return found


def test_each_objective_has_an_alert_for_each_burn() -> None:
    for objective in OBJECTIVES:
        for burn in BURNS:
            [rule] = [r for r in RULES if r["alert"] == f"Hundi{objective.name}Burn{burn.long}"]
            assert rule["expr"] == burning(objective, burn)
            assert {f"[{burn.long}]", f"[{burn.short}]"} == set(
                re.findall(r"\[\w+\]", rule["expr"])
            )
            assert rule["labels"] == {"severity": burn.severity, "objective": objective.name}


def test_targets_are_shares_and_windows_fit() -> None:
    for objective in OBJECTIVES:
        assert 0.5 < float(objective.target) < 1
        assert f" - {objective.target})" in burning(objective, BURNS[0])
    assert [burn.severity for burn in BURNS] == ["page", "page", "ticket"]
    assert all(rule["annotations"]["summary"].endswith(".") for rule in RULES)


def test_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
