"""Bone transforms as Unreal and Unity read them, against rotations that are written out here, and
against positions that the receiver's own arithmetic gives."""

from __future__ import annotations

import json
from math import cos, pi, sin

import pytest

np = pytest.importorskip("numpy")

HALF = sin(pi / 4)


def turned(quaternion, vector):
    """A vector turned by (x, y, z, w): the same formula in a left-handed frame as in a right one."""
    axis, w = np.asarray(quaternion[:3]), quaternion[3]
    return vector + 2 * np.cross(axis, np.cross(axis, vector) + w * np.asarray(vector))


def product(a, b):
    x, y = np.asarray(a[:3]), np.asarray(b[:3])
    return [*(a[3] * y + b[3] * x + np.cross(x, y)), a[3] * b[3] - x @ y]


def chained(parents, places, turns):
    """Where bones are, as an engine composes transforms that are relative to the parent's."""
    where, how = [], []
    for joint, parent in enumerate(parents):
        if parent < 0:
            where.append(np.asarray(places[joint]))
            how.append(turns[joint])
        else:
            where.append(where[parent] + turned(how[parent], places[joint]))
            how.append(product(how[parent], turns[joint]))
    return np.array(where)


class LiveLinkParser:
    """Reads a datagram as JSONLiveLink does: every field is a subject with an array of bones; a
    bone without Name or Parent, or with arrays of other lengths, makes the datagram invalid."""

    def __init__(self, form="list"):
        self.form = form
        self.skeletons, self.transforms = {}, {}

    def read(self, datagram):
        # The plugin widens each byte to a character: only ASCII comes through unharmed.
        document = json.loads("".join(chr(byte) for byte in datagram))
        for subject, bones in document.items():
            if self.form == "object":  # later plugins of that name
                bones = bones["Bone"]
            assert isinstance(bones, list)
            if subject not in self.skeletons:
                names = [str(bone["Name"]) for bone in bones]
                parents = [int(bone["Parent"]) for bone in bones]
                self.skeletons[subject] = (names, parents)
            found = []
            for bone in bones:
                assert len(bone["Location"]) == 3
                assert len(bone["Rotation"]) == 4
                assert len(bone["Scale"]) == 3
                found.append((bone["Rotation"], bone["Location"], bone["Scale"]))
            self.transforms[subject] = found


@pytest.fixture(params=["list", "object"])
def unreal(posed, host, request):
    from dartenv.live.sinks.udp_json import pack_json

    parser = LiveLinkParser(request.param)
    (datagram,) = pack_json(host.skeleton, "dartenv-sandbox", request.param)(posed)
    assert len(datagram) < 8192
    parser.read(datagram)
    return parser


def test_unreal_bones_are_named_and_joined(unreal, host):
    names, parents = unreal.skeletons["dartenv-sandbox"]
    assert names == list(host.skeleton.names)
    assert parents == list(host.skeleton.parents)
    assert all(scale == [1, 1, 1] for _, _, scale in unreal.transforms["dartenv-sandbox"])


def test_unreal_rotations_in_numbers(unreal):
    turns = [rotation for rotation, _, _ in unreal.transforms["dartenv-sandbox"]]
    # The arm's +90 degrees about z are -90 in a frame whose y is mirrored; x likewise, y stays.
    assert turns[16] == pytest.approx([0, 0, -HALF, HALF], abs=1e-6)
    assert turns[4] == pytest.approx([-sin(pi / 6), 0, 0, cos(pi / 6)], abs=1e-6)
    assert turns[15] == pytest.approx([0, sin(pi / 8), 0, cos(pi / 8)], abs=1e-6)
    assert turns[3] == pytest.approx([0, 0, 0, 1], abs=1e-9)


