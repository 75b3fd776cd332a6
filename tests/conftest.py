"""What pytest does around the tests of every folder."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from tests import warm
from tests.support import LARGE_MODEL

os.environ["DLSPEC_DEBUG"] = "1"  # each pass is held against what it declares, in processes that tests start as well


# Commands of tests are run by a daemon only where `with_daemon` says so, and never by one of the user's.
os.environ["DLSPEC_DAEMON"] = "0"


def pytest_configure(config: pytest.Config) -> None:
    """The first process of the tests makes the folder of daemons, and knows it as the processes that it starts do."""
    if warm.FOLDER not in os.environ:
        os.environ[warm.FOLDER] = tempfile.mkdtemp(prefix="dlspec-tests-")
        config.add_cleanup(_end_daemons)


def _end_daemons() -> None:
    warm.stop_daemons()
    shutil.rmtree(os.environ.pop(warm.FOLDER))


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
