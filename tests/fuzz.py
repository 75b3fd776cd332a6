"""Many more random layers and graphs against Keras than the suite has time for: ``make fuzz``.

Prints the seed, the number of cases and the time; the same seed gives the same cases.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

import click
import hypothesis

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "layers")]


@click.command()
@click.option("--layers", default=10_000, show_default=True, help="Random layer cases.")
@click.option("--graphs", default=1_000, show_default=True, help="Random graphs.")
@click.option("--seed", type=int, default=None, help="Seed of all cases; a random one unless given.")
def main(layers: int, graphs: int, seed: int | None) -> None:
    """Compares static analysis and Keras on random cases; stops at the first disagreement."""
    seed = SystemRandom().randrange(2**31) if seed is None else seed
    click.echo(f"seed {seed}")
    for what, cases, run in (("layers", layers, fuzz_layers), ("graphs", graphs, fuzz_graphs)):
        start = time.monotonic()
        if cases:
            run(cases, seed)
        click.echo(f"{cases} random {what}: no disagreement, {time.monotonic() - start:.0f} s")


def fuzz_layers(cases: int, seed: int) -> None:
    """Random options and shapes of single layers."""
    from test_shape_rules import check_use, uses

    run = hypothesis.given(uses())(check_use)
    checks = list(hypothesis.HealthCheck)
    limits = hypothesis.settings(max_examples=cases, deadline=None, suppress_health_check=checks, database=None)
    hypothesis.seed(seed)(limits(run))()


def fuzz_graphs(cases: int, seed: int) -> None:
    """Random specs with blocks, groups, branches and shared models."""
    import keras

    from tests.test_build import check_random_graph

    with tempfile.TemporaryDirectory() as folder:
        for number in range(cases):
            check_random_graph(seed + number, Path(folder))
            if number % 50 == 49:
                keras.backend.clear_session()


if __name__ == "__main__":
    main()
