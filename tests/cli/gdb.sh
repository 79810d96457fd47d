#!/bin/sh
# GDB sees thunks by their names, in a backtrace that goes through one: gdb.sh CANONJIT GUESTS. Exit status 77: there is no GDB that can do it.
set -u
canonjit=$1
guests=$2
command -v gdb >/dev/null || {
    echo "skipped: gdb is not installed"
    exit 77
}
# cj__call_host's only way for a stand-in of the command; found by its name, so not in a stripped command.
out=$(timeout 300 gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'handle SIGSEGV SIGUSR1 nostop noprint pass' -ex 'break cj__dyn_gate' -ex run -ex backtrace \
    --args "$canonjit" run --tier jit --profile gdb --unknown-imports default --invoke 'total(["a"])' "$guests/job.wasm" 2>&1 </dev/null)
case $out in
*"Operation not permitted"* | *"Function \"cj__dyn_gate\" not defined"*)
    echo "skipped: gdb cannot run the command here"
    exit 77
    ;;
*" in cj:import:example:job/host@1.0.0#price"*)
    echo "1 passed, 0 failed"
    ;;
*)
    echo "$out"
    echo "0 passed, 1 failed"
    exit 1
    ;;
esac
