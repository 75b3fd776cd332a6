"""E5: the sections `train` and `tune`, and what happens while training."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E501": code(
        "unknown key in `train` or `tune`",
        """
        `train`, `tune` and the components in them (losses, optimizers, metrics, callbacks) have the options that
        Keras gives them. An unknown one is an error.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, epoch: 3}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, epochs: 3}
        """,
    ),
    "E502": code(
        "unknown loss, optimizer, metric or callback",
        """
        These have Keras's names in small letters with `_` between words, or Keras's short ones: `mse`, `adamw`. A
        map in `loss` and `metrics` goes by the names of outputs.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, optimizer: adma}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, optimizer: adam}
        """,
    ),
    "E503": code(
        "loss or metric that does not suit the output",
        """
        A loss compares targets with outputs: `sparse_categorical_crossentropy` needs one unit for each class,
        `binary_crossentropy` one unit for yes or no, `mse` an output of the target's shape.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 1, activation: sigmoid}
        data: {source: {sklearn: digits}, inputs: {image: {column: images}}, targets: {digit: {column: target}}}
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data: {source: {sklearn: digits}, inputs: {image: {column: images}}, targets: {digit: {column: target}}}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "E504": code(
        "wrong type in `train` or `tune`",
        """
        The value has another type than the option takes: `epochs` is a whole number, `callbacks` a list.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, epochs: many}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, epochs: 10}
        """,
    ),
    "E505": code(
        "something is missing in `train`",
        """
        Training needs a loss, and some components need options.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {optimizer: adam}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, optimizer: adam}
        """,
    ),
    "E506": code(
        "out of bounds in `train` or `tune`",
        """
        The value has the right type but is out of bounds, or is none of the words that the option takes.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, epochs: 0}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, epochs: 1}
        """,
    ),
    "E507": code(
        "run folder cannot be made",
        """
        Training writes a folder for each run. The folder that holds them cannot be written, or the one given with
        `--run` holds something else than a run.
        """,
        scene="""
        dlspec train digits.yaml --runs /proc/runs
        # choose a folder that you may write to
        """,
        belongs="folder",
    ),
    "E508": code(
        "loss is not finite",
        """
        Training stopped because the loss became infinite or not a number. A smaller learning rate, normalised
        inputs or clipped gradients (`clipnorm: 1`) help most often.
        """,
        scene="""
        dlspec train digits.yaml --set train.optimizer.sgd.learning_rate=1e9
        # lower the learning rate
        """,
    ),
    "E509": code(
        "measure that does not exist",
        """
        `monitor` names a measure of the training: `loss`, a metric, or either with `val_` before it where `data`
        has a validation split.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data: {source: {sklearn: digits}, inputs: {image: {column: images}}, targets: {digit: {column: target}}}
        train: {loss: sparse_categorical_crossentropy, monitor: val_loss}
        """,
        right="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images}}
          targets: {digit: {column: target}}
          split: {validation: 0.2}
        train: {loss: sparse_categorical_crossentropy, monitor: val_loss}
        """,
    ),
    "E510": code(
        "nothing to search",
        """
        `tune` searches parameters whose value is a search space. The spec has none.
        """,
        wrong="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: $width
        train: {loss: mse}
        tune: {trials: 10}
        """,
        right="""
        params: {width: {int: [8, 64]}}
        inputs: {x: [8]}
        layers:
          - dense: $width
        train: {loss: mse}
        tune: {trials: 10}
        """,
    ),
    "E511": code(
        "run folder cannot be written",
        """
        The disk is full, or the folder became read-only, while a run was writing. What was written before is whole:
        the run goes on from its last checkpoint when the same command is given again.
        """,
        scene="""
        dlspec train digits.yaml
        # the disk is full: make room, and give the same command again
        """,
        belongs="folder",
    ),
    "E512": code(
        "run that cannot go on unchanged",
        """
        A run goes on to exactly the result that it would have had without the interruption. That needs the same spec,
        data, versions, and number of threads as before. `--force` goes on all the same, `--new` starts another run.
        """,
        scene="""
        dlspec train digits.yaml --run out --set data.batch_size=64
        # was begun with `batch_size: 32`: give the old value, `--force` or `--new`
        """,
        belongs="folder",
    ),
    "E513": code(
        "run folder in use",
        """
        One process at a time trains in a run folder. The lock goes with the process, also when it is killed.
        """,
        scene="""
        dlspec train digits.yaml --run out
        # another process trains in `out`: wait for it, stop it, or choose another folder
        """,
        belongs="folder",
    ),
    "E514": code(
        "no checkpoint to go on from",
        """
        Every checkpoint carries a hash of its contents, and one that does not fit is never loaded; the one before it is
        taken. This run has none that is sound.
        """,
        scene="""
        dlspec train digits.yaml --run out
        # all files in out/checkpoints are damaged: `--force` begins the run again in its folder
        """,
        belongs="folder",
    ),
    "E515": code(
        "pattern without effect",
        """
        `freeze` and `unfreeze` name layers, blocks (all inside) or patterns with `*`; each must match, and something
        must be left to learn. `groups` name weights likewise (`*.bias`), which the optimizer changes; the first counts.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 4, name: body}
          - dense: {units: 1, name: head}
        train: {loss: mse, phases: {first: {epochs: 3, freeze: bodi}}}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 4, name: body}
          - dense: {units: 1, name: head}
        train: {loss: mse, phases: {first: {epochs: 3, freeze: body}}}
        """,
    ),
    "E516": code(
        "weights to start from",
        """
        `start_from` takes weights of a file or run for layers of the same name and shapes, or in order.
        At least one layer must take some, and each that `layers` names. `dlspec check` runs nothing of the file.
        """,
        scene="""
        dlspec train flowers.yaml --set train.start_from=base.keras
        # base.keras has no layer named like one of flowers.yaml: `match: order` or `moved` says which takes which
        """,
    ),
    "E517": code(
        "computation that TensorFlow gave up",
        """
        TensorFlow could not go on: an index without a vector in an `embedding`, or more memory than there is. A run in
        training says `failed`, and keeps its last checkpoint.
        """,
        scene="""
        dlspec train faces.yaml --set data.batch_size=65536
        # the memory is used up: lower the batch size
        """,
    ),
    "E518": code(
        "devices that cannot train together",
        """
        `distribute` divides every batch among devices, which must be there. Each needs an example, and
        `batch_normalization` with `synchronized: true`, for which the devices wait for each other, cannot stand inside
        another layer or beside layers that add to the loss. Trials of a search have the same devices.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images}}
          targets: {digit: {column: target}}
          batch_size: 3
        train: {loss: sparse_categorical_crossentropy, distribute: {mirrored: 4}}
        """,
        right="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images}}
          targets: {digit: {column: target}}
          batch_size: 4
        train: {loss: sparse_categorical_crossentropy, distribute: {mirrored: 4}}
        """,
    ),
    "E519": code(
        "a loss in other numbers",
        """
        What a layer adds to the loss must be float32 like the rest of it. A penalty on the output is computed in the
        numbers of the layer, which `precision` or the layer's `dtype` make others; one on weights in those of the
        weights.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 8, activation: relu, activity_regularizer: {l2: 0.01}}
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {species: target}}
        train: {loss: sparse_categorical_crossentropy, precision: mixed_float16}
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 8, activation: relu, activity_regularizer: {l2: 0.01}, dtype: float32}
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {species: target}}
        train: {loss: sparse_categorical_crossentropy, precision: mixed_float16}
        """,
    ),
    "E520": code(
        "a learner that does not learn, or weights that nobody trains",
        """
        What `minimize` names must depend on weights that its learner trains, and every weight of the graph must be
        trained by some learner, or frozen. A learner that moves on every so many batches needs as many.
        """,
        wrong="""
        inputs: {x: [8]}
        models:
          Encoder: {inputs: {x: [8]}, layers: [dense: 2]}
          Decoder: {inputs: {code: [2]}, layers: [dense: 8]}
        layers:
          - Encoder: {from: x, name: code}
          - Decoder: {from: code, name: back}
          - losses.mse: {from: [x, back], name: error}
        outputs: back
        train:
          learners:
            decoder: {trains: Decoder, minimize: error}
        """,
        right="""
        inputs: {x: [8]}
        models:
          Encoder: {inputs: {x: [8]}, layers: [dense: 2]}
          Decoder: {inputs: {code: [2]}, layers: [dense: 8]}
        layers:
          - Encoder: {from: x, name: code}
          - Decoder: {from: code, name: back}
          - losses.mse: {from: [x, back], name: error}
        outputs: back
        train:
          learners:
            both: {trains: [Encoder, Decoder], minimize: error}
        """,
    ),
    "E530": code(
        "a figure that the model does not give",
        """
        The section `report` asks for figures of outputs of the model: neighbours, maps and groups of those that hold
        two real numbers or more, outliers by one that is a single number, the distance between drawn and real examples
        by one that has the shape of an input from the data, saliency of one that answers with a class or a number about
        a picture or a text. The run that `frechet` names sees examples of the same shape that are prepared alike.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 3, name: code}
          - dense: {units: 8, name: again}
        report: {map: code}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 3, name: code}
          - dense: {units: 8, name: again}
        outputs: [again, code]
        report: {map: code}
        """,
    ),
}
