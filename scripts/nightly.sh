#!/bin/sh
# One night: `dartenv nightly`, its words kept in a log, its exit code given back.
#
#   sh scripts/nightly.sh [options of dartenv nightly]
#
# It installs nothing: dartenv is found in DARTENV, in ~/.local/share/dartenv/app (where
# scripts/bootstrap.sh puts it) or on PATH. Settings come by environment, secrets by environment alone:
#   DARTENV_CONFIG  a dartenv.toml; default: the nearest one upwards of the working folder
#   DARTENV_OUT     where reports go; default: what the configuration says, else the state folder
#   DARTENV_LOGS    where logs go; default: ~/.local/state/dartenv/nightly-logs; 30 are kept
#
# Every night by systemd: scripts/nightly/dartenv-nightly.service and .timer say how.
set -u

dartenv=${DARTENV:-}
for candidate in "$dartenv" "${XDG_DATA_HOME:-$HOME/.local/share}/dartenv/app/bin/dartenv" \
  "$(command -v dartenv 2>/dev/null)"; do
  if [ -n "$candidate" ] && [ -x "$candidate" ]; then
    dartenv=$candidate
    break
  fi
  dartenv=
done
if [ -z "$dartenv" ]; then
  echo "dartenv nightly: no dartenv found; set DARTENV, or try: sh scripts/bootstrap.sh" >&2
  exit 2
fi

logs=${DARTENV_LOGS:-${XDG_STATE_HOME:-$HOME/.local/state}/dartenv/nightly-logs}
mkdir -p "$logs" || exit 2
log=$logs/$(date -u +%Y%m%dT%H%M%SZ)-$$.log

[ -z "${DARTENV_OUT:-}" ] || set -- --out "$DARTENV_OUT" "$@"
[ -z "${DARTENV_CONFIG:-}" ] || set -- --config "$DARTENV_CONFIG" "$@"
# A pipe would hide the exit code, which is what a timer and a runner look at.
"$dartenv" nightly "$@" >"$log" 2>&1
rc=$?
cat "$log"
# The newest 30 stay.
find "$logs" -name '*.log' -type f | sort -r | tail -n +31 | while IFS= read -r old; do rm -f "$old"; done
exit $rc
