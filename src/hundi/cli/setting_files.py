"""Settings from files, for secrets that must not stand in a process's environment.

    HUNDI_DATABASE_URL_FILE=/run/secrets/database_url

A container's secret and systemd's LoadCredential are such files.
"""

from collections.abc import MutableMapping
from pathlib import Path

PREFIX, SUFFIX = "HUNDI_", "_FILE"
MOST_BYTES = 64 * 1024


class BadSettingError(ValueError):
    """A setting's file cannot be used. The message names the variable, never what the file holds."""


def read_setting_files(environment: MutableMapping[str, str]) -> None:
    """Put what `HUNDI_…_FILE` names in place as `HUNDI_…`; a line break at the end falls away.

    Raises BadSettingError where a file cannot be read, or the setting is given twice.
    """
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable.endswith(SUFFIX) and environment[variable]:
            name = variable.removesuffix(SUFFIX)
            text = _text(variable, Path(environment[variable]))
            if environment.get(name, text) != text:
                message = f"{name} and {variable} say different things. Set one of them."
                raise BadSettingError(message)
            environment[name] = text


def _text(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        text = raw.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadSettingError(f"{variable}: {path} cannot be read: {why}.") from error
    if len(raw) > MOST_BYTES or not text or "\0" in text:
        message = f"{variable}: {path} must hold the setting's text, at most 64 KiB."
        raise BadSettingError(message)
    return text
