# SPDX-License-Identifier: MIT OR Apache-2.0
import pytest

import tesser_journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def on_disk(path):
    """A journal on the disk, without the cost of flushes."""
    with tesser_journal.open(path, durability="os", segment_size=64 << 10) as opened:
        yield opened
