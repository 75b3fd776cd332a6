"""W: what may be written, and is rarely what was meant or best."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "W507": code(
        "one step an epoch",
        """
        `batch_size` is larger than the training split, so that each epoch changes the weights once only. Few epochs are
        then few steps, and a model may look as if it could not learn. A smaller batch gives more steps an epoch.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}, batch_size: 512}
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}, batch_size: 16}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "W516": code(
        "weights that begin anew",
        """
        `start_from` gives no weights to a layer of the same name in the file, whose shapes differ, or to most of the
        model. Where that is meant, `layers` names what is to start from the file; each of these must find weights.
        """,
        scene="""
        dlspec check flowers.yaml
        # `head` has 5 units, and 1000 in base.keras: write `start_from: {file: base.keras, layers: backbone}`
        """,
    ),
    "W508": code(
        "monitors that differ",
        """
        `early_stopping` ends training when one measure gets no better, and the epoch that is kept is the best of
        another one (`monitor` of `train`, the validation loss unless given). Training may end while the measure that
        counts was still getting better.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}, split: {validation: 0.2}}
        train:
          loss: sparse_categorical_crossentropy
          metrics: [accuracy]
          callbacks: [{early_stopping: {monitor: val_accuracy}}]
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}, split: {validation: 0.2}}
        train:
          loss: sparse_categorical_crossentropy
          metrics: [accuracy]
          monitor: val_accuracy
          callbacks: [{early_stopping: {monitor: val_accuracy}}]
        """,
    ),
    "W607": code(
        "name of a row among the inputs",
        """
        A column with another value in nearly every row, such as an id or the number of the row, names its row. What a
        model learns of it does not carry over to rows that it has not seen. Times and texts are none of these, and a
        column of numbers counts only where its name says so or it numbers the rows from 0 or 1.
        """,
        scene="""
        dlspec check loans.yaml
        # column `customer_id` has another number in nearly every row, and is named like an id
        """,
    ),
    "W612": code(
        "numbers without a scale",
        """
        Weights begin with values that suit inputs around 1. A column with values in the thousands drowns the others,
        and slows learning down or keeps it from beginning. `prepare: [normalization]` brings each column to mean 0
        and standard deviation 1, in training and in use.
        """,
        wrong="""
        inputs: {x: [2]}
        layers:
          - dense: {units: 1, activation: sigmoid}
        data:
          source: {sklearn: breast_cancer}
          inputs: {x: {columns: [mean_radius, worst_area]}}
          targets: {benign: target}
        train: {loss: binary_crossentropy}
        """,
        right="""
        inputs: {x: [2]}
        layers:
          - dense: {units: 1, activation: sigmoid}
        data:
          source: {sklearn: breast_cancer}
          inputs: {x: {columns: [mean_radius, worst_area], prepare: [normalization]}}
          targets: {benign: target}
        train: {loss: binary_crossentropy}
        """,
    ),
    "W619": code(
        "draw that lacks a class",
        """
        Each member of `bagging` draws as many training examples as there are, with repetition. One of three is not
        drawn, and of a rare class it may be all: such a member cannot learn it.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data:
          source: {sklearn: iris}
          inputs: {x: {column: data}}
          targets: {kind: {column: target}}
          split: {test: 0.95, by: stratified}
        train: {method: {bagging: 10}, loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data:
          source: {sklearn: iris}
          inputs: {x: {column: data}}
          targets: {kind: {column: target}}
          split: {test: 0.2, by: stratified}
        train: {method: {bagging: 10}, loss: sparse_categorical_crossentropy}
        """,
    ),
    "W613": code(
        "data of a run that have changed",
        """
        A run keeps a fingerprint of all values that it was trained on. Where the files now hold others, some of what
        `evaluate` calls test examples may have been training examples, and the figures are not those of the report.
        `dlspec train` trains on the data as they are now.
        """,
        scene="""
        dlspec evaluate houses
        # rows were added to houses.csv since the run was trained
        """,
        belongs="folder",
    ),
    "W614": code(
        "classes whose order nobody has written",
        """
        Layers and metrics of classes in an order, such as `ordinal`, `rank_error` and a weighted `cohen_kappa`, take
        the first class for the lowest and the last for the highest. Words are put in the order of the alphabet unless
        `classes` says another: `fair, good, poor` learns that good lies between fair and poor.
        """,
        scene="""
        dlspec check survey.yaml
        # metrics: [rank_error], and column `health` holds poor, fair and good
        """,
    ),
    "W615": code(
        "probabilities that enter an activation again",
        """
        A softmax or sigmoid makes probabilities of scores. What it makes of probabilities is flat: of 0 and 1 the
        softmax is 0.27 and 0.73, so that a model cannot be sure and learns slowly.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 3, activation: softmax}
          - activation: softmax
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 3
          - activation: softmax
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "W620": code(
        "comment that leaves nothing out",
        """
        `# dlspec: ignore W402 …` leaves out a warning of its line, or of the next line where it stands alone. Where
        there is no such warning any more, the comment is left over.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 10  # dlspec: ignore W402 the padding is meant
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "W621": code(
        "comment that can leave nothing out",
        """
        `# dlspec: ignore CODE REASON` names warnings, and says why they may be: whoever reads it later must be able to
        tell whether that still holds. Errors are mended, not left out.
        """,
        wrong="""
        inputs: {words: {shape: [20], dtype: int32}}
        layers:
          - embedding: {input_dim: 100, output_dim: 8, mask_zero: true}
          - conv1d: {filters: 4, kernel_size: 3}  # dlspec: ignore W402
        """,
        right="""
        inputs: {words: {shape: [20], dtype: int32}}
        layers:
          - embedding: {input_dim: 100, output_dim: 8, mask_zero: true}
          - conv1d: {filters: 4, kernel_size: 3}  # dlspec: ignore W402 the zeros are words of the text
        """,
    ),
    "W625": code(
        "baselines that are left out",
        """
        Some of what `baselines: true` asks for is not possible for this model, and the rest is measured: a linear model
        needs inputs that are columns of numbers, and not too many.
        """,
        scene="""
        dlspec check photos.yaml
        # 150,528 numbers enter, and the linear model takes up to 4,096: the other baselines are measured
        """,
    ),
    "W626": code(
        "snapshots that differ little",
        """
        A member of `snapshot` begins with the weights of the one before. It leaves them only where its learning rate is
        high again, and settles where that falls to the end: under a steady rate, members give nearly the same answers,
        whose mean is little better than one of them.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}}
        train: {method: {snapshot: 3}, loss: sparse_categorical_crossentropy, optimizer: {sgd: 0.1}}
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}}
        train:
          method: {snapshot: 3}
          loss: sparse_categorical_crossentropy
          optimizer: {sgd: {learning_rate: {cosine_decay: {initial_learning_rate: 0.1, decay_steps: 50}}}}
        """,
    ),
    "W630": code(
        "more classes in the model than in the data",
        """
        The last layer has more units than the target has classes. Those that no example has are never right, and cost
        nothing but a little certainty; behind `ordinal` they stand above all others. Often a class was forgotten in
        `classes`, or the number of units is a slip.
        """,
        scene="""
        dlspec check survey.yaml
        # the last layer is `ordinal: 5`, and column `health` holds poor, fair, good and great
        """,
    ),
}
