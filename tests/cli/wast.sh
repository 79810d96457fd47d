# wast.sh: the runner of test scripts, on scripts that are wrong on purpose, and without what it needs; part of run.sh.

scripts=$source/wast

says() { # says FILE TEXT: some line holds the text
    grep -qF "$2" "$work/$1"
    report $? "$1: $2"
}

# The lines of failures in an output, "57 58 ".
failures() { # failures OUTPUT SCRIPT
    sed -n "s|^$scripts/$2:\([0-9]*\): .*|\1|p" "$1" | tr '\n' ' '
}

# The lines of a script below the comment that says that all is wrong from there on, without those that go on a command.
wrong_lines() { # wrong_lines SCRIPT
    awk '/^;; From here on/ { wrong = 1; next } wrong && /^\(/ && !/;; skipped$/ { printf "%d ", NR }' "$scripts/$1"
}

# -- Verdicts

for tier in $tiers; do
    for script in values commands; do
        "$canonjit" wast --tier "$tier" "$scripts/$script.wast" >"$work/$script" 2>"$work/err"
        [ $? -eq 1 ] && [ ! -s "$work/err" ]
        report $? "$script.wast, with wrong expectations, fails, $tier"
        [ "$(failures "$work/$script" $script.wast)" = "$(wrong_lines $script.wast)" ]
        report $? "$script.wast: each wrong command is a failure of its line, no right one is, $tier"
        grep -v -e '^[^ ]*:[0-9]*: ' "$work/$script" >"$work/$script.totals"
    done
    [ "$(cat "$work/values.totals")" = "26 passed, 28 failed, 0 skipped" ]
    report $? "values.wast: the last line counts, $tier"
    [ "$(cat "$work/commands.totals")" = "skipped 2: text format
skipped 2: assembler: line 89: expected valid component field
skipped 4: async
skipped 1: core multi-memory
32 passed, 15 failed, 9 skipped" ]
    report $? "commands.wast: every skip has its reason, $tier"
done

says values "assert_return: expected a value, found no value"
says values "assert_return: expected true, found false"
says values "assert_return: expected 1, found 1; it has another type: the type is u16"
says values "assert_return: expected no value, found 1"
says values "assert_return: expected 0, found -0"
says values "assert_return: expected nan:canonical, found inf"
says values "assert_return: expected nan, found 0"
says values "assert_return: expected 'b', found 'a'"
says values "argument 1 of the script is a case that the type has not: the type is "
says values "assert_return: expected {a, b}, found {a}"
says values "assert_return: expected {x: 7, y: [5, 7]}, found {x: 7, y: [5, 6]}; differs at .y[1]"
says values "assert_return: expected {x: 7, z: [5, 6]}, found {x: 7, y: [5, 6]}; differs at .y"
says values 'assert_return: expected "ho", found "hi"'
says values 'assert_return: expected "a", found "a\u{0}b"'
says values "assert_return: expected none, found code(9)"
says values "assert_return: expected ok(9), found err(9)"
says values "argument 1 of the script is a u32: the type is s8"
says values "the script gives 0 arguments, the function is func(v: s8) -> s8"
says values 'the instance exports no function "absent"'
says values "there is no instance \$absent"
says values "assert_trap: expected a trap: unreachable, found no value"
says values 'assert_trap: expected the trap "integer divide by zero", found trap: trap: unreachable executed'
says values "expected the call to return, found trap: nop: cannot enter component instance"
says commands "module: expected a valid component, found invalid component: offset 0x"
says commands "module_instance: there is no definition \$None"
says commands 'assert_invalid: expected a refusal, "it is valid", found that the component is valid'
says commands 'assert_unlinkable: expected that instantiating fails, "it has no imports", found an instance'
says commands 'assert_uninstantiable: expected the trap "integer overflow", found trap: '
says commands "unreadable: unknown command (unknown_command ...)"
says commands "unreadable: 256 is out of range for 8 bits"
says commands "the component of line 78 is not there"

# -- Output

"$canonjit" wast --verbose "$scripts/commands.wast" >"$work/verbose" 2>&1
says verbose "commands.wast:23: passed: assert_trap: trap: trap: unreachable executed"
says verbose "commands.wast:26: passed: assert_trap: trap: trap: unreachable executed (another trap would have passed too)"
says verbose "commands.wast:33: skipped: assert_malformed: text format"
"$canonjit" wast --json "$scripts/commands.wast" "$scripts/values.wast" >"$work/json" 2>"$work/err"
[ $? -eq 1 ] && node -e '
    const { scripts, passed, failed, skipped } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const all = scripts.flatMap(script => script.commands);
    const count = outcome => all.filter(command => command.outcome === outcome).length;
    const good = scripts.length === 2 && scripts[0].failed === 15 && passed === 58 && failed === 43 && skipped === 9 &&
        count("passed") === passed && count("failed") === failed && count("skipped") === skipped &&
        all.find(command => command.line === 26).untold && all.every(command => command.type && command.line > 0);
    process.exit(good ? 0 : 1)' "$work/json"
report $? "--json has every command of every script"
"$canonjit" wast --keep "$work/kept" "$scripts/values.wast" >"$work/first"
"$canonjit" wast "$work/kept/values.json" >"$work/second"
[ $? -eq 1 ] && [ -f "$work/kept/values.0.wasm" ] && cmp -s "$work/first" "$work/second"
report $? "--keep leaves a script that runs without Node.js"
TMPDIR=$work/tmp
mkdir "$TMPDIR"
TMPDIR=$TMPDIR "$canonjit" wast "$scripts/values.wast" >/dev/null 2>&1
[ -z "$(ls "$work/tmp")" ]
report $? "nothing stays in TMPDIR"
unset TMPDIR

# -- What it needs

check "wast without a script" 2 "" "canonjit: wast: no script given; see canonjit wast --help" wast
check "wast of an unknown tier" 2 "" "~canonjit: wast: --tier jti: expected one of auto, interp, jit (did you mean jit?)" wast --tier jti x.wast
check "wast of no script of that name" 1 "0 passed, 0 failed, 0 skipped" "canonjit: $work/none.wast: No such file or directory" wast "$work/none.wast"
check "wast of a folder" 1 "0 passed, 0 failed, 0 skipped" "canonjit: $work: is a directory" wast "$work"
echo '(component)' >"$work/one.wast"
check "--keep in folders that are not there" 0 "1 passed, 0 failed, 0 skipped" "" wast --keep "$work/not/there/" "$work/one.wast"
check "--keep in a file" 1 "" "canonjit: wast: --keep $work/one.wast: Not a directory" wast --keep "$work/one.wast" "$work/one.wast"
check "--keep below a file" 1 "" "canonjit: wast: --keep $work/one.wast/x: Not a directory" wast --keep "$work/one.wast/x" \
    "$work/one.wast"
[ ! -d /proc/self ] || check "--keep where no folders can be" 1 "" "canonjit: wast: --keep /proc/x: No such file or directory" wast --keep /proc/x \
    "$work/one.wast"
printf '\n(component\n (; a comment' >"$work/open.wast"
check "wast of a script that does not end" 1 "~0 passed" "~$work/open.wast:3: the block comment does not end" wast "$work/open.wast"
printf '\n(component\n ' >"$work/open.wast"
check "wast of a parenthesis that does not end" 1 "~0 passed" "~$work/open.wast:2: the parenthesis is not closed" wast "$work/open.wast"
printf '(assert_return (invoke "f") (str.const "\\zz"))' >"$work/open.wast"
check "wast of an unknown escape" 1 "~0 passed" '~open.wast:1: unknown escape \zz in a string' wast "$work/open.wast"
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "("; for (i = 0; i < 100000; i++) printf ")" }' >"$work/deep.wast"
check "wast of deep nesting" 1 "~0 passed, 1 failed" "" wast "$work/deep.wast"
echo '{}' >"$work/other.json"
check "wast of another JSON" 1 "~0 passed" "canonjit: $work/other.json: not the JSON of a test script: no \"commands\"" wast "$work/other.json"
echo 'not JSON' >"$work/other.json"
check "wast of no JSON" 1 "~0 passed" "canonjit: $work/other.json: not the JSON of a test script, nor a .wast" wast "$work/other.json"
echo '{"commands": [1, {"type": "module", "line": 2, "filename": "none.wasm"}, {"type": "action", "line": 3}, {"type": "assert_return"},
    {"type": "register", "line": 5}, {"type": "assert_invalid", "line": 6}, {"type": "module_instance", "line": 7}]}' >"$work/other.json"
