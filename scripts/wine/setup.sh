#!/bin/bash
# Windows CPython under Wine on Debian 12, from Debian's packages and pip's index alone.
#   usage: setup.sh [XY ...]     Pythons to make; default: 38 311. 310 and 312 work as well.
#   env:   DEST        where all of it goes; default: .venvs/wine in the checkout
#          WINEPREFIX  default: $DEST/prefix
#          SKIP_APT=1  never call apt, only say what is missing
#   needs: a Linux CPython of the same minor version (its pure-Python standard library is used)
# Afterwards: $DEST/winpy 311 -c "print(1)". What already stands is left as it is: a second run takes
# a second, and an interrupted one is taken up where it stopped.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DEST=${DEST:-$here/../../.venvs/wine}
mkdir -p "$DEST/dl" "$DEST/build"
DEST=$(cd "$DEST" && pwd)
export WINEPREFIX=${WINEPREFIX:-$DEST/prefix} WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
unset DISPLAY
[ $# -gt 0 ] || set -- 38 311
log=$DEST/setup.log
: >"$log"

# One wheel holds python3XY.dll, the extension modules, OpenSSL, SQLite, Tcl, libffi and the VC runtime.
WHEEL=panda3d WHEEL_VERSION=1.10.15
APT_PACKAGES=(wine wine64 gcc-mingw-w64-x86-64-win32)
FILES=(launcher.c venvlauncher.c bcryptprimitives.c python.manifest launcher.rc start_again.py.in)

say() { echo "wine: $*" >&2; }
fail() {
  say "$*"
  [ ! -s "$log" ] || { say "the end of $log:"; tail -n 25 "$log" >&2; }
  exit 1
}
trap 'fail "stopped at line $LINENO of setup.sh: $BASH_COMMAND"' ERR

# logged SECONDS WHAT COMMAND...: the output goes to the log; a failure or a hang is named.
logged() {
  local limit=$1 what=$2 rc=0
  shift 2
  printf '\n== %s: %s\n' "$what" "$*" >>"$log"
  timeout -k 10 "$limit" "$@" </dev/null >>"$log" 2>&1 || rc=$?
  case $rc in
    0) ;;
    124 | 137) fail "$what did not finish within $limit s" ;;
    *) fail "$what failed (exit code $rc)" ;;
  esac
}

# The same with two more tries, for what goes over a network.
logged_retrying() {
  local limit=$1 what=$2 try
  shift 2
  for try in 1 2; do
    printf '\n== %s, try %s: %s\n' "$what" "$try" "$*" >>"$log"
    if timeout -k 10 "$limit" "$@" </dev/null >>"$log" 2>&1; then return 0; fi
    say "$what failed, trying again"
    sleep $((try * 5))
  done
  logged "$limit" "$what" "$@"
}

# What a part was made from: a change of these files makes the part again.
made_from() { (cd "$here" && cat setup.sh "${FILES[@]}" && echo "$*") | sha256sum | cut -c1-16; }
stands() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# 1. Wine (the 64-bit half is enough) and a C compiler for Windows.
missing=()
for tool in wine wineserver wineboot x86_64-w64-mingw32-gcc x86_64-w64-mingw32-windres; do
  command -v "$tool" >/dev/null || [ -x "/usr/lib/wine/$tool" ] || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  [ -z "${SKIP_APT:-}" ] || fail "missing: ${missing[*]}; install ${APT_PACKAGES[*]}"
  command -v apt-get >/dev/null || fail "missing: ${missing[*]}, and there is no apt-get here"
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  say "missing ${missing[*]}: installing ${APT_PACKAGES[*]} with apt, about 160 MB to download"
  logged_retrying 300 "apt-get update" "${sudo[@]}" apt-get -q update
  # Another apt may be at work on a machine that has just started.
  logged_retrying 900 "apt-get install" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${APT_PACKAGES[@]}"
fi

