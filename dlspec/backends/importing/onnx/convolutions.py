"""Convolutions, plain and transposed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import Lack, State, operator
from dlspec.backends.importing.onnx.tree import Value
from dlspec.backends.importing.onnx.windows import padded, window_of

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@operator("Conv")
def _conv(state: State, node: Node) -> Value:
    value, kernel, spatial = _entering(state, node)
    groups, channels = node.attributes.get("group", 1), value.sizes[-1]
    if groups < 1 or channels != kernel.shape[1] * groups or kernel.shape[0] % groups:
        raise Lack(f"a kernel of the shape {list(kernel.shape)} for {channels} channels")
    window = window_of(node, kernel.shape[2:], value.sizes[1:-1])
    if not window.valid and not window.same:
        value, window = padded(state, value, window, 0.0), window.bare()
    config: dict[str, Any] = {
        "kernel_size": list(window.kernel),
        "strides": list(window.strides),
        "dilation_rate": list(window.rates),
        "padding": "valid" if window.valid else "same",
        "activation": "linear",
        "use_bias": state.has(node, 2),
    }
    filters = kernel.shape[0]
    by_channel = groups == channels and groups > 1 and spatial < 3 and len(set(window.strides)) == 1
    if by_channel:
        config["depth_multiplier"] = filters // groups
        turned = kernel.reshape(groups, filters // groups, *kernel.shape[2:])
        turned = turned.transpose(*range(2, 2 + spatial), 0, 1)
    else:
        config |= {"filters": filters, "groups": groups}
        turned = kernel.transpose(*range(2, 2 + spatial), 1, 0)
    name = f"DepthwiseConv{spatial}D" if by_channel else f"Conv{spatial}D"
    sizes = (None, *window.results(value.sizes[1:-1]), filters)
    return state.add(name, value, config, sizes=sizes, weights=_weights(state, node, turned, filters))


@operator("ConvTranspose")
def _transposed(state: State, node: Node) -> Value:
    value, kernel, spatial = _entering(state, node)
    said = node.attributes
    channels, filters = kernel.shape[:2]
    if said.get("group", 1) != 1 or channels != value.sizes[-1] or said.get("output_shape"):
        raise Lack("`ConvTranspose` in groups or of a given shape")
    plain = {key: item for key, item in said.items() if key not in ("auto_pad",)}
    auto = said.get("auto_pad", "NOTSET") or "NOTSET"
    window = window_of(Node(node.operator, node.name, (), (), plain), kernel.shape[2:], value.sizes[1:-1])
    if any(rate != 1 for rate in window.rates):
        raise Lack("`ConvTranspose` with dilations")
    more = tuple(said.get("output_padding") or [0] * spatial)
    steps = tuple(zip(window.kernel, window.strides, strict=True))
    totals = [max(size - stride, 0) for size, stride in steps]
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        cuts = [[total // 2, total - total // 2] if auto == "SAME_UPPER" else [total - total // 2, total // 2]
                for total in totals]  # fmt: skip
    else:
        ends = [end - extra for end, extra in zip(window.after, more, strict=True)]
        cuts = [
            [begin, end + max(stride - size, 0)]
            for begin, end, (size, stride) in zip(window.before, ends, steps, strict=True)
        ]
    if any(cut[1] < 0 for cut in cuts):
        raise Lack("`ConvTranspose` that makes more than its kernel reaches")
    # `same` cuts as much; where it cuts nothing, `valid` is the same.
    same = any(totals) and cuts == [[total // 2, total - total // 2] for total in totals]
    config: dict[str, Any] = {
        "filters": filters,
        "kernel_size": list(window.kernel),
        "strides": list(window.strides),
        "padding": "same" if same else "valid",
        "activation": "linear",
        "use_bias": state.has(node, 2),
    }
    whole = [
        None if size is None else size * stride + (0 if same else total)
        for size, (_, stride), total in zip(value.sizes[1:-1], steps, totals, strict=True)
    ]
    turned = kernel.transpose(*range(2, 2 + spatial), 1, 0)
    weights = _weights(state, node, turned, filters)
    made = state.add(f"Conv{spatial}DTranspose", value, config, sizes=(None, *whole, filters), weights=weights)
    if same or not any(map(any, cuts)):
        return made
    left = [None if size is None else size - sum(cut) for size, cut in zip(whole, cuts, strict=True)]
    cropping: Any = cuts[0] if spatial == 1 else cuts
    return state.add(f"Cropping{spatial}D", made, {"cropping": cropping}, sizes=(None, *left, filters))


def _entering(state: State, node: Node) -> tuple[Value, Array, int]:
    """What enters with channels last, the kernel, and the number of axes it slides over."""
    value, kernel = state.last(state.value(node)), state.floats(node, 1)
    spatial = value.rank - 2
    if kernel.ndim != value.rank or not 1 <= spatial <= 3:
        raise Lack(f"`{node.operator}` with a kernel of {kernel.ndim} axes on a tensor of {value.rank}")
    if 0 in kernel.shape:
        raise Lack(f"`{node.operator}` with an empty kernel")
    return value, kernel, spatial


def _weights(state: State, node: Node, kernel: Array, filters: int) -> list[Array]:
    import numpy as np

    weights = [np.ascontiguousarray(kernel)]
    if state.has(node, 2):
        bias = state.floats(node, 2)
        if bias.shape != (filters,):
            raise Lack(f"`{node.operator}` with a bias of the shape {list(bias.shape)} for {filters} channels")
        weights.append(bias)
    return weights
