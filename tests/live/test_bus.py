"""Frames to many receivers; none of them can hold another up."""

from __future__ import annotations

import threading

from dartenv.live.bus import Bus


def test_a_slow_receiver_gets_the_newest_and_the_rest_is_counted():
    bus = Bus()
    slow, quick = bus.join("slow", 3), bus.join("quick", 100)
    for number in range(10):
        bus.publish(number)
    assert [slow.get(), slow.get(), slow.get()] == [7, 8, 9]
    assert [quick.get() for _ in range(10)] == list(range(10))
    assert bus.tally("slow").numbers() == {"sent": 0, "dropped": 7, "failed": 0}
    assert bus.tally("quick").dropped == 0


def test_getting_waits_for_a_frame():
    bus = Bus()
    queue = bus.join("a")
    got = []
    reader = threading.Thread(target=lambda: got.append(queue.get()))
    reader.start()
    bus.publish("frame")
    reader.join(10)
    assert got == ["frame"]
    assert queue.get(0.01) is None


def test_leaving_ends_whoever_waits_and_nothing_more_is_counted():
    bus = Bus()
    queue = bus.join("a", 1)
    got = []
    reader = threading.Thread(target=lambda: got.append(queue.get()))
    reader.start()
    bus.leave(queue)
    bus.leave(queue)
    reader.join(10)
    bus.publish(1)
    bus.publish(2)
    assert got == [None]
    assert queue.closed
    assert bus.tally("a").dropped == 0


def test_closing_ends_all():
    bus = Bus()
    queues = [bus.join("a"), bus.join("b")]
    bus.close()
    assert [q.get() for q in queues] == [None, None]
