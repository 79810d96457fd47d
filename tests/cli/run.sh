#!/bin/sh
# Tests of the command as a person uses it: run.sh CANONJIT GUESTS SOURCE [PART]. Prints a line per case and "N passed, N failed" at the end.
# A PART (calls, usage, wast or cache) runs that alone. Each call goes through both tiers, where there are two.
set -u
canonjit=$1
guests=$2
source=$3
part=${4:-all}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

report() { # report WHETHER NAME
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok $((passed + failed)) - $2"
    else
        failed=$((failed + 1))
        echo "not ok $((passed + failed)) - $2"
    fi
}

# An expected text is exact; after "~", each of its lines must occur somewhere.
matches() { # matches ACTUAL EXPECTED
    case $2 in
    "~"*)
        rest=${2#"~"}
        while [ -n "$rest" ]; do
            line=${rest%%"
"*}
            case $1 in
            *"$line"*) ;;
            *) return 1 ;;
            esac
            case $rest in
            *"
"*) rest=${rest#*"
"} ;;
            *) rest= ;;
            esac
        done
        ;;
    *) [ "$1" = "$2" ] ;;
    esac
}

check() { # check NAME STATUS STDOUT STDERR ARGUMENTS...
    name=$1 status=$2 out=$3 err=$4
    shift 4
    "$canonjit" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ "$got" -eq "$status" ] && matches "$(cat "$work/out")" "$out" && matches "$(cat "$work/err")" "$err"; then
        report 0 "$name"
    else
        report 1 "$name: exit status $got, expected $status"
        printf '  expected on standard output: %s\n  expected on standard error: %s\n' "$out" "$err"
        sed 's/^/  stdout: /' "$work/out" | head -n 40
        sed 's/^/  stderr: /' "$work/err" | head -n 40
    fi
}

version=$("$canonjit" --version)
tiers="interp jit"
case $version in
*"no LLVM"*) tiers=interp ;;
esac

# The calls of some files, through several guests and both tiers, each guest and tier all of them in one instance. A call is one case, which
# every guest must pass in every tier. A GUEST may have "+MODE" behind it: --unknown-imports MODE.
calls() { # calls 'FILE...' 'GUEST...'
    for file in $1; do
        cat "$source/calls/$file.txt"
    done >"$work/all"
    grep '^= ' "$work/all" | cut -c 3- >"$work/expected"
    grep -v -e '^= ' -e '^#' -e '^$' "$work/all" >"$work/calls"
    if [ "$(wc -l <"$work/calls")" -ne "$(wc -l <"$work/expected")" ]; then
        report 1 "$1: as many results as calls"
        return
    fi
    guests_of_calls=$2
    : >"$work/runs"
    for guest in $guests_of_calls; do
        set --
        case $guest in
        *+*) set -- --unknown-imports "${guest#*+}" ;;
        esac
        while IFS= read -r call; do
            set -- "$@" --invoke "$call"
        done <"$work/calls"
        for tier in $tiers; do
            "$canonjit" run --tier "$tier" "$@" "$guests/${guest%+*}.wasm" >"$work/out" 2>"$work/err" </dev/null
            got=$?
            if [ "$got" -ne 0 ] || [ -s "$work/err" ]; then
                report 1 "$guest, $tier: exit status $got"
                head -n 20 "$work/err"
            fi
            echo "$guest, $tier" >>"$work/runs"
            # A line that is missing is not one that is empty.
            awk 'FILENAME == ARGV[1] { n++; next } { print "=" $0; n-- } END { while (n-- > 0) print "nothing" }' \
                "$work/calls" "$work/out" >"$work/out.$(wc -l <"$work/runs")"
        done
    done
    awk -v runs="$(wc -l <"$work/runs")" -v work="$work" -v start="$((passed + failed))" '
        FILENAME == ARGV[1] { expected[++n] = "=" $0; next }
        FILENAME == ARGV[2] { run[++r] = $0; next }
        {
            i++
            bad = ""
            for (r = 1; r <= runs; r++) {
                if ((getline actual < (work "/out." r)) <= 0)
                    actual = "nothing"
                if (actual "" != expected[i] "")
                    bad = bad sprintf("  %s: expected %s, got %s\n", run[r], substr(expected[i], 2), actual == "nothing" ? actual : substr(actual, 2))
            }
            printf "%s %d - %s\n%s", bad == "" ? "ok" : "not ok", start + i, $0, bad
        }' "$work/expected" "$work/runs" "$work/calls" >"$work/report"
    cat "$work/report"
    passed=$((passed + $(grep -c '^ok ' "$work/report")))
    failed=$((failed + $(grep -c '^not ok ' "$work/report")))
}

if [ "$part" = calls ] || [ "$part" = all ]; then
    # With +echo the same through functions of the host, which echo.
    types="types+echo types-utf16+echo types-compact+echo"
    calls "values values-edges" "values values-utf16 values-compact $types"
    calls types-host "$types"
    calls values-utf8 "values types+echo"
    calls values-utf16 "values-utf16 types-utf16+echo"
    calls values-compact "values-compact types-compact+echo"
    calls rust rust
    calls demo demo
    calls bench "bench-exports bench+trap"
    calls bench-drive bench+echo
    calls traps "traps traps-host+default"
    calls job job+echo
    # Components of components.
    calls resources "with-resources with-resources-utf16"
    calls diamond with-diamond
    if [ -f "$guests/rust.wasm" ]; then
        calls c-to-rust with-c-to-rust
        calls rust-to-c with-rust-to-c+default
    fi
    if [ -f "$guests/script.wasm" ]; then
        calls script script+echo
    fi
fi

if [ "$part" = wast ] || [ "$part" = all ]; then
    . "$source/wast.sh"
fi

if [ "$part" = cache ] || [ "$part" = all ]; then
    . "$source/cache.sh"
fi

if [ "$part" = usage ] || [ "$part" = all ]; then
    . "$source/usage.sh"
    for tier in $tiers; do
        . "$source/traps.sh"
    done
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
