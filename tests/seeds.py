"""Trains gallery specs in full with several seeds, and holds what each run reaches against its bars.

``python -m tests.seeds vae gan --seeds 1 2 3`` prints a line for each run; without names it trains all, which takes
hours. The parts of the data stay the same. A line of JSON for each run is appended to the file that ``--to`` names.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import NamedTuple

from dlspec.cli.main import run
from dlspec.views.pages.index import find_run
from tests import test_adversarial_specs as adversarial
from tests import test_embedding_specs as embedding
from tests import test_energy_specs as energy
from tests import test_generative_specs as generative
from tests import test_learning_specs as learning
from tests.pictures import judge
from tests.support import ROOT

Figures = Mapping[str, float]


class Bar(NamedTuple):
    """A spec of the gallery, the figures of its newest run, and what each of them must reach.

    Attributes:
        folder: Where the spec is.
        spec: Its name; unless given, that of the bar.
        settings: What is set in it.
        alone: Whether the figures are those of several trainings of their own, from a seed.
        means: What the mean over all seeds must reach, by figure.
    """

    folder: str
    figures: Callable[..., Figures]
    least: Mapping[str, float] = {}
    most: Mapping[str, float] = {}
    spec: str = ""
    settings: tuple[str, ...] = ()
    alone: bool = False
    means: Mapping[str, float] = {}

    def missed(self, figures: Figures) -> list[str]:
        """The figures that do not reach their bar."""
        low = [name for name, bar in self.least.items() if not figures[name] >= bar]
        return low + [name for name, bar in self.most.items() if not figures[name] <= bar]


def of_pictures(name: str) -> Callable[[], Figures]:
    """The judge's figures of 500 pictures that the newest run of a name draws."""

    def figures() -> Figures:
        found = judge(adversarial.drawn(name, 500))
        return {"classes": found.classes, "confidence": found.confidence, "distance": found.distance}

    return figures


def of_conditional() -> Figures:
    """The share of pictures that show the digit asked for, and the distance of all."""
    share, found = adversarial.as_asked(50)
    return {"as asked": share, "classes": found.classes, "confidence": found.confidence, "distance": found.distance}


def of_vae() -> Figures:
    """−ELBO by NumPy, and the judge's figures."""
    return {"nats": generative.held_out(Path.cwd()), **of_pictures("vae")()}


def of_beta_vae() -> Figures:
    """The divergence in nats and the error of the copies on the test split, and the judge's figures."""
    report = json.loads((find_run("beta_vae", Path("runs")).path / "report.json").read_text(encoding="utf-8"))
    held_out = report["metrics"]["test"]
    parts = {name: held_out[name] for name in ("reconstruction", "divergence")}
    return {**parts, **of_pictures("beta_vae")()}


def of_labels(seed: int) -> Figures:
    """By how much a deep belief network is more accurate with 100 and with 200 labels for what it learnt before."""
    return {f"gain at {count}": gained for count, gained in energy.gains_of_labels(seed).items()}


def of_deep_machine() -> Figures:
    """The exact log-likelihood, and how far the bound lies below it: in the mean, and at the nearest."""
    exact, bound = energy.likelihoods(Path.cwd())
    return {"nats": exact.mean(), "bound below": (exact - bound).mean(), "nearest": (exact - bound).min()}


def of_gains(name: str) -> Callable[[], Figures]:
    """By how much features beat pixels with 50 and with 100 labels."""
    return lambda: {f"gain at {count}": learning.gain(name, count) for count in (50, 100)}


def of_triplets() -> Figures:
    """How near digits of one class are."""
    return {"R-precision": embedding.classes_together(Path.cwd())}


def of_words(name: str) -> Figures:
    """How near the plurals of nouns are, and by what chance others would be as near."""
    rank, chance = embedding.plurals_of(name, embedding.NOUNS if name == "skip_gram" else ())
    return {"rank": rank, "chance": chance}


