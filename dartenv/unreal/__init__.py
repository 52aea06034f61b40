"""Bodies and clips for Unreal Engine: glTF by numpy alone, FBX through Blender, retargeting data.

Arrays are numpy's, lengths metres, the frame SMPL-X's, which glTF shares: right-handed, y up, the
body faces +z and its left is +x. What a receiver wants otherwise is turned where it is written.
"""
