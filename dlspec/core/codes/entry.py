"""One entry of the catalogue of diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Code:
    """What a diagnostic code means.

    Attributes:
        title: A few words.
        rule: The rule that was broken, in one to three sentences for someone new to dlspec.
        wrong: A small spec that gives this code; "" where no spec by itself can.
        right: The same spec, mended.
        scene: Where `wrong` is "": the situation, as a command and what is the matter with it.
    """

    title: str
    rule: str
    wrong: str = ""
    right: str = ""
    scene: str = ""


def code(title: str, rule: str, wrong: str = "", right: str = "", scene: str = "") -> Code:
    """An entry whose examples may be indented as their surroundings are."""
    return Code(title, " ".join(rule.split()), *(dedent(text).strip("\n") for text in (wrong, right, scene)))