check "wast of a JSON with holes" 1 "~other.json:0: (nothing): unknown command
other.json:2: module: none.wasm could not be read
other.json:3: action: no action of a component
other.json:6: assert_invalid: the command names no binary
other.json:7: module_instance: there is no definition
0 passed, 7 failed, 0 skipped" "~No such file" wast "$work/other.json"

export CANONJIT_NODE="$work/node"
check "wast without Node.js" 1 "~0 passed" "~Node.js, which reads .wast texts, is not there: $work/node
install it (Debian: apt install nodejs), set CANONJIT_NODE to its path" wast "$scripts/values.wast"
check "wast of a split script needs no Node.js" 1 "~26 passed" "" wast "$work/kept/values.json"
printf '#!/bin/sh\nkill -SEGV $$\n' >"$work/node"
chmod +x "$work/node"
check "wast with a Node.js that crashes" 1 "~0 passed" "~canonjit: $scripts/values.wast: $work/node crashed while it split the script: Segmentation fault" \
    wast "$scripts/values.wast"
printf '#!/bin/sh\nexit 3\n' >"$work/node"
check "wast with a Node.js that fails" 1 "~0 passed" "~canonjit: $scripts/values.wast: the script was not split
exit status 3" wast "$scripts/values.wast"
printf '#!/bin/sh\nexit 0\n' >"$work/node"
check "wast with a Node.js that writes nothing" 1 "~0 passed" "~values.json: No such file" wast "$scripts/values.wast"
unset CANONJIT_NODE
check "wast with a splitter that is not there" 1 "~0 passed" "~the tool that reads .wast texts: $work/none.mjs: No such file" \
    wast --splitter "$work/none.mjs" "$scripts/values.wast"
