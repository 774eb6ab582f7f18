"""docs/generate.py and deploy/generate.py as modules: their folders are no packages."""

import importlib.util
from types import ModuleType

from tests.house.sources import ROOT


def _load(folder: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / folder / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _load("docs")
deploy = _load("deploy")
