"""How the demo tells its story on a terminal, and what a broken promise is."""

from rich.console import Console


class PromiseBrokenError(Exception):
    """A check of the demo failed; the message says what was expected and what was seen."""


class Told:
    """Tells the story on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.checks = 0

    def scene(self, title: str) -> None:
        """Begin a part of the story under its own title."""
        self._console.print(f"\n[bold]{title}[/bold]")

    def line(self, text: str) -> None:
        """One thing that happened."""
        self._console.print(f"  {text}", highlight=False, markup=False)

    def check(self, what: str, *, expected: object, seen: object) -> None:
        """One promise, held or broken. Raises PromiseBrokenError."""
        if expected != seen:
            message = f"{what}: expected {expected}, saw {seen}"
            raise PromiseBrokenError(message)
        self.checks += 1
        self._console.print(f"    [green]✓[/green] {what}: {_shown(seen)}", highlight=False)


def _shown(seen: object) -> str:
    """Version and status as people say them; everything else as it is."""
    match seen:
        case (int() as version, str() as status):
            return f"version {version}, {status}"
        case True:
            return "yes"
        case list():
            return ", ".join(map(str, seen))
        case dict():
            return ", ".join(f"{name} {_shown(value)}" for name, value in sorted(seen.items()))
        case tuple():
            return " / ".join(map(str, seen))
    return str(seen)
