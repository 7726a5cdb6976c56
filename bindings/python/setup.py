# SPDX-License-Identifier: MIT OR Apache-2.0
"""How setuptools, which every distribution has, lets CMake build the extension module.

CMAKE_ARGS in the environment is given to CMake; what the package is stands in pyproject.toml.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent


class BuildWithCMake(build_ext):
    def build_extension(self, extension):
        configure = [f"-DPython_EXECUTABLE={sys.executable}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"]
        configure += shlex.split(os.environ.get("CMAKE_ARGS", ""))
        os.environ.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count()))
        subprocess.run(["cmake", "-S", HERE, "-B", self.build_temp, *configure], check=True)
        subprocess.run(["cmake", "--build", self.build_temp, "--target", "_native"], check=True)
        target = Path(self.get_ext_fullpath(extension.name))
        target.parent.mkdir(parents=True, exist_ok=True)  # which is not there for pip install -e
        self.copy_file(Path(self.build_temp, "_native.abi3.so"), target)


setup(
    ext_modules=[Extension("tesser_journal._native", [], py_limited_api=True)],
    cmdclass={"build_ext": BuildWithCMake},
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
