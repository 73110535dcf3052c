"""How often something is done, and said."""

from orchestrator.daemon.pace import COMPLAIN_EVERY, MOST_COMPLAINTS, Complaints, Pace


def test_at_least_so_long_in_between() -> None:
    """What is quick is done every so often; what is slow takes its share of the time and no more."""
    pace = Pace(0.5, 0.1)
    assert pace.due == 0.0
    pace.took(10.0, 10.001)
    assert pace.due == 10.501
    pace.took(20.0, 21.0)
    assert pace.due == 31.0


def test_each_complaint_once_a_minute() -> None:
    """One thing hides no other; after a minute it is said again."""
    complaints = Complaints()
    assert complaints.passes("disk", 100.0)
    assert not complaints.passes("disk", 100.0 + COMPLAIN_EVERY - 1)
    assert complaints.passes("files", 101.0)
    assert complaints.passes("disk", 100.0 + COMPLAIN_EVERY)


def test_complaints_are_bounded() -> None:
    """Endless different complaints do not fill the memory."""
    complaints = Complaints()
    for number in range(10 * MOST_COMPLAINTS):
        assert complaints.passes(str(number), 1.0)
    assert len(complaints._next) <= MOST_COMPLAINTS  # noqa: SLF001  # its size is what is tested
