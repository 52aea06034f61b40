#!/bin/bash
# The C++ core of unreal/DartMotion with every compiler that is here: warnings are errors, tests run under
# sanitizers, and the Windows build under Wine.
#   scripts/core_matrix.sh [--quick] [g++] [clang++] [mingw]      all of them unless named
# --quick: one build of each, with g++ and clang++ the one with the sanitizers for addresses and undefined behaviour.
# Exit code 1 where a build or a test failed, 2 where nothing could be built.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
core=unreal/DartMotion/Source/DartMotionCore
tests=(unreal/DartMotion/Tests/{Main,Recording,Basics,Replay,Playing}.cpp)
warnings=(-std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
fixtures=tests/fixtures/hosts
built=0 failed=0

# build NAME COMPILER FLAGS...   the core without exceptions, as Unreal has it, and the tests with them
build() {
  local name=$1 compiler=$2 file objects=()
  shift 2
  mkdir -p "$work/$name"
  for file in "$core"/Private/*.cpp; do
    objects+=("$work/$name/$(basename "$file" .cpp).o")
    "$compiler" "${warnings[@]}" "$@" -fno-exceptions -fno-rtti -I"$core/Public" -c "$file" -o "${objects[-1]}" || return 1
  done
  # Without type information in the core its classes cannot be asked what they are.
  [[ "$*" != *undefined* ]] || set -- "$@" -fno-sanitize=vptr
  "$compiler" "${warnings[@]}" "$@" -I"$core/Public" "${tests[@]}" "${objects[@]}" -o "$work/$name/core_tests.exe" -pthread
}

# shared COMPILER   the core as a library of its own that shows what it exports and nothing else, as
# Unreal's modules are in the editor
shared() {
  local folder=$work/shared flags=("${warnings[@]}" -O1 -fPIC -fvisibility=hidden -I"$core/Public")
  flags+=('-DDARTMOTIONCORE_API=__attribute__((visibility("default")))')
  mkdir -p "$folder"
  "$1" "${flags[@]}" -shared -fno-exceptions -fno-rtti "$core"/Private/*.cpp -o "$folder/libcore.so" &&
    "$1" "${flags[@]}" "${tests[@]}" -L"$folder" -lcore "-Wl,-rpath,$folder" -o "$folder/core_tests.exe" -pthread
}

# one NAME COMPILER RUNNER FLAGS...   RUNNER: what the program is run with, "" for nothing
one() {
  local name=$1 compiler=$2 runner=$3 start=$SECONDS result=ok
  shift 3
  built=$((built + 1))
  if [ "$name" = shared ]; then
    shared "$compiler" || result="does not build"
  else
    build "$name" "$compiler" "$@" || result="does not build"
  fi
  if [ "$result" != ok ]; then
    :
  elif ! timeout 300 $runner "$work/$name/core_tests.exe" "$fixtures" </dev/null >"$work/$name.log" 2>&1; then
    result="fails"
  fi
  [ "$result" = ok ] || failed=1
  [ ! -f "$work/$name.log" ] || sed "s/^/    /" "$work/$name.log" | tail -n 40
  printf '%-28s %s, %s s\n' "$name" "$result" $((SECONDS - start))
}

quick=no
[ "${1:-}" != --quick ] || { quick=yes && shift; }
asked=("$@")
[ ${#asked[@]} -gt 0 ] || asked=(g++ clang++ mingw)
mingw=x86_64-w64-mingw32-g++-posix
for kind in "${asked[@]}"; do
  compiler=$kind
  [ "$kind" != mingw ] || compiler=$mingw
  if ! command -v "$compiler" >/dev/null; then
    printf '%-28s %s\n' "$kind" "not here"
    continue
  fi
  case $kind in
    mingw)
      runner=wine
      command -v wine >/dev/null || runner=true
      WINEDEBUG=-all one mingw "$mingw" "$runner" -O2 -static
      [ "$runner" = wine ] || echo "mingw: built alone; there is no wine to run it with"
      ;;
    *)
      one "$kind address,undefined" "$compiler" "" -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
      [ "$quick" = no ] || continue
      one "$kind -O2" "$compiler" "" -O2
      one "$kind C++20" "$compiler" "" -std=c++20 -O0
      one "$kind thread" "$compiler" "" -O1 -g -fsanitize=thread
      [ "$kind" != g++ ] || one shared "$compiler" ""
      ;;
  esac
done
[ "$built" -gt 0 ] || exit 2
exit "$failed"
