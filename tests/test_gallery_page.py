"""The page of the gallery: each spec that learns from small data stands in it, and nothing else."""

from __future__ import annotations

import re

from tests.support import ROOT

FOLDERS = (
    "autoencoders",
    "embeddings",
    "energy",
    "generative",
    "learning",
    "linear",
    "looking",
    "optimization",
    "sequence",
    "studies",
)


def test_each_spec_has_a_row() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+/\w+\.yaml)` \|", page, re.MULTILINE)
    specs = [f"{name}/{path.name}" for name in FOLDERS for path in (ROOT / "specs" / name).glob("*.yaml")]
    assert sorted(rows) == sorted(specs)
