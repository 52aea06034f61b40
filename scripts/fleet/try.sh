#!/bin/bash
# Makes three machines on this one, runs gather.yml on them over SSH, and looks at what comes out:
#
#   bash scripts/fleet/try.sh PYTHON      # a Python with dartenv and the sandbox's needs, as that of
#                                         # scripts/try.py --set-up-only
#
# A machine here is a network namespace with an sshd, a host name, a /home/dart and a process tree of
# its own. The three: alpha, whose sandbox is repaired; beta, whose sandbox has all its faults; gamma,
# repaired, with a file that is cut off. A fourth one in the inventory, delta, does not exist.
# Needs root, ip, sshd and ansible-playbook (PATH, or ANSIBLE=DIR). All is taken away again at the end.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${1:?usage: bash scripts/fleet/try.sh PYTHON}
dartenv=$(dirname "$python")/dartenv
PATH=${ANSIBLE:+$ANSIBLE:}$PATH:/usr/sbin
[ "$(id -u)" = 0 ] || { echo "try.sh: needs root, to make network namespaces" >&2; exit 2; }
for tool in ip sshd ssh-keygen unshare ansible-playbook "$dartenv"; do
  command -v "$tool" >/dev/null || { echo "try.sh: no $tool" >&2; exit 2; }
done
sshd=$(command -v sshd)

work=$(mktemp -d)
short=df$$ # interface names have fifteen letters
roots=()
take_away() {
  local name pid
  trap '' TERM INT
  # unshare takes its machine with it (--kill-child); it heeds no TERM while it waits.
  for pid in "${roots[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  for name in alpha beta gamma; do ip netns del "$short$name" 2>/dev/null || true; done
  rm -rf "$work"
}
trap take_away EXIT
trap 'exit 143' TERM INT

ssh-keygen -q -t ed25519 -N '' -f "$work/key"
mkdir -p /run/sshd
number=0
for name in alpha beta gamma; do
  number=$((number + 1))
  home=$work/$name
  mkdir -p "$home/.ssh"
  cp "$work/key.pub" "$home/.ssh/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -f "$home/host_key"
  sed 's|^root:.*|root:x:0:0:root:/home/dart:/bin/bash|' /etc/passwd >"$home/passwd"
  printf '%s\n' "HostKey $home/host_key" "PidFile none" "StrictModes no" "UsePAM no" \
    "AuthorizedKeysFile $home/.ssh/authorized_keys" "PasswordAuthentication no" \
    "PermitRootLogin prohibit-password" "MaxStartups 100" \
    "SetEnv DARTENV_STATE_DIR=/home/dart/state OMP_NUM_THREADS=1" >"$home/sshd_config"
  # Each has an address of its own in a network of two.
  ip netns add "$short$name"
  ip link add "$short$number" type veth peer name eth0 netns "$short$name"
  ip addr add "10.213.$number.1/30" dev "$short$number"
  ip link set "$short$number" up
  ip -n "$short$name" addr add "10.213.$number.2/30" dev eth0
  ip -n "$short$name" link set eth0 up
  ip -n "$short$name" link set lo up
  # /home holds only what this machine has: its own dart.
  ip netns exec "$short$name" unshare --mount --uts --pid --fork --kill-child --mount-proc \
    bash -c 'hostname "$1" && mount -t tmpfs none /home && mkdir /home/dart && mount --bind "$2" /home/dart &&
      mount --bind "$2/passwd" /etc/passwd && exec "$3" -D -e -f "$2/sshd_config"' - "$name" "$home" "$sshd" \
    </dev/null >"$home/sshd.log" 2>&1 &
  roots+=($!)
done

# What is on them: a sandbox each.
for name in alpha beta gamma; do
  (cd "$work" && DARTENV_STATE_DIR=$work/$name/state "$dartenv" sandbox "$work/$name/tree") >/dev/null
  printf '%s\n' "python = \"$python\"" 'profile = "sandbox"' "[nightly]" 'scenarios = ["rollout"]' \
    'size = "quick"' >"$work/$name/tree/dartenv.toml"
done

{
  echo "dart:"
  echo "  vars: {ansible_user: root, ansible_python_interpreter: $python, dartenv: $dartenv,"
  echo "    dartenv_folder: /home/dart/tree, ansible_ssh_private_key_file: $work/key}"
  echo "  hosts:"
  echo "    alpha: {ansible_host: 10.213.1.2}"
  echo "    beta: {ansible_host: 10.213.2.2}"
  echo "    gamma: {ansible_host: 10.213.3.2}"
  echo "gone: {hosts: {delta: {ansible_host: 10.213.1.1, ansible_port: 9}}}"
} >"$work/inventory.yml"
export ANSIBLE_HOST_KEY_CHECKING=false ANSIBLE_NOCOWS=1 ANSIBLE_FORKS=3 ANSIBLE_LOCALHOST_WARNING=false \
  ANSIBLE_HOME=$work/ansible ANSIBLE_SSH_ARGS="-o UserKnownHostsFile=/dev/null -o ControlMaster=no"

gather() { # gather OUT EXPECTED ARGUMENTS...: the playbook's exit code has to be the expected one
  local out=$work/$1 expected=$2 rc=0 start=$SECONDS
  shift 2
  ansible-playbook -i "$work/inventory.yml" "$here/gather.yml" -e "fleet_out=$out" \
    -e "fleet_dartenv=$dartenv" "$@" >"$out.log" 2>&1 </dev/null || rc=$?
  if [ "$rc" -ne "$expected" ]; then
    cat "$out.log"
    echo "try.sh: exit code $rc where $expected was expected"
    return 1
  fi
  echo "gather.yml $*: exit code $rc, as expected, after $((SECONDS - start)) s"
}

# Three machines, repaired where they should be. ssh runs as the playbook does: as root of that machine.
for name in alpha gamma; do
  number=$([ "$name" = alpha ] && echo 1 || echo 3)
  ssh -i "$work/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o ConnectionAttempts=20 "root@10.213.$number.2" \
    "cd /home/dart/tree && $dartenv fix --yes --profile sandbox" </dev/null >"$work/$name/fix.log" 2>&1 ||
    { cat "$work/$name/fix.log"; exit 1; }
done
truncate -s 1000 "$work/gamma/tree/data/seq_data_zero_male/mean_std_h2_f8.pkl"

gather all 2
"$python" "$here/_judge.py" all "$work/all"
sed -n '/TASK \[The fleet\]/,/^}/p' "$work/all.log" | sed -n 's/^ *"\(.*\)",\{0,1\}$/  \1/p'

# A machine that is not there loses no other one; nothing of last time is taken for today's.
gather all 4 --tags doctor -e fleet_hosts=alpha,delta
"$python" "$here/_judge.py" gone "$work/all"
grep -q "no answer from delta" "$work/all.log" || { cat "$work/all.log"; exit 1; }
echo "fleet: all as it should be, $SECONDS s"
