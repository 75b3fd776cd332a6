"""The base of the sections and their parts."""

from __future__ import annotations

from dlspec.components.registry import Component


class Section(Component, abstract=True):
    """Base of the sections and their parts."""

    kind = "section"
