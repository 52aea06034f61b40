"""Motion without torch: skeleton, rotations, forward kinematics, BVH, npz, pictures; numpy alone.

Arrays are numpy's. Rotations are 3x3 matrices that act on column vectors, each relative to its
parent joint; lengths are metres; the world is DART's, z up, unless a name says otherwise.
"""
