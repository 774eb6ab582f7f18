"""Fuzz one target: `python -m proof.fuzzing TARGET FOLDER [libFuzzer's options]`.

FOLDER holds what it begins from and what it finds on the way. Atheris must be on the path, and is
imported before anything that it is to watch; `proof.parts.fuzz` sees to that.
"""

import sys
from importlib import import_module
from pathlib import Path
from random import Random

import atheris  # type: ignore[import-untyped]

with atheris.instrument_imports(include=["hundi", "httptools", "uvicorn", "yarl", "json", "email"]):
    targets = import_module("proof.fuzzing.targets")
    bending = import_module("proof.fuzzing.bending")


def _mutated(data: bytes, longest: int, seed: int) -> bytes:
    """Half of the time JSON is bent as a tree: bytes alone seldom come through the parser again."""
    dice = Random(seed)
    if dice.random() < 0.5:
        bent = bending.bent(data, dice)
        if bent is not None and len(bent) <= longest:
            return bytes(bent)
    return bytes(atheris.Mutate(data, longest))


def main(arguments: list[str]) -> None:
    """Seed the folder and go on until libFuzzer's options say otherwise, or a promise breaks."""
    target = targets.BY_NAME[arguments[1]]
    folder = Path(arguments[2])
    for number, seed in enumerate(target.seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    options = [arguments[0], str(folder), f"-max_len={target.longest}", *arguments[3:]]
    mutator = {"custom_mutator": _mutated} if target.of_json else {}
    atheris.Setup(options, target.run, **mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
