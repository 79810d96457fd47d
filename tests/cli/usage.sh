# usage.sh: options, help, files, errors; part of run.sh.

# -- Help and versions

check "no arguments" 2 "" "~usage: canonjit VERB"
check "--help" 0 "~usage: canonjit VERB
run
bench
inspect
validate
wast
exit status" "" --help
check "-h" 0 "~usage: canonjit VERB" "" -h
check "help" 0 "~usage: canonjit VERB" "" help
check "--version" 0 "~canonjit 0.
(WAMR " "" --version
check "-V" 0 "$version" "" -V
for verb in run bench inspect validate wast; do
    check "$verb --help" 0 "~usage: canonjit $verb [options]
--limit NAME=VALUE
-h, --help" "" $verb --help
    check "$verb -h" 0 "~usage: canonjit $verb" "" $verb -h
    check "help $verb" 0 "~usage: canonjit $verb" "" help $verb
    check "$verb --nonsense" 2 "" "canonjit: $verb: unknown option --nonsense; see canonjit $verb --help" $verb --nonsense
done
for verb in run bench inspect validate; do
    check "$verb without a component" 2 "" "canonjit: $verb: no component given; see canonjit $verb --help" $verb
    check "$verb of no file" 1 "" "canonjit: $guests/none.wasm: No such file or directory" $verb $([ $verb = run ] || [ $verb = bench ] && echo "--invoke f()") \
        "$guests/none.wasm"
    check "$verb of a directory" 1 "" "canonjit: $guests: is a directory" $verb "$guests"
    check "$verb --limit of a small file" 1 "" "~canonjit: $guests/demo.wasm: the file is larger than max_component_size, 100 bytes
canonjit: to raise it: --limit max_component_size=VALUE" $verb --limit max_component_size=100 "$guests/demo.wasm"
done
for verb in run bench inspect validate wast cache limits; do
    check "$verb --help is there" 0 "~usage: canonjit $verb [options]
-h, --help" "" $verb --help
    [ "$("$canonjit" $verb --help | awk 'length > 80' | wc -l)" = 0 ]
    report $? "$verb --help fits a terminal"
done
check "limits" 0 "~max_component_size        268435456  bytes of a component
max_host_bytes" "" limits
check "limits with arguments" 2 "" "canonjit: limits: takes no arguments" limits x
check "an unknown verb" 2 "" "canonjit: unknown verb inspct (did you mean inspect?); see canonjit --help" inspct
check "an unknown verb like nothing" 2 "" "canonjit: unknown verb xyzzy; see canonjit --help" xyzzy
check "an option before the verb" 2 "" "~canonjit: unknown option --tier; the verb comes first" --tier jit run
check "a verb that is planned" 2 "" "canonjit: unsupported: canonjit compile" compile

# -- What is imported when a component is loaded

# (component (import "part" (component (export "f" (func (result u32))))) ... (export "f" (func ...)))
printf '\000asm\015\000\001\000\007\016\001\101\002\001\100\000\000y\004\000\001f\001\000\012\011\001\000\004part\004\000\005\004\001\000\000\000\006\006\001\001\000\000\001f\013\007\001\000\001f\001\000\000' >"$work/whole.wasm"
# (component (core module (func (export "f") (result i32) i32.const 7)) ... (export "f" (func ...)))
printf '\000asm\015\000\001\000\001\055\000asm\001\000\000\000\001\005\001\140\000\001\177\003\002\001\000\007\005\001\001f\000\000\012\006\001\004\000\101\007\013\000\011\004name\000\002\001m\002\004\001\000\000\000\007\005\001\100\000\000y\006\007\001\000\000\001\000\001f\010\006\001\000\000\000\000\000\013\007\001\000\001f\001\000\000' >"$work/part.wasm"
check "an imported component that is not given" 1 "" "~imported component \`part\`
canonjit: to give it: --given NAME=FILE" run --invoke 'f()' "$work/whole.wasm"
check "--given" 0 "7" "" run --given "part=$work/part.wasm" --invoke 'f()' "$work/whole.wasm"
check "inspect --given" 0 "~export f: func() -> u32;" "" inspect --given="part=$work/part.wasm" "$work/whole.wasm"
check "validate --given" 0 "" "" validate --given "part=$work/part.wasm" "$work/whole.wasm"
check "--given of another name" 1 "" "~imports no core module or component named \`prt\`" validate --given "prt=$work/part.wasm" "$work/whole.wasm"
check "--given of no file" 1 "" "canonjit: $work/none: No such file or directory" validate --given "part=$work/none" "$work/whole.wasm"
check "--given without a file" 2 "" "canonjit: --given part: wants NAME=FILE" validate --given part "$work/whole.wasm"

# -- Options

check "a mistyped option" 2 "" "canonjit: run: unknown option --invok (did you mean --invoke?); see canonjit run --help" run --invok 'f()' x
check "a mistyped option with a value" 2 "" "~unknown option --teir (did you mean --tier?)" run --teir=jit x
check "an unknown letter" 2 "" "~canonjit: run: unknown option -x" run -x
check "an option without its value" 2 "" "canonjit: run: --invoke wants a value: --invoke CALL" run --invoke
check "a value that is not wanted" 2 "" "canonjit: run: --interruptible takes no value" run --interruptible=yes x
check "--option=value" 0 "3" "" run --tier=interp --invoke='calls#add(1, 2)' "$guests/bench-exports.wasm"
check "-- ends the options" 0 "3" "" run --invoke 'calls#add(1, 2)' -- "$guests/bench-exports.wasm"
check "an unknown tier" 2 "" "canonjit: run: --tier jti: expected one of auto, interp, jit (did you mean jit?)" run --tier jti x
check "--tier auto" 0 "3" "" run --tier auto --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm"
check "arguments for the guest" 2 "" "~unsupported: arguments for the guest" run --invoke 'f()' "$guests/demo.wasm" more
check "options after the component" 2 "" "~--tier: options go before the component" run --invoke 'f()' "$guests/demo.wasm" --tier jit
check "--timeout of nothing" 2 "" "~canonjit: run: --timeout 0: expected seconds" run --timeout 0 x
check "--timeout of no number" 2 "" "~canonjit: run: --timeout 1s: expected seconds" run --timeout 1s x
check "--timeout of nan" 2 "" "~canonjit: run: --timeout nan: expected seconds" run --timeout nan x
check "--unknown-imports of no mode" 2 "" "~expected one of error, trap, default, echo" run --unknown-imports no x
check "inspect of two kinds" 2 "" "canonjit: inspect: --json and --wit exclude each other" inspect --json --wit x
check "inspect of two files" 2 "" "~one component at a time" inspect x y

# -- Limits

check "--limit without a value" 2 "" "canonjit: --limit max_params: expected NAME=VALUE" run --limit max_params x
check "--limit of an unknown name" 2 "" "canonjit: --limit max_parms=1: no limit of that name (did you mean max_params?); canonjit limits lists them" \
    run --limit max_parms=1 x
check "--limit of no number" 2 "" "~expected a number, perhaps with K, M or G behind it" run --limit max_params=many x
check "--limit of a negative number" 2 "" "~expected a number" run --limit max_params=-1 x
check "--limit with a strange suffix" 2 "" "~expected a number" run --limit max_params=1T x
check "--limit past its type" 2 "" "canonjit: --limit max_params=4G: the most is 4294967295" run --limit max_params=4G x
check "--limit past everything" 2 "" "~expected a number" run --limit max_component_size=99999999999999999999 x
check "--limit past everything, with a suffix" 2 "" "~expected a number" run --limit max_component_size=99999999999999G x
check "--limit with hyphens and a suffix" 0 "3" "" run --limit max-component-size=1M --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm"
check "a limit of loading" 1 "" "~canonjit: $guests/values.wasm: offset 0x
max_members
canonjit: to raise it: --limit max_members=VALUE" run --limit max_members=10 --invoke 'nop()' "$guests/values.wasm"
check "a limit of running" 1 "" "~max_host_bytes
canonjit: to raise it: --limit max_host_bytes=VALUE" run --limit max_host_bytes=1000 --invoke 'strings-out(1000)' "$guests/bench-exports.wasm"

# Every limit can be 0: either nothing of the kind is needed, or the error has its name.
bad=
for limit in $("$canonjit" limits | cut -d ' ' -f 1); do
    "$canonjit" run --tier interp --limit $limit=0 --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm" >"$work/out" 2>"$work/err"
    got=$?
    [ $got -eq 0 ] || { [ $got -eq 1 ] && grep -q "$limit" "$work/err"; } || bad="$bad $limit"
done
[ -z "$bad" ]
report $? "limits of 0$bad"

# -- Files

check "a component on standard input" 1 "" "~canonjit: <stdin>: " validate -
name="a component from a pipe"
if [ "$("$canonjit" run --invoke 'calls#add(1, 2)' - <"$guests/bench-exports.wasm")" = 3 ] &&
    [ "$(cat "$guests/bench-exports.wasm" | "$canonjit" run --invoke 'calls#add(1, 2)' -)" = 3 ]; then
    report 0 "$name"
else
    report 1 "$name"
fi
name="a pipe longer than the limit"
cat "$guests/values.wasm" | "$canonjit" validate --limit max_component_size=1000 - 2>"$work/err"
[ $? -eq 1 ] && matches "$(cat "$work/err")" "~canonjit: <stdin>: the file is larger than max_component_size, 1000 bytes"
report $? "$name"
: >"$work/empty.wasm"
check "an empty file" 1 "" "canonjit: $work/empty.wasm: offset 0x0: expected the preamble of a component (00 61 73 6d 0d 00 01 00), found nothing" \
    validate "$work/empty.wasm"
printf '\000asm\015\000\001\000' >"$work/nothing.wasm"
check "a component with nothing in it" 1 "" "canonjit: $work/nothing.wasm: the component exports no function" run "$work/nothing.wasm"
check "a call of a component with nothing in it" 2 "" 'canonjit: --invoke: offset 0x0: no exported function "f" among 0
    f()
    ^' run --invoke 'f()' "$work/nothing.wasm"
check "a function of a component with nothing in it" 2 "" "canonjit: $work/nothing.wasm: --plan f: no exported function \"f\" among 0" \
    inspect --plan f "$work/nothing.wasm"
printf '\000asm\001\000\000\000' >"$work/core.wasm"
check "a core module" 1 "" "~canonjit: $work/core.wasm: offset 0x0: expected a component, found a core module" validate "$work/core.wasm"
head -c 5000 "$guests/values.wasm" >"$work/cut.wasm"
check "a component that is cut" 1 "" "~canonjit: $work/cut.wasm: offset 0x" validate "$work/cut.wasm"
echo "hello" >"$work/text.wasm"
check "a text file" 1 "" "~canonjit: $work/text.wasm: offset 0x0: " run --invoke 'f()' "$work/text.wasm"
check "validate one" 0 "" "" validate "$guests/demo.wasm"
check "validate several" 0 "" "" validate "$guests/demo.wasm" "$guests/rust.wasm" "$guests/types.wasm"
check "validate several, one bad" 1 "" "~$work/core.wasm" validate "$guests/demo.wasm" "$work/core.wasm" "$guests/rust.wasm"
if [ -w /dev/full ]; then
    "$canonjit" run --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm" >/dev/full 2>"$work/err"
    [ $? -eq 1 ] && matches "$(cat "$work/err")" "canonjit: standard output: No space left on device"
    report $? "a full disk behind standard output"
fi

# What is opened must not become standard output, or standard error.
"$canonjit" run --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm" >&- 2>"$work/err"
[ $? -eq 1 ] && matches "$(cat "$work/err")" "canonjit: standard output: Bad file descriptor"
report $? "standard output is closed"
"$canonjit" bench --ascii --time 0.05 --svg "$work/apart.svg" --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm" >&- 2>&-
[ $? -eq 1 ] && [ "$(head -c 4 "$work/apart.svg")" = "<svg" ] && [ "$(tail -n 1 "$work/apart.svg")" = "</svg>" ]
report $? "files of ours do not take the place of closed streams"
"$canonjit" validate - <&- 2>"$work/err"
[ $? -eq 1 ] && matches "$(cat "$work/err")" "canonjit: <stdin>: Bad file descriptor"
report $? "standard input is closed"
[ "$("$canonjit" limits | head -n 1 | wc -l)" = 1 ]
report $? "a reader that does not read on"
mkfifo "$work/fifo"
cat "$guests/bench-exports.wasm" >"$work/fifo" &
check "a component from a named pipe" 0 "3" "" run --invoke 'calls#add(1, 2)' "$work/fifo"
wait
check "/dev/null as a component" 1 "" "~canonjit: /dev/null: offset 0x0: " validate /dev/null
check "a component that has no end" 1 "" "~canonjit: /dev/zero: the file is larger than max_component_size" validate --limit max_component_size=1M /dev/zero

# -- Calls

check "no --invoke" 2 "" "~canonjit: $guests/rust.wasm: which function? --invoke 'NAME(ARGUMENTS)'; exported:
  greet: func(name: string) -> string
  test:rust/geometry@1.0.0#scale: func(" run "$guests/rust.wasm"
check "long types in lists are cut" 2 "" "~  test:types/echo@1.0.0#echo-wide: func(v: enum { w0, w1, w2, w3, w4,
 ...
(long types are cut; \`canonjit inspect\` has them all)" run "$guests/values.wasm"
[ "$(wc -L <"$work/err")" -lt 220 ]
report $? "lists of functions have lines that can be read"
check "several --invoke share an instance" 0 "()
0
12" "" run --tier interp --invoke 'nop()' --invoke 'post-returns()' --invoke 'echo-u8(12)' "$guests/values.wasm"
check "state from call to call" 0 '"Hello, a!"
1' "" run --tier interp --invoke 'greet("a")' --invoke 'post-returns()' "$guests/values.wasm"
check "nothing runs when a later call is wrong" 2 "" "~argument 1 of 2" run --invoke 'nop()' --invoke 'add()' "$guests/values.wasm"
check "an unknown function" 2 "" '~canonjit: --invoke: offset 0x0: no exported function "great" among 7
did you mean "greet"
    great("x")
    ^
exported:
  greet: func(name: string) -> string' run --invoke 'great("x")' "$guests/rust.wasm"
check "an ambiguous function" 2 "" '~"name" fits 2 functions: test:types/show@1.0.0#name, test:types/give@1.0.0#name
    name()
    ^' run --invoke 'name()' "$guests/values.wasm"
check "a number out of range" 2 "" '~canonjit: --invoke: offset 0x8: argument 1 of 1 (v: u8): 256 is out of range for u8 (0 to 255)
    echo-u8(256)
            ^' run --invoke 'echo-u8(256)' "$guests/values.wasm"
check "the place in a text with long characters" 2 "" '~    concat("äöü", 1)
                  ^' run --invoke 'concat("äöü", 1)' "$guests/values.wasm"
zeros=$(printf '0, %.0s' 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9)
check "the place in a long text" 2 "" "~offset 0x86: argument 1 of 1 (v: list<u8>): expected u8
    ${zeros}x, ${zeros%0, }
$(printf '%64s' '')^" run --invoke "echo-list-u8([$zeros${zeros}x, $zeros$zeros 1])" "$guests/values.wasm"
check "an error in a text with line breaks has no picture" 2 "" \
    "canonjit: --invoke: offset 0x9: argument 1 of 1 (v: u8): expected u8 (0 to 255), found x" run --invoke 'echo-u8(
x)' "$guests/values.wasm"
check "a record without a field" 2 "" '~field "y" is missing' run --invoke 'echo-point({x: 1})' "$guests/values.wasm"
check "missing arguments" 2 "" '~expected argument 2 of 2 (b: u32), found' run --invoke 'add(1)' "$guests/values.wasm"

# -- Imports

check "missing host functions" 1 "" "~canonjit: $guests/job.wasm: 
example:job/host@1.0.0
imported, and not offered by this command (--unknown-imports trap, default or echo stands in for them):
  example:job/host@1.0.0#log: func(
  example:job/host@1.0.0#price: func(item: string) -> option<u32>" run --invoke 'total([])' "$guests/job.wasm"
# (component (import "wasi:cli/exit@0.2.0" (instance (export "f" (func)))) ... (export "f" (func ...))), the one lifted from the other
printf '\000asm\015\000\001\000\007\016\001B\002\001@\000\001\000\004\000\001f\001\000\012\030\001\000\023wasi:cli/exit@\060.\062.\060\005\000\006\006\001\001\000\000\001f\010\005\001\001\000\000\000\007\005\001@\000\001\000\010\006\001\000\000\000\000\001\013\007\001\000\001f\001\001\000\000\036\016component-name\001\006\000\000\001\000\001l\001\005\005\001\000\001i' >"$work/wasi.wasm"
check "what WASI has" 1 "" "~wasi:cli/exit@0.2.0#f: the linker has no function
canonjit: unsupported: WASI, of which the component imports functions
imported, and not offered by this command" run --invoke 'f()' "$work/wasi.wasm"
check "--unknown-imports trap, not called" 0 "ok(0)" "" run --unknown-imports trap --invoke 'total([])' "$guests/job.wasm"
check "--unknown-imports trap, called" 1 "" \
    "canonjit: $guests/job.wasm: trap: example:job/host@1.0.0#price: the guest called an import that is not there" \
    run --unknown-imports trap --invoke 'total(["a"])' "$guests/job.wasm"
check "--unknown-imports default" 0 "err(1)" "" run --unknown-imports default --invoke 'total(["a"])' "$guests/job.wasm"
check "--unknown-imports default, every kind" 0 "false
{a: 0, b: 0, c: 0, d: 0, e: false, f: '\u{0}', g: 0, h: 0}
empty
red
{}
none
ok(0)
leaf(0)
[]
\"\"" "" run --tier interp --unknown-imports default --invoke 'echo-bool(true)' \
    --invoke "echo-mixed({a: 1, b: 2, c: 3, d: 4, e: true, f: 'x', g: 5, h: 6})" --invoke 'echo-shape(code(5))' --invoke 'echo-color(blue)' \
    --invoke 'echo-full({b3})' --invoke 'echo-option-u8(3)' --invoke 'echo-result-both(err("x"))' --invoke 'echo-deep(names(["a"]))' \
    --invoke 'echo-list-u8([1])' --invoke 'echo-string("x")' "$guests/types.wasm"

# -- Resources

check "a missing resource type" 1 "" "~no resource type \"journal\" of interface \"example:bank/journals@1.0.0\"
imported, and not offered by this command
  example:bank/journals@1.0.0#journal: resource
  example:bank/journals@1.0.0#[method]journal.write: func(" run --invoke '[constructor]account("ada")' "$guests/bank.wasm"
check "a handle as a result" 0 "<own 1>" "" run --unknown-imports default --invoke '[constructor]account("ada")' "$guests/bank.wasm"
check "a handle as an argument" 2 "" "~offset 0x18: argument 1 of 1 (self: borrow<
unsupported: borrow values in WAVE, which has no text for handles" \
    run --unknown-imports default --invoke '[method]account.balance(1)' "$guests/bank.wasm"
check "a trap in a component inside" 1 "" \
    "~trap: resource.drop test:resources/items@1.0.0#item: unknown handle index; in a call of test:resources/wrong@1.0.0#drop-twice" \
    run --invoke 'drop-twice()' "$guests/with-resources.wasm"
check "max_handles" 1 "" "~handle table is full: max_handles of cj_limits is 10
to raise it: --limit max_handles=VALUE" run --limit max_handles=10 --invoke 'hoard(20)' "$guests/with-resources.wasm"
for mode in default echo; do
    check "--unknown-imports $mode has resource types" 0 "\"=0 =0 $([ $mode = echo ] && echo 4 || echo 0) 00 =0 []; live 0, destroyed []\"" "" \
        run --tier interp --unknown-imports $mode --invoke 'life()' "$guests/user.wasm"
done

check "--profile of an unknown kind" 2 "" "~canonjit: run: --profile perf: expected one of perfmap, jitdump, gdb (did you mean perfmap?)" \
    run --profile gdb,perf --invoke 'f()' x
check "--profile of nothing" 2 "" "~expected one of perfmap, jitdump, gdb" run --profile perfmap, --invoke 'f()' x
case $tiers in
*jit*)
    name="--profile jitdump,gdb"
    (cd "$work" && "$canonjit" run --tier jit --profile jitdump,gdb --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm" >out 2>err) &&
        [ "$(cat "$work/out")" = 3 ] && grep -q 'cj:export:test:bench/calls@1.0.0#add' "$work"/jit-*.dump
    report $? "$name"
    ;;
*)
    check "--profile without LLVM" 1 "" "~unsupported: cj_config.profile in this build" run --profile gdb --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm"
    ;;
esac

# -- Times

for tier in $tiers auto; do
    check "bench --tier $tier" 0 "~calls#add(1, 2)
test:bench/calls@1.0.0#add: func(a: u32, b: u32) -> u32
entry     lower      core      lift post-return  fit
  $tier
e entry   < lower   # core   > lift   . post-return" "" \
        bench --ascii --time 0.05 --tier $tier --invoke 'calls#add(1, 2)' "$guests/bench-exports.wasm"
done
"$canonjit" bench --ascii --time 0.05 --invoke 'greet("x")' "$guests/values.wasm" >"$work/out"
[ "$(awk 'length > 80' "$work/out" | wc -l)" = 0 ]
report $? "bench fits a terminal"
check "bench of an unknown tier" 2 "" "canonjit: bench: --tier jti: expected one of jit, interp, auto (did you mean jit?)" bench --tier jti x
check "bench --rounds of too few" 2 "" "canonjit: bench: --rounds 2: expected a number from 3 to 1000" bench --rounds 2 x
check "bench --rounds of no number" 2 "" "~canonjit: bench: --rounds 3x: expected" bench --rounds 3x x
check "bench --time of nothing" 2 "" "~canonjit: bench: --time 0: expected seconds" bench --time 0 x
check "bench without --invoke" 2 "" "~which function? --invoke 'NAME(ARGUMENTS)'; exported:
  greet: func(name: string) -> string" bench "$guests/rust.wasm"
check "bench of a wrong call" 2 "" "~argument 1 of 2" bench --invoke 'nop()' --invoke 'add()' "$guests/values.wasm"
check "bench with options after the component" 2 "" "canonjit: bench: --json: options go before the component" bench "$guests/values.wasm" --json
check "bench of a trap" 1 "" "~trap: test:traps/core@1.0.0#unreachable: unreachable
canonjit: the first call failed, tier interp" bench --tier interp --time 0.05 --unknown-imports default \
    --invoke 'unreachable()' "$guests/traps.wasm"
check "bench with stand-ins" 0 "~total(" "" bench --time 0.05 --unknown-imports echo --invoke 'total(["a"])' "$guests/job.wasm"
check "bench without stand-ins" 1 "" "~imported, and not offered by this command" bench --time 0.05 --invoke 'total(["a"])' "$guests/job.wasm"
for call in 'numbered(["a", "b"])' 'make("x", 1)' '[constructor]token(4)'; do
    check "bench drops the handles of results: $call" 0 "~own<" "" bench --time 0.05 --limit max_handles=700 --invoke "$call" "$guests/items.wasm"
done
if command -v node >/dev/null; then
    "$canonjit" bench --json --time 0.1 --svg "$work/chart.svg" --invoke 'greet("<a>&\"b\"")' --invoke 'post-returns()' "$guests/values.wasm" |
        node -e '
            const r = JSON.parse(require("fs").readFileSync(0));
            const near = (a, b) => Math.abs(a - b) <= 0.01 + b * 1e-3;
            if (r.calls.length !== 2 || !r.build.startsWith("WAMR") || !(r.stamp_ns > 0)) throw r;
            for (const c of r.calls) {
                if (c.tiers.length !== +process.argv[1] || !c.type.startsWith("func(")) throw c;
                for (const t of c.tiers) {
                    const steps = Object.values(t.steps);
                    if (!(t.ns > 0) || steps.length !== 5 || steps.some((s) => !(s >= 0)) || !near(steps.reduce((a, b) => a + b), t.ns)) throw t;
                    if (t.rounds < 3 || t.block_calls < 1 || !(t.spread >= 0)) throw t;
                }
            }
            if (r.calls[0].call !== `greet("<a>&\\"b\\"")` || r.calls[0].function !== "greet") throw r;' "$(echo $tiers | wc -w)"
    report $? "bench --json: steps sum up to the whole"
    report "$(grep -c '<svg xmlns="http://www.w3.org/2000/svg"' "$work/chart.svg" | sed 's/1/0/')" "bench --svg"
    grep -q 'greet(&quot;&lt;a&gt;&amp;' "$work/chart.svg"
    report $? "bench --svg escapes what people write"
    if command -v xmllint >/dev/null; then
        xmllint --noout "$work/chart.svg"
        report $? "bench --svg is XML"
    fi
fi
# Found before anything is measured: a thousand seconds of it.
check "bench --svg into nothing" 1 "" "canonjit: $work/none/chart.svg: No such file or directory" bench --time 1000 --svg "$work/none/chart.svg" \
    --invoke 'greet("x")' "$guests/values.wasm"
check "bench --svg into a directory" 1 "" "canonjit: $work: Is a directory" bench --time 1000 --svg "$work" --invoke 'greet("x")' "$guests/values.wasm"
echo before >"$work/before.svg"
for svg in before after; do
    check "bench --svg of a trap: $svg" 1 "" "~the first call failed" bench --time 0.05 --svg "$work/$svg.svg" --unknown-imports default \
        --invoke 'unreachable()' "$guests/traps.wasm"
done
[ "$(cat "$work/before.svg")" = before ] && [ ! -e "$work/after.svg" ]
report $? "bench --svg writes when there are figures"
if [ -w /dev/full ]; then
    check "bench --svg of a full disk" 1 "~greet" "canonjit: /dev/full: No space left on device" bench --ascii --time 0.05 --svg /dev/full \
        --invoke 'greet("x")' "$guests/values.wasm"
fi

# -- Inspection

check "the plan of a call inside" 0 "~fused utf8 -> 
u32            f0 -> f0" "" inspect --plan 'test:diamond/side@1.0.0#add-twice' "$guests/with-diamond.wasm"

check "inspect" 0 "~package test:rust@1.0.0
interface geometry
record point {
greet: func(name: string) -> string;" "" inspect "$guests/rust.wasm"
check "inspect --wit" 0 "$("$canonjit" inspect "$guests/rust.wasm")" "" inspect --wit "$guests/rust.wasm"
check "inspect of imports" 0 "~import example:job/host@1.0.0;
price: func(item: string) -> option<u32>;" "" inspect "$guests/job.wasm"
check "inspect --json" 0 '~"greet"
"string"' "" inspect --json "$guests/rust.wasm"
if command -v node >/dev/null; then
    "$canonjit" inspect --json "$guests/types.wasm" | node -e 'JSON.parse(require("fs").readFileSync(0))'
    report $? "inspect --json is JSON"
fi
check "inspect --plan" 0 "~string
post-return" "" inspect --plan greet "$guests/rust.wasm"
check "inspect --plan of a short name" 0 "$("$canonjit" inspect --plan 'test:rust/geometry@1.0.0#scale' "$guests/rust.wasm")" "" \
    inspect --plan geometry.scale "$guests/rust.wasm"
check "inspect --plan of an import" 0 "~string" "" inspect --plan price "$guests/job.wasm"
check "inspect --plan of no function" 2 "" '~canonjit: '"$guests"'/job.wasm: --plan prise: no exported function "prise" among 1
exported:
  total: func(items: list<string>) -> result<u64, u32>
imported:
  example:job/host@1.0.0#log' inspect --plan prise "$guests/job.wasm"
check "inspect --plan of an ambiguous function" 2 "" "~fits 2 functions" inspect --plan name "$guests/values.wasm"
case $tiers in
*jit*)
    check "inspect --llvm" 0 "~define
ret i32" "" inspect --llvm greet "$guests/rust.wasm"
    check "inspect --asm" 0 "~.text
greet" "" inspect --asm greet "$guests/rust.wasm"
    ;;
*)
    check "inspect --llvm without LLVM" 1 "" "~unsupported" inspect --llvm greet "$guests/rust.wasm"
    check "run --tier jit without LLVM" 1 "" "~unsupported" run --tier jit --invoke 'greet("x")' "$guests/rust.wasm"
    ;;
esac

# -- Completion

if command -v bash >/dev/null; then
    complete_words() { # complete_words WORDS...: what bash offers for the last of them
        bash -c 'compopt() { :; }; . "$1/../../completions/canonjit.bash"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _canonjit
                 printf "%s " "${COMPREPLY[@]}"' bash "$source" "$canonjit" "$@"
    }
    [ "$(complete_words ins)" = "inspect " ]
    report $? "completion of a verb"
    [ "$(complete_words run --ti)" = "--tier --timeout " ]
    report $? "completion of an option"
    [ "$(complete_words run --tier '')" = "auto interp jit " ]
    report $? "completion of a tier"
    [ "$(complete_words validate --limit max_ho)" = "max_host_bytes= " ]
    report $? "completion of a limit"
    touch "$work/script.wast" "$work/script.json" "$work/script.wasm"
    [ "$(complete_words wast "$work/scr")" = "$work/script.wast $work/script.json " ]
    report $? "completion of a script"
    [ "$(complete_words run "$work/scr")" = "$work/script.wasm " ]
    report $? "completion of a component"
    [ -z "$(complete_words limits '' | tr -d ' ')" ]
    report $? "completion of what takes no arguments"
    for verb in run bench inspect validate wast cache limits; do
        "$canonjit" $verb --help | sed -n 's/^  \(-h, \)*\(--[a-z-]*\).*/\2/p' | sort >"$work/options"
        complete_words $verb -- | tr ' ' '\n' | sed '/^$/d' | sort | cmp -s - "$work/options"
        report $? "completion knows all options of $verb"
    done
fi

# -- Manual page

for verb in run bench inspect validate wast cache; do
    awk -v verb="$verb" '/^\.SH/ { on = $0 == ".SH OPTIONS OF " verb || $0 == ".SH OPTIONS OF SEVERAL" } on && last == ".TP" { print } { last = $0 }' \
        "$source/../../docs/man/canonjit.1" | sed -n 's/\\-/-/g; s/^\.B.*\(--[a-z-]*\).*/\1/p' | sort >"$work/documented"
    "$canonjit" $verb --help | sed -n 's/^  \(-h, \)*\(--[a-z-]*\).*/\2/p' | sort >"$work/options"
    [ -s "$work/options" ] && [ -z "$(comm -13 "$work/documented" "$work/options")" ]
    report $? "the manual page has all options of $verb"
done
