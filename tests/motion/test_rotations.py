"""Conventions of rotations, held against values worked out by hand and against each other."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy")
from dartenv.motion import rotations as r  # noqa: E402

QUARTER_Z = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])  # x to y, y to -x


def _many(count=200, seed=1):
    return r.matrix_from_quaternion(np.random.default_rng(seed).standard_normal((count, 4)))


def test_a_quarter_turn_about_z_is_what_each_form_says():
    half = np.sqrt(0.5)
    assert np.allclose(r.matrix_from_quaternion([half, 0, 0, half]), QUARTER_Z)
    assert np.allclose(r.quaternion_from_matrix(QUARTER_Z), [half, 0, 0, half])
    assert np.allclose(r.matrix_from_axis_angle([0, 0, np.pi / 2]), QUARTER_Z)
    assert np.allclose(r.axis_angle_from_matrix(QUARTER_Z), [0, 0, np.pi / 2])
    assert np.allclose(r.six_from_matrix(QUARTER_Z), [0, -1, 0, 1, 0, 0])
    for order in r.ORDERS:
        angles = np.zeros(3)
        angles[order.index("Z")] = np.pi / 2
        assert np.allclose(r.matrix_from_euler(angles, order), QUARTER_Z)


def test_euler_angles_are_intrinsic_from_left_to_right():
    a, b, c = 0.4, -0.7, 1.1
    one = r.matrix_from_axis_angle([0, 0, a])
    two = r.matrix_from_axis_angle([b, 0, 0])
    three = r.matrix_from_axis_angle([0, c, 0])
    assert np.allclose(r.matrix_from_euler([a, b, c], "ZXY"), one @ two @ three)


@pytest.mark.parametrize("order", r.ORDERS)
def test_euler_angles_come_back_to_the_same_matrix(order):
    matrices = _many()
    angles = r.euler_from_matrix(matrices, order)
    assert np.abs(angles[:, 1]).max() <= np.pi / 2 + 1e-9
    assert np.allclose(r.matrix_from_euler(angles, order), matrices, atol=1e-9)
    for middle in (np.pi / 2, -np.pi / 2):
        locked = r.matrix_from_euler([0.3, middle, -1.2], order)
        found = r.euler_from_matrix(locked, order)
        assert found[2] == 0
        assert np.allclose(r.matrix_from_euler(found, order), locked, atol=1e-9)


def test_every_form_comes_back_to_the_same_matrix():
    matrices = np.concatenate([_many(), [np.eye(3)], r.matrix_from_axis_angle(np.eye(3) * np.pi)])
    assert np.allclose(r.matrix_from_quaternion(r.quaternion_from_matrix(matrices)), matrices)
    assert np.allclose(r.matrix_from_axis_angle(r.axis_angle_from_matrix(matrices)), matrices)
    assert np.allclose(r.matrix_from_6d(r.six_from_matrix(matrices)), matrices)
    assert (r.quaternion_from_matrix(matrices)[:, 0] >= 0).all()


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 1e-5, 1e-3, 3.14159265])
def test_small_and_half_turns_lose_nothing(angle):
    vector = np.array([0.6, 0.0, 0.8]) * angle
    assert np.allclose(
        r.axis_angle_from_matrix(r.matrix_from_axis_angle(vector)), vector, atol=1e-9
    )


def test_six_numbers_that_are_no_rotation_are_made_one_as_dart_does():
    made = r.matrix_from_6d([2.0, 0, 0, 5, 3, 0])
    assert np.allclose(made, np.eye(3))


def test_the_nearest_angles_are_the_same_rotation_and_nearer():
    before = np.array([3.1, 0.2, -3.0])
    matrix = r.matrix_from_euler([-3.1, 0.25, 3.05], "ZXY")
    plain = r.euler_from_matrix(matrix, "ZXY")
    near = r.nearest_euler(plain, before)
    assert np.allclose(r.matrix_from_euler(near, "ZXY"), matrix)
    assert np.abs(near - before).sum() < 0.5 < np.abs(plain - before).sum()


def test_slerp_goes_the_short_way_at_an_even_pace():
    start, end = np.eye(3), r.matrix_from_axis_angle([0, 0, 1.6])
    for share in (0.0, 0.25, 0.5, 1.0):
        found = r.slerp(start, end, share)
        assert np.allclose(r.axis_angle_from_matrix(found), [0, 0, 1.6 * share], atol=1e-9)


def test_an_unknown_order_is_named():
    with pytest.raises(ValueError, match="ZXZ"):
        r.euler_from_matrix(np.eye(3), "ZXZ")
