#!/bin/bash
# A Python with bpy, Blender's own importers, and the tests that read FBX and glTF back through them.
set -eu
python=${1:?usage: blender.sh PYTHON_3.11 TEST_PYTHON [pytest options]}
tests=${2:?}
shift 2
# What bpy's library wants of the system; Wine's set-up may be using apt at the same time.
DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=500 install -y --no-install-recommends \
  libgl1 libxi6 libxfixes3 libxrender1 libxkbcommon0 libsm6 >/dev/null
[ -x .venvs/blender/bin/python ] || "$python" -m venv .venvs/blender
.venvs/blender/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir 'bpy==4.5.*'
DARTENV_TEST_BLENDER=$PWD/.venvs/blender/bin/python exec "$tests" -m pytest tests/unreal "$@"
