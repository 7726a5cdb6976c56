# SPDX-License-Identifier: MIT OR Apache-2.0
"""A fixture for pytest: `journal`, a new one in memory for each test."""

from __future__ import annotations

from typing import Iterator

import pytest

import tesser_journal


@pytest.fixture
def journal() -> Iterator[tesser_journal.Journal]:
    """A journal in memory that is closed after the test."""
    with tesser_journal.memory() as opened:
        yield opened
