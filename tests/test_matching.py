"""Patterns of layer names mean what Python's own `fnmatch` says, in the order of the layers."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase

from dlspec.components.sections.matching import matching


def _words(draw: random.Random, letters: str, count: int) -> list[str]:
    return list({"".join(draw.choices(letters, k=draw.randint(1, 5))) for _ in range(count)})


def test_patterns_are_those_of_fnmatch() -> None:
    draw = random.Random(0)
    for _ in range(500):
        names = _words(draw, "ab.n1]", 8)
        patterns = [word for word in _words(draw, "ab.n1*?[]!", 4) if set(word) & set("*?[")]
        assert matching(patterns, names) == {
            pattern: [name for name in names if fnmatchcase(name, pattern)] for pattern in patterns
        }


def test_names_and_blocks() -> None:
    names = ["body.a", "head", "body.b.c", "bodyguard"]
    assert matching(["body", "head", "b*.?", "tail"], names) == {
        "body": ["body.a", "body.b.c"], "head": ["head"], "b*.?": ["body.a", "body.b.c"], "tail": [],
    }  # fmt: skip
