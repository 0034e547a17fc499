"""Work beside what a process is about: one piece at a time, and no error is lost."""

from collections.abc import Callable
from threading import Event

import pytest

from connprune.background import Background


def test_one_piece_of_work_at_a_time_in_the_order_it_was_begun() -> None:
    done: list[str] = []
    may_go_on = Event()

    def slow() -> None:
        done.append("begun")
        may_go_on.wait()
        done.append("slow")

    with Background() as background:
        background.begin(slow)
        assert background.is_busy
        may_go_on.set()
        background.begin(lambda: done.append("second"))
    assert done == ["begun", "slow", "second"]
    assert not background.is_busy


def fail() -> None:
    raise OSError("no room")


@pytest.mark.parametrize("ask", [Background.wait, lambda found: found.begin(lambda: None)], ids=["wait", "begin"])
def test_an_error_is_raised_once_where_it_is_asked_for(ask: Callable[[Background], None]) -> None:
    with Background() as background:
        background.begin(fail)
        with pytest.raises(OSError, match="no room"):
            ask(background)


def test_an_error_is_raised_on_leaving_if_nobody_asked() -> None:
    with pytest.raises(OSError, match="no room"), Background() as background:
        background.begin(fail)


def test_an_error_is_found_without_waiting() -> None:
    with Background() as background:
        background.begin(fail)
        while background.is_busy:
            pass
        with pytest.raises(OSError, match="no room"):
            background.require_no_error()


def test_leaving_waits_and_does_not_replace_another_error() -> None:
    done: list[str] = []
    may_go_on = Event()

    def work() -> None:
        may_go_on.wait()
        done.append("written")
        fail()

    def diverge() -> None:
        with Background() as background:
            background.begin(work)
            may_go_on.set()
            raise ValueError("diverged")

    with pytest.raises(ValueError, match="diverged"):
        diverge()
    assert done == ["written"]
