"""The model of a drafted spec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dlspec.drafting.arrays import Examples
from dlspec.drafting.draft import Draft, Target
from dlspec.drafting.lines import WIDTH, filled
from dlspec.drafting.roles import Role
from dlspec.syntax.dumping import flow

# Sides below which images, and steps below which sequences, are not halved any more.
_SIDE = 4
_STEPS = 256
# Halvings at most, and the channels of the first and of the widest level.
_LEVELS = 5
_FIRST, _WIDEST = 32, 256
# The widest level of a sequence.
_WIDE = 128
# Levels from which on a network is deep enough to need normalised values inside.
_DEEP = 3
# Numbers of all places and channels that still go on as they are; of more, the mean over the places.
_FLAT = 2048


def layers(draft: Draft, inputs: Sequence[str]) -> Iterator[str]:
    """The model, from the inputs of these names to its outputs."""
    masks = [target for target in draft.targets if target.labelled and target.shape]
    if masks:
        yield from _pixels(draft, masks[0])
        return
    yield f"params: {{width: 128, dropout: {0.3 if draft.learns_features else 0.2}}}"
    yield "layers:"
    rows = dict(zip(inputs, inputs, strict=True))  # what each input becomes before all are one row
    for examples in draft.arrays(Role.IMAGE, Role.SEQUENCE):
        name = draft.name_of(examples.name)
        rows[name] = draft.new_name(f"{name}_features")
        yield from (_image if examples.kind == "image" else _sequence)(examples, name, rows[name])
    row = next(iter(rows.values()))
    if len(rows) > 1:
        row = "row"
        yield from _concatenate(list(rows.values()))
    yield f"  - dense: {{units: $width, activation: relu, kernel_initializer: he_normal, from: {row}}}"
    yield "  - dropout: $dropout"
    yield from _heads(draft, row)


# --- images and sequences -------------------------------------------------------------------------------------------


def _convolution(axes: int, filters: int, kernel: int, more: str = "") -> str:
    return f"conv{axes}d: {{filters: {filters}, kernel_size: {kernel}, padding: same{more}}}"


def _image(examples: Examples, name: str, features: str) -> Iterator[str]:
    """Levels of convolution and halving, from the image to a row of numbers."""
    source = f", from: {name}"
    for line in _as_image(examples, source):
        yield line
        source = ""
    side, levels = min(examples.size), 0
    while side // 2 >= _SIDE and levels < _LEVELS:
        side, levels = side // 2, levels + 1
    sizes = [size >> levels for size in examples.size]
    filters = _FIRST
    for level in range(levels + 1):
        filters = min(_FIRST << level, _WIDEST)
        yield from _level(2, filters, 3, source, deep=levels >= _DEEP)
        source = ""
        if level < levels:
            yield "  - max_pooling2d"
    flat = sizes[0] * sizes[1] * filters <= _FLAT
    yield f"  - {'flatten' if flat else 'global_average_pooling2d'}: {{name: {features}}}"


def _as_image(examples: Examples, source: str) -> Iterator[str]:
    """Layers that make numbers from 0 to 1 of bytes, and give grey images their channel."""
    if examples.bytes:
        yield f"  - rescaling: {{scale: 1 / 255{source}}}    # bytes to numbers from 0 to 1"
        source = ""
    if len(examples.shape) == 2:
        yield f"  - reshape: {{target_shape: {[*examples.shape, 1]}{source}}}    # the channel of grey"


def _level(axes: int, filters: int, kernel: int, source: str, *, deep: bool) -> Iterator[str]:
    if not deep:
        yield f"  - {_convolution(axes, filters, kernel, f', activation: relu{source}')}"
        return
    yield f"  - {_convolution(axes, filters, kernel, f', use_bias: false{source}')}"
    yield "  - batch_normalization: {momentum: 0.9}"
    yield "  - activation: relu"


def _sequence(examples: Examples, name: str, features: str) -> Iterator[str]:
    """Convolutions that take four steps at a time while there are many, then the strongest answer of each filter."""
    source, steps, filters = f", from: {name}", examples.shape[0], _FIRST
    while steps >= _STEPS:
        yield f"  - {_convolution(1, filters, 16, f', strides: 4, activation: relu{source}')}"
        source, steps, filters = "", -(-steps // 4), min(2 * filters, _WIDE)
    yield f"  - {_convolution(1, filters, min(8, steps), f', activation: relu{source}')}"
    yield f"  - global_max_pooling1d: {{name: {features}}}"


def _pixels(draft: Draft, target: Target) -> Iterator[str]:
    """A network that looks at halved images as well and comes back to the pixels, as U-Net does."""
    image = draft.arrays(Role.IMAGE)[0]
    levels, sizes = 0, list(image.size)
    while levels < _LEVELS - 1 and all(size % 2 == 0 and size // 2 >= _SIDE for size in sizes):
        levels, sizes = levels + 1, [size // 2 for size in sizes]
    yield "params: {width: 16}"
    yield "layers:"
    source = f", from: {draft.name_of(image.name)}"
    for line in _as_image(image, source):
        yield line
        source = ""
    yield f"  - conv2d: {{filters: $width, kernel_size: 3, padding: same, activation: relu{source}}}"
    yield from _inside(levels, 1, "  ")
    yield "  - conv2d: {filters: $width, kernel_size: 3, padding: same, activation: relu}"
    yield f"  - conv2d: {{filters: {target.units}, kernel_size: 1, activation: softmax}}"


def _inside(levels: int, level: int, indent: str) -> Iterator[str]:
    """What is seen at half the size, beside what comes in; inside of it the same again."""
    if level > levels:
        return
    yield f"{indent}- residual:"
    yield f"{indent}    merge: concatenate"
    yield f"{indent}    layers:"
    inner = f"{indent}      "
    layer = f"{inner}- conv2d: {{filters: $width * {2**level}, kernel_size: 3, padding: same, activation: relu}}"
    yield f"{inner}- max_pooling2d"
    yield layer
    yield from _inside(levels, level + 1, inner)
    yield layer
    yield f"{inner}- up_sampling2d"


# --- rows of numbers ------------------------------------------------------------------------------------------------


def _concatenate(inputs: Sequence[str]) -> Iterator[str]:
    line = f"  - concatenate: {flow({'from': list(inputs), 'name': 'row'})}"
    if len(line) <= WIDTH:
        yield line
        return
    yield "  - concatenate:"
    yield "      name: row"
    yield from filled("      from: ", list(inputs))


def _heads(draft: Draft, row: str) -> Iterator[str]:
    several = len(draft.targets) > 1
    if several:
        yield "  - identity: {name: trunk}"
    for target in draft.targets:
        deep, linear = (f"{target.name}_deep", f"{target.name}_linear") if several else ("deep", "linear")
        source = ", from: trunk" if several else ""
        units = target.units
        if draft.learns_features:
            name = f", name: {target.name}" if several else ""
            answer = f", activation: {'sigmoid' if target.binary else 'softmax'}" if target.labelled else ""
            yield f"  - dense: {{units: {units}{answer}{source}{name}}}"
            continue
        yield "  # beside a linear model, which a small table often does best with: both start at nothing"
        yield f"  - dense: {{units: {units}, kernel_initializer: zeros, name: {deep}{source}}}"
        yield f"  - dense: {{units: {units}, kernel_initializer: zeros, from: {row}, name: {linear}}}"
        name = f", name: {target.name}" if several else ""
        if target.labelled:
            yield f"  - add: [{deep}, {linear}]"
            yield f"  - activation: {{activation: {'sigmoid' if target.binary else 'softmax'}{name}}}"
        else:
            yield f"  - add: {{from: [{deep}, {linear}]{name}}}" if name else f"  - add: [{deep}, {linear}]"
    if several:
        yield f"outputs: {flow([target.name for target in draft.targets])}"