def test_unreal_places_are_the_bodys_mirrored_and_in_centimetres(unreal, posed, host):
    rows = unreal.transforms["dartenv-sandbox"]
    where = chained(host.skeleton.parents, [r[1] for r in rows], [r[0] for r in rows])
    assert np.allclose(where, posed.places * [100, -100, 100], atol=2e-3)
    # Turned to its left from facing -y it faces +x; its left, raised arm is above the shoulder.
    toes, ankle, shoulder, elbow = where[11], where[8], where[16], where[18]
    assert toes[0] - ankle[0] == pytest.approx(13, abs=0.1)
    assert elbow[2] - shoulder[2] == pytest.approx(26, abs=0.1)
    # Facing +x, the left is -y in Unreal, whose y points to the right.
    assert where[1][1] < where[0][1] < where[2][1]


@pytest.fixture
def unity(posed, host):
    osc = pytest.importorskip("pythonosc.osc_packet")
    from dartenv.live.sinks.vmc import MOST_BYTES, pack_vmc

    datagrams = pack_vmc(host.skeleton, 30)(posed)
    assert all(len(d) <= MOST_BYTES for d in datagrams)
    return [m.message for d in datagrams for m in osc.OscPacket(d).messages]


def test_unity_gets_every_bone_once_and_that_it_is_there(unity, host):
    by_address = {}
    for message in unity:
        by_address.setdefault(message.address, []).append(message.params)
    assert by_address["/VMC/Ext/OK"] == [[1]]
    assert by_address["/VMC/Ext/T"] == [[pytest.approx(7 / 30)]]
    assert by_address["/VMC/Ext/Root/Pos"] == [["root", 0, 0, 0, 0, 0, 0, 1]]
    bones = [params[0] for params in by_address["/VMC/Ext/Bone/Pos"]]
    assert len(bones) == len(set(bones)) == 22
    assert dict(zip(host.skeleton.names, bones))["left_elbow"] == "LeftLowerArm"
    assert dict(zip(host.skeleton.names, bones))["right_hip"] == "RightUpperLeg"


def test_unity_rotations_in_numbers(unity):
    turns = {m.params[0]: m.params[4:] for m in unity if m.address.endswith("Bone/Pos")}
    # x is mirrored: turns about y and z change their sign, those about x do not.
    assert turns["LeftUpperArm"] == pytest.approx([0, 0, -HALF, HALF], abs=1e-6)
    assert turns["LeftLowerLeg"] == pytest.approx([sin(pi / 6), 0, 0, cos(pi / 6)], abs=1e-6)
    assert turns["Head"] == pytest.approx([0, -sin(pi / 8), 0, cos(pi / 8)], abs=1e-6)
    # Upright, and turned to its left: against the clock from above is negative in Unity.
    assert turns["Hips"] == pytest.approx([0, -HALF, 0, HALF], abs=1e-6)


def test_unity_places_are_the_bodys_mirrored_with_y_up(unity, posed, host):
    rows = [m.params for m in unity if m.address.endswith("Bone/Pos")]
    where = chained(host.skeleton.parents, [r[1:4] for r in rows], [r[4:] for r in rows])
    x, y, z = posed.places.T
    assert np.allclose(where, np.stack([-x, z, -y], axis=-1), atol=1e-5)
    assert where[18][1] - where[16][1] == pytest.approx(0.26, abs=1e-3)


def test_a_page_gets_places_and_the_time(posed):
    from dataclasses import replace

    from dartenv.live.sinks.browser import pack

    data = pack(replace(posed, prompt=3, due=1.5e9))
    assert len(data) == 284
    assert np.frombuffer(data[:8], "<u4").tolist() == [7, 3]
    assert np.frombuffer(data[8:16], "<f8")[0] == 1.5e12
    assert np.allclose(np.frombuffer(data[20:], "<f4").reshape(22, 3), posed.places, atol=1e-6)


@pytest.mark.parametrize(("kind", "name"), [("dart", "dartenv"), ("sandbox", "dartenv-sandbox")])
def test_the_subject_says_what_the_motion_is(kind, name):
    from dartenv.live.sinks.udp_json import subject_name

    assert subject_name(kind) == name
