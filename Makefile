# The commands that people use; CMake does the work (see CMakePresets.json for builds of your own).
#
#   make demo     everything on a fresh machine, then the main job: a real component through compiled thunks
#   make check    the same set-up, then every test in three builds; the last line counts them
#   make check-all    the same in more builds: with software bounds checks, without LLVM and optimised, and what has threads under ThreadSanitizer
#   make check-software-bounds    every test in the build with software bounds checks alone
#   make bench    the benchmark table
#   make size     how large the library is without LLVM, and what is in it
#   make conformance SUITE=path/to/component-model/test    a folder of the standard's test scripts (docs/conformance.md)
#   make build    the set-up and the release build: build/canonjit
#   make setup    Debian packages and npm packages only
#   make clean    removes build/ (node_modules stays)

.PHONY: all setup setup-check build demo check check-all check-software-bounds bench size conformance clean
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

RELEASE = build/release
NPM = node_modules/.package-lock.json

all: build

setup: packages $(NPM)
setup-check: packages-check $(NPM)

.PHONY: packages packages-check
packages:
	@tools/setup-packages.sh
packages-check:
	@tools/setup-packages.sh check

# npm writes this file last.
$(NPM): package.json package-lock.json .npmrc
	npm ci --loglevel=error
	@touch $@

build: setup
	@tools/build.sh release

demo: build
	@tools/demo.sh

check: setup-check
	@tools/check.sh

check-all: setup-check
	@tools/check.sh all

check-software-bounds: setup-check
	@PRESETS=software-bounds tools/check.sh

bench: build
	@$(RELEASE)/bench/canonjit-bench $(BENCHFLAGS) $(RELEASE)/guests
	@$(RELEASE)/bench/canonjit-compile-bench
	@! test -f $(RELEASE)/guests/script.wasm || $(RELEASE)/bench/canonjit-load-bench $(RELEASE)/guests/script.wasm
	@$(RELEASE)/bench/canonjit-start-bench $(RELEASE)/guests/types.wasm

size: setup-check
	@tools/build.sh no-llvm libcanonjit.so
	@node tools/size.mjs build/no-llvm

conformance: build
	@if [ -z "$(SUITE)" ]; then echo 'make conformance SUITE=path/to/component-model/test (docs/conformance.md)'; exit 2; fi
	@node tools/conformance.mjs --canonjit $(RELEASE)/canonjit $(CONFORMANCEFLAGS) "$(SUITE)"

clean:
	rm -rf build
