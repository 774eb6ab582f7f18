"""Ids that the network can be asked for again: no path of a URL can hold `.` or `..`, nor a tab."""

import pytest

from hundi.documents.order_bodies import OrderBody
from hundi.kernel.faults import RefusedError
from hundi.kernel.reading import read
from hundi.simulator import story
from tests.documents.bodies import put


@pytest.mark.parametrize("object_id", [".", "..", "..\n", "a\tb", "\x1f", "a\x7f"])
def test_a_dot_or_a_control_character_is_no_id(object_id: str) -> None:
    body = put(story.order(1), objectId=object_id)
    with pytest.raises(RefusedError) as refusal:
        read(story.dumps(body), OrderBody)
    [fault] = refusal.value.faults
    assert (fault.code, fault.path) == ("SHAPE-PATTERN", "purchaseOrder.objectId")
    assert "other than . and .." in fault.detail


@pytest.mark.parametrize("object_id", ["...", ".x", "a.", "a/..", "\u20b9", " .", "%2E"])
def test_other_dots_are_the_authors_own(object_id: str) -> None:
    body = put(story.order(1), objectId=object_id)
    assert read(story.dumps(body), OrderBody).purchaseOrder.objectId == object_id
