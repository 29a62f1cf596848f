from __future__ import annotations

from threading import Event

import pytest

from autolabel_core.foundation.background import BackgroundJobs

AT_ONCE, LONG_ENOUGH = 0.01, 10.0


def test_short_work_is_done_in_the_tick():
    assert BackgroundJobs().result_or_start("a", lambda: 7, LONG_ENOUGH) == 7


def test_long_work_is_begun_once_and_its_result_given_out_once():
    jobs, may_end, begun = BackgroundJobs(), Event(), []

    def work():
        begun.append(1)
        may_end.wait(LONG_ENOUGH)
        return len(begun)

    assert [jobs.result_or_start("a", work, AT_ONCE) for _ in range(3)] == [None, None, None]
    assert jobs.result_or_start("b", lambda: "another", LONG_ENOUGH) == "another"
    may_end.set()
    assert jobs.result_or_start("a", work, LONG_ENOUGH) == 1
    assert jobs.result_or_start("a", work, LONG_ENOUGH) == 2


def test_an_error_is_raised_where_it_is_taken_and_then_forgotten():
    jobs = BackgroundJobs()
    with pytest.raises(ZeroDivisionError):
        jobs.result_or_start("a", lambda: 1 // 0, LONG_ENOUGH)
    assert jobs.result_or_start("a", lambda: 1, LONG_ENOUGH) == 1
