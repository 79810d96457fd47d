#!/usr/bin/env bash
# The main job, shown: a component made by a real toolchain (clang, wasm-ld and jco: tests/guests/demo.c), called through machine code
# that LLVM made for its signatures; then what calls cost. Wants the release build (make demo makes it first).
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/release}
guests=$build/guests
canonjit=$build/canonjit

show() { # the command as a person would type it, then the command
    printf '\n$ canonjit'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9._/=#:@-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    echo
    "$canonjit" "$@"
}

show --version
show inspect "$guests/demo.wasm"
show run --tier jit --invoke 'summarize("The quick brown fox jumps over the lazy dog.", [{name: "short", shortest: 1, longest: 3}])' "$guests/demo.wasm"

asm=$("$canonjit" inspect --asm summarize "$guests/demo.wasm")
printf '\nThat call went through %d instructions of its own (canonjit inspect --asm summarize); the plan that LLVM compiled them from:\n' \
    "$(grep -c $'^\t[a-z]' <<<"$asm")"
show inspect --plan summarize "$guests/demo.wasm"

printf '\nThe same from a C program, in structs (examples/native_door.c):\n\n'
"$build/examples/native_door" "$guests/demo.wasm" "The quick brown fox jumps over the lazy dog."

printf '\nWhat calls cost (examples/timing.c; make bench has the whole table):\n\n'
"$build/examples/timing" "$guests/bench-exports.wasm"