DRAWN = {"classes": 9, "confidence": 0.5}
BARS = {
    "vae": Bar("generative", of_vae, DRAWN | {"confidence": 0.6}, {"nats": 24.3, "distance": 45}),
    # At weight 1 the divergence is 3.5 nats.
    "beta_vae": Bar("generative", of_beta_vae, DRAWN | {"divergence": 7}, {"reconstruction": 19, "distance": 22}),
    "restricted_boltzmann": Bar(
        "energy", lambda: energy.free_energies(Path.cwd()), {"share": 0.85, "gap": 6}, {"held out": 2}
    ),
    "deep_boltzmann": Bar("energy", of_deep_machine, {"nats": -20.2, "nearest": -1e-9}, {"bound below": 0.2}),
    "deep_belief_network": Bar(
        "energy",
        of_labels,
        {"gain at 100": 1e-9, "gain at 200": 1e-9},  # more than where the first phases are thrown away
        alone=True,
        means={"gain at 100": 0.1, "gain at 200": 0.03},
    ),
    "triplet": Bar("embeddings", of_triplets, {"R-precision": 0.95}),
    "skip_gram": Bar("embeddings", lambda: of_words("skip_gram"), {"rank": 0.06}, {"chance": 0.00099}),
    "simclr": Bar("learning", of_gains("simclr"), {"gain at 50": 0.015, "gain at 100": 0.01}),
    "byol": Bar("learning", of_gains("byol"), {"gain at 50": 0.025, "gain at 100": 0.015}),
    "conditional_gan": Bar("generative", of_conditional, {"as asked": 0.9}, {"distance": 15}),
    "gan": Bar("generative", of_pictures("gan"), DRAWN | {"confidence": 0.65}, {"distance": 22}),
    "wgan_gp": Bar("generative", of_pictures("wgan_gp"), DRAWN, {"distance": 15}),
    "wgan_without_penalty": Bar(
        "generative",
        of_pictures("wgan_gp"),
        {"distance": 15},  # which the right one must not reach
        spec="wgan_gp",
        settings=("train.learners.critic.minimize.penalty=0",),
    ),
    "ddpm": Bar("generative", of_pictures("ddpm"), DRAWN, {"distance": 20.9}),
    "cbow": Bar("embeddings", lambda: of_words("cbow"), {"rank": 0.04}, {"chance": 0.00099}),
    "least_squares_gan": Bar("generative", of_pictures("least_squares_gan"), DRAWN, {"distance": 22}),
    "dcgan": Bar("generative", of_pictures("dcgan"), DRAWN, {"distance": 22}),
    "lapgan": Bar("generative", of_pictures("lapgan"), DRAWN, {"distance": 22}),
}  # fmt: skip


def one_run(name: str, seed: int, to: str | None, results: SimpleQueue[Figures]) -> None:
    """Trains and measures in the folder of this process, prints the line, and hands over the figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        start, bar = time.process_time(), BARS[name]
        if not bar.alone:
            spec = ROOT / "specs" / bar.folder / f"{bar.spec or name}.yaml"
            options = [part for setting in (f"train.seed={seed}", *bar.settings) for part in ("--set", setting)]
            assert run(["train", str(spec), "--quiet", *options]) == 0
        seconds = time.process_time() - start
        found = bar.figures(seed) if bar.alone else bar.figures()
        if bar.alone:
            seconds = time.process_time() - start
        figures = {key: round(float(value), 4) for key, value in found.items()}
        missed = bar.missed(figures)
        shown = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
        verdict = f"misses {', '.join(missed)}" if missed else "ok"
        print(f"{name}, seed {seed}: {shown} ({seconds:.0f} s of processor time): {verdict}", flush=True)
        os.chdir(ROOT)
    results.put(figures)
    if to:
        line = {"spec": name, "seed": seed, "seconds": round(seconds), **figures, "missed": missed}
        with Path(to).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def tell_means(name: str, reached: Sequence[Figures]) -> None:
    """Prints the means over all seeds of the figures whose mean has a bar."""
    means = {key: sum(figures[key] for figures in reached) / len(reached) for key in BARS[name].means}
    missed = [key for key, bar in BARS[name].means.items() if means[key] < bar]
    shown = ", ".join(f"{key} {value:.4g}" for key, value in means.items())
    verdict = f"misses {', '.join(missed)}" if missed else "ok"
    print(f"{name}, mean of {len(reached)} seeds: {shown}: {verdict}", flush=True)


def main() -> None:
    """Each run in a process of its own, one after another."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeds", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BARS, []], metavar="NAME", help=", ".join(BARS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--to", type=os.path.abspath, help="a file that gets a line of JSON for each run")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    for name in options.names or BARS:
        reached = []
        for seed in options.seeds:
            results = context.SimpleQueue()
            process = context.Process(target=one_run, args=(name, seed, options.to, results))
            process.start()
            process.join()
            if process.exitcode:
                print(f"{name}, seed {seed}: ended with {process.exitcode}", flush=True)
            else:
                reached.append(results.get())
        if BARS[name].means and reached:
            tell_means(name, reached)


if __name__ == "__main__":
    main()
