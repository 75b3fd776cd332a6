"""Specs that are right, by what there is much of in them: each makes the text for a size."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Text = Callable[[int], str]
X = "inputs: {x: [4]}\n"
LSTM = "{units: 4, return_sequences: true, return_state: true, name: [s, h, c]}"


def lines(line: str, size: int) -> str:
    """The line once for each number; `#` stands for the number."""
    return "".join(line.replace("#", str(number)) + "\n" for number in range(size))


def joined(item: str, size: int) -> str:
    """The item once for each number, with commas in between."""
    return ", ".join(item.replace("#", str(number)) for number in range(size))


def _repeated(line: str, head: str = f"{X}layers:\n", tail: str = "") -> Text:
    return lambda n: head + lines(line, n) + tail


def _declared_and_used(section: str, declaration: str, use: str) -> Text:
    return lambda n: f"{section}:\n" + lines(declaration, n) + f"{X}layers:\n" + lines(use, n)


def _chain(n: int) -> str:
    steps = [f"  - dense: {{units: 4, from: n{k}, name: n{k + 1}}}\n" for k in range(n)]
    return f"{X}layers:\n  - dense: {{units: 4, name: n0}}\n" + "".join(steps)


def _tree(n: int) -> str:
    """Each layer takes one of those some lines above."""
    above = [k - 1 - k * 7 % min(k, 5) for k in range(1, n)]
    steps = [f"  - dense: {{units: 4, from: n{place}, name: n{k}}}\n" for k, place in enumerate(above, 1)]
    ends = ", ".join(f"n{k}" for k in range(n) if k not in set(above))
    return f"{X}layers:\n  - dense: {{units: 4, name: n0}}\n{''.join(steps)}  - add: [{ends}, n0]\n"


def _skips(n: int) -> str:
    """All layers also go to one merge at the end."""
    return f"{X}layers:\n" + lines("  - dense: {units: 4, name: n#}", n) + f"  - add: [x, {joined('n#', n)}]\n"


def _dense_skips(n: int) -> str:
    """Each layer also goes to the one after the next."""
    step = "  - add: {{from: [m{0}, prev], name: m{1}}}\n  - dense: 4\n"
    return f"{X}layers:\n  - dense: {{units: 4, name: m0}}\n" + "".join(step.format(k, k + 1) for k in range(n))


def _branches(n: int) -> str:
    return f"{X}layers:\n  - parallel:\n" + lines("      - dense: 4", n + 2) + "  - dense: 1\n"


def _named_branches(n: int) -> str:
    branches = lines("        b#: [dense: 4, dense: 3]", n + 2)
    return f"{X}layers:\n  - parallel:\n      branches:\n{branches}  - dense: 1\n"


def _merged_names(n: int) -> str:
    layers = lines("        - dense: {units: 4, name: t#}", n)
    merges = lines("  - add: {from: t#, name: s#}", n) + f"  - concatenate: [{joined('s#', n)}, prev]\n"
    return f"{X}layers:\n  - repeat:\n      times: 3\n      layers:\n{layers}{merges}"


def _names_of_turns(n: int) -> str:
    each, layers = lines("        u#: [3, 4]", n), lines("        - dense: $u#", n)
    return f"{X}layers:\n  - repeat:\n      each:\n{each}      layers:\n{layers}"


def _turns_by_list(n: int) -> str:
    return f"{X}layers:\n  - repeat: {{each: {{u: {[3 + k % 5 for k in range(n)]}}}, layers: [dense: $u]}}\n"


def _merged_turns(n: int) -> str:
    repeat = f"repeat: {{times: {n + 2}, layers: [dense: {{units: 4, name: t}}]}}"
    return f"{X}layers:\n  - {repeat}\n  - add: t\n  - dense: 1\n"


def _named_turns(n: int) -> str:
    repeat = f"repeat: {{times: {n + 2}, layers: [dense: {{units: 4, name: t_$index}}]}}"
    return f"{X}layers:\n  - {repeat}\n  - dense: 1\n"


def _states(n: int) -> str:
    return f"inputs: {{x: [6, 4]}}\nlayers:\n  - repeat: {{times: {n + 2}, layers: [lstm: {LSTM}]}}\n  - add: h\n"


def _turns_of_a_block(n: int) -> str:
    block = "blocks: {B: {layers: [dense: {units: 4, name: d}, residual: [dense: 4]]}}\n"
    return f"{X}{block}layers:\n  - repeat: {{times: {n}, layers: [B: {{name: b}}]}}\n"


def _inputs(n: int) -> str:
    inputs = lines("  x#: [4]", n + 2)
    return f"inputs:\n{inputs}layers:\n  - concatenate: [{joined('x#', n + 2)}]\n  - dense: 1\n"


def outputs(n: int) -> str:
    """Heads over one layer."""
    heads = lines("  - dense: {units: 1, from: h, name: y#}", n)
    expected = f"expect: {{output: {{{joined('y#: [1]', n)}}}}}\n"
    return f"{X}layers:\n  - dense: {{units: 4, name: h}}\n{heads}outputs: [{joined('y#', n)}]\n{expected}"


def _block_params(n: int) -> str:
    block = f"{{params: {{{joined('p#: 4', n)}}}, layers: [{joined('dense: $p#', n)}]}}"
    return f"{X}blocks: {{B: {block}}}\nlayers: [B: {{{joined('p#: 3', n)}}}]\n"


def _calls_of_a_block(n: int) -> str:
    block = "{params: {u, act: relu}, layers: [dense: {units: $u, activation: $act}, dense: 4]}"
    return f"{X}blocks: {{B: {block}}}\nlayers:\n" + "  - B: 3\n" * n


def _calls_of_a_model(n: int) -> str:
    return f"{X}models: {{M: {{inputs: {{a: [4]}}, layers: [dense: 4, dense: 4]}}}}\nlayers:\n" + "  - M\n" * n


def _aliases(n: int) -> str:
    return f"{X}layers:\n  - dense: &d {{units: 4, activation: relu}}\n" + "  - dense: *d\n" * n


def _long_expressions(n: int) -> str:
    return f"params: {{a: 1}}\n{X}layers:\n" + f"  - dense: $a + {' + '.join('1' * 100)}\n" * n


def _outer_names(n: int) -> str:
    """A block whose layers all have names, called twice."""
    block = f"{{layers: [{joined('dense: {units: 4, name: l#}', n)}]}}"
    return f"{X}blocks: {{B: {block}}}\nlayers: [B, B: {{name: second}}]\n"


# By name: the text, and a size at which a check takes some tenths of a second.
RIGHT: dict[str, tuple[Text, int]] = {
    "layers": (_repeated("  - dense: {units: 4, activation: relu}"), 3000),
    "layers of different types": (_repeated("  - dense: 4\n  - re_lu\n  - dropout: 0.1\n  - layer_normalization"), 800),
    "layers that name others": (_chain, 2000),
    "layers that branch": (_tree, 1600),
    "layers that skip one": (_dense_skips, 800),
    "layers into one merge": (_skips, 1600),
    "branches": (_branches, 1600),
    "named branches": (_named_branches, 800),
    "residual groups": (_repeated("  - residual: [dense: 4, re_lu, dense: 4]"), 600),
    "calls of a block": (_calls_of_a_block, 1000),
    "layers of a block": (_outer_names, 1000),
    "blocks": (_declared_and_used("blocks", "  B#: {params: {u: 4}, layers: [dense: $u, dense: 4]}", "  - B#"), 600),
    "calls of a model": (_calls_of_a_model, 2000),
    "models": (_declared_and_used("models", "  M#: {inputs: {a: [4]}, layers: [dense: 4, dense: 4]}", "  - M#"), 600),
    "turns of a repeat": (lambda n: f"{X}layers:\n  - repeat: {{times: {n}, layers: [dense: 4, re_lu]}}\n", 2000),
    "turns of a layer": (lambda n: f"{X}layers:\n  - dense: {{units: 4, repeat: {n}}}\n", 3000),
    "turns by a list": (_turns_by_list, 3000),
    "names of turns": (_names_of_turns, 600),
    "merged turns": (_merged_turns, 3000),
    "names of merged turns": (_merged_names, 400),
    "turns that name layers": (_named_turns, 2000),
    "turns of a block": (_turns_of_a_block, 800),
    "states of turns": (_states, 800),
    "inputs": (_inputs, 2000),
    "outputs": (outputs, 1200),
    "params": (_declared_and_used("params", "  p#: 4", "  - dense: $p#"), 1500),
    "params of a block": (_block_params, 1000),
    "conditions": (
        _repeated("  - dense: {units: 4, if: $deep and # > 3}", f"params: {{deep: true}}\n{X}layers:\n"),
        1000,
    ),
    "options": (_repeated("  - dense: {units: 4, kernel_initializer: {he_normal: {seed: #}}}"), 1000),
    "wrapped layers": (
        _repeated(
            "  - bidirectional: {layer: {lstm: {units: 2, return_sequences: true}}}", "inputs: {x: [9, 4]}\nlayers:\n"
        ),
        600,
    ),
    "long expressions": (_long_expressions, 100),
    "aliases": (_aliases, 1500),
}


def _nested(section: str, first: str, further: str) -> Text:
    """Declarations 0 to n, each of which calls the ones before; `#` is the number, `@` the one before."""

    def text(n: int) -> str:
        body = "".join(further.replace("#", str(k)).replace("@", str(k - 1)) for k in range(1, n + 1))
        return f"{X}{section}:\n{first}{body}layers: [{section[0].upper()}{n}, dense: 1]\n"

    return text


def _both(section: str, zero: str, one: str, further: str) -> Text:
    """Each calls the two before it: `@` and `&`."""

    def text(n: int) -> str:
        calls = [
            further.replace("#", str(k)).replace("@", str(k - 1)).replace("&", str(k - 2)) for k in range(2, n + 2)
        ]
        return f"{X}{section}:\n{zero}{one}{''.join(calls)}layers: [{section[0].upper()}{n + 1}, dense: 1]\n"

    return text


_MODEL = "  M#: {inputs: {a: [4]}, layers: [M@, M@]}\n"
# Of these the size is the depth.
DEEP: dict[str, Text] = {
    "blocks": _nested("blocks", "  B0: {layers: [dense: 4]}\n", "  B#: {layers: [B@, dense: 4]}\n"),
    "blocks that make nothing": _nested(
        "blocks", "  B0: {layers: [dense: {units: 4, if: false}]}\n", "  B#: {layers: [B@, B@]}\n"
    ),
    "blocks without turns": _nested(
        "blocks",
        "  B0: {params: {u: 4}, layers: [dense: {units: $u, repeat: 0}]}\n",
        "  B#: {params: {u: 4}, layers: [B@: $u, B@: 4]}\n",
    ),
    "repeats that make nothing": _nested(
        "blocks",
        "  B0: {layers: [repeat: {times: 3, layers: [dense: {units: 4, if: false}]}]}\n",
        "  B#: {layers: [repeat: {times: 3, layers: [B@, repeat: {times: 3, layers: [B@]}]}]}\n",
    ),
    "models": _nested("models", "  M0: {inputs: {a: [4]}, layers: [dense: 4]}\n", _MODEL),
    "models that call two": _both(
        "models",
        "  M0: {inputs: {a: [4]}, layers: [dense: 4]}\n",
        "  M1: {inputs: {a: [4]}, layers: [M0, dense: 4]}\n",
        "  M#: {inputs: {a: [4]}, layers: [M@, M&]}\n",
    ),
    "models of unknown length": _nested(
        "models", "  M0: {inputs: {a: [null]}, layers: [re_lu]}\n", _MODEL.replace("4", "null")
    ),
}


def combined(texts: Iterable[Text]) -> Text:
    """Several texts below each other."""
    return lambda n: "".join(text(n) for text in texts)
