import threading
import time

import pytest

from flowpose.runtime.streams import read_ahead, worked_behind


def test_items_are_read_in_order_one_ahead():
    read = []

    def reader(t):
        read.append(t)
        return 10 * t

    ahead = read_ahead(reader, [3, 1, 1, 2])
    assert next(ahead) == 30
    assert list(ahead) == [10, 10, 20]
    assert read == [3, 1, 1, 2]
    assert list(read_ahead(reader, [])) == []


def test_next_item_is_read_while_one_is_worked_on():
    second = threading.Event()

    def reader(t):
        if t:
            second.set()
        return t

    assert next(read_ahead(reader, [0, 1])) == 0
    assert second.wait(timeout=10)


def test_an_error_of_reading_comes_where_the_item_would():
    ahead = read_ahead(lambda t: 1 / t, [1, 0])
    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError):
        next(ahead)


@pytest.mark.parametrize("threads", [1, 3])
def test_work_is_done_on_all_items_and_comes_in_their_order(threads):
    def slow_if_even(t):
        if t % 2 == 0:
            time.sleep(0.01)
        return 10 * t

    assert list(worked_behind(slow_if_even, range(20), threads)) == list(range(0, 200, 10))
    assert list(worked_behind(slow_if_even, [], threads)) == []


def test_as_many_items_are_worked_on_as_there_are_threads():
    together = threading.Barrier(3, timeout=10)
    assert list(worked_behind(lambda _: together.wait() >= 0, range(3), 3)) == [True] * 3


def test_items_do_not_pile_up():
    taken, go_on = [], threading.Event()

    def items():
        for t in range(9):
            taken.append(t)
            yield t

    made = worked_behind(lambda _: go_on.wait(10), items(), 2)
    threading.Timer(0.05, go_on.set).start()
    next(made)
    assert taken == [0, 1, 2]
    assert len(list(made)) == 8


def test_an_error_of_work_comes_where_its_result_would():
    made = worked_behind(lambda t: 1 / t, [1, 0, 1], 2)
    assert next(made) == 1
    with pytest.raises(ZeroDivisionError):
        next(made)