# 2. The prefix. Wine 8.0 says it is Windows 7 until told otherwise. wineserver -p keeps the server and
#    its service processes alive; those must be born with /dev/null as standard streams (see winpy).
prefix_key=$(made_from prefix "$(wine --version 2>/dev/null)")
if ! stands "$WINEPREFIX/.dartenv-made" "$prefix_key"; then
  say "making the prefix $WINEPREFIX"
  mkdir -p "$(dirname "$WINEPREFIX")"
  # A server of an older prefix here was told to stay: waiting for its end would take for ever.
  [ ! -d "$WINEPREFIX" ] || timeout 20 wineserver -k >/dev/null 2>&1 || true
  logged 180 "wineboot" wineboot -i
  logged 60 "waiting for wineboot" wineserver -w
  # Fails where a server runs already, which is as good.
  timeout 30 wineserver -p </dev/null >/dev/null 2>&1 || true
  logged 60 "winecfg" wine winecfg -v win10
  # What asks for the desktop starts explorer.exe, which keeps its starter's pipes open and stays: a
  # reader of that program's output would wait for ever (pip, of a setup.py).
  logged 60 "no explorer.exe" wine reg add 'HKCU\Software\Wine\DllOverrides' \
    /v explorer.exe /t REG_SZ /d '' /f
  [ -d "$WINEPREFIX/drive_c/windows/system32" ] || fail "wineboot made no drive_c in $WINEPREFIX"
fi

# 3. Small binaries: a manifest as the real python.exe has it (Windows 10, long paths), the launcher of
#    virtual environments, and a DLL that Wine 8.0 lacks.
CC=(x86_64-w64-mingw32-gcc -O2 -s)
cd "$DEST/build"
for file in "${FILES[@]}"; do cp "$here/$file" .; done
if ! stands "$WINEPREFIX/.dartenv-made" "$prefix_key"; then
  logged 60 "bcryptprimitives.dll" "${CC[@]}" -shared bcryptprimitives.c \
    -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" -ladvapi32
  echo "$prefix_key" >"$WINEPREFIX/.dartenv-made"
fi

