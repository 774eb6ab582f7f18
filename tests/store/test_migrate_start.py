"""What a command does before its work: it finds the newest revision without loading Alembic."""

import subprocess
import sys

from alembic.script import ScriptDirectory

from hundi.store import migrate


def test_the_newest_revision_is_alembics() -> None:
    assert migrate._newest() == ScriptDirectory(str(migrate._SCRIPTS)).get_current_head()


def test_tables_that_are_up_to_date_are_left_without_alembic(sqlite_url: str) -> None:
    program = (
        f"import sys; from hundi.store.migrate import upgrade; upgrade({sqlite_url!r});"
        " sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
