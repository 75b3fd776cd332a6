"""Many more random layers, operations and graphs against Keras than the suite has time for: ``make fuzz``.

Prints the seed, the number of cases and the time; then the disagreements with the options that repeat them, and exits 1
if there are any. The same seed gives the same cases.
"""

from __future__ import annotations

import gc
import math
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any

import click
import hypothesis
from hypothesis.errors import UnsatisfiedAssumption
from hypothesis.strategies import SearchStrategy

from dlspec.backends.keras.starting import start
from dlspec.components.registry import Component

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "layers")]

SHOWN = 3  # disagreements of one layer; the rest is mostly the same once more
ROUND = 50  # graphs between two lines of progress


class Cases:
    """Counts the cases of one kind, and keeps disagreements instead of raising, so that those behind are found too.

    Attributes:
        count: Cases on which both were compared, none of them twice.
        found: Disagreements under the options that repeat them.
    """

    def __init__(self) -> None:
        self.count = 0
        self.found: dict[str, set[str]] = {}

    def collecting(self, check: Callable[..., None], options: str) -> Callable[..., None]:
        """The check, of which a case met before is no further case."""
        met: set[str] = set()

        def collect(*arguments: Any, **named: Any) -> None:
            case = repr((arguments, named))
            hypothesis.assume(case not in met)
            met.add(case)
            try:
                check(*arguments, **named)
            except UnsatisfiedAssumption:
                raise
            except Exception as error:
                self.found.setdefault(options, set()).add(f"{type(error).__name__}: {error}")
            self.count += 1

        return collect

    @property
    def disagreements(self) -> int:
        """How many there are."""
        return sum(map(len, self.found.values()))


@click.command()
@click.option("--layers", default=10_000, show_default=True, help="Random layer cases, equally many of each layer.")
@click.option("--ops", default=5_000, show_default=True, help="Random operation cases, equally many of each.")
@click.option("--graphs", default=1_000, show_default=True, help="Random graphs.")
@click.option("--seed", type=int, default=None, help="Seed of all cases; a random one unless given.")
@click.option("--only", metavar="NAME", default=None, help="Only the cases of this layer or operation.")
def main(layers: int, ops: int, graphs: int, seed: int | None, only: str | None) -> None:
    """Compares static analysis and Keras on random cases."""
    seed = SystemRandom().randrange(2**31) if seed is None else seed
    click.echo(f"seed {seed}")
    start()
    warnings.simplefilter("ignore")
    layer_cases, op_cases, graph_cases = Cases(), Cases(), Cases()
    follow("layers", layer_cases, fuzz_layers(layer_cases, layers, seed, only))
    follow("operations", op_cases, fuzz_ops(op_cases, ops, seed, only))
    follow("graphs", graph_cases, fuzz_graphs(graph_cases, 0 if only else graphs, seed))
    found = layer_cases.found | op_cases.found | graph_cases.found
    for options, texts in found.items():
        for text in sorted(texts, key=len)[:SHOWN]:
            click.echo(f"\n{text}")
        click.echo(f"  {len(texts)} with FUZZ='{options}'")
    sys.exit(bool(found))


def follow(what: str, cases: Cases, run: Iterator[str]) -> None:
    """Goes through a run, says on stderr how far it is, and then what came out."""
    import keras

    begin = time.monotonic()
    for part in run:
        keras.backend.clear_session()
        gc.freeze()  # clearing collects garbage, which takes long where all of TensorFlow is looked through
        click.echo(f"{time.monotonic() - begin:5.0f} s {cases.count:6} {what}: {part}", err=True)
    seconds = time.monotonic() - begin
    click.echo(f"{cases.count} random {what}, disagreements: {cases.disagreements}, {seconds:.0f} s")


def fuzz_layers(cases: Cases, count: int, seed: int, only: str | None) -> Iterator[str]:
    """Random options, shapes and masks of every layer."""
    from both import LAYERS
    from test_shape_rules import check_use, uses

    yield from fuzz_each(cases, "layers", LAYERS, lambda owner: uses([owner]), check_use, count, seed, only)


def fuzz_ops(cases: Cases, count: int, seed: int, only: str | None) -> Iterator[str]:
    """Random options, constants, shapes and dtypes of every operation."""
    from both import OPS
    from op_uses import op_uses
    from test_ops_shape_rules import check_op

    yield from fuzz_each(cases, "ops", OPS, lambda owner: op_uses([owner]), check_op, count, seed, only)


def fuzz_each(
    cases: Cases,
    what: str,
    owners: Sequence[type[Component]],
    uses: Callable[[type[Component]], SearchStrategy[Any]],
    check: Callable[..., None],
    count: int,
    seed: int,
    only: str | None,
) -> Iterator[str]:
    """The same share of all cases for each component."""
    share = math.ceil(1.02 * count / len(owners))  # a few have fewer different cases
    for name, owner in ((owner.registered_name, owner) for owner in owners):
        if share and only in (None, name):
            collect = cases.collecting(check, f"--{what} {count} --seed {seed} --only {name}")
            run = limits(share)(hypothesis.given(use=uses(owner))(collect))
            hypothesis.seed(seed)(run)()
            yield name


def limits(cases: int) -> hypothesis.settings:
    """So many cases, however long they take, and none of an earlier run."""
    return hypothesis.settings(
        max_examples=cases,
        phases=[hypothesis.Phase.generate],
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        database=None,
    )


def fuzz_graphs(cases: Cases, count: int, seed: int) -> Iterator[str]:
    """Random specs with blocks, groups, branches and shared models, each of its own seed."""
    from tests.test_build import check_random_graph

    with tempfile.TemporaryDirectory() as folder:
        for here in range(seed, seed + count):
            cases.collecting(check_random_graph, f"--layers 0 --graphs 1 --seed {here}")(here, Path(folder))
            if (here - seed + 1) % ROUND == 0:
                yield f"up to seed {here}"


if __name__ == "__main__":
    main()
