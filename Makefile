# SPDX-License-Identifier: MIT OR Apache-2.0
# A thin front for people; CMakeLists.txt builds. `make help` lists what there is.
PREFIX ?= /usr/local
CTEST_FLAGS ?= -j2 --output-on-failure

.DEFAULT_GOAL := help
.PHONY: help demo demo-ha test test-ha planted test-rust test-page test-python test-python-asan packages \
    test-packages test-image build bench install uninstall debug clang asan tsan clean setup

help: ## This list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 25

demo: setup ## A trading runtime is killed and goes on: the point of the project in a minute
	@scripts/build.sh release paper_runtime tesser-journal
	@scripts/demo.sh build/release

test: build ## Every test; installs what is missing, builds, and ends with the summary
	@ctest --test-dir build/release $(CTEST_FLAGS); code=$$?; scripts/skips.sh build/release; exit $$code

planted: build ## Faults planted in the library, one at a time, each of which the tests must notice
	@PYTHONDONTWRITEBYTECODE=1 tests/planted/run.py . build/release

test-rust: setup-rust ## The Rust crates with the published Tesser crates; takes minutes the first time
	@bindings/rust/test.sh

test-page: setup-page build ## The page of `serve`, in a headless Chromium
	@ctest --test-dir build/release -C page -L page $(CTEST_FLAGS)

test-python: setup-python ## The Python package: source distribution, wheel, types, tests
	@bindings/python/test.sh

test-python-asan: setup-python ## The Python package's extension under AddressSanitizer and UBSan
	@TJ_SANITIZE=address,undefined bindings/python/test.sh

test-ha: setup-ha build ## A writer on three machines with Patroni, of which one is killed, frozen, cut off; 6 minutes
	@tests/ha/faults.sh build/release

demo-ha: setup-ha build ## A trading runtime on three machines: the leader is killed, then frozen and thawed
	@scripts/demo_ha.sh build/release

packages: setup-packages ## The Debian packages, in build/packages
	@scripts/packages.sh

test-packages: build setup-packages ## The packages and the systemd units, in a fresh Debian that boots
	@tests/packages/test_packages.sh

test-image: setup-image ## The image of contrib/docker, built from nothing, stopped, killed, and started again
	@tests/packages/test_image.sh

build: setup ## The library, the command line, tests and examples, in build/release
	@scripts/build.sh release

bench: build ## Benchmarks beside the disk, LMDB and SQLite, with the goals met and missed
	@scripts/bench.sh build/release

install: setup ## Into PREFIX: make install PREFIX=/usr/local
	@scripts/build.sh release installed
	@cmake --install build/release --prefix "$(PREFIX)" >build/release/install.log
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || ldconfig
	@echo "Installed into $(DESTDIR)$(PREFIX)"

uninstall: ## Removes what the last make install has put somewhere
	@scripts/uninstall.sh build/release
	@[ "$$(id -u)" != 0 ] || [ -n "$(DESTDIR)" ] || ldconfig

debug: setup ## A build for the debugger, in build/debug
	@scripts/build.sh debug

clang: setup-ci ## The same as build, by clang, warnings are errors, in build/clang
	@scripts/build.sh clang

asan: setup-ci ## Most tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/build.sh asan
	@scripts/sanitized.sh asan -L 'unit|contract|cli|serve|format|fault|crash' $(CTEST_FLAGS)

tsan: setup-ci ## The tests with threads under ThreadSanitizer
	@scripts/build.sh tsan tests_with_threads
	@scripts/sanitized.sh tsan -L threads $(CTEST_FLAGS)

clean: ## Removes build/
	@rm -rf build

setup: ## Installs the Debian packages that are missing; each target does it
	@scripts/setup.sh

setup-%: # ... and those for ci, rust, page, python, ha, packages or image
	@scripts/setup.sh --$*
