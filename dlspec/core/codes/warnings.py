"""W: warnings; and E9: internal errors."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E901": code(
        "Keras disagrees with the check",
        """
        `dlspec check` found nothing wrong, but Keras refused to build a layer. That is a mistake in dlspec: please
        report the spec.
        """,
        scene="""
        dlspec build model.yaml
        # Keras refuses a layer that passed the check
        """,
    ),
    "E902": code(
        "static analysis and Keras disagree",
        """
        `dlspec build` compares each node of the built model with what the check inferred: shapes, dtypes, masks,
        weights.
        A difference is a mistake in dlspec: please report the spec.
        """,
        scene="""
        dlspec build model.yaml
        # the built model has another shape than the check inferred
        """,
    ),
    "W301": code(
        "unused parameter",
        """
        A parameter that nothing uses is often a misspelling, or left over.
        """,
        wrong="""
        params: {width: 8, depth: 2}
        inputs: {x: [8]}
        layers:
          - dense: $width
        """,
        right="""
        params: {width: 8, depth: 2}
        inputs: {x: [8]}
        layers:
          - dense: {units: $width, repeat: $depth}
        """,
    ),
    "W302": code(
        "one seed for several layers",
        """
        A fixed `seed` inside a repeat gives every turn the same random numbers: the same initial weights, the same
        dropout.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, kernel_initializer: {he_normal: {seed: 1}}, repeat: 2}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 8, kernel_initializer: {he_normal: {seed: $index}}, repeat: 2}
        """,
    ),
    "W401": code(
        "unused block, model or file",
        """
        A block or model that nothing calls is often left over. So is a Python file of `extensions` that no source
        `python` runs, and that none of those imports which one does.
        """,
        wrong="""
        inputs: {x: [8]}
        blocks:
          Body:
            layers:
              - dense: 10
        layers:
          - dense: 10
        """,
        right="""
        inputs: {x: [8]}
        blocks:
          Body:
            layers:
              - dense: 10
        layers:
          - Body
        """,
    ),
    "W402": code(
        "mask ends",
        """
        `mask_zero` and `masking` mark padding that later layers skip. A layer that does not know masks treats the
        padding after it as data. So does a merge of one tensor that has a mask with one that has none, and a layer
        that measures over all steps, such as `group_normalization`.
        """,
        wrong="""
        inputs: {words: {shape: [20], dtype: int32}}
        layers:
          - embedding: {input_dim: 100, output_dim: 8, mask_zero: true}
          - conv1d: {filters: 4, kernel_size: 3}
        """,
        right="""
        inputs: {words: {shape: [20], dtype: int32}}
        layers:
          - embedding: {input_dim: 100, output_dim: 8, mask_zero: true}
          - lstm: 4
        """,
    ),
    "W403": code(
        "last turn leads nowhere",
        """
        In a repeat, some layers of the last turn lead to no output, while those of other turns do. They are left
        out of the model.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - repeat:
              times: 2
              layers:
                - dense: {units: 8, name: step}
                - dense: {units: 8}
          - add: step
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - repeat:
              times: 2
              layers:
                - dense: {units: 8, name: step}
          - add: step
        """,
    ),
    "W404": code(
        "saved unadapted",
        """
        Layers such as `normalization` measure the training data before they are used. `dlspec build -o` and
        `dlspec export` of a spec write a model that has seen no data, in which such a layer does nothing useful.
        `dlspec train` adapts it; the folder of its run can be exported.
        """,
        scene="""
        dlspec build model.yaml -o model.keras
        # model.yaml has `normalization` among its layers
        """,
    ),
    "W405": code(
        "a sum over means",
        """
        `reduction` of a loss as a step works on the values that Keras's loss has, and most losses average over the last
        axis before. Of a prediction with one axis a single value is left, so that `sum` and `mean` are the same: the
        reconstruction error of flat pixels is then their number of times smaller than the sum that a variational
        autoencoder weighs against its other part.
        """,
        wrong="""
        inputs: {pixels: [64]}
        layers:
          - dense: {units: 64, name: decoded}
          - losses.mean_squared_error: {from: [pixels, decoded], reduction: sum, name: error}
        outputs: error
        """,
        right="""
        inputs: {pixels: [64, 1]}
        layers:
          - dense: {units: 1, name: decoded}
          - losses.mean_squared_error: {from: [pixels, decoded], reduction: sum, name: error}
        outputs: error
        """,
    ),
    "W502": code(
        "loss and activation do not go together",
        """
        Cross-entropies take probabilities: from `softmax` over several classes, or `sigmoid` for each. With
        `from_logits: true` they take raw scores, from an output without activation. Mixed up, training goes on with
        wrong gradients and ends with a poor model.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 3
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 3, activation: softmax}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "W503": code(
        "measured over a share of the batch",
        """
        With `distribute`, each device computes its share of a batch, and the result is that of the whole batch, but for
        layers that measure something over the examples: they see those of one device. `batch_normalization` measures
        over all devices with `synchronized: true`, which makes them wait for each other.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 3
          - batch_normalization
          - dense: 1
        train: {loss: mse, distribute: {mirrored: 2}}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 3
          - batch_normalization: {synchronized: true}
          - dense: 1
        train: {loss: mse, distribute: {mirrored: 2}}
        """,
    ),
    "W504": code(
        "measure of classes for quantities",
        """
        `accuracy`, `precision` and the like count right classes. Of a target that holds quantities they say nothing,
        since no prediction equals 151.3 exactly: `mae` or `r2_score` tells how near the predictions are.
        """,
        wrong="""
        inputs: {x: [10]}
        layers:
          - dense: 1
        data: {source: {sklearn: diabetes}, inputs: {x: data}, targets: {y: target}}
        train: {loss: mse, metrics: [accuracy]}
        """,
        right="""
        inputs: {x: [10]}
        layers:
          - dense: 1
        data: {source: {sklearn: diabetes}, inputs: {x: data}, targets: {y: target}}
        train: {loss: mse, metrics: [mae]}
        """,
    ),
    "W506": code(
        "targets that the output never reaches",
        """
        An activation at the end bounds what a model can answer: sigmoid gives 0 to 1, tanh -1 to 1, relu nothing
        below 0. A target beyond that is never met, however long the model trains. Leave the activation out, or bring
        the targets into its range in the data: `prepare` changes what enters the model, and no target.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 16, activation: relu}
          - dense: {units: 64, activation: sigmoid}
          - reshape: [8, 8, 1]
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
          targets: {same: images}
        train: {loss: mse}
        """,
        right="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 16, activation: relu}
          - dense: 64
          - reshape: [8, 8, 1]
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
          targets: {same: images}
        train: {loss: mse}
        """,
    ),
    "W601": code(
        "column that never changes",
        """
        A column with one value in all rows tells a model nothing.
        """,
        scene="""
        dlspec check houses.yaml
        # column `country` of houses.csv holds `FI` in every row
        """,
    ),
    "W602": code(
        "equal examples in several parts",
        """
        An example of the test or validation split whose inputs equal those of a training example is judged by heart.
        Copies in a file are best removed; examples that belong together are kept together by `by: {grouped: column}`.
        """,
        scene="""
        dlspec data houses.yaml
        # 12 of 300 test examples equal a training example
        """,
    ),
    "W603": code(
        "left out of the data",
        """
        Some files or columns of the source are not used, though they may have been meant to be: files of a folder whose
        ending says that they hold something else, a column without a name. The message counts them and names the first.
        """,
        scene="""
        dlspec check pets.yaml
        # 10 files of `photos` are left out, `photos/cat/1.heic` first
        """,
    ),
    "W604": code(
        "target among the inputs",
        """
        An input holds the target, or what the target follows from: a copy, a multiple, a code of the class, something
        that is known only afterwards. The scores are then far better than any that a use of the model will see.
        """,
        scene="""
        dlspec check loans.yaml
        # target `denied` follows from column `decision`: each of its values comes with one of the target
        """,
    ),
    "W605": code(
        "targets that a measure says little of",
        """
        A percentage of targets that are 0, or on both sides of it, says little, and a metric of logarithms or counts
        takes negative targets for 0. Another measure fits such targets; as a loss, these are E618.
        """,
        scene="""
        dlspec check profits.yaml
        # metrics: [mape], and column `profit` holds 0
        """,
    ),
    "W606": code(
        "word for a missing value among words",
        """
        `NA`, `N/A`, `nan` and `null` are missing numbers. In an input of words they are words like others, for they may
        be: the code of Namibia, a grade. `missing: {constant: missing}` makes them and empty cells a word of their own,
        `missing: drop` leaves such rows out, and a `vocabulary` that names them says that they are words. Files of
        Parquet and JSON Lines know missing values themselves: words in them are words.
        """,
        scene="""
        dlspec check pets.yaml
        # column `sex` holds `NA` in 11 rows, which is a word like others here
        """,
    ),
    "W610": code(
        "pictures without a scale",
        """
        Weights begin with values that suit inputs around 1. Pictures with values up to 255 slow learning down or keep
        it from beginning; `prepare: [{rescaling: 1 / 255}]` divides them, in training and in use.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data: {source: {sklearn: digits}, inputs: {image: images}, targets: {digit: target}}
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
          targets: {digit: target}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "W611": code(
        "another range of values than that of the images",
        """
        Layers that change colours take the values of their images for those of `value_range`, from 0 to 255 unless it
        says otherwise. Of images between 0 and 1 a change of brightness would leave nothing.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - random_brightness: 0.2
          - flatten
          - dense: {units: 10, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
          targets: {digit: target}
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {image: [8, 8, 1]}
        layers:
          - random_brightness: {factor: 0.2, value_range: [0, 1]}
          - flatten
          - dense: {units: 10, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
          targets: {digit: target}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
}
