"""E2: layers and their options."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E201": code(
        "unknown layer",
        """
        A layer has the name of its Keras class in small letters with `_` between words, exactly as Keras itself
        derives it: Conv2D is `conv2d`, MaxPooling2D is `max_pooling2d`, BatchNormalization is
        `batch_normalization`, LSTM is `lstm`, ReLU is `re_lu`.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dens: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "E202": code(
        "unknown option of a layer",
        """
        The options of a layer are the arguments of its Keras class. Every layer may also have `name`, `from`,
        `repeat` and `if`.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, activaton: relu}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, activation: relu}
        """,
    ),
    "E203": code(
        "missing option",
        """
        Some options have no default and must be given.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {activation: relu}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, activation: relu}
        """,
    ),
    "E204": code(
        "option of the wrong type",
        """
        An option has the type that Keras expects. Whole numbers are written without a point, truth values `true`
        and `false`, parameters with `$`.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: ten, use_bias: yes}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, use_bias: true}
        """,
    ),
    "E205": code(
        "option out of bounds",
        """
        The value has the right type, but Keras would refuse it or it makes no sense: a negative number of units, a
        rate above 1, a list of the wrong length.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dropout: 1.5
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dropout: 0.5
        """,
    ),
    "E206": code(
        "unknown choice",
        """
        The option takes one of a few words, or the name of an activation, initializer, regularizer or constraint.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, activation: rellu}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, activation: relu}
        """,
    ),
    "E207": code(
        "options that do not go together",
        """
        Each option is fine by itself, but Keras cannot combine them, or one has no effect beside the other.
        """,
        wrong="""
        inputs: {image: [28, 28, 1]}
        layers:
          - conv2d: {filters: 8, kernel_size: 3, strides: 2, dilation_rate: 2}
        """,
        right="""
        inputs: {image: [28, 28, 1]}
        layers:
          - conv2d: {filters: 8, kernel_size: 3, strides: 2}
        """,
    ),
    "E208": code(
        "class of Keras that a spec cannot use",
        """
        A few classes of keras.layers run code that is not in the spec, are bases of other layers, or are parts of one.
        A spec holds data only, so that it can be read, checked and shared without running anything.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - lambda: "x * 2"
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - rescaling: 2
        """,
    ),
}
