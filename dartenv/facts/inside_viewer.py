"""Runs in the target after inside_run.py: pyrender and a place to draw."""

MYPY = False
if MYPY:
    from typing import Any, Dict

    from dartenv.facts.inside_run import step
    from dartenv.facts.inside_torch import import_name


def task_viewer(asked: "Dict[str, Any]") -> "None":
    """pyrender imports, measures a mesh, and opens an OpenGL context of its own choosing."""
    if step("imports.viewer", lambda details: import_name(details, "pyrender")):
        step("imports.viewer:mesh", measure_mesh)
        step("imports.viewer:context", open_context, asked["gpu_idle"])


def measure_mesh(details: "Dict[str, str]") -> "None":
    """The bounds of one point, which is where pyrender meets a numpy it does not know."""
    import numpy
    import pyrender

    details["numpy"] = str(numpy.__version__)
    bounds = pyrender.Mesh.from_points(numpy.zeros((1, 3))).bounds
    details["bounds"] = str(bounds.tolist())


def open_context(details: "Dict[str, str]") -> "None":
    """An invisible drawing surface, through the same platform choice as the viewer's window."""
    import os

    import pyrender

    details["platform"] = os.environ.get("PYOPENGL_PLATFORM", "pyglet")
    renderer = pyrender.OffscreenRenderer(16, 16)
    try:
        from OpenGL.GL import GL_RENDERER, GL_VERSION, glGetString

        for key, name in (("version", GL_VERSION), ("renderer", GL_RENDERER)):
            text = glGetString(name)
            if text is not None:
                details[key] = text.decode("ascii", "replace")
    finally:
        renderer.delete()
