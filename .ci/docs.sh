#!/bin/bash
# The documentation site, in an environment of its own: a link that leads nowhere ends it.
set -eu
python=${1:?usage: docs.sh PYTHON}
[ -x .venvs/docs/bin/python ] || "$python" -m venv .venvs/docs
.venvs/docs/bin/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
.venvs/docs/bin/python scripts/build_docs.py --out .venvs/site
