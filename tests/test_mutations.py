"""Good specs with random damage: ``check`` never breaks, whatever stands where."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from dlspec.cli.render import FORMATS, render
from dlspec.passes import Checked, compile_spec
from dlspec.syntax.dumping import dump
from dlspec.syntax.source import load

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*/*.yaml"))
SHARES = 16
PER_SHARE = 25
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 2**31, 2**63, 10**40, 0.5, 32.0, -0.0, float("inf"), float("nan"), 1e308,
    "", " ", "x", "relu", "dense", "Block", "prev", "input", "$", "$$", "$x", "$channels", "$shape", "$index", "$(",
    "$width / 0", "$width +", "1 / 255", "1_000", "yes", "10 ** 99", "$x[", "画像", "\x1b[2J", "a: b", "#", "é" * 70,
    [], [[]], [None], [1, "a", None], ["prev", "prev"], {}, {"": None}, {"dense": None}, {"dense": {"units": 3}},
    {"name": "x"}, {"from": "prev"}, {"repeat": {"times": 2, "layers": []}}, {"int": [1, 4]}, {"choice": []},
    {"int": [1, 4], "default": "x"}, {"adam": {}}, {"csv": "nowhere.csv"}, {"add": ["x", "x"]}, {"shape": None},
    {"layers": None}, {"if": False}, {"each": {"a": [1, 2]}}, {"parallel": [[], []]}, {"residual": []},
)  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a value with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def damage(data: Any, chance: random.Random) -> None:
    """Changes one random place: another value, another key, no value, twice the value, two values exchanged."""
    container, key = chance.choice(list(places(data)))
    kind = chance.randrange(6)
    if kind <= 1:
        container[key] = deepcopy(chance.choice(STRANGE))
    elif kind == 2:
        del container[key]
    elif kind == 3:
        other, other_key = chance.choice(list(places(data)))
        container[key] = deepcopy(other[other_key])
    elif isinstance(container, list):
        container.insert(chance.randrange(len(container) + 1), deepcopy(container[key]))
    else:
        value = container.pop(key)
        name = str(key)
        cut = chance.randrange(len(name) + 1)
        container[name[:cut] + chance.choice(["", "s", "_", "x", "$", "A"]) + name[cut + kind % 2 :]] = value


def plain(value: Any) -> Any:
    """A loaded value as ordinary dicts and lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("share", range(SHARES))
def test_check_survives(share: int, tmp_path: Path) -> None:
    good = [plain(load(path.read_text(encoding="utf-8")).data) for path in SPECS]
    copytree(SPECS[0].parent.parent / "start", tmp_path, dirs_exist_ok=True)  # so that their data are found
    for number in range(PER_SHARE):
        chance = random.Random(f"{share}.{number}")
        data = deepcopy(chance.choice(good))
        for _ in range(chance.randint(1, 3)):
            if data:
                damage(data, chance)
        spec = tmp_path / "spec.yaml"
        spec.write_text(dump(data), encoding="utf-8")
        state = compile_spec(spec)
        assert isinstance(state, Checked) or state.diagnostics.errors, f"{share}.{number}: neither a model nor an error"
        for item in state.diagnostics.items:
            assert item.message and "\n" not in item.message
            assert item.span is None or item.span.file in state.texts
        for form in FORMATS:
            assert "\x1b" not in render(state.diagnostics.sorted(), state.texts, form)


@pytest.mark.parametrize("share", range(4))
def test_text_survives(share: int, tmp_path: Path) -> None:
    """Lines lost, cut, doubled, and characters that mean something to YAML in between."""
    for number in range(40):
        chance = random.Random(f"text {share}.{number}")
        text = chance.choice(SPECS).read_text(encoding="utf-8")
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(text) + 1)
            length = chance.choice([0, 0, 1, 5, 40])
            insert = chance.choice(
                [
                    "",
                    "[",
                    "}",
                    ": ",
                    "- ",
                    "\t",
                    "\n",
                    '"',
                    "'",
                    "*a",
                    "&a ",
                    "!x ",
                    "#",
                    "\u00a0",
                    "<<: ",
                    "$",
                    "\\",
                    "|",
                    "? ",
                    "---\n",
                    "\x00",
                    "é",
                ]
            )
            text = text[:at] + insert + text[at + length :]
        spec = tmp_path / "spec.yaml"
        spec.write_text(text, encoding="utf-8", newline="")
        state = compile_spec(spec)
        assert isinstance(state, Checked) or state.diagnostics.errors
        for form in FORMATS:
            render(state.diagnostics.sorted(), state.texts, form)
