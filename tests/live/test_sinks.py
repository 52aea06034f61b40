"""Receivers over real sockets: those that read, those that are not there, those that stall."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest

np = pytest.importorskip("numpy")


@pytest.fixture
def bus():
    from dartenv.live.bus import Bus

    made = Bus()
    yield made
    made.close()


def udp_sink(bus, kind, port, pack):
    from dartenv.live.address import target
    from dartenv.live.sinks.udp import UdpSink

    return UdpSink(bus, kind, target(f"127.0.0.1:{port}", f"--{kind}"), pack)


def test_json_arrives_as_one_datagram_a_frame(bus, host, posed):
    from dartenv.live.sinks.udp_json import pack_json

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        port = receiver.getsockname()[1]
        sink = udp_sink(bus, "udp", port, pack_json(host.skeleton, "dartenv"))
        sink.start()
        for number in range(3):
            bus.publish(replace(posed, number=number))
        bones = [json.loads(receiver.recv(65536))["dartenv"] for _ in range(3)]
        sink.stop()
    assert [len(b) for b in bones] == [22] * 3
    assert bones[0][0]["Location"] == pytest.approx(posed.places[0] * [100, -100, 100], abs=1e-3)
    assert bus.tally("udp").numbers() == {"sent": 3, "dropped": 0, "failed": 0}


def test_vmc_is_read_by_the_server_of_python_osc(bus, host, posed):
    dispatcher = pytest.importorskip("pythonosc.dispatcher").Dispatcher()
    from pythonosc.osc_server import BlockingOSCUDPServer

    from dartenv.live.sinks.vmc import BONES, pack_vmc, positions, rotations

    got = {}
    dispatcher.map("/VMC/Ext/Bone/Pos", lambda _, name, *values: got.update({name: values}))
    server = BlockingOSCUDPServer(("127.0.0.1", 0), dispatcher)
    server.timeout = 10
    with server:
        sink = udp_sink(bus, "vmc", server.server_address[1], pack_vmc(host.skeleton, 30))
        sink.start()
        bus.publish(posed)
        while len(got) < 22:
            before = len(got)
            server.handle_request()
            assert len(got) > before
        sink.stop()
    wanted = np.concatenate([positions(posed, host.skeleton), rotations(posed)], axis=1)
    assert np.allclose([got[name] for name in BONES], wanted, atol=1e-6)
    # In numbers: the body stands at x 1, y 2, z up, turned to its left, its left arm up, a knee bent.
    half = 0.5**0.5
    assert got["Hips"] == pytest.approx((-1, 0.95, -2, 0, -half, 0, half), abs=1e-6)
    assert got["LeftUpperArm"][3:] == pytest.approx((0, 0, -half, half), abs=1e-6)
    assert got["LeftUpperArm"][:3] == pytest.approx((-0.11, 0.01, -0.02), abs=1e-6)
    assert got["LeftLowerLeg"][3:] == pytest.approx((0.5, 0, 0, 0.75**0.5), abs=1e-6)
    assert got["RightHand"][3:] == pytest.approx((0, 0, 0, 1), abs=1e-6)


def test_nobody_listening_is_no_matter(bus, posed):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    sink = udp_sink(bus, "udp", port, lambda _: [b"x"])
    sink.start()
    for _ in range(50):
        bus.publish(posed)
    sink.stop()
    tally = bus.tally("udp").numbers()
    assert tally["sent"] + tally["failed"] + tally["dropped"] >= 1


def test_a_datagram_that_is_too_large_is_counted_and_the_next_goes_on(bus, posed):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        packs = iter([[b"x" * 70000], [b"y"]])
        sink = udp_sink(bus, "udp", receiver.getsockname()[1], lambda _: next(packs))
        sink.start()
        bus.publish(posed)
        bus.publish(posed)
        assert receiver.recv(100) == b"y"
        sink.stop()
    assert bus.tally("udp").numbers() == {"sent": 1, "dropped": 0, "failed": 1}


@pytest.fixture
def bvh(bus, host):
    from dartenv.live.sinks.bvh_tcp import BvhServer

    made = BvhServer(bus, 0, host.skeleton, 30)
    made.start()
    yield made
    made.stop()


def connect(port):
    made = socket.create_connection(("127.0.0.1", port), timeout=10)
    return made, made.makefile("r", encoding="ascii", newline="\n")


def header(lines):
    found = []
    while not found or not found[-1].startswith("Frame Time"):
        found.append(lines.readline())
        assert found[-1]
    return found


def joined(bus, count=1):
    """Wait until so many receivers have a queue."""
    import time

    end = time.monotonic() + 10
    while len(bus._queues) < count:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_bvh_begins_with_its_header_and_goes_on_line_by_line(bus, bvh, host, posed):
    from dartenv.motion.bvh import BvhStream

    receiver, lines = connect(bvh.port)
    with receiver, lines:
        assert "".join(header(lines)) == BvhStream(host.skeleton, 30).header(0)
        joined(bus)
        bus.publish(posed)
        line = lines.readline()
    assert line == BvhStream(host.skeleton, 30).line(posed.rotations, posed.translation)
    values = [float(v) for v in line.split()]
    assert len(values) == 6 + 3 * 21
    assert values[:3] == pytest.approx([100, 95, -200], abs=1e-3)  # y up, centimetres


def test_a_receiver_that_stalls_leaves_the_others_alone(bus, bvh, posed, monkeypatch):
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", bvh.port))
    other, lines = connect(bvh.port)
    with stalled, other, lines:
        header(lines)
        joined(bus, 2)
        for _ in range(1500):
            bus.publish(posed)
            assert len(lines.readline().split()) == 69
            if bus.tally("bvh").dropped > 20:
                break
        assert bus.tally("bvh").dropped > 20
    bvh.stop()  # also while a thread waits to send


def test_more_receivers_than_places_are_hung_up_on(bus, bvh):
    from dartenv.live.sinks.bvh_tcp import MOST_RECEIVERS

    held = [connect(bvh.port) for _ in range(MOST_RECEIVERS)]
    for _, lines in held:
        header(lines)
    extra, lines = connect(bvh.port)
    with extra, lines:
        try:
            assert lines.readline() == ""
        except ConnectionError:
            pass
    for receiver, lines in held:
        lines.close()
        receiver.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("127.0.0.1", "HOST:PORT"),
        ("127.0.0.1:0", "HOST:PORT"),
        ("127.0.0.1:99999", "HOST:PORT"),
        ("no host at all:5", "no host at all"),
    ],
)
def test_addresses_that_cannot_be(text, said):
    from dartenv.errors import UsageFault
    from dartenv.live.address import target

    with pytest.raises(UsageFault, match=said):
        target(text, "--udp")


def test_addresses():
    from dartenv.live.address import target

    assert target("54321", "--udp")[:2] == ("127.0.0.1", 54321)
    assert target("[::1]:7", "--udp").is_here
    assert not target("192.0.2.7:39539", "--vmc").is_here


def test_a_port_that_is_taken_is_said():
    from dartenv.errors import UsageFault
    from dartenv.live.address import listen

    with listen(0, "--port") as first, pytest.raises(UsageFault, match="--port"):
        listen(first.getsockname()[1], "--port")
