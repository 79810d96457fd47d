# traps.sh: what goes wrong in guests, in the tier $tier; part of run.sh.

traps() { # traps CALLS STDERR: the last of the calls traps; the others print ()
    set -- "$1" "$2" "$(printf '%s\n' "$1" | tail -n 1)"
    printf '%s\n' "$1" >"$work/calls"
    what=$3 err="canonjit: $guests/traps.wasm: trap: $2"
    case $2 in
    "~"*) err=$2 ;;
    esac
    set -- run --tier "$tier"
    while IFS= read -r call; do
        set -- "$@" --invoke "$call"
    done <"$work/calls"
    check "$what, $tier" 1 "$(sed '$d; s/.*/()/' "$work/calls")" "$err" "$@" "$guests/traps.wasm"
}

# Where WAMR interprets, it is its stack that is full.
full=
[ "$tiers" != interp ] || full=': the operand stack is full: wasm_stack_size of cj_limits is 1048576
canonjit: to raise it: --limit wasm_stack_size=VALUE'
core=test:traps/core@1.0.0 lift=test:traps/lift@1.0.0 lower=test:traps/lower@1.0.0
traps 'unreachable()' "$core#unreachable: unreachable executed"
traps 'divide(1, 0)' "$core#divide: integer divide by zero"
traps 'divide(-2147483648, -1)' "$core#divide: integer overflow"
traps 'remainder(1, 0)' "$core#remainder: integer divide by zero"
traps 'truncate(3e9)' "$core#truncate: integer overflow"
traps 'truncate(nan)' "$core#truncate: invalid conversion to integer"
traps 'load(4294967294)' "$core#load: out of bounds memory access"
traps 'store(4294967292, 1)' "$core#store: out of bounds memory access"
traps 'call-indirect(0)' "$core#call-indirect: uninitialized element"
traps 'call-indirect(2)' "$core#call-indirect: indirect call type mismatch"
traps 'call-indirect(100)' "$core#call-indirect: out of bounds table access"
traps 'recurse(4294967295)' "$core#recurse: stack overflow$full"
traps 'char-of(55296)' "$lift#char-of: result: char is a surrogate"
traps 'char-of(1114112)' "$lift#char-of: result: char is past U+10FFFF"
traps 'color-of(3)' "$lift#color-of: result: discriminant names no case"
traps 'option-of(2)' "$lift#option-of: result: discriminant names no case"
traps 'result-of(2)' "$lift#result-of: result: discriminant names no case"
traps 'shape-of(4)' "$lift#shape-of: result: discriminant names no case"
traps 'string-at(4294967280, 32)' "$lift#string-at: result: string is out of bounds of memory"
traps 'string-at(0, 268435456)' "$lift#string-at: result: string is longer than 2^28-1 bytes"
traps 'numbers-at(1, 1)' "$lift#numbers-at: result: list pointer is not aligned"
traps 'numbers-at(4294967292, 8)' "$lift#numbers-at: result: list is out of bounds of memory"
traps 'numbers-at(0, 67108864)' "$lift#numbers-at: result: list is longer than 2^28-1 bytes"
traps 'pair-at(2)' "$lift#pair-at: pointer to results is not aligned"
traps 'pair-at(4294967288)' "$lift#pair-at: results are out of bounds of memory"
for mode in trap:'unreachable executed' divide:'integer divide by zero' past-end:'realloc returned memory that is out of bounds' \
    far-past-end:'realloc returned memory that is out of bounds' recurse:'stack overflow'; do
    traps "set-realloc(${mode%%:*})
take-string(\"abcd\")" "~$lower#take-string
${mode#*:}"
    traps "set-realloc(${mode%%:*})
take-numbers([1, 2])" "~$lower#take-numbers
${mode#*:}"
done
traps 'set-realloc(misaligned)
take-numbers([1, 2])' "~$lower#take-numbers
realloc returned a pointer that is not aligned"
traps 'set-realloc(misaligned)
take-many(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)' "~$lower#take-many
not aligned"
traps 'post-unreachable()' "$lower#post-unreachable: unreachable executed (in post-return)"
traps 'post-recurse()' "$lower#post-recurse: stack overflow (in post-return)$full"

check "a trap after results, $tier" 1 "3
'A'" "~integer divide by zero" run --tier "$tier" --invoke 'divide(6, 2)' --invoke 'char-of(65)' --invoke 'divide(1, 0)' --invoke 'divide(6, 2)' \
    "$guests/traps.wasm"
check "the place of a bad value, $tier" 1 "()" "~$lift#strings-at: result
[1]
string is not valid UTF-8" run --tier "$tier" --invoke 'poke(70000, [112, 17, 1, 0, 1, 0, 0, 0, 128, 17, 1, 0, 1, 0, 0, 0, 255])' \
    --invoke 'strings-at(70000, 2)' "$guests/traps.wasm"
check "a bad value of a host function's parameter, $tier" 1 "" "~trap: 
test:traps/host@1.0.0#take-char
char is a surrogate" run --tier "$tier" --unknown-imports default --invoke 'send-char(55296)' "$guests/traps-host.wasm"
check "an import called in realloc, $tier" 1 "()" "~cannot leave component instance" \
    run --tier "$tier" --unknown-imports default --invoke 'set-realloc(call-host)' --invoke 'take-string("x")' "$guests/traps-host.wasm"
check "an import called in post-return, $tier" 1 "" "~cannot leave component instance" \
    run --tier "$tier" --unknown-imports default --invoke 'post-nop()' "$guests/traps-host.wasm"
for call in 'spin()' 'post-spin()'; do
    check "--timeout of $call, $tier" 1 "" "~interrupted by the host
canonjit: interrupted after 0.2 s (--timeout)" run --tier "$tier" --timeout 0.2 --invoke "$call" "$guests/traps.wasm"
done
check "--timeout in realloc, $tier" 1 "()" "~interrupted by the host" run --tier "$tier" --timeout 0.2 --invoke 'set-realloc(spin)' \
    --invoke 'take-string("x")' "$guests/traps.wasm"
check "--timeout of a call that ends in time, $tier" 0 "1000" "" run --tier "$tier" --timeout 60 --invoke 'recurse(1000)' "$guests/traps.wasm"
check "--interruptible, $tier" 0 "1000" "" run --tier "$tier" --interruptible --invoke 'recurse(1000)' "$guests/traps.wasm"