mkdir "$work/alone" && cp "$source/../../tools/wast-split.mjs" "$work/alone"
(cd "$work/alone" && "$canonjit" wast --splitter "$work/alone/wast-split.mjs" "$scripts/values.wast") >/dev/null 2>"$work/alone/err"
[ $? -eq 1 ] && matches "$(cat "$work/alone/err")" "~the assembler, @bytecodealliance/jco, is not installed: run"
report $? "wast without jco"
CANONJIT_NODE_MODULES=$source/../../node_modules
export CANONJIT_NODE_MODULES
(cd "$work/alone" && "$canonjit" wast --splitter "$work/alone/wast-split.mjs" "$scripts/values.wast" | tail -n 1) | grep -q '^26 passed'
report $? "wast with jco where CANONJIT_NODE_MODULES says"
unset CANONJIT_NODE_MODULES

# -- Folders

node "$source/../../tools/conformance.mjs" --canonjit "$canonjit" --work "$work/conformance" "$scripts" >"$work/table" 2>"$work/err"
[ $? -eq 1 ] && [ ! -s "$work/err" ]
report $? "a folder with failures fails"
says table "values.wast"
says table "commands.wast:85: assert_uninstantiable: expected the trap \"integer overflow\""
says table "  core multi-memory"
printf '#!/bin/sh\ncase $1 in --version) echo canonjit, no LLVM ;; *) kill -SEGV $$ ;; esac\n' >"$work/crashes"
chmod +x "$work/crashes"
node "$source/../../tools/conformance.mjs" --canonjit "$work/crashes" --work "$work/conformance" "$scripts" >"$work/table" 2>"$work/err"
[ $? -eq 1 ]
report $? "a command that crashes fails"
says table "values.wast: interp: crashed: SIGSEGV"
says table "0 passed, 4 failed, 0 skipped (interp)"
printf '#!/bin/sh\ncase $1 in --version) echo canonjit, no LLVM ;; *) exec sleep 60 ;; esac\n' >"$work/hangs"
chmod +x "$work/hangs"
node "$source/../../tools/conformance.mjs" --canonjit "$work/hangs" --timeout 0.2 --work "$work/conformance" "$scripts" >"$work/table" 2>"$work/err"
[ $? -eq 1 ]
report $? "a command that hangs fails"
says table "values.wast: interp: did not end in 0.2 s"
node "$source/../../tools/conformance.mjs" --canonjit "$canonjit" "$work/alone" >/dev/null 2>"$work/err"
[ $? -eq 2 ]
report $? "a folder without scripts"

# -- The host

for tier in $tiers; do
    check "wasmtime's host, $tier" 0 "7 passed, 0 failed, 0 skipped" "" wast --tier "$tier" --host wasmtime "$scripts/host.wast"
done
check "no host" 1 "~the linker has no function" "" wast "$scripts/host.wast"
check "an unknown host" 2 "" "~canonjit: wast: --host wasmtme: expected one of wasmtime (did you mean wasmtime?)" wast --host wasmtme x.wast
check "core modules of named instances" 0 "12 passed, 0 failed, 0 skipped" "" wast "$scripts/modules.wast"
"$canonjit" wast --keep "$work/kept" "$scripts/modules.wast" >/dev/null
sed 's/"modules": {/"else": {/' "$work/kept/modules.json" >"$work/kept/no-modules.json"
check "core modules that nobody has" 1 "~unsupported: imported core module" "" wast "$work/kept/no-modules.json"
