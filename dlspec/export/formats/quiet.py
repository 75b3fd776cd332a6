"""Turning aside warnings that exporters give about themselves."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(*beginnings: str) -> Iterator[None]:
    """Leaves out warnings whose text begins with one of `beginnings`; no user can do anything about them."""
    with warnings.catch_warnings():
        for text in beginnings:
            warnings.filterwarnings("ignore", message=text)
        yield
