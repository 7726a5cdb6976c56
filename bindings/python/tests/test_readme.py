# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tour of the README, run; also from the wheel, in an environment with nothing else in it."""

import contextlib
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
WHEEL = os.environ.get("TJ_WHEEL")


def tour():
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S))


def test_the_tour(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", tour()], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "TWAP, first slice" in done.stdout and "not float" in done.stdout


@pytest.mark.skipif(not WHEEL, reason="TJ_WHEEL names no wheel: run by bindings/python/test.sh")
def test_the_wheel_in_an_empty_environment(tmp_path):
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--no-index", WHEEL]
    subprocess.run(install, check=True, cwd=tmp_path)
    done = subprocess.run([python, "-c", tour()], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cp39-abi3-manylinux" in WHEEL


def interpreter(version):
    """A Python of that version, in the PATH or pyenv's; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for python in (f"python{version}", *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))):
        command = [str(python), "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        with contextlib.suppress(OSError):
            if subprocess.run(command, capture_output=True, text=True).stdout.strip() == version:
                return python
    return None


@pytest.mark.skipif(not WHEEL, reason="TJ_WHEEL names no wheel: run by bindings/python/test.sh")
@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_same_wheel_serves(tmp_path, version):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    subprocess.run([python, "-m", "venv", tmp_path / "other"], check=True)
    other = tmp_path / "other" / "bin" / "python"
    subprocess.run([other, "-m", "pip", "install", "-q", "--no-index", WHEEL], check=True, cwd=tmp_path)
    done = subprocess.run([other, "-W", "error", "-c", tour()], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


CHECKERS = {"mypy": ["--strict"], "pyright": ["--pythonpath", sys.executable]}


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_tour_is_typed(tmp_path, checker):
    pytest.importorskip(checker)
    (tmp_path / "tour.py").write_text(tour())
    command = [sys.executable, "-m", checker, *CHECKERS[checker], "tour.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
