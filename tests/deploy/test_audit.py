"""The audit tells faults, and tells when it could not ask."""

import pytest

from deploy import audit


def package(*vulnerabilities: dict[str, object]) -> dict[str, object]:
    return {"name": "p", "version": "1", "vulns": list(vulnerabilities)}


KNOWN: dict[str, object] = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1", "2.0"]}


def test_a_known_fault_is_told_with_its_mend() -> None:
    assert audit.faults([package(), package(KNOWN)]) == ["p 1: PYSEC-1, mended in 1.1, 2.0"]


def test_an_accepted_fault_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-1": "only on another system"})
    assert audit.faults([package(KNOWN)]) == []


def test_an_index_that_tells_nothing_fails_who_requires_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_told", lambda _pins: None)
    monkeypatch.delenv("REQUIRE_AUDIT", raising=False)
    assert audit.dependencies_are_clean()
    monkeypatch.setenv("REQUIRE_AUDIT", "1")
    assert not audit.dependencies_are_clean()
    assert capsys.readouterr().out.count("WERE NOT AUDITED") == 2


def test_every_pin_is_asked_for() -> None:
    plain = audit._plain(audit.PINS.read_text(encoding="utf-8"))
    assert len(plain) > 80
    assert all("==" in pin and "\\" not in pin for pin in plain)
