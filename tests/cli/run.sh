#!/bin/sh
# Tests of the command as a person uses it: run.sh CANONJIT GUESTS SOURCE [PART]. Prints a line per case and "N passed, N failed" at the end.
# A PART (calls, usage or wast) runs that alone. Each call goes through both tiers, where there are two.
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

# All calls of some files in one instance; each is a case.
calls() { # calls 'FILE...' GUEST OPTIONS...
    guest=$2
    : >"$work/all"
    for file in $1; do
        cat "$source/calls/$file.txt" >>"$work/all"
    done
    shift 2
    grep '^= ' "$work/all" | cut -c 3- >"$work/expected"
    grep -v -e '^= ' -e '^#' -e '^$' "$work/all" >"$work/calls"
    while IFS= read -r call; do
        set -- "$@" --invoke "$call"
    done <"$work/calls"
    for tier in $tiers; do
        "$canonjit" run --tier "$tier" "$@" "$guests/$guest.wasm" >"$work/out" 2>"$work/err" </dev/null
        got=$?
        awk -v guest="$guest" -v tier="$tier" -v start="$((passed + failed))" '
            FILENAME == ARGV[1] { call[++n] = $0; next }
            FILENAME == ARGV[2] { expected[++e] = $0; next }
            { actual[++a] = $0 }
            END {
                if (n != e) { print "not ok - " n " calls, " e " results"; exit }
                for (i = 1; i <= n; i++) {
                    good = i <= a && actual[i] "" == expected[i] ""
                    printf "%s %d - %s: %s, %s\n", good ? "ok" : "not ok", start + i, guest, call[i], tier
                    if (!good)
                        printf "  expected %s\n  got      %s\n", expected[i], i <= a ? actual[i] : "nothing"
                }
            }' "$work/calls" "$work/expected" "$work/out" >"$work/report"
        cat "$work/report"
        good=$(grep -c '^ok ' "$work/report")
        bad=$(grep -c '^not ok ' "$work/report")
        passed=$((passed + good))
        failed=$((failed + bad))
        if [ "$got" -ne 0 ] || [ -s "$work/err" ] || [ "$good" -eq 0 ]; then
            report 1 "$guest: exit status $got, $tier"
            head -n 20 "$work/err"
        fi
    done
}

if [ "$part" = calls ] || [ "$part" = all ]; then
    for encoding in utf8 utf16 compact; do
        guest=values-$encoding
        [ $encoding = utf8 ] && guest=values
        calls "values values-edges values-$encoding" $guest
    done
    # The same through functions of the host, which echo.
    for guest in types types-utf16 types-compact; do
        calls "values values-edges types-host" $guest --unknown-imports echo
    done
    calls rust rust
    calls demo demo
    calls bench bench-exports
    calls bench bench --unknown-imports trap
    calls bench-drive bench --unknown-imports echo
    calls traps traps
    calls traps traps-host --unknown-imports default
    calls job job --unknown-imports echo
fi

if [ "$part" = wast ] || [ "$part" = all ]; then
    . "$source/wast.sh"
fi

if [ "$part" = usage ] || [ "$part" = all ]; then
    . "$source/usage.sh"
    for tier in $tiers; do
        . "$source/traps.sh"
    done
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
