"""What `deploy/` says agrees with the code, and its scripts and container file pass their linters."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer._click.exceptions import UsageError

from tests.deploy.files import DEPLOY, read_by_cli, texts
from tests.house.sources import ROOT, sources

_VARIABLE = re.compile(r"\bHUNDI_[A-Z_]*[A-Z]\b")
_EXAMPLE = DEPLOY / "hundi.env.example"


def settings_of_the_code() -> set[str]:
    named = set[str]()
    for source in sources("src/hundi"):
        named |= set(re.findall(r'"(HUNDI_[A-Z_]*[A-Z])"', (ROOT / source.name).read_text()))
    return named


def settings_in(text: str) -> set[str]:
    return {name.removesuffix("_FILE") for name in _VARIABLE.findall(text)}


def test_every_setting_is_explained_in_the_example() -> None:
    assert settings_in(_EXAMPLE.read_text()) == settings_of_the_code()


def test_no_file_names_a_setting_that_is_none() -> None:
    unknown = {name: settings_in(text) - settings_of_the_code() for name, text in texts().items()}
    assert not any(unknown.values()), unknown


def test_every_line_of_the_example_is_a_setting_or_a_comment() -> None:
    for line in _EXAMPLE.read_text().splitlines():
        assert re.match(r"^(# .*|# ?HUNDI_[A-Z_]+=.*|HUNDI_[A-Z_]+=\S+|)$", line), line


@pytest.mark.parametrize(
    "words", ["serve --role", "serve --rolle api", "db", "nothing", "db upgrade x"]
)
def test_a_wrong_command_line_is_seen(words: str) -> None:
    with pytest.raises(UsageError):
        read_by_cli(words)


def linted(program: str, *arguments: str) -> None:
    found = subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


def test_shell_scripts_pass_shellcheck() -> None:
    scripts = [str(path) for path in sorted(DEPLOY.rglob("*.sh"))]
    assert scripts
    linted("shellcheck", "-x", ".ci/run", *scripts)


def test_the_container_file_passes_hadolint() -> None:
    linted("hadolint", "deploy/container/Containerfile")


def test_the_image_is_pinned_small_and_not_root() -> None:
    text = (DEPLOY / "container" / "Containerfile").read_text()
    stages = re.findall(r"^FROM (\S+)( AS \w+)?$", text, re.MULTILINE)
    # A host before the image's name would be somebody's registry.
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", image) for image, _ in stages), stages
    last = text[text.rindex("FROM ") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert not re.search(r"^(RUN|ADD) ", last, re.MULTILINE), "the second stage only takes"
    for install in re.findall(r"pip install [^\\\n]*", text):
        assert "--require-hashes" in install or "--no-index" in install, install


def test_the_image_starts_with_a_command_that_exists() -> None:
    text = (DEPLOY / "container" / "Containerfile").read_text()
    [words] = re.findall(r"^CMD \[(.*)\]$", text, re.MULTILINE)
    read_by_cli([word.strip(' "') for word in words.split(",")])


def test_what_the_container_file_copies_is_let_through() -> None:
    container = DEPLOY / "container"
    let = (container / "Containerfile.dockerignore").read_text().splitlines()
    copied = re.findall(
        r"^COPY (?!--)(.*) \S+$", (container / "Containerfile").read_text(), re.MULTILINE
    )
    for name in " ".join(copied).split():
        assert f"!{name}" in let
        assert (ROOT / name).exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["stop"], "no command stop"),
        (["up", "--hom", "/x"], "no option --hom"),
        (["up", "--home"], "needs a value"),
        (["up", "--home", "relative"], "absolute"),
        (["up", "--port-a", "5433"], "two different"),
        (["watch", "--force"], "belongs to promote"),
        (["status", "--home", "/nowhere"], "nothing in /nowhere yet"),
    ],
)
def test_the_standby_script_says_what_is_wrong(words: list[str], said: str) -> None:
    asked = subprocess.run(
        [DEPLOY / "standby" / "standby.sh", *words], capture_output=True, text=True, check=False
    )
    if "nothing in" in said and "not installed" in asked.stderr:
        pytest.skip("PostgreSQL is not installed")
    assert asked.returncode in {1, 2}
    assert said in asked.stdout + asked.stderr
