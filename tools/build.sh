#!/usr/bin/env bash
# build.sh PRESET [TARGET]: configures (the first time) and builds one preset of CMakePresets.json in build/PRESET. On a terminal it shows ninja's progress; elsewhere
# one line, and the end of the log when something fails.
# build/canonjit and build/guests are those of the release build.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
dir=build/$preset
target=(${2:+--target "$2"})

mkdir -p build
if [ ! -f "$dir/build.ninja" ]; then
    echo "configure: $preset"
    if ! cmake --preset "$preset" >"build/configure-$preset.log" 2>&1; then
        cat "build/configure-$preset.log"
        exit 1
    fi
fi
if [ -t 1 ]; then
    cmake --build "$dir" "${target[@]}"
elif ! cmake --build "$dir" "${target[@]}" >"build/build-$preset.log" 2>&1; then
    tail -n 100 "build/build-$preset.log"
    echo "build: $preset failed (build/build-$preset.log)"
    exit 1
fi
echo "build: $preset in $dir"
if [ "$preset" = release ] && [ -x "$dir/canonjit" ]; then
    ln -sfn release/canonjit build/canonjit
    ln -sfn release/guests build/guests
fi
