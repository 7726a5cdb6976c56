# SPDX-License-Identifier: MIT OR Apache-2.0
"""The source distribution builds with nothing but Debian's packages."""

import os
import subprocess
from pathlib import Path

import pytest
from test_readme import tour

SDIST = os.environ.get("TJ_SDIST")
NEEDED = """
import setuptools, sys, sysconfig, venv, wheel
sys.exit(not __import__("os").path.exists(sysconfig.get_path("include") + "/Python.h"))
"""


def debian_has_what_is_needed():
    try:
        done = subprocess.run(["/usr/bin/python3", "-c", NEEDED], capture_output=True)
    except OSError:
        return False
    return Path("/etc/debian_version").exists() and done.returncode == 0


@pytest.mark.skipif(not SDIST, reason="TJ_SDIST names no source distribution: run by bindings/python/test.sh")
@pytest.mark.skipif(not debian_has_what_is_needed(), reason="not Debian, or `make setup-python` was not run")
def test_debians_packages_are_enough(tmp_path):
    """Debian's interpreter, setuptools, wheel and CMake, and no index to take anything else from."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    own = tmp_path / "own"
    command = ["/usr/bin/python3", "-m", "venv", "--system-site-packages", own]
    subprocess.run(command, check=True, env=environment)
    command = [own / "bin" / "pip", "install", "-q", "--no-index", "--no-build-isolation", "--no-deps", SDIST]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    command = [own / "bin" / "python", "-W", "error", "-c", tour()]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
