"""A running language server for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.editing.client import Client


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    running = Client.of_dlspec()
    yield running
    assert running.close() == 0
    assert not running.said, running.said
