#!/bin/bash
# Tries gather.yml on three hosts that it makes itself: network namespaces with an ssh server each.
#   usage: try.sh PYTHON_WITH_DARTENV [nightly]      as root; needs ip, sshd and ansible-playbook on PATH
# Each host has a sandbox tree of its own; one is repaired, so that it differs. All of it goes at the end.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$(realpath -s "${1:?usage: try.sh PYTHON_WITH_DARTENV [nightly]}")
night=${2:-}
work=$(mktemp -d)
hosts=(alpha beta gamma)

clean_up() {
  local host
  set +e
  for host in "${hosts[@]}"; do
    ip netns pids "dartenv-$host" 2>/dev/null | xargs -r kill 2>/dev/null
    ip netns del "dartenv-$host" 2>/dev/null
  done
  ip link del dartenv-br 2>/dev/null
  rm -rf "$work"
}
trap clean_up EXIT

mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
printf '#!/bin/sh\nexec "%s" -m dartenv "$@"\n' "$python" >"$work/dartenv"
chmod 755 "$work" "$work/dartenv"
ip link add dartenv-br type bridge
ip addr add 10.77.0.1/24 dev dartenv-br
ip link set dartenv-br up
echo "[all]" >"$work/inventory.ini"
number=10
for host in "${hosts[@]}"; do
  number=$((number + 1))
  ip netns add "dartenv-$host"
  ip link add "dv-$host" type veth peer name eth0 netns "dartenv-$host"
  ip link set "dv-$host" master dartenv-br up
  ip -n "dartenv-$host" link set lo up
  ip -n "dartenv-$host" addr add "10.77.0.$number/24" dev eth0
  ip -n "dartenv-$host" link set eth0 up
  mkdir -p "$work/$host/state"
  "$python" -m dartenv sandbox "$work/$host/DART" >/dev/null
  ssh-keygen -q -t ed25519 -N '' -f "$work/$host/host_key"
  cat >"$work/$host/sshd_config" <<END
HostKey $work/$host/host_key
AuthorizedKeysFile $work/key.pub
StrictModes no
PermitRootLogin prohibit-password
PidFile $work/$host/sshd.pid
SetEnv DARTENV_STATE_DIR=$work/$host/state DARTENV_CACHE_DIR=$work/$host/cache
END
  ip netns exec "dartenv-$host" "$(command -v sshd)" -f "$work/$host/sshd_config"
  echo "$host ansible_host=10.77.0.$number dart_root=$work/$host/DART dart_python=$python" \
    "profile=sandbox dartenv=$work/dartenv ansible_python_interpreter=$python" >>"$work/inventory.ini"
done
# beta is the one that somebody has repaired.
DARTENV_STATE_DIR=$work/beta/state "$work/dartenv" fix source --yes --dart-root "$work/beta/DART" \
  --python "$python" --profile sandbox >/dev/null

export ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_RETRY_FILES_ENABLED=False ANSIBLE_HOME=$work/ansible
ansible-playbook -i "$work/inventory.ini" --private-key "$work/key" -u root "$here/gather.yml" \
  -e fleet_out="$work/out" -e fleet_dartenv="$work/dartenv" ${night:+-e fleet_nightly=true}

# Three answered, and the one that differs is named.
"$work/dartenv" report merge "$work"/out/alpha.json "$work"/out/beta.json "$work"/out/gamma.json \
  --format json >"$work/merged.json" || true
"$python" - "$work/merged.json" <<'END'
import json
import sys

fleet = json.load(open(sys.argv[1], encoding="utf-8"))
names = [machine["name"] for machine in fleet["machines"]]
differing = {one["what"]: sorted(one["others"]) for one in fleet["differs"]}
sources = {what: who for what, who in differing.items() if what.startswith("source.")}
assert len(names) == 3, names
assert sources and all(who == ["beta"] for who in sources.values()), differing
print(f"three hosts answered; beta differs in {len(sources)} checks: {', '.join(sorted(sources))}")
END
[ -s "$work/out/fleet.html" ] && [ -s "$work/out/alpha.plan.txt" ]
