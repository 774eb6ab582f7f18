"""Security audit: our own code, known faults of what it depends on, and the bill of materials.

    make audit

Exit code 1 where something was found. Known faults are asked of the package index; where that does
not tell them, nothing was audited, and a loud line says so. With REQUIRE_AUDIT=1 that is exit code 1, too.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
BILL = ROOT / "build" / "sbom.cdx.json"
PINS = ROOT / "requirements" / "dev.txt"  # has all that runtime.txt has
INDEX_SECONDS = 120
ANSWER_SECONDS = 5
PROBE = "aiohttp"

ACCEPTED: Mapping[str, str] = {}
"""Known faults that do not concern us, by number, each with the reason."""


def code_is_clean() -> bool:
    """Whether bandit finds nothing in what is shipped; its exceptions stand in pyproject.toml."""
    return _run("bandit", "-q", "-c", "pyproject.toml", "-r", "src").returncode == 0


def dependencies_are_clean() -> bool:
    """Whether no pinned package has a known fault, as far as the index told."""
    pins = PINS.read_text(encoding="utf-8")
    probe = next(line.split()[0] for line in pins.splitlines() if line.startswith(f"{PROBE}=="))
    # One package first: an index that tells nothing is not asked a hundred times.
    if _told(probe + "\n") is None:
        return _unaudited("the package index tells no known faults here")
    packages = _told("\n".join(_plain(pins)))
    if packages is None:
        return _unaudited(f"the package index did not tell all in {INDEX_SECONDS} s")
    found = list(faults(packages))
    for line in found:
        print(line)
    return not found


def _told(pins: str) -> Sequence[Mapping[str, object]] | None:
    """What the index tells of each pin; None where it does not tell of every one."""
    file = BILL.with_name("audited.txt")
    file.write_text(pins, encoding="utf-8")
    arguments = ("-r", str(file), "--no-deps", "--disable-pip", "--format", "json")
    quiet = ("--progress-spinner", "off", "--timeout", str(ANSWER_SECONDS))
    try:
        asked = _run("pip-audit", *arguments, *quiet, capture=True, seconds=INDEX_SECONDS)
        packages: list[Mapping[str, object]] = json.loads(asked.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return None if any("skip_reason" in package for package in packages) else packages


def _plain(pins: str) -> list[str]:
    return [line.split()[0] for line in pins.splitlines() if line[:1].isalpha()]


def faults(packages: Sequence[Mapping[str, object]]) -> list[str]:
    """A line for each known fault that is not accepted, in pip-audit's form of packages."""
    lines = []
    for package in packages:
        for fault in package["vulns"]:  # type: ignore[attr-defined]
            if not ACCEPTED.keys() & {fault["id"], *fault["aliases"]}:
                better = ", ".join(fault["fix_versions"]) or "no version yet"
                lines.append(
                    f"{package['name']} {package['version']}: {fault['id']}, mended in {better}"
                )
    return lines


def write_bill() -> bool:
    """Write what a deployed Hundi consists of, as CycloneDX JSON."""
    arguments = ("requirements", "requirements/runtime.txt", "--pyproject", "pyproject.toml")
    form = ("--of", "JSON", "--output-reproducible", "-o", str(BILL))
    written = _run("cyclonedx-py", *arguments, *form, capture=True)
    if written.returncode != 0:
        print(written.stderr)
        return False
    parts = len(json.loads(BILL.read_text(encoding="utf-8"))["components"])
    print(f"bill of materials: {BILL.relative_to(ROOT)}, {parts} packages")
    return True


def _run(
    program: str, *arguments: str, capture: bool = False, seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / program), *arguments]
    return subprocess.run(
        command, cwd=ROOT, check=False, text=True, capture_output=capture, timeout=seconds
    )


def _unaudited(why: str) -> bool:
    """Tell it loudly; whether it passes, because nobody asked for more."""
    line = f"KNOWN FAULTS OF DEPENDENCIES WERE NOT AUDITED: {why}."
    print("\n".join(("!" * len(line), line, "!" * len(line))))
    return os.environ.get("REQUIRE_AUDIT") != "1"


def main() -> int:
    """Run all three; the exit code."""
    BILL.parent.mkdir(exist_ok=True)
    clean = [code_is_clean(), dependencies_are_clean(), write_bill()]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
