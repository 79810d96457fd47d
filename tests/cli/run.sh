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

# A group: the calls of some files, which are to have the same results in several guests. A call is one case, which every guest must pass in
# every tier. A GUEST may have "+MODE" behind it: --unknown-imports MODE; and then "@TIER": in that tier alone.
groups=0
calls() { # calls 'FILE...' 'GUEST...'
    groups=$((groups + 1))
    for file in $1; do
        cat "$source/calls/$file.txt"
    done >"$work/all"
    grep '^= ' "$work/all" | cut -c 3- >"$work/expected.$groups"
    grep -v -e '^= ' -e '^#' -e '^$' "$work/all" >"$work/calls.$groups"
    : >"$work/runs.$groups"
    if [ "$(wc -l <"$work/calls.$groups")" -ne "$(wc -l <"$work/expected.$groups")" ]; then
        report 1 "$1: as many results as calls"
        return
    fi
    for guest in $2; do
        echo "$groups $guest"
    done >>"$work/members"
}

# Each guest and tier makes the calls of all its groups in one instance: to compile a guest takes longer than to call it.
run_calls() {
    for guest in $(awk '!seen[$2]++ { print $2 }' "$work/members"); do
        of=$(awk -v guest="$guest" '$2 == guest { print $1 }' "$work/members")
        set --
        file=${guest%@*}
        case $file in
        *+*) set -- --unknown-imports "${file#*+}" ;;
        esac
        guest_tiers=$tiers
        case $guest in
        *@*) guest_tiers=${guest#*@} ;;
        esac
        for group in $of; do
            while IFS= read -r call; do
                set -- "$@" --invoke "$call"
            done <"$work/calls.$group"
        done
        for tier in $guest_tiers; do
            "$canonjit" run --tier "$tier" "$@" "$guests/${file%+*}.wasm" >"$work/out" 2>"$work/err" </dev/null
            got=$?
            if [ "$got" -ne 0 ] || [ -s "$work/err" ]; then
                report 1 "$guest, $tier: exit status $got"
                head -n 20 "$work/err"
            fi
            first=1
            for group in $of; do
                echo "$guest, $tier" >>"$work/runs.$group"
                # A line that is missing is not one that is empty.
                tail -n "+$first" "$work/out" | awk 'FILENAME == ARGV[1] { n++; next } n-- > 0 { print "=" $0 } END { while (n-- > 0) print "nothing" }' \
                    "$work/calls.$group" - >"$work/out.$group.$(wc -l <"$work/runs.$group")"
                first=$((first + $(wc -l <"$work/calls.$group")))
            done
        done
    done
    for group in $(seq "$groups"); do
        awk -v runs="$(wc -l <"$work/runs.$group")" -v out="$work/out.$group." -v start="$((passed + failed))" '
            FILENAME == ARGV[1] { expected[++n] = "=" $0; next }
            FILENAME == ARGV[2] { run[++r] = $0; next }
            {
                i++
                bad = ""
                for (r = 1; r <= runs; r++) {
                    if ((getline actual < (out r)) <= 0)
                        actual = "nothing"
                    if (actual "" != expected[i] "")
                        bad = bad sprintf("  %s: expected %s, got %s\n", run[r], substr(expected[i], 2), actual == "nothing" ? actual : substr(actual, 2))
                }
                printf "%s %d - %s\n%s", bad == "" ? "ok" : "not ok", start + i, $0, bad
            }' "$work/expected.$group" "$work/runs.$group" "$work/calls.$group" >"$work/report"
        cat "$work/report"
        passed=$((passed + $(grep -c '^ok ' "$work/report")))
        failed=$((failed + $(grep -c '^not ok ' "$work/report")))
    done
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
        # Where guests are compiled, that takes a core's 20 s: tests/e2e/test_script.c has the other tier.
        calls script script+echo@interp
    fi
    run_calls
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
