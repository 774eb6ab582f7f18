"""A new file that has its name only when it is whole and on disk; until then it is a `.part` beside it."""

import os
import tempfile
from contextlib import suppress
from errno import EEXIST
from pathlib import Path


def begun(target: Path) -> Path:
    """An empty part beside a file to be, readable by its owner alone; who began it removes it.

    Raises FileExistsError where the name is taken already, OSError where nothing can be written.
    """
    _refuse_existing(target)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    return Path(name)


def publish(part: Path, target: Path) -> None:
    """Have a part on disk and give it its name, unless somebody else has used it meanwhile.

    Raises FileExistsError for that, OSError.
    """
    _sync(part)
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        _refuse_existing(target)
        with suppress(FileNotFoundError):
            part.rename(target)
    _sync(target.parent)


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(target))


def _sync(path: Path) -> None:
    """Have a file or a folder's names on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
