#!/bin/sh
# From a machine with nothing but a shell to `dartenv bootstrap`:  sh scripts/bootstrap.sh [its options]
#
# Finds a Python (3.8 to 3.13), puts dartenv into an environment of its own, then runs
# `dartenv bootstrap` with the options given. Can be interrupted and repeated. It asks for no rights,
# and changes neither PATH nor any start-up file.
#
#   DARTENV_PYTHON  the Python to use, instead of looking for one
#   DARTENV_APP     where dartenv is put; default: ~/.local/share/dartenv/app
#   DARTENV_FROM    what is installed: a folder, a wheel, or a name on the package index;
#                   default: the checkout that this script lies in, else "dartenv"
set -eu

say() { printf 'dartenv: %s\n' "$*" >&2; }

app=${DARTENV_APP:-${XDG_DATA_HOME:-$HOME/.local/share}/dartenv/app}
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${DARTENV_FROM:-}" ]; then
  from=$DARTENV_FROM
elif [ -f "$here/../pyproject.toml" ] && [ -d "$here/../dartenv" ]; then
  from=$(cd "$here/.." && pwd)
else
  from=dartenv
fi

looked=
# usable PYTHON: it runs, is recent enough and can make environments; else why not is kept.
usable() {
  [ -n "$1" ] || return 1
  command -v "$1" >/dev/null 2>&1 || return 1
  if answer=$("$1" -c 'import sys
v = sys.version_info
try:
    import ensurepip, venv
    print("%d.%d" % v[:2] if (3, 8) <= v[:2] <= (3, 13) else "Python %d.%d" % v[:2])
except ImportError as error:
    print("no module " + str(error.name))' </dev/null 2>/dev/null); then
    case $answer in
      3.*) return 0 ;;
    esac
  else
    answer="does not run"
  fi
  looked="$looked
  $1: $answer"
  return 1
}

find_python() {
  if [ -n "${DARTENV_PYTHON:-}" ]; then
    usable "$DARTENV_PYTHON" && printf '%s\n' "$DARTENV_PYTHON" && return 0
    say "DARTENV_PYTHON=$DARTENV_PYTHON: not a Python 3.8 to 3.13 that can make environments$looked"
    return 1
  fi
  # What dartenv itself runs on is no matter of DART's: the newer, the quicker.
  for name in python3.12 python3.11 python3.10 python3.13 python3.9 python3.8 python3 python; do
    usable "$name" && command -v "$name" && return 0
  done
  for path in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3 \
    "${CONDA_PREFIX:-}/bin/python" "$HOME"/miniforge3/bin/python "$HOME"/miniconda3/bin/python \
    "$HOME"/anaconda3/bin/python /opt/conda/bin/python; do
    [ -x "$path" ] && usable "$path" && printf '%s\n' "$path" && return 0
  done
  say "no Python 3.8 to 3.13 that can make environments was found.${looked:+ Seen:}$looked"
  say "Install one, for instance: sudo apt install python3 python3-venv, or https://www.python.org/downloads/"
  return 1
}

# What an installation was made from. A folder counts as another one when a file of it is newer.
stamp=$app/.dartenv-from
fresh() {
  [ -x "$app/bin/dartenv" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$from" ] || return 1
  "$app/bin/dartenv" --version >/dev/null 2>&1 || return 1
  [ ! -d "$from" ] || [ -z "$(find "$from/dartenv" "$from/manifests" "$from/pyproject.toml" \
    -newer "$stamp" -type f ! -name '*.pyc' 2>/dev/null | head -n 1)" ]
}

if ! fresh; then
  python=$(find_python) || exit 2
  say "putting dartenv into $app, with $python"
  mkdir -p "$app"
  rm -f "$stamp"
  # --clear: what an interrupted run left is no environment to build on.
  "$python" -m venv --clear "$app" || {
    say "$python could not make an environment in $app; try: sudo apt install python3-venv"
    exit 4
  }
  "$app/bin/python" -m pip install --quiet --disable-pip-version-check "${from}[ort,export,assets]" || {
    say "dartenv could not be installed from $from; what pip says is above. Run this again when that is mended."
    exit 4
  }
  printf '%s' "$from" >"$stamp.new"
  mv "$stamp.new" "$stamp"
fi
say "dartenv is $app/bin/dartenv"
exec "$app/bin/dartenv" bootstrap "$@"
