"""The systemd units: directives that exist, commands that the CLI takes, locked down alike."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, read_by_cli
from tests.house.sources import ROOT

UNITS = sorted((DEPLOY / "systemd").iterdir())
HUNDI = "/opt/hundi/bin/hundi"
API, WATCH = "hundi-api@.service", "hundi-standby-watch.service"
_LISTS = {"Environment", "ExecStartPre", "SystemCallFilter"}
_KNOWN = {
    "Unit": "After Conflicts Description PartOf Requires StartLimitIntervalSec Wants",
    "Install": "WantedBy",
    "Service": """
        AmbientCapabilities CapabilityBoundingSet DynamicUser Environment EnvironmentFile ExecStart
        ExecStartPre ExecStop KillMode LimitNOFILE LockPersonality MemoryDenyWriteExecute
        NoNewPrivileges PrivateDevices PrivateTmp ProtectClock ProtectControlGroups ProtectHome
        ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc
        ProtectSystem RemainAfterExit RemoveIPC Restart RestartSec RestrictAddressFamilies
        RestrictNamespaces RestrictRealtime RestrictSUIDSGID StateDirectory StateDirectoryMode
        SystemCallArchitectures SystemCallFilter TimeoutStartSec TimeoutStopSec Type UMask User
        WorkingDirectory""",
}
_LOCKED = {
    "NoNewPrivileges": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "PrivateTmp": "yes",
    "RestrictSUIDSGID": "yes",
    "UMask": "0077",
}

Section = dict[str, list[str]]


def parsed(path: Path) -> dict[str, Section]:
    sections: dict[str, Section] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if head := re.fullmatch(r"\[(\w+)\]", line):
            sections[head[1]] = {}
        elif line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, f"{path.name}: {line}"
            list(sections.values())[-1].setdefault(name, []).append(value)
    return sections


def commands(service: Section) -> list[str]:
    return [c for name in ("ExecStartPre", "ExecStart", "ExecStop") for c in service.get(name, [])]


def in_the_guide() -> tuple[str, str]:
    """What the guide has an operator add by `systemctl edit`: secrets to all units, an address to one."""
    guide = (ROOT / "docs/guide/operating.md").read_text(encoding="utf-8")
    secrets, address = re.findall(r"^```ini\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    return str(secrets), str(address)


def services() -> list[Path]:
    return [path for path in UNITS if path.suffix == ".service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_directives_exist_and_stand_once(unit: Path) -> None:
    for section, directives in parsed(unit).items():
        assert directives.keys() <= set(_KNOWN[section].split())
        doubled = {name for name, values in directives.items() if len(values) > 1}
        assert doubled <= _LISTS


@pytest.mark.parametrize("unit", services(), ids=lambda path: path.name)
def test_commands_are_those_of_the_cli(unit: Path) -> None:
    found = commands(parsed(unit)["Service"])
    assert found
    for command in found:
        program, *words = command.replace("%i", "8080").split()
        if program == HUNDI:
            read_by_cli(words)
        else:
            assert (DEPLOY / program.removeprefix("/opt/hundi/")).exists(), command


@pytest.mark.parametrize("unit", services(), ids=lambda path: path.name)
def test_services_are_locked_down(unit: Path) -> None:
    service = parsed(unit)["Service"]
    assert service.items() >= {name: [value] for name, value in _LOCKED.items()}.items()
    if unit.name != WATCH:
        assert service["DynamicUser"] == ["yes"]
        assert service["CapabilityBoundingSet"] == [""]


def test_a_graceful_stop_has_its_time() -> None:
    for unit in services():
        service = parsed(unit)["Service"]
        if service["ExecStart"][0].startswith(f"{HUNDI} serve"):
            # 20 s for attempts under way, 10 s for the database, and the requests before them.
            assert int(service["TimeoutStopSec"][0]) >= 45
            assert service["Restart"] == ["on-failure"]
            assert int(service["LimitNOFILE"][0]) >= 4560  # docs/guide/operating.md, "Limits"


def test_units_name_units_that_exist() -> None:
    ours = {_family(path.name) for path in UNITS}
    for unit in UNITS:
        names = ("After", "Conflicts", "PartOf", "Requires", "Wants")
        directives = parsed(unit)["Unit"]
        named = " ".join(value for name in names for value in directives.get(name, [])).split()
        unknown = {other for other in named if other.startswith("hundi")} - ours
        assert {_family(other) for other in unknown} <= ours, unit.name


def test_secrets_from_files_reach_whom_systemd_makes_up() -> None:
    """A user of DynamicUser= reads no file of root's: the guide's lines hand him what the example names."""
    lines, _ = in_the_guide()
    handed = set(re.findall(r"^LoadCredential=([a-z-]+):/etc/hundi/\1$", lines, re.MULTILINE))
    named = re.findall(r"(HUNDI_[A-Z_]+)_FILE=%d/([a-z-]+)", lines)
    assert handed == {file for _, file in named} == {"database-url", "secret-keys"}
    example = (DEPLOY / "hundi.env.example").read_text(encoding="utf-8")
    assert {name for name, _ in named} <= set(re.findall(r"^(HUNDI_\w+)=", example, re.MULTILINE))
    assert not re.findall(r"_FILE=/", example), "no unit could read it"


def test_another_address_takes_the_place_of_the_units_own_command(tmp_path: Path) -> None:
    (tmp_path / "override.conf").write_text(in_the_guide()[1], encoding="utf-8")
    emptied, command = parsed(tmp_path / "override.conf")["Service"]["ExecStart"]
    [own] = parsed(DEPLOY / "systemd" / API)["Service"]["ExecStart"]
    assert emptied == "", "systemd refuses a second command of a service that is no oneshot"
    assert re.sub(r" --host \S+", "", command) == own
    read_by_cli(command.replace("%i", "8080").split()[1:])


def _family(name: str) -> str:
    return re.sub(r"@.*\.", "@.", name)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_takes_them(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace(HUNDI, "/bin/true")
        text = text.replace("/opt/hundi/standby/standby.sh", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
        (tmp_path / f"{unit.name}.d").mkdir()
        secrets, address = in_the_guide()
        if unit.suffix == ".service":
            (tmp_path / f"{unit.name}.d" / "override.conf").write_text(secrets)
        if unit.name == API:
            added = address.replace(HUNDI, "/bin/true")
            (tmp_path / f"{unit.name}.d" / "address.conf").write_text(added)
    names = [str(tmp_path / unit.name.replace("@", "@8080")) for unit in UNITS]
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    about_ours = [line for line in checked.stderr.splitlines() if str(tmp_path) in line]
    assert (checked.returncode, about_ours) == (0, []), checked.stderr
