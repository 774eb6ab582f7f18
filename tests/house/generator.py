"""docs/generate.py as a module: `docs` is a folder of texts and no package."""

import importlib.util
from types import ModuleType

from tests.house.sources import ROOT


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _load()
