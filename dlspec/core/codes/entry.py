"""One entry of the catalogue of diagnostics."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Literal

# What has to change where a code is reported: the spec with its data and the command's options; the folder of a run or
# of a search; or the machine, with what is installed on it.
Belonging = Literal["spec", "folder", "machine"]


@dataclass(frozen=True, slots=True)
class Code:
    """One diagnostic code: the rule behind it, with an example that breaks it and the same one mended.

    Attributes:
        title: A few words.
        rule: The rule that was broken, in one to three sentences for someone new to dlspec.
        wrong: A small spec that gives this code; "" where no spec by itself can.
        right: The same spec, mended.
        scene: Where `wrong` is "": the situation, as a command and what is the matter with it.
        belongs: What it speaks of; only a mistake of the spec has a place in the spec.
    """

    title: str
    rule: str
    wrong: str = ""
    right: str = ""
    scene: str = ""
    belongs: Belonging = "spec"


def code(title: str, rule: str, wrong: str = "", right: str = "", scene: str = "", belongs: Belonging = "spec") -> Code:
    """An entry whose examples may be indented as their surroundings are."""
    wrong, right, scene = (dedent(text).strip("\n") for text in (wrong, right, scene))
    return Code(title, " ".join(rule.split()), wrong, right, scene, belongs)
