#!/usr/bin/env bash
# Formats our own C and C++ with .clang-format, in place; with "check" it says what is not formatted, and fails when there is any.
# CLANG_FORMAT chooses the program: another version than 16 formats some things otherwise.
set -uo pipefail
cd "$(dirname "$0")/.."
clang_format=${CLANG_FORMAT:-clang-format-16}
mapfile -t files < <(find include src tests bench examples -name '*.[ch]' -o -name '*.cpp' | sort)

if [ $# -gt 1 ] || { [ $# -eq 1 ] && [ "$1" != check ]; }; then
    echo "usage: tools/format.sh [check]" >&2
    exit 2
fi
if [ $# -eq 0 ]; then
    exec "$clang_format" -i "${files[@]}"
fi
unformatted=0
for file in "${files[@]}"; do
    if ! "$clang_format" "$file" | cmp -s - "$file"; then
        echo "$file is not formatted: tools/format.sh"
        unformatted=$((unformatted + 1))
    fi
done
[ "$unformatted" -eq 0 ]
