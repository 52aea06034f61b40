#!/bin/bash
# The test command of the README under Windows Pythons in Wine.
#   usage: run-tests.sh [XY ...] [-- pytest options]     default: 38 311
#   env:   DEST, WINEPREFIX  as for setup.sh; the prefix's server is ended when the tests are over,
#                            so give a prefix that nothing else is using
#          LIMIT             seconds for each Python, install and tests together; default 1200
#          JUNIT_DIR         folder for windows-XY.xml
# The exit code is that of the first Python that did not pass; 124 is a time limit.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
export DEST=${DEST:-$checkout/.venvs/wine}
export WINEPREFIX=${WINEPREFIX:-$DEST/prefix}
LIMIT=${LIMIT:-1200}

pythons=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  pythons+=("$1")
  shift
done
[ $# -eq 0 ] || shift
[ ${#pythons[@]} -gt 0 ] || pythons=(38 311)

"$here/setup.sh" "${pythons[@]}" </dev/null || exit

# A process left behind in the prefix would hold whoever waits for our output.
end_server() {
  timeout 20 wineserver -k >/dev/null 2>&1
  timeout 20 wineserver -w >/dev/null 2>&1
}
trap end_server EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# Only what is meant to reach the tests: a Linux machine's LANG, SHELL and the like look odd on Windows.
# The locale is set because Wine reads file names by it.
clean=(env -i "PATH=$PATH" "HOME=$HOME" LANG=C.UTF-8 "WINEPREFIX=$WINEPREFIX")
for name in $(compgen -e); do
  case $name in
    PIP_* | *_CA_BUNDLE | SSL_CERT_* | CI | DARTENV_* | [hH][tT][tT][pP]*_[pP][rR][oO][xX][yY] | [nN][oO]_[pP][rR][oO][xX][yY])
      clean+=("$name=${!name}")
      ;;
  esac
done

cd "$checkout" || exit
result=0
for xy in "${pythons[@]}"; do
  junit=()
  if [ -n "${JUNIT_DIR:-}" ]; then
    mkdir -p "$JUNIT_DIR"
    junit=("--junitxml=Z:$(cd "$JUNIT_DIR" && pwd)/windows-$xy.xml")
  fi
  start=$SECONDS
  # In the background and waited for: bash acts on a signal during `wait`, not during a command.
  timeout -k 20 "$LIMIT" "${clean[@]}" "$DEST/winpy" "$xy" scripts/test.py "$@" "${junit[@]}" </dev/null &
  wait $!
  rc=$?
  case $rc in
    0) say="passed" ;;
    124 | 137) say="stopped: over its limit of $LIMIT s" ;;
    *) say="failed, exit code $rc" ;;
  esac
  echo "Windows Python 3.${xy#3} under Wine: $say ($((SECONDS - start)) s)"
  # A Python that was stopped may have left processes which would disturb the next one.
  [ "$rc" -lt 124 ] || end_server
  [ "$result" -ne 0 ] || result=$rc
done
exit "$result"
