"""What pytest does around the tests of every folder."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from tests.support import LARGE_MODEL

os.environ["DLSPEC_DEBUG"] = "1"  # each pass is held against what it declares, in processes that tests start as well


def pytest_collection_finish() -> None:
    """Keras and all test modules are there by now: no later search for garbage looks through them."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _memory_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Gives large models back after a test: their parts refer to each other, and stay until they are collected."""
    yield
    if LARGE_MODEL.mark in request.node.iter_markers("xdist_group"):
        import keras

        keras.backend.clear_session()
        gc.collect()
