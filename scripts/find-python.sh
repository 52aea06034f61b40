#!/bin/bash
# find-python.sh 3.8   prints the path of a Linux CPython of that minor version, or says where it looked.
# A pyenv shim exists for every version that pyenv knows, but runs only for the chosen one: so each
# candidate is run before it is believed.
set -u
wanted=${1:?usage: find-python.sh 3.8}

usable() {
  [ -n "$1" ] && timeout 20 "$1" -c "
import sys
sys.exit(sys.version_info[:2] != tuple(map(int, '$wanted'.split('.'))))" </dev/null >/dev/null 2>&1
}

for candidate in \
  "$(command -v "python$wanted")" \
  "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$wanted".*/bin/python3 \
  "$(command -v uv >/dev/null && timeout 20 uv python find --offline "$wanted" 2>/dev/null)" \
  "$(command -v python3)" "$(command -v python)"; do
  if usable "$candidate"; then
    printf '%s\n' "$candidate"
    exit 0
  fi
done
echo "no Python $wanted found: looked for python$wanted on PATH, in pyenv's versions and in uv's." \
  "Install it, for instance: pyenv install $wanted" >&2
exit 1
