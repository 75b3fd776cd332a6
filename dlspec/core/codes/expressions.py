"""E3: expressions, parameters, blocks and repeats."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E301": code(
        "not an expression",
        """
        A value that contains `$` is an expression: Python's arithmetic, comparisons, `and or not`, `a if b else c`,
        subscripts and a few functions. Parameters have a `$`, words have quotes; inside `{}` and `[]`, quote an
        expression that contains `, [ ] { }`.
        """,
        wrong="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: $width * * 2
        """,
        right="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: $width * 2
        """,
    ),
    "E302": code(
        "undefined name",
        """
        `$name` is a parameter declared in `params:`. A block sees its own parameters and those of the spec, not
        those of the block that calls it. `$index` exists inside a repeat only, `$channels` and `$shape` where a
        tensor enters; `$channels(skip)` is of the tensor that is named `skip` above.
        """,
        wrong="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: $widht
        """,
        right="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: $width
        """,
    ),
    "E303": code(
        "expression cannot be computed",
        """
        The expression is well formed, but has no value: a division by zero, a list used as a number, an index out
        of range, a number too large.
        """,
        wrong="""
        params: {parts: 0}
        inputs: {x: [8]}
        layers:
          - dense: 64 // $parts
        """,
        right="""
        params: {parts: 4}
        inputs: {x: [8]}
        layers:
          - dense: 64 // $parts
        """,
    ),
    "E304": code(
        "expression of the wrong type",
        """
        What an expression gives must be what the option takes. `/` gives a number with a point, `//` a whole
        number.
        """,
        wrong="""
        params: {width: 32}
        inputs: {x: [8]}
        layers:
          - dense: $width / 2
        """,
        right="""
        params: {width: 32}
        inputs: {x: [8]}
        layers:
          - dense: $width // 2
        """,
    ),
    "E305": code(
        "unknown block or model",
        """
        A name with a capital letter is a block or model that the spec declares under `blocks:` or `models:`. Layers
        have small letters.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - Dense: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "E306": code(
        "unknown parameter of a block",
        """
        A call may give the parameters that the block declares under `params:`, and no others. Models have no
        parameters.
        """,
        wrong="""
        inputs: {x: [8]}
        blocks:
          Body:
            params: {units: 8}
            layers:
              - dense: $units
        layers:
          - Body: {unit: 10}
        """,
        right="""
        inputs: {x: [8]}
        blocks:
          Body:
            params: {units: 8}
            layers:
              - dense: $units
        layers:
          - Body: {units: 10}
        """,
    ),
    "E307": code(
        "parameter without a value",
        """
        A parameter that a block declares without a default is given at every call. `params: {units}` declares one;
        a top-level parameter always has a value.
        """,
        wrong="""
        inputs: {x: [8]}
        blocks:
          Body:
            params: {units}
            layers:
              - dense: $units
        layers:
          - Body
        """,
        right="""
        inputs: {x: [8]}
        blocks:
          Body:
            params: {units}
            layers:
              - dense: $units
        layers:
          - Body: {units: 10}
        """,
    ),
    "E308": code(
        "recursion",
        """
        A block or model cannot contain a call of itself, directly or through another, nor be an average of itself. Use
        `repeat` to do something several times.
        """,
        wrong="""
        inputs: {x: [8]}
        blocks:
          Body:
            layers:
              - dense: 10
              - Body
        layers:
          - Body
        """,
        right="""
        inputs: {x: [8]}
        blocks:
          Body:
            layers:
              - dense: 10
        layers:
          - Body: {repeat: 2}
        """,
    ),
    "E309": code(
        "parameters in a circle",
        """
        Parameters may use each other in any order, but not in a circle.
        """,
        wrong="""
        params: {a: $b + 1, b: $a - 1}
        inputs: {x: [8]}
        layers:
          - dense: $a
        """,
        right="""
        params: {a: $b + 1, b: 7}
        inputs: {x: [8]}
        layers:
          - dense: $a
        """,
    ),
    "E310": code(
        "malformed search space",
        """
        A search space is `{int: [low, high]}`, `{float: [low, high]}`, `{choice: [a, b]}` or `{bool: true}`, the
        first two with `step` and `log` if wanted, each with `default` and `each_time` if wanted. It stands under the
        top-level `params:`.
        """,
        wrong="""
        params: {width: {int: [64, 8]}}
        inputs: {x: [8]}
        layers:
          - dense: $width
        """,
        right="""
        params: {width: {int: [8, 64]}}
        inputs: {x: [8]}
        layers:
          - dense: $width
        """,
    ),
    "E311": code(
        "unknown size in an expression",
        """
        `$channels` and `$shape` tell the tensor that enters. An axis whose size is unknown (null) has no number to
        compute with.
        """,
        wrong="""
        inputs: {text: [20, null]}
        layers:
          - dense: $channels // 2
        """,
        right="""
        inputs: {text: [20, 8]}
        layers:
          - dense: $channels // 2
        """,
    ),
    "E312": code(
        "malformed repeat",
        """
        A repeated group has `layers` and either `times` (a number) or `each` (lists of equal length, one value of
        each per turn).
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - repeat:
              layers:
                - dense: 8
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - repeat:
              times: 2
              layers:
                - dense: 8
        """,
    ),
    "E313": code(
        "too many layers",
        """
        A model has at most 200,000 layers once all blocks and repeats are written out.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - repeat:
              times: 100000
              layers: [identity, identity, identity]
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - repeat:
              times: 10
              layers: [identity, identity, identity]
        """,
    ),
    "E314": code(
        "a value for each use, where there is none",
        """
        A search space with `each_time: true` is drawn anew for every layer that uses it, each turn of a `repeat` by
        itself. `{each_time: [64, 32]}` lists such values in the order of the uses, one for each. There must be several
        uses, and they must stand in layers: another parameter, the data and the training are made once.
        """,
        wrong="""
        params: {units: {int: [8, 64], each_time: true}}
        inputs: {x: [8]}
        layers:
          - dense: $units
          - dense: 1
        """,
        right="""
        params: {units: {int: [8, 64], each_time: true}}
        inputs: {x: [8]}
        layers:
          - dense: $units
          - dense: $units
          - dense: 1
        """,
    ),
}
