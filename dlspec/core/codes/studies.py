"""E5: studies, which repeat a training."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E536": code(
        "study that does not fit",
        """
        A study trains a spec again and again: with other folds of the data, other seeds, or growing shares of the
        training split. It needs data that it can divide so, and stands in no search and no exported project.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data:
          source: {sklearn: iris}
          inputs: {x: {column: data}}
          targets: {flower: {column: target}}
          split: {fold: {number: 1, of: 3}}
        train: {method: {k_fold: 5}, loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data:
          source: {sklearn: iris}
          inputs: {x: {column: data}}
          targets: {flower: {column: target}}
        train: {method: {k_fold: 5}, loss: sparse_categorical_crossentropy}
        """,
    ),
    "E546": code(
        "members that give no one model",
        """
        The model that an ensemble keeps gives the mean of what its members answer to the same raw values. That needs
        outputs that are compared with targets and have a mean. The best member is chosen by examples that are not
        the test split.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data:
          source: {sklearn: iris}
          inputs: {x: {column: data}}
          targets: {flower: {column: target}}
          split: {test: 0.2}
        train: {method: {seeds: {count: 3, keep: best}}, loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data:
          source: {sklearn: iris}
          inputs: {x: {column: data}}
          targets: {flower: {column: target}}
          split: {test: 0.2}
        train: {method: {seeds: {count: 3, keep: ensemble}}, loss: sparse_categorical_crossentropy}
        """,
    ),
}
