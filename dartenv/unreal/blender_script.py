"""Writes FBX. Runs inside Blender, or in a Python that has bpy; dartenv itself never imports it.

    blender -b --factory-startup --python-exit-code 9 --python blender_script.py -- IN.npz OUT.fbx
    python blender_script.py -- IN.npz OUT.fbx

IN.npz is what dartenv.unreal.fbx writes: y up, metres. Unreal wants z up and centimetres; the
options below are the only ones seen that leave the Armature node unturned and at scale 1.
Python 3.7 syntax; needs numpy, which Blender's own Python has.
"""

import json
import sys
from typing import Any, Dict, List, Tuple

import bpy
import numpy as np

SCALE = 100.0
BONE = 4.0  # centimetres; how long a bone is drawn, which FBX does not keep
REST_FRAME = -1


def turned(values: Any) -> Any:
    """y up to z up: (x, y, z) to (x, -z, y), in centimetres."""
    scaled = np.asarray(values, dtype=np.float64) * SCALE
    return np.stack([scaled[..., 0], -scaled[..., 2], scaled[..., 1]], axis=-1)


def empty_scene(fps: float) -> Any:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.unit_settings.system = "METRIC"
    scene.unit_settings.scale_length = 0.01
    scene.render.fps = max(1, round(fps))
    scene.render.fps_base = scene.render.fps / fps
    return scene


def make_armature(scene: Any, given: Dict[str, Any]) -> Any:
    data = bpy.data.armatures.new("Armature")
    armature = bpy.data.objects.new("Armature", data)  # Unreal drops a node of exactly this name
    scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    heads = turned(given["rest"])
    for name, parent, head in zip(given["names"], given["parents"], heads):
        bone = data.edit_bones.new(str(name))
        # Along z with no roll, a bone's own axes are the body model's, so that a pose's rotation
        # is the axis-angle itself.
        bone.head, bone.tail, bone.roll = head, head + np.array([0, 0, BONE]), 0.0
        if parent >= 0:
            bone.parent = data.edit_bones[str(given["names"][parent])]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature


def make_mesh(scene: Any, given: Dict[str, Any], armature: Any) -> None:
    name = str(given["mesh_name"])
    mesh = bpy.data.meshes.new(name)
    faces = given["faces"]
    mesh.from_pydata(turned(given["points"]).tolist(), [], faces.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), dtype=bool))
    if "uv" in given:
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", given["uv"].astype(np.float32).reshape(-1))
    body = bpy.data.objects.new(name, mesh)
    scene.collection.objects.link(body)
    groups = [body.vertex_groups.new(name=str(bone)) for bone in given["names"]]
    for point, (joints, weights) in enumerate(zip(given["joints"], given["weights"])):
        for joint, weight in zip(joints.tolist(), weights.tolist()):
            if weight > 0:
                groups[joint].add([point], weight, "REPLACE")
    if "morphs" in given:
        body.shape_key_add(name="Basis", from_mix=False)
        rest = turned(given["points"])
        for morph, moves in zip(given["morph_names"], given["morphs"]):
            key = body.shape_key_add(name=str(morph), from_mix=False)
            key.data.foreach_set("co", (rest + turned(moves)).astype(np.float32).reshape(-1))
    body.parent = armature
    modifier = body.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature


def curves_of(action: Any) -> List[Any]:
    """An action's curves: Blender 5 keeps them in layers alone."""
    if hasattr(action, "fcurves"):
        return list(action.fcurves)
    return [
        curve
        for layer in action.layers
        for strip in layer.strips
        for bag in strip.channelbags
        for curve in bag.fcurves
    ]


def animate(scene: Any, given: Dict[str, Any], armature: Any) -> None:
    """Keys for every frame, and the rest pose before them: an animation's FBX has no bind pose
    but the one that the armature stands in while it is written."""
    quaternions, places = given["quaternions"], turned(given["places"])
    frames = len(places)
    values: Dict[Tuple[str, int], Any] = {}
    for joint, name in enumerate(given["names"]):
        bone = armature.pose.bones[str(name)]
        bone.rotation_mode = "QUATERNION"
        bone.keyframe_insert("rotation_quaternion", frame=REST_FRAME)
        for part in range(4):
            values[f'pose.bones["{name}"].rotation_quaternion', part] = quaternions[:, joint, part]
    root = str(given["names"][0])
    armature.pose.bones[root].keyframe_insert("location", frame=REST_FRAME)
    # A pose's place is told in the bone's own axes, which are the body model's.
    moved = (given["places"] - given["rest"][0]) * SCALE
    for part in range(3):
        values[f'pose.bones["{root}"].location', part] = moved[:, part]
    action = armature.animation_data.action
    action.name = str(given["action"])
    for curve in curves_of(action):
        keys = np.stack([np.arange(frames), values[curve.data_path, curve.array_index]], axis=1)
        points = curve.keyframe_points
        points.add(frames)
        rest = [float(x) for x in points[0].co]
        every = np.concatenate([[rest], keys]).astype(np.float32)
        points.foreach_set("co", every.reshape(-1))
        for point in points:
            point.interpolation = "LINEAR"
        curve.update()
    scene.frame_start, scene.frame_end = 0, frames - 1
    scene.frame_set(REST_FRAME)


def export(path: str, animated: bool) -> None:
    bpy.ops.export_scene.fbx(
        filepath=path,
        use_selection=False,
        object_types={"ARMATURE", "MESH"},
        global_scale=1.0,
        apply_scale_options="FBX_SCALE_NONE",
        axis_forward="Y",
        axis_up="Z",
        bake_space_transform=False,
        use_mesh_modifiers=False,
        mesh_smooth_type="FACE",
        add_leaf_bones=False,
        primary_bone_axis="Y",
        secondary_bone_axis="X",
        use_armature_deform_only=False,
        bake_anim=animated,
        bake_anim_use_all_bones=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_step=1.0,
        bake_anim_simplify_factor=0.0,
        path_mode="AUTO",
        embed_textures=False,
    )


def main(source: str, target: str) -> None:
    with np.load(source, allow_pickle=False) as archive:
        given = {name: archive[name] for name in archive.files}
    animated = "quaternions" in given
    scene = empty_scene(float(given["fps"]) if animated else 30.0)
    armature = make_armature(scene, given)
    if "points" in given:
        make_mesh(scene, given, armature)
    if animated:
        animate(scene, given, armature)
    export(target, animated)
    print("DARTENV-FBX " + json.dumps({"blender": bpy.app.version_string}))


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
