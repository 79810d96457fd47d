# cache.sh: canonjit cache, and what run keeps on disk; part of run.sh.

unset CANONJIT_CACHE
XDG_CACHE_HOME=$work/xdg
export XDG_CACHE_HOME
dir=$XDG_CACHE_HOME/canonjit

stats() { # stats NAME LINE ARGUMENTS...: of a run that compiles, or finds compiled, all that it has
    name=$1 line=$2
    shift 2
    check "$name" 0 '"Hello, x, from Rust!"' "~$line" run --tier jit --stats "$@" --invoke 'greet("x")' "$guests/rust.wasm"
}

if [ "$tiers" = interp ]; then
    check "cache without LLVM" 1 "" "~unsupported" cache
elif [ -f "$guests/rust.wasm" ]; then
    check "cache, before anything is in it" 0 "$dir
0 thunks, 0 KiB of 64 MiB at most" "" cache
    stats "the first run compiles" " 0 found"
    [ "$(find "$dir" -name '*.thunk' | wc -l)" -gt 0 ]
    report $? "the first run stores"
    stats "the second run compiles nothing" "thunks: 0 compiled in 0.0 ms"
    stats "the second run refuses nothing" " 0 not found, 0 refused, 0 stored"
    stats "--no-cache" "cache on disk: 0 found, 0 not found, 0 refused, 0 stored" --no-cache
    stats "--cache off" "cache on disk: 0 found, 0 not found, 0 refused, 0 stored" --cache off
    check "cache --cache off" 1 "" "canonjit: cache: it is off: --cache off" cache --cache off
    stats "--cache DIR" "cache on disk: 0 found" --cache "$work/other"
    stats "--cache DIR again" "thunks: 0 compiled" --cache "$work/other"
    check "cache --cache of nothing" 2 "" "canonjit: cache: --cache: expected a directory, or off" cache --cache "" clear
    check "run --cache of nothing" 2 "" "canonjit: run: --cache: expected a directory, or off" run --cache "" --invoke 'greet("x")' "$guests/rust.wasm"
    check "cache show" 0 "~$dir
 thunks, " "" cache show
    check "cache --cache" 0 "~$work/other" "" cache --cache "$work/other"
    CANONJIT_CACHE=off
    export CANONJIT_CACHE
    stats "CANONJIT_CACHE=off" "cache on disk: 0 found, 0 not found, 0 refused, 0 stored"
    check "cache when it is off" 1 "" "canonjit: cache: it is off: CANONJIT_CACHE=off" cache
    stats "--cache goes before CANONJIT_CACHE" "thunks: 0 compiled" --cache "$work/other"
    CANONJIT_CACHE=$work/other
    stats "CANONJIT_CACHE=DIR" "thunks: 0 compiled"
    unset CANONJIT_CACHE
    check "cache clear" 0 "" "" cache clear
    check "cache after clearing" 0 "~0 thunks, 0 KiB" "" cache
    stats "a run after clearing compiles" " 0 found"
    chmod go+w "$dir"
    check "cache of a directory that others may write to" 1 "" "canonjit: cache directory $dir: others may write to it and so put code there: chmod go-w" cache
    stats "a run does without it" "cache on disk: 0 found, 0 not found, 0 refused, 0 stored"
    check "--cache of a directory that others may write to" 1 "" "canonjit: cache directory $dir: others may write to it and so put code there: chmod go-w" run --tier jit --cache "$dir" --invoke 'greet("x")' "$guests/rust.wasm"
    chmod go-w "$dir"
    stats "and with it again" "thunks: 0 compiled"
fi
check "cache of nothing known" 2 "" "canonjit: cache: expected show or clear; see canonjit cache --help" cache cleer
check "cache with options behind" 2 "" "canonjit: cache: --cache: options go before show or clear" cache show --cache x
check "cache --help" 0 "~usage: canonjit cache [options] [show | clear]" "" cache --help
CANONJIT_CACHE=off
export CANONJIT_CACHE
