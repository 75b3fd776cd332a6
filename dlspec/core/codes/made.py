"""Codes of examples that are made out of rows."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E619": code(
        "examples that cannot be made of these rows",
        """
        `data.examples` takes an input as `inputs` of `data` prepares it, in each split by itself, and gives inputs of
        the model and columns for targets in its place: `pairs` and `triplets` put rows together, which takes two rows
        of each class and two classes in every split; `stream`, `skip_grams` and `cbow` cut rows of indices to pieces,
        which are no rows any more: other columns, weights and repetition of rows have no meaning for them.
        """,
        wrong="""
        inputs: {image_a: [64], image_b: [64]}
        layers:
          - subtract: [image_a, image_b]
          - dense: {units: 1, activation: sigmoid}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: data, prepare: [{rescaling: 1 / 16}]}}
          examples: {stream: {input: image, length: 65, stride: 64}}
          targets: {same: same}
        train: {loss: binary_crossentropy}
        """,
        right="""
        inputs: {image_a: [64], image_b: [64]}
        layers:
          - subtract: [image_a, image_b]
          - dense: {units: 1, activation: sigmoid}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: data, prepare: [{rescaling: 1 / 16}]}}
          examples: {pairs: {input: image, same: target}}
          targets: {same: same}
        train: {loss: binary_crossentropy}
        """,
    ),
}
