"""Pictures that a run keeps of its outputs: samples, originals and answers, ways between draws, and how they grew."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from dlspec.components.methods.base import Method
from dlspec.core.documents.figures import NeighbourFigures
from dlspec.core.documents.report import Picture
from dlspec.core.files import write_atomically
from dlspec.core.ir import Graph
from dlspec.core.pictures import is_map
from dlspec.data.binding.tasks import ARRAYS
from dlspec.data.feeding.pipeline import Prepared
from dlspec.graph.lower import prune
from dlspec.graph.reaching import reached_by
from dlspec.views.pages import sheets
from dlspec.views.pages.comparing import answering, as_arrays
from dlspec.views.pages.examine import batch_at, part_to_look_at, tasks_of
from dlspec.views.pages.outputs import Outputs

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FOLDER = "pictures"
SAMPLES: Final = "samples"
RECONSTRUCTIONS: Final = "reconstructions"
INTERPOLATIONS: Final = "interpolations"
NEIGHBOURS: Final = "neighbours"
COUNT = 64
# Sheets while it trains: so many at most, each of so many pictures of half the size.
_SHEETS, _FEW, _SMALL = 12, 16, 48
_PAIRS, _COLUMNS = 16, 8
_WAYS = 6


class Shown(NamedTuple):
    """An output that gives pictures.

    Attributes:
        name: As the spec calls it.
        output: As the model does.
        original: The input from the data that is a picture, where it depends on one.
        judged: Whether it is compared with a target.
        between: The inputs that it depends on, where all are drawn from a normal distribution around 0; else ().
    """

    name: str
    output: str
    original: str | None
    judged: bool
    between: tuple[str, ...]

    @property
    def shows(self) -> Literal["samples", "reconstructions"]:
        """The kind of its pictures."""
        return SAMPLES if self.original is None and not self.judged else RECONSTRUCTIONS


@dataclass
class Pictures:
    """The pictures of one run, in the folder `pictures` of its run folder.

    Attributes:
        folder: The run folder.
        model: Makes the model with answers in the units of the data, which shares its weights with what is trained.
        graph: What is trained.
        outputs: Names of the model's outputs in their order.
        epochs: How many there will be.
        count: Pictures on the sheet of the end.
        every: Epochs from one sheet to the next while it trains; None for as many as make twelve.
    """

    folder: Path
    model: Callable[[], Any]
    prepared: Prepared
    method: Method
    graph: Graph
    outputs: tuple[str, ...]
    epochs: int
    count: int = COUNT
    every: int | None = None
    _entering: dict[int, tuple[dict[str, Array], dict[str, Array]]] = field(default_factory=dict)

    def epoch(self, number: int) -> None:
        """An epoch is over, from 1: keeps a small sheet of each output where its turn has come."""
        every = self.every or math.ceil(self.epochs / _SHEETS)
        if self.shown and (number in (1, self.epochs) or number % every == 0):
            answers = self._answers(self._inputs(_FEW)[0])
            for picture in self.shown:
                tiles = sheets.images(answers[picture.output])
                self.write_picture(f"{picture.name}-epoch-{number:05d}", sheets.sheet(tiles, tile=_SMALL, shrink=True))

    def finish(self) -> None:
        """Training is over: keeps what the kept weights give."""
        if not self.shown:
            return
        inputs, targets = self._inputs(self.count)
        answers = self._answers(inputs)
        for picture in self.shown:
            values = answers[picture.output]
            if picture.shows == SAMPLES:
                self.write_picture(f"{picture.name}-{SAMPLES}", sheets.sheet(sheets.images(values), shrink=True))
            else:
                rows = [inputs[picture.original]] if picture.original else []
                rows += [targets[picture.output]] if picture.output in targets and picture.judged else []
                self.write_picture(f"{picture.name}-{RECONSTRUCTIONS}", _beside([*_different(rows), values]))
            if picture.between:
                way = self._between(inputs, picture)
                self.write_picture(
                    f"{picture.name}-{INTERPOLATIONS}", sheets.sheet(sheets.images(way), _COLUMNS, shrink=True)
                )

    def facts(self) -> list[Picture]:
        """For ``report.json``: the pictures that the run folder has."""
        return [kept for picture in self.shown for kept in _kept(self.folder, picture)]

    @cached_property
    def shown(self) -> tuple[Shown, ...]:
        """The outputs whose answers are pictures: numbers that nothing judges, or that are compared with an array."""
        saved = self._saved
        judged = {task.name: task.kind for task in tasks_of(self._model, self.prepared, self.method, self.outputs)}
        compared = {target.name for target in self.prepared.binding.outputs}
        drawn = {input_.name: input_ for input_ in self.prepared.binding.drawn}
        pictures = []
        for output, reached in zip(self.outputs, reached_by(saved), strict=True):
            if not is_map(reached.tensor.shape) or not reached.tensor.floating:
                continue
            if output in compared and judged.get(output) != ARRAYS:
                continue
            bound = sorted(reached.inputs - set(drawn))
            normal = bool(reached.inputs) and not bound and all(drawn[name].draw.round for name in reached.inputs)
            between = tuple(sorted(reached.inputs)) if normal else ()
            pictures.append(Shown(reached.name, output, self._picture_of(bound, saved), output in compared, between))
        return tuple(pictures)

    @staticmethod
    def _picture_of(names: list[str], graph: Graph) -> str | None:
        """The first of these inputs that is a picture."""
        tensors = {graph.nodes[index].name: graph.nodes[index].outputs[0] for index in graph.inputs}
        return next((name for name in names if tensors[name].floating and is_map(tensors[name].shape)), None)

    @cached_property
    def _saved(self) -> Graph:
        return prune.saved_part(self.graph)

    @cached_property
    def _model(self) -> Any:
        return self.model()

    def _answers(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return answering(self._model, self.outputs)(inputs)[0]

    def _inputs(self, count: int) -> tuple[dict[str, Array], dict[str, Array]]:
        """What enters for so many pictures, and what the loss compares: the same at every call."""
        if count not in self._entering:
            self._entering[count] = self._made(count)
        return self._entering[count]

    def _made(self, count: int) -> tuple[dict[str, Array], dict[str, Array]]:
        import numpy as np

        inputs: dict[str, Array] = {}
        targets: dict[str, Array] = {}
        binding = self.prepared.binding
        names = [self._saved.nodes[index].name for index in self._saved.inputs]
        if not {input_.name for input_ in binding.drawn}.issuperset(names):
            _, part = part_to_look_at(self.prepared)
            positions = np.sort(np.random.default_rng(self.method.seed).permutation(part.count)[:count])
            given, compared = batch_at(part, positions)
            inputs, targets = as_arrays(given), as_arrays(compared)
            order = _by_single_numbers(inputs, len(positions))
            inputs = {name: values[order] for name, values in inputs.items()}
            targets = {name: values[order] for name, values in targets.items()}
            count = len(positions)
        return {**inputs, **{input_.name: input_.at(np.arange(count)) for input_ in binding.drawn}}, targets

    def _between(self, inputs: Mapping[str, Array], picture: Shown) -> Array:
        """The answers on the ways from draws to the ones after them, as many steps as a row has."""
        ways = min(_WAYS, len(inputs[picture.between[0]]) // 2)
        shares = [step / (_COLUMNS - 1) for step in range(_COLUMNS)]
        entering = {
            name: between(values[: 2 * ways : 2], values[1 : 2 * ways : 2], shares)
            if name in picture.between
            else values[:1].repeat(ways * _COLUMNS, axis=0)
            for name, values in inputs.items()
        }
        return self._answers(entering)[picture.output]

    def write_picture(self, name: str, image: Any) -> None:
        """Writes a picture into the folder of pictures of the run."""
        write_picture(self.folder, name, image)


def beside_neighbours(folder: Path, output: str, outputs: Outputs, rows: Array, numbers: Array) -> None:
    """Keeps a sheet of examples, each at the left of its neighbours, where pictures enter the model.

    Args:
        folder: The run folder.
        output: That they are neighbours by.
        outputs: The answers of the model.
        rows: Examples of the part that is looked at.
        numbers: Of each, those of the training examples that are near, [rows, k].
    """
    _, part = outputs.looked_at
    asked, train = outputs.pictures(part, rows), outputs.prepared.train
    if asked is None:
        return
    tiles = sheets.images(asked)
    shown = numbers[:, : _COLUMNS - 1]
    near = outputs.pictures(train, shown.reshape(-1))
    assert near is not None
    others = sheets.images(near)
    width = shown.shape[1]
    pictures = [image for row, tile in enumerate(tiles) for image in (tile, *others[row * width : (row + 1) * width])]
    write_picture(folder, f"{output}-{NEIGHBOURS}", sheets.sheet(pictures, 1 + width, shrink=True))


def kept_neighbours(folder: Path, figures: NeighbourFigures) -> Iterator[Picture]:
    """The sheet that :func:`beside_neighbours` kept, if any."""
    file = f"{FOLDER}/{figures['of']}-{NEIGHBOURS}.png"
    if (folder / file).is_file():
        yield {"output": figures["of"], "shows": NEIGHBOURS, "epoch": None, "file": file}


def write_picture(folder: Path, name: str, image: Any) -> None:
    """Writes a picture into the folder of pictures of a run."""
    path = folder / FOLDER / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, lambda target: target.write_bytes(sheets.png(image)))


def between(first: Array, second: Array, shares: list[float]) -> Array:
    """The ways from each of `first` to its one of `second` along the arc (Shoemake 1985): [pairs × shares, …].

    Normal draws of many numbers lie near a sphere, which the straight way between two leaves.
    """
    import numpy as np

    flat = [values.reshape(len(values), -1).astype(np.float64) for values in (first, second)]
    norms = [np.linalg.norm(values, axis=1) for values in flat]
    cosine = (flat[0] * flat[1]).sum(axis=1) / np.maximum(norms[0] * norms[1], 1e-12)
    angle = np.arccos(cosine.clip(-1, 1))[:, None, None]
    share = np.array(shares)[None, :, None]
    sine = np.sin(angle)
    straight = sine < 1e-6
    safe = np.where(straight, 1.0, sine)
    weights = [np.sin((1 - share) * angle) / safe, np.sin(share * angle) / safe]
    plain = [1 - share, share]
    a, b = (np.where(straight, plain[n], weights[n]) * flat[n][:, None, :] for n in (0, 1))
    ways: Array = (a + b).reshape(len(first) * len(shares), *first.shape[1:]).astype(first.dtype)
    return ways


def _by_single_numbers(inputs: Mapping[str, Array], count: int) -> Array:
    """The order of examples by the inputs that are one number each, such as a label that is asked for."""
    import numpy as np

    keys = [values.reshape(count) for values in inputs.values() if values.size == count and values.dtype.kind in "iu"]
    order: Array = np.lexsort(keys) if keys else np.arange(count)
    return order


def _different(rows: list[Array]) -> list[Array]:
    """The same without a second one that equals the first."""
    import numpy as np

    return rows[:1] if len(rows) > 1 and np.array_equal(rows[0].reshape(-1), rows[1].reshape(-1)) else rows


def _beside(rows: list[Array]) -> Any:
    """Rows of originals, each above the row of what the model made of them."""
    count = min(_PAIRS, len(rows[0]))
    made = [sheets.images(values[:count]) for values in rows]
    side = [sheets.sheet(images_of_row[:1], 1, shrink=True).size for images_of_row in made]
    if len(set(side)) > 1:  # of several sizes: all as large as what the model gives
        made = [[image.resize(made[-1][0].size) for image in images] for images in made]
    tiles = [
        image for start in range(0, count, _COLUMNS) for images in made for image in images[start : start + _COLUMNS]
    ]
    return sheets.sheet(tiles, min(_COLUMNS, count), shrink=True)


def _kept(folder: Path, picture: Shown) -> Iterator[Picture]:
    """The pictures of one output that stand in a run folder, those of the end first."""
    for shows in (picture.shows, INTERPOLATIONS):
        file = f"{FOLDER}/{picture.name}-{shows}.png"
        if (folder / file).is_file():
            yield {"output": picture.name, "shows": shows, "epoch": None, "file": file}
    for path in sorted((folder / FOLDER).glob(f"{picture.name}-epoch-*.png")):
        number = int(path.stem.rpartition("-")[2])
        yield {"output": picture.name, "shows": picture.shows, "epoch": number, "file": f"{FOLDER}/{path.name}"}