make_python() {
  local xy=$1 py=3.${1#3} d=$DEST/py$1 linux std wheel x
  linux=$("$here/../find-python.sh" "$py") || fail "Python $py for Windows takes its standard library from Linux"
  std=$("$linux" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
  # 4. DLLs and extension modules (about 63 MB to download).
  wheel=$(find "$DEST/dl" -name "$WHEEL-$WHEEL_VERSION-cp$xy-*.whl" | head -n 1)
  if [ -z "$wheel" ]; then
    say "downloading $WHEEL $WHEEL_VERSION for Windows Python $py, about 63 MB"
    logged_retrying 900 "pip download $WHEEL" "$linux" -m pip download --no-deps --only-binary=:all: \
      --platform win_amd64 --python-version "$py" --implementation cp --abi "cp$xy" \
      "$WHEEL==$WHEEL_VERSION" -d "$DEST/dl"
    wheel=$(find "$DEST/dl" -name "$WHEEL-$WHEEL_VERSION-cp$xy-*.whl" | head -n 1)
    [ -n "$wheel" ] || fail "pip downloaded no $WHEEL wheel for cp$xy"
  fi
  say "making Windows Python $py in $d"
  x=$DEST/build/x$xy
  rm -rf "$d" "$x"
  mkdir -p "$d/DLLs" "$d/Scripts" "$d/Lib/site-packages" "$d/Lib/venv/scripts/nt" "$x"
  logged 120 "unpacking $(basename "$wheel")" "$linux" -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = [n for n in wheel.namelist() if "deploy_libs/" in n or n.endswith("/MSVCP140.dll")]
    wheel.extractall(sys.argv[2], names)
' "$wheel" "$x"
  mv "$x/deploy_libs/python$xy.dll" "$x"/deploy_libs/VCRUNTIME140*.dll "$x/panda3d/MSVCP140.dll" "$d/"
  rm -f "$x"/deploy_libs/api-ms-win-* "$x/deploy_libs/ucrtbase.dll" # Wine has its own
  mv "$x"/deploy_libs/*.pyd "$x"/deploy_libs/*.dll "$d/DLLs/"
  rm -rf "$x"
  # 5. The pure-Python standard library of the Linux CPython of the same minor version.
  tar -C "$std" --exclude=__pycache__ --exclude=./site-packages --exclude=./dist-packages \
    --exclude=./lib-dynload --exclude=./test --exclude='./config-*' --exclude=./idlelib \
    --exclude='./_sysconfigdata*' --exclude=./EXTERNALLY-MANAGED -cf - . | tar -C "$d/Lib" -xf -
  [ -d "$d/Lib/ensurepip/_bundled" ] || fail "$linux has no ensurepip: take another Python $py (pyenv, python.org)"
  # What Wine gave up on before it began is started again: see start_again.py.in.
  [ "$(grep -c '_winapi\.CreateProcess(' "$d/Lib/subprocess.py")" = 1 ] || fail "subprocess.py of Python $py starts programs in another way"
  sed -i 's/_winapi\.CreateProcess(/_create_process(/' "$d/Lib/subprocess.py"
  cat start_again.py.in >>"$d/Lib/subprocess.py"
  # 6. python.exe, the launcher of virtual environments, and python3.dll, which forwards the stable ABI.
  logged 60 "launcher.rc" x86_64-w64-mingw32-windres launcher.rc launcher_rc.o
  logged 60 "venvlauncher.exe" "${CC[@]}" -municode venvlauncher.c launcher_rc.o -o venvlauncher.exe
  cp venvlauncher.exe "$d/Lib/venv/scripts/nt/python.exe"
  cp venvlauncher.exe "$d/Lib/venv/scripts/nt/pythonw.exe"
  logged 60 "python.exe" "${CC[@]}" -municode -DPYDLL="L\"python$xy.dll\"" launcher.c launcher_rc.o \
    -o "$d/python.exe"
  cp "$d/python.exe" "$d/pythonw.exe"
  {
    echo 'LIBRARY python3.dll'
    echo EXPORTS
    x86_64-w64-mingw32-objdump -p "$d/python$xy.dll" | sed -n '/Ordinal\/Name Pointer/,$p' |
      sed -nE "s/^.*[]:] *(\+base\[ *[0-9]+\] *)?([0-9a-f]+ +)?(_?Py[A-Za-z0-9_]+)\$/  \3 = python$xy.\3/p" | sort -u
  } >"python3_$xy.def"
  logged 60 "python3.dll" "${CC[@]}" -shared -nostdlib -Wl,--entry=0 "python3_$xy.def" -o "$d/python3.dll"
  # platform asks WMI from 3.12 on and Wine 8.0 aborts there; without _wmi it falls back.
  [ "${xy#3}" -lt 12 ] || echo "import sys; sys.modules['_wmi'] = None" >"$d/Lib/site-packages/sitecustomize.py"
  # 7. pip, from the wheel that the standard library bundles.
  logged 240 "ensurepip for $py" "$DEST/winpy" "$xy" -m ensurepip
}

# The launcher that everything goes through.
sed -e "s|@DEST@|${DEST//|/\\|}|g" -e "s|@WINEPREFIX@|${WINEPREFIX//|/\\|}|g" "$here/winpy.in" >"$DEST/winpy"
chmod +x "$DEST/winpy"

for xy in "$@"; do
  [[ $xy =~ ^3[0-9]+$ ]] || fail "'$xy' is no Python: write 38 for 3.8, 311 for 3.11"
  key=$(made_from "$xy" "$WHEEL_VERSION")
  if ! stands "$DEST/py$xy/.dartenv-made" "$key"; then
    make_python "$xy"
    echo "$key" >"$DEST/py$xy/.dartenv-made"
  fi
done
say "ready: $DEST/winpy {$(
  IFS=,
  echo "$*"
)} ..."
