"""E1: sections, names, and the files around a spec."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E101": code(
        "unknown section or key",
        """
        A spec has fixed sections, and blocks, models, inputs and `expect` have fixed keys. An unknown one is an
        error, so that a misspelling never goes unnoticed.
        """,
        wrong="""
        input: {x: [8]}
        layers:
          - dense: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "E102": code(
        "wrong kind of value",
        """
        Each section has its own form: `inputs`, `params` and `blocks` are mappings from names, `layers` is a list,
        a shape is a list of whole numbers (null where a size is unknown).
        """,
        wrong="""
        inputs: {x: 8}
        layers:
          - dense: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "E103": code(
        "name not allowed",
        """
        A name has ASCII letters, digits and `_`, at most 63, and is neither a Python keyword nor one of `input`,
        `prev`, `shape`, `channels`, `index`. Blocks and models start with a capital letter, everything else with a
        small one.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, name: first layer}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, name: first_layer}
        """,
    ),
    "E104": code(
        "name given twice",
        """
        Within one model or block a name stands for one thing: an input or one output of a layer.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, name: hidden}
          - dense: {units: 10, name: hidden}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, name: hidden_1}
          - dense: {units: 10, name: hidden_2}
        """,
    ),
    "E105": code(
        "something is missing",
        """
        A model needs `inputs` (or data that tell them) and `layers`; a block needs `layers`; training needs `data`
        and `train`.
        """,
        wrong="""
        layers:
          - dense: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "E106": code(
        "several keys in one item",
        """
        An item is one name with its options: `- dense: {units: 10}`. Options stand inside the braces or indented
        below the name, and each layer starts with its own `-`.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense:
            units: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense:
              units: 10
        """,
    ),
    "E107": code(
        "`extends` cannot be followed",
        """
        `extends` names another spec that exists. Specs may extend each other in a chain, but not in a circle.
        """,
        wrong="""
        extends: nowhere.yaml
        layers:
          - dense: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "E108": code(
        "path outside of the spec's folder",
        """
        A spec reads local files in its own folder or below. URLs are never followed; `--allow-outside` opens other
        folders.
        """,
        wrong="""
        extends: https://example.com/base.yaml
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "E109": code(
        "setting on the command line",
        """
        `--set` takes KEY=VALUE: keys and numbers of list items joined by dots, and a value in YAML.
        """,
        scene="""
        dlspec check lenet5.yaml --set epochs
        # write it as: --set train.epochs=5
        """,
    ),
    "E110": code(
        "code that may not run",
        """
        A spec holds data. The one exception are the Python files that it lists in `extensions`; they run only with
        `--allow-code`, which says that their reader trusts them.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {python: loading:houses}, targets: {y: y}}
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklearn: digits}, inputs: {x: {columns: [target]}}, targets: {y: target}}
        """,
    ),
    "E111": code(
        "component of one's own that cannot be used",
        """
        A class of Keras in a file of `extensions` is a component of the spec: its options are the arguments of
        `__init__`. dlspec tries it before anything is trained; what its code raises is told with the line.
        """,
        scene="""
        dlspec check own.yaml --allow-code
        # parts.py: class Scale(keras.layers.Layer), whose call raises ValueError
        """,
    ),
}
