"""The state file: kept whole, kept by one, and refused where it is something else."""

import sqlite3
from pathlib import Path

import pytest

from hundi.simulator.state import StateError, in_memory, open_state
from tests.simulator.messages import asked, copy_id, new_erp, outcome_id, request_id, resp, told


def test_what_was_answered_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "erp.db"
    erp = new_erp(state=open_state(path))
    first = asked(erp)
    told(erp, outcome_id(5), object_id="PUR5")
    told(erp, copy_id(7), result="FAILURE", object_id="PUR7")
    before = (erp.documents(), erp.applied(), erp.state.received(), erp.state.outcomes())
    erp.state.close()

    again = new_erp(state=open_state(path))
    after = (again.documents(), again.applied(), again.state.received(), again.state.outcomes())
    assert after == before
    assert asked(again).body == first.body
    assert again.applied() == {request_id(1): 1, outcome_id(5): 1}
    assert resp(asked(again, 7, object_id="PUR7"))["errorCd"] == "ERP-ENDED"
    again.state.close()


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    state = open_state(tmp_path / "erp.db")
    assert state._connection.execute("pragma synchronous").fetchone() == (2,)
    assert state._connection.execute("pragma journal_mode").fetchone() == ("wal",)
    state.close()


def test_a_second_simulator_on_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "erp.db"
    state = open_state(path)
    with pytest.raises(StateError, match="another simulator"):
        open_state(path)
    state.close()
    open_state(path).close()


def test_another_kind_of_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "erp.db"
    path.write_bytes(b"buy yarn\n" * 500)
    with pytest.raises(StateError, match=r"erp\.db cannot be used"):
        open_state(path)
    assert path.read_bytes() == b"buy yarn\n" * 500


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="unable to open"):
        open_state(tmp_path / "none" / "erp.db")


def test_answer_and_effect_are_kept_together_or_not_at_all() -> None:
    erp = new_erp(state=in_memory())
    erp.state._connection.execute(
        "create trigger full before insert on answer begin select raise(abort, 'disk full'); end"
    )
    with pytest.raises(sqlite3.IntegrityError, match="disk full"):
        asked(erp)
    assert (erp.applied(), list(erp.state.received())) == ({}, [])
    erp.state._connection.execute("drop trigger full")
    asked(erp)
    assert erp.applied() == {request_id(1): 1}
    erp.state.close()


@pytest.mark.parametrize("where", ["memory", "file"])
def test_the_log_is_bounded_and_no_answer_is_forgotten(tmp_path: Path, where: str) -> None:
    path = tmp_path / "erp.db"
    state = in_memory(log_kept=3) if where == "memory" else open_state(path, log_kept=3)
    erp = new_erp(state=state)
    first = asked(erp, 1)
    for number in range(2, 8):
        asked(erp, number, object_id=f"PUR{number}")
    assert [row["n"] for row in state.received()] == [5, 6, 7]
    again = asked(erp, 1)
    assert again.body == first.body
    assert [(row["n"], row["repeat"]) for row in state.received()] == [(6, 0), (7, 0), (8, 1)]
    assert [row["n"] for row in state.received(after=7)] == [8]
    assert erp.applied() == {request_id(number): 1 for number in range(1, 8)}
    assert len(erp.documents()) == 7
    state.close()


def test_a_held_message_whose_line_is_gone_is_still_decided() -> None:
    rules = [{"when": {"objectId": "PUR1"}, "do": {"answer": "hold"}}]
    erp = new_erp(rules, state=in_memory(log_kept=1))
    held = asked(erp)
    asked(erp, 2, object_id="PUR2")
    assert resp(erp.resume(held.entry))["result"] == "SUCCESS"
    assert [row["n"] for row in erp.state.received()] == [2]
    erp.state.close()
