"""The compose file: members that the compose specification knows, names that exist, nothing in clear."""

import re
from typing import Any

import pytest
import yaml

from tests.deploy.files import DEPLOY, read_by_cli
from tests.house.sources import ROOT

FILE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "hundi"}
_SERVICE = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "environment",
    "healthcheck",
    "image",
    "init",
    "logging",
    "ports",
    "read_only",
    "restart",
    "secrets",
    "security_opt",
    "shm_size",
    "stop_grace_period",
    "tmpfs",
    "ulimits",
    "volumes",
}
_CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
_DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")


def test_members_are_those_of_the_specification() -> None:
    top = {name for name in FILE if not name.startswith("x-")}
    assert top == {"name", "services", "volumes", "secrets"}
    for service in SERVICES.values():
        assert service.keys() <= _SERVICE
        assert service["restart"] in {"no", "always", "on-failure", "unless-stopped"}
        assert _DURATION.fullmatch(service["stop_grace_period"])


def test_what_is_named_exists() -> None:
    for service in SERVICES.values():
        for other, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] in _CONDITIONS
            needs_check = wanted["condition"] == "service_healthy"
            assert not needs_check or "test" in SERVICES[other]["healthcheck"]
        assert set(service["secrets"]) <= FILE["secrets"].keys()
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in FILE["volumes"]
        build = service.get("build")
        assert build is None or (DEPLOY / build["context"] / build["dockerfile"]).exists()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check_or_says_why_not(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    if check != {"disable": True}:
        assert check["test"][0] == "CMD"
        assert check["retries"] >= 1
        assert all(_DURATION.fullmatch(check[m]) for m in ("interval", "timeout", "start_period"))


@pytest.mark.parametrize("name", OURS)
def test_ours_are_locked_down_and_called_rightly(name: str) -> None:
    service = OURS[name]
    read_by_cli(service["command"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_secrets_come_from_files_that_are_never_kept() -> None:
    for service in SERVICES.values():
        for name in service["environment"]:
            assert not re.search(r"PASSWORD$|SECRET$|TOKEN$|_URL$", name), name
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_images_come_from_no_registry_of_ours() -> None:
    assert {s["image"].partition(":")[0] for s in SERVICES.values()} == {"hundi", "postgres"}
