"""E4: how tensors flow, and their shapes."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E401": code(
        "unknown name",
        """
        `from` and `outputs` use names that stand further up: an input, or what a `name:` gave to a layer. A block
        sees only its own names.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, name: hidden}
          - add: [hiden, x]
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, name: hidden}
          - add: [hidden, x]
        """,
    ),
    "E402": code(
        "shape that does not fit a layer",
        """
        Each layer takes tensors with a certain number of axes and certain sizes. Shapes are written without the
        batch: an image is [height, width, channels], a sequence [steps, features], a vector [features].
        """,
        wrong="""
        inputs: {image: [28, 28, 1]}
        layers:
          - flatten
          - conv2d: {filters: 8, kernel_size: 3}
        """,
        right="""
        inputs: {image: [28, 28, 1]}
        layers:
          - conv2d: {filters: 8, kernel_size: 3}
          - flatten
        """,
    ),
    "E403": code(
        "shapes that cannot be merged",
        """
        `add`, `multiply` and their like take tensors of one shape; an axis of size 1 fits any size. A residual
        group returns the shape that entered it.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - residual:
              layers:
                - dense: 16
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - residual:
              layers:
                - dense: 8
        """,
    ),
    "E404": code(
        "shapes that cannot be concatenated",
        """
        `concatenate` joins tensors along one axis, the last one unless `axis` is given. All other axes have equal
        sizes.
        """,
        wrong="""
        inputs: {a: [4, 8], b: [5, 8]}
        layers:
          - concatenate: [a, b]
        """,
        right="""
        inputs: {a: [4, 8], b: [5, 8]}
        layers:
          - concatenate: {axis: 1, from: [a, b]}
        """,
    ),
    "E405": code(
        "wrong number of inputs",
        """
        A layer takes the inputs of its Keras `call`: most one, merge layers two or more. Several go in by `from:
        [a, b]`, named ones by `from: {query: a, value: b}`.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 8
          - add
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 8
          - add: [x, prev]
        """,
    ),
    "E406": code(
        "several tensors where one is taken",
        """
        A name given inside a repeat stands afterwards for the list of all turns, and a layer may return several
        tensors. Where one is needed, merge them or name each.
        """,
        wrong="""
        inputs: {text: [20, 8]}
        layers:
          - lstm: {units: 4, return_state: true}
          - dense: 1
        """,
        right="""
        inputs: {text: [20, 8]}
        layers:
          - lstm: {units: 4, return_state: true, name: [last, h, c]}
          - dense: {units: 1, from: last}
        """,
    ),
    "E407": code(
        "name used before it is given",
        """
        A name is given above its use: a model is written in the order in which it is computed.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - add: [x, later]
          - dense: {units: 8, name: later}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, name: earlier}
          - add: [x, earlier]
        """,
    ),
    "E408": code(
        "unknown size",
        """
        Weights have a fixed shape, so the sizes they depend on must be known. Only axes that no weight depends on
        may be null.
        """,
        wrong="""
        inputs: {text: [null, 8]}
        layers:
          - flatten
          - dense: 10
        """,
        right="""
        inputs: {text: [null, 8]}
        layers:
          - global_average_pooling1d
          - dense: 10
        """,
    ),
    "E409": code(
        "wrong data type",
        """
        Some layers take whole numbers, some text, some numbers with a point.
        """,
        wrong="""
        inputs: {words: {shape: [20], dtype: string}}
        layers:
          - embedding: {input_dim: 100, output_dim: 8}
        """,
        right="""
        inputs: {words: {shape: [20], dtype: int32}}
        layers:
          - embedding: {input_dim: 100, output_dim: 8}
        """,
    ),
    "E410": code(
        "nothing is left",
        """
        A window larger than the image, or too many poolings, would leave a tensor without elements.
        """,
        wrong="""
        inputs: {image: [4, 4, 1]}
        layers:
          - conv2d: {filters: 8, kernel_size: 5}
        """,
        right="""
        inputs: {image: [4, 4, 1]}
        layers:
          - conv2d: {filters: 8, kernel_size: 3}
        """,
    ),
    "E411": code(
        "name of a layer that was left out",
        """
        Where `if` is false or `repeat` is 0, the line counts as deleted, and its name does not exist.
        """,
        wrong="""
        params: {deep: false}
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, name: extra, if: $deep}
          - add: [x, extra]
        """,
        right="""
        params: {deep: true}
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, name: extra, if: $deep}
          - add: [x, extra]
        """,
    ),
    "E412": code(
        "which input?",
        """
        With several inputs there is no previous output at the start: the first layer says what it takes.
        """,
        wrong="""
        inputs: {a: [8], b: [8]}
        layers:
          - dense: 8
          - add: [a, b, prev]
        """,
        right="""
        inputs: {a: [8], b: [8]}
        layers:
          - dense: {units: 8, from: a}
          - add: [a, b, prev]
        """,
    ),
    "E413": code(
        "not what was expected",
        """
        The section `expect` says how many parameters the model has and what shape it returns. The model does not
        agree.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        expect: {parameters: 100}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        expect: {parameters: 90}
        """,
    ),
    "E414": code(
        "dead end",
        """
        Every layer and every input leads to an output, or to what is minimised or measured; Keras would drop the
        others without a word.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, name: unused, from: x}
          - dense: {units: 8, from: x}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, name: used, from: x}
          - dense: {units: 8, from: used}
        """,
    ),
    "E415": code(
        "more elements than programs can count",
        """
        A tensor, and a variable of a layer, holds less than 2^63 elements.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: 4000000000000000000
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: 4000
        """,
    ),
    "E416": code(
        "a model that the memory cannot hold",
        """
        A model must have room in the memory of the machine, or in what a container or `ulimit -v` leaves of it.
        Building takes its weights, and the largest of them up to three times while its initial value is drawn. Training
        takes weights, their gradients, what the optimizer keeps of them (two copies for `adam`), and its step, or the
        values of a batch where they are more: what is said is the least that was measured. A graphics processor has
        memory of its own, which is not known before TensorFlow starts: only building is held against the machine's.
        """,
        wrong="""
        inputs: {x: [1000000]}
        layers:
          - dense: 1000000000
        """,
        right="""
        inputs: {x: [1000]}
        layers:
          - dense: 1000
        """,
        belongs="machine",
    ),
    "E417": code(
        "an output that cannot be saved",
        """
        What is saved answers one example at a time, in other programs too. A loss that compares the examples of a batch
        says nothing of one, and no saved file takes derivatives: such steps can be minimised and measured, and no
        output depends on them.
        """,
        wrong="""
        inputs: {x: [8], kind: {shape: [], dtype: int32}}
        layers:
          - dense: {units: 4, name: code, from: x}
          - losses.circle: {from: [kind, code], name: apart}
        outputs: [code, apart]
        """,
        right="""
        inputs: {x: [8], kind: {shape: [], dtype: int32}}
        layers:
          - dense: {units: 4, name: code, from: x}
          - losses.circle: {from: [kind, code], name: apart}
        outputs: code
        train: {minimize: apart}
        """,
    ),
}
