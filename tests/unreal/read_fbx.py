"""Run by Blender, or a Python with bpy: an FBX read by Blender's own importer, as an npz.

blender -b --factory-startup --python read_fbx.py -- IN.fbx OUT.npz
"""

import sys

import bpy
import numpy as np

source, target = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.context.scene.render.fps = 30
bpy.ops.import_scene.fbx(filepath=source)
armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
bones = armature.data.bones
names = [bone.name for bone in bones]
found = {
    "names": np.array(names),
    "parents": np.array([bone.parent.name if bone.parent else "" for bone in bones]),
    "rest": np.array([(armature.matrix_world @ b.matrix_local).translation for b in bones]),
    "turned": np.array(armature.rotation_euler),
}
action = armature.animation_data.action if armature.animation_data else None
if action is not None:
    first, last = (int(frame) for frame in action.frame_range)
    frames = []
    for frame in range(first, last + 1):
        bpy.context.scene.frame_set(frame)
        poses = [armature.pose.bones[name].matrix for name in names]
        frames.append([(armature.matrix_world @ pose).translation for pose in poses])
    found["frames"] = np.array(frames)
for body in (o for o in bpy.data.objects if o.type == "MESH"):
    weights = np.zeros((len(body.data.vertices), len(names)))
    groups = {group.index: names.index(group.name) for group in body.vertex_groups}
    for vertex in body.data.vertices:
        for group in vertex.groups:
            weights[vertex.index, groups[group.group]] = group.weight
    found["weights"] = weights
    found["points"] = np.array([body.matrix_world @ v.co for v in body.data.vertices])
    keys = body.data.shape_keys
    found["morphs"] = np.array([key.name for key in keys.key_blocks[1:]] if keys else [])
np.savez(target, **found)
