from __future__ import annotations

from threading import Event

import pytest

from autolabel_core.foundation.background import Beside

AT_ONCE, LONG_ENOUGH = 0.01, 10.0


def test_short_work_is_done_in_the_tick():
    assert Beside().take("a", lambda: 7, LONG_ENOUGH) == 7


def test_long_work_is_begun_once_and_its_result_given_out_once():
    beside, may_end, begun = Beside(), Event(), []

    def work():
        begun.append(1)
        may_end.wait(LONG_ENOUGH)
        return len(begun)

    assert [beside.take("a", work, AT_ONCE) for _ in range(3)] == [None, None, None]
    assert beside.take("b", lambda: "another", LONG_ENOUGH) == "another"
    may_end.set()
    assert beside.take("a", work, LONG_ENOUGH) == 1
    assert beside.take("a", work, LONG_ENOUGH) == 2


def test_an_error_is_raised_where_it_is_taken_and_then_forgotten():
    beside = Beside()
    with pytest.raises(ZeroDivisionError):
        beside.take("a", lambda: 1 // 0, LONG_ENOUGH)
    assert beside.take("a", lambda: 1, LONG_ENOUGH) == 1
