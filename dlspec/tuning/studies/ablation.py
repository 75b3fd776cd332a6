"""Ablations: a spec and its variants, each trained with the same seeds, and their differences seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from dlspec.components.methods.studies import SEEDS, Member, Study
from dlspec.components.sections.data import Data
from dlspec.core.documents.study import AblationFacts, MemberFacts, Summary, VariantFacts
from dlspec.passes.state import Trainable
from dlspec.tuning.ablation.variants import Variants
from dlspec.tuning.studies.figures import summary

_SEED = "train.seed"


class Ablation(Study, abstract=True):
    """Trainings of a spec and of its variants; `dlspec ablate` makes it, and no spec names it."""

    keep = "none"
    bears_failures = True

    def __init__(self, variants: Sequence[str], seeds: int) -> None:
        """Takes the names of the variants, the whole first, and how many seeds each is trained with."""
        super().__init__()
        self.given = {"seeds": seeds, "variants": list(variants)}
        self._variants, self._seeds = variants, seeds

    @property
    def name(self) -> str:
        """As ``study.json`` has it."""
        return "ablation"

    def file_of(self, spec: str) -> str:
        """The file of a variant."""
        return f"variants/{spec}.yaml"

    def trainings(self, seed: int, data: Data) -> Iterator[Member]:
        """All seeds of the whole, then those of each variant."""
        number = 0
        for group, name in enumerate(self._variants):
            for index in range(self._seeds):
                number += 1
                own = (seed + index) % SEEDS
                title = f"{name}, seed {own}" if group == 0 else f"without {name}, seed {own}"
                yield Member(number, title, float(group), {_SEED: own}, name)


@dataclass(frozen=True)
class Ablated:
    """The variants of a spec as a study trains them.

    Attributes:
        variants: The variants.
        study: Their trainings.
        first: The seed of the spec.
    """

    variants: Variants
    study: Ablation
    first: int

    @property
    def files(self) -> Mapping[str, str]:
        """The specs by their files."""
        return {self.study.file_of(each.name): each.text for each in (self.variants.whole, *self.variants.each)}

    def facts(self, part: str) -> AblationFacts:
        """What is known before anything is trained.

        Args:
            part: The part of the data that judges.
        """
        rows: list[VariantFacts] = [
            {
                "name": each.name,
                "aid": each.aid,
                "group": float(group),
                "spec": self.study.file_of(each.name),
                "parameters": each.parameters,
                "flops": each.flops,
                "failure": None,
                "differences": [],
            }
            for group, each in enumerate((self.variants.whole, *self.variants.each))
        ]
        facts = {
            "measure": self.variants.measure,
            "direction": self.variants.direction,
            "part": part,
            "seeds": [(self.first + index) % SEEDS for index in range(self.study.given["seeds"])],
            "variants": rows,
            "left_out": [asdict(each) for each in self.variants.left_out],
        }
        return cast("AblationFacts", facts)


def ablated(state: Trainable, variants: Variants, seeds: int) -> tuple[Trainable, Ablated]:
    """The spec with a study of its variants, which is in no file.

    Args:
        state: The checked spec.
        variants: Its variants.
        seeds: How many trainings each has.
    """
    method = state.method.changed()
    method.study = Ablation([variants.whole.name, *(each.name for each in variants.each)], seeds)
    return state.become(Trainable, method=method), Ablated(variants, method.study, method.seed)


def compare(facts: AblationFacts, members: Sequence[MemberFacts], summaries: Sequence[Summary]) -> None:
    """Writes into the facts what each variant differs from the whole, seed by seed.

    Args:
        facts: Of the ablation.
        members: All trainings, each ended.
        summaries: Those of the members, which say what is measured.
    """
    measured = dict.fromkeys((line["part"], line["measure"]) for line in summaries if line["group"] == 0)
    by_seed: dict[tuple[float, Any], MemberFacts] = {}
    for member in members:
        by_seed[member["group"], member["settings"][_SEED]] = member
    for variant in facts["variants"]:
        own = [by_seed[variant["group"], seed] for seed in facts["seeds"]]
        variant["failure"] = next((each["failure"] for each in own if each["status"] == "failed"), None)
        whole = [by_seed[0.0, seed] for seed in facts["seeds"]]
        lines = (_difference(variant["group"], part, name, own, whole) for part, name in measured)
        variant["differences"] = [line for line in lines if line is not None] if variant["group"] else []


def _difference(
    group: float, part: str, measure: str, own: Sequence[MemberFacts], whole: Sequence[MemberFacts]
) -> Summary | None:
    """Mean and interval of the differences of one measure; None where no pair has it."""
    values = []
    for member, other in zip(own, whole, strict=True):
        pair = member["measures"].get(part, {}).get(measure), other["measures"].get(part, {}).get(measure)
        if pair[0] is not None and pair[1] is not None and all(map(math.isfinite, (pair[0], pair[1]))):
            values.append(pair[0] - pair[1])
    return summary(group, part, measure, values, 1 / len(values)) if values else None
