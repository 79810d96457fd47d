#!/usr/bin/env bash
# Installs the build tree $1 to a folder of its own, builds the consumer $2 against it in every way, and runs it.
set -euo pipefail
build=$1
consumer=$2
work=$build/tests/install/work
rm -rf "$work"
mkdir -p "$work"

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log"
cmake -S "$consumer" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >"$work/configure.log"
cmake --build "$work/cmake" >"$work/build.log"
passed=0
for program in with_canonjit with_canonjit_static as_cxx; do
    "$work/cmake/$program"
    passed=$((passed + 1))
done

libdir=$(dirname "$(find "$work/prefix" -name canonjit.pc)")
export PKG_CONFIG_PATH=$libdir
# shellcheck disable=SC2046
cc "$consumer/consumer.c" -DBOUNDS="\"$(pkg-config --variable=bounds canonjit)\"" -o "$work/with_pkgconfig" $(pkg-config --cflags --libs canonjit) -Wl,-rpath,"$(pkg-config --variable=libdir canonjit)"
"$work/with_pkgconfig"
passed=$((passed + 1))

# What is installed has its licence and its documents with it.
doc=$work/prefix/share/doc/canonjit
cmp "$consumer/../../../LICENSE" "$doc/LICENSE"
while read -r link; do
    test -f "$doc/$link" || { echo "README.md, as installed, links to $link, which is not there"; exit 1; }
done < <(grep -o '(docs/[a-z-]*\.md' "$doc/README.md" | tr -d '(' | sort -u)
passed=$((passed + 1))

# Only cj_ symbols leave the library.
if nm -D --defined-only "$(pkg-config --variable=libdir canonjit)/libcanonjit.so" | awk '{print $3}' | grep -v '^cj_[a-z]'; then
    echo "symbols that are not ours to export"
    exit 1
fi
passed=$((passed + 1))
echo "$passed passed, 0 failed"
