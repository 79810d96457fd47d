#!/usr/bin/env bash
# Builds and tests: release, AddressSanitizer + UndefinedBehaviorSanitizer, and the same without LLVM. Goes on after a failure so
# that the last line counts everything. With "all" also with software bounds checks, without LLVM and optimised, and the tests with threads under ThreadSanitizer.
# PRESETS="..." chooses others; CTEST_ARGS is passed on.
set -uo pipefail
cd "$(dirname "$0")/.."
presets=${PRESETS:-release asan-ubsan no-llvm-asan}
[ "${1:-}" = all ] && presets="$presets software-bounds no-llvm tsan"
failed=0
reports=()

for preset in $presets; do
    report=build/test-$preset.xml
    rm -f "$report"
    reports+=("$preset=$report")
    if ! tools/build.sh "$preset"; then
        failed=1
        continue
    fi
    only=()
    [ "$preset" = tsan ] && only=(--tests-regex 'threads|tiers|scoped|test_disk|engine_life|engine_pair|test_llvm|interrupt') # the others have one thread
    # shellcheck disable=SC2086
    if ! ctest --test-dir "build/$preset" "${only[@]}" --output-on-failure --parallel 2 --output-junit "$PWD/$report" \
        --test-output-size-passed 4000000 --test-output-size-failed 4000000 ${CTEST_ARGS:-} >"build/test-$preset.log" 2>&1; then
        failed=1
        grep -v ' Passed ' "build/test-$preset.log"
    fi
done

node tools/count-tests.mjs "${reports[@]}" || failed=1
exit $failed
