import threading

import pytest

from flowpose.streams import read_ahead, written_behind


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


def test_calls_are_made_in_order_and_all_of_them():
    made = []
    with written_behind() as write:
        for t in range(20):
            write(made.append, t)
    assert made == list(range(20))


def test_calls_do_not_pile_up():
    go_on, made = threading.Event(), []
    with written_behind() as write:
        write(go_on.wait, 10)
        write(made.append, 1)
        threading.Timer(0.05, go_on.set).start()
        write(made.append, 2)
        assert go_on.is_set()


@pytest.mark.parametrize("n_after", [0, 5])
def test_an_error_of_writing_is_raised(n_after):
    with pytest.raises(ZeroDivisionError), written_behind() as write:
        for t in (0, *[1] * n_after):
            write(lambda t: print(1 / t), t)
