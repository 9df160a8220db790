"""Threads that compute share the processor."""

import threading
import time

import pytest

from wbcseg import turns
from wbcseg.turns import WorkCancelledError, pause, take_turns


@pytest.fixture(autouse=True)
def short_turns(monkeypatch):
    monkeypatch.setattr(turns, "MIN_TURN", 0.01)


def run(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_short_work_does_not_wait_for_long_work():
    began, done, order = threading.Event(), threading.Event(), []

    def work_long():
        with take_turns():
            began.set()
            for _ in range(1000):
                time.sleep(0.005)
                pause()
                if done.is_set():
                    break
        order.append("long")

    def work_shortly():
        with take_turns():
            for _ in range(5):
                time.sleep(0.005)
                pause()
        order.append("short")
        done.set()

    long = run(work_long)
    assert began.wait(5)
    short = run(work_shortly)
    short.join(5)
    long.join(5)
    assert order == ["short", "long"]


def test_only_one_thread_works_at_a_time_and_each_gets_its_turn():
    working, most, done = [], [], []

    def work(name):
        with take_turns():
            for _ in range(10):
                working.append(name)
                most.append(len(working))
                time.sleep(0.012)
                working.remove(name)
                done.append(name)
                pause()

    threads = [run(lambda name=name: work(name)) for name in "abc"]
    for thread in threads:
        thread.join(10)
    assert max(most) == 1
    assert set(done[:6]) == set("abc")


@pytest.mark.parametrize("is_waiting", [False, True])
def test_work_that_is_no_longer_wanted_ends_while_it_works_and_while_it_waits(is_waiting):
    wanted, ended, release = threading.Event(), threading.Event(), threading.Event()
    wanted.set()

    def block():
        with take_turns():
            release.wait(5)

    blocker = run(block) if is_waiting else None

    def work():
        try:
            with take_turns(wanted.is_set):
                while True:
                    time.sleep(0.005)
                    pause()
        except WorkCancelledError:
            ended.set()

    time.sleep(0.05)
    run(work)
    time.sleep(0.05)
    wanted.clear()
    assert ended.wait(2)
    release.set()
    if blocker:
        blocker.join(5)
    with take_turns():
        pass


def test_a_turn_ends_when_the_work_fails():
    with pytest.raises(KeyError), take_turns():
        raise KeyError
    with take_turns(), take_turns():
        pause()


def test_nothing_waits_outside_of_turns():
    with take_turns():
        thread = run(pause)
        thread.join(2)
        assert not thread.is_alive()
