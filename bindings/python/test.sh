#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests the Python package as people get it: a source distribution, a wheel made of it, installed into
# an empty virtual environment. Usage: bindings/python/test.sh [pytest's arguments]
#   PYTHON       the interpreter, python3 by default; 3.9 or later
#   TJ_SANITIZE  sanitizers to build the extension with; then only what it has to do with is tested
set -euo pipefail
cd "$(dirname "$0")"

python=${PYTHON:-python3}
out=${TJ_PYTHON_BUILD:-$PWD/../../build/python}

unavailable() {
    if [ "${CI:-}" = true ]; then
        echo "The Python package cannot be tested: $1." >&2
        exit 1
    fi
    echo "skipped: the Python package, because $1"
    exit 0
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || unavailable "$python is older than 3.9"
"$python" -c 'import venv, ensurepip' 2>/dev/null || unavailable "$python has no venv"

tools=$out/tools
if [ ! -x "$tools/bin/pip" ]; then
    "$python" -m venv "$tools"
fi
log=$out/install.log
if ! "$tools/bin/pip" install -q -r requirements-test.txt >"$log" 2>&1; then
    cat "$log" >&2
    unavailable "the packages of requirements-test.txt cannot be installed"
fi

# What is said when building is of interest only when it fails.
quietly() {
    "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
}
export CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-2}
rm -rf "$out/dist" "$out/source"
mkdir -p "$out/source"
# setuptools leaves nothing in the sources, and CMake builds only what is new.
export DIST_EXTRA_CONFIG=$out/setuptools.cfg
printf '[egg_info]\negg_base = %s\n[build_ext]\nbuild_temp = %s\n' \
    "$out" "$out/cmake${TJ_SANITIZE:+-sanitized}" >"$DIST_EXTRA_CONFIG"
export CMAKE_ARGS="-DTJ_SANITIZE=${TJ_SANITIZE:-} -DTJ_WERROR=${TJ_WERROR:-OFF}"
quietly "$tools/bin/python" -m build --no-isolation --sdist --outdir "$out/dist" .
tar -xzf "$out"/dist/*.tar.gz -C "$out/source" --strip-components=1
quietly "$tools/bin/pip" wheel -q --no-build-isolation --no-deps -w "$out/dist" "$out/source"
here=$PWD
if [ -n "${TJ_SANITIZE:-}" ]; then
    # An interpreter that knows nothing of it gets the sanitizer's library first. Its own objects come from
    # malloc; what it leaves at its end is not ours.
    quietly "$tools/bin/pip" install -q --no-deps --upgrade --target "$out/sanitized" "$out"/dist/*.whl
    cd "$out"
    export PYTHONPATH=$out/sanitized PYTHONMALLOC=malloc
    export ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0:quarantine_size_mb=8
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libstdc++.so)"
    exec "$tools/bin/pytest" -p no:cacheprovider "$@" "$here"/tests/test_{async,frames,history,leaks,process,round_trip,transaction}.py
fi
# The wheel that people get carries LMDB and libuuid.
quietly env PATH="$tools/bin:$PATH" "$tools/bin/auditwheel" repair -w "$out/dist/carries" "$out"/dist/*.whl
quietly "$tools/bin/pip" install -q --no-deps --force-reinstall "$out"/dist/carries/*.whl

"$tools/bin/python" -m ruff check -q .
"$tools/bin/python" -m mypy --strict tesser_journal
"$tools/bin/python" -m pyright --level error --pythonpath "$tools/bin/python" tesser_journal
export TJ_WHEEL=$(echo "$out"/dist/carries/*.whl) TJ_SDIST=$(echo "$out"/dist/*.tar.gz)
# Away from the sources, which have no extension module beside them.
cd "$out"
"$tools/bin/pytest" -p no:cacheprovider "$@" "$here/tests"
