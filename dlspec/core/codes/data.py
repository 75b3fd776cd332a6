"""E6: the section `data` and the files behind it."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E601": code(
        "file of data cannot be read",
        """
        Paths start at the folder of the spec, and the file or folder must exist.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {csv: nowhere.csv}, targets: {y: {column: target}}}
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklearn: digits}, inputs: {x: {columns: [target]}}, targets: {y: {column: target}}}
        """,
    ),
    "E602": code(
        "unknown column",
        """
        `column` and `columns` name columns of the source: the header of a CSV file, the arrays of an npz file, what
        a bundled data set offers.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data: {source: {sklearn: digits}, inputs: {image: {column: image}}, targets: {digit: {column: target}}}
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
    "E603": code(
        "text where numbers are needed",
        """
        A model computes with numbers. A column of words is prepared by `string_lookup` or `text_vectorization`; a
        word among numbers is a mistake in the file.
        """,
        scene="""
        dlspec check houses.yaml
        # a column in `columns: [rooms, city]` holds text
        """,
    ),
    "E604": code(
        "label outside of the head",
        """
        Class labels count from 0, and the last layer has one unit for each class. Text stands for its place among
        the sorted classes.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 9, activation: softmax}
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
    "E605": code(
        "data do not fit the model",
        """
        What the data give for an input or target has the shape and type that the model declares. A last axis of 1
        is added where it helps.
        """,
        wrong="""
        inputs: {image: [16, 16, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
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
    "E606": code(
        "split that does not work",
        """
        `validation` and `test` are shares of the examples that leave some to train on, or sources. A stratified split
        needs a target with classes, each with an example for every part; a column of parts names `train`,
        `validation` and `test`, one of times dates or numbers.
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
          split: {validation: 0.5, test: 0.5}
        train: {loss: sparse_categorical_crossentropy}
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
          split: {validation: 0.2, test: 0.2}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "E607": code(
        "inputs and targets against the model",
        """
        The names in `inputs` and `targets` of `data` are the model's inputs and outputs, and none of them is left
        without data.
        """,
        wrong="""
        inputs: {image: [8, 8, 1]}
        layers:
          - flatten
          - dense: {units: 10, activation: softmax}
        data: {source: {sklearn: digits}, inputs: {picture: {column: images}}, targets: {digit: {column: target}}}
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
    "E608": code(
        "broken data",
        """
        A file of data is whole: every row of a CSV file has as many values as its header, no number that is used is
        infinite, none is missing unless `missing` says what becomes of it, images can be opened.
        """,
        scene="""
        dlspec check houses.yaml
        # line 3 of houses.csv has 2 values, expected 3
        """,
    ),
    "E609": code(
        "data larger than the memory",
        """
        What is read at once must fit into the memory of the machine. The size is known before anything is read: a
        small file can claim to hold terabytes.
        """,
        scene="""
        dlspec check images.yaml
        # array `x` of images.npz takes 2.0 TB, this machine has 16.0 GB of memory
        """,
        belongs="machine",
    ),
    "E610": code(
        "function of a data source fails",
        """
        The function that `python` names stands at the top of its module, takes the arguments given, and returns a
        dict of arrays of equal length, or yields one dict per example, always with the same keys, types and shapes.
        """,
        scene="""
        dlspec check houses.yaml --allow-code
        # `loading:houses` raised ZeroDivisionError: division by zero
        """,
    ),
    "E611": code(
        "unknown key in `data`",
        """
        `data`, its inputs, targets and split, and each source have fixed keys.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data:
          source: {sklearn: digits}
          inputs: {x: {columns: [target]}}
          targets: {y: {column: target}}
          batchsize: 8
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data:
          source: {sklearn: digits}
          inputs: {x: {columns: [target]}}
          targets: {y: {column: target}}
          batch_size: 8
        """,
    ),
    "E612": code(
        "unknown source, splitter or policy",
        """
        `source` is one of the kinds of data that dlspec reads, `by` one of the ways to split, `missing` one of the
        policies for missing values.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklaern: digits}, inputs: {x: {columns: [target]}}, targets: {y: {column: target}}}
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklearn: digits}, inputs: {x: {columns: [target]}}, targets: {y: {column: target}}}
        """,
    ),
    "E613": code(
        "something is missing in `data`",
        """
        `data` needs `source` and `targets`, and each source what it reads.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklearn: digits}, inputs: {x: {columns: [target]}}}
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklearn: digits}, inputs: {x: {columns: [target]}}, targets: {y: {column: target}}}
        """,
    ),
    "E614": code(
        "wrong type in `data`",
        """
        The value has another type than the option takes: `columns` is a list, `batch_size` a whole number, `inputs`
        a mapping from names.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data:
          source: {sklearn: digits}
          inputs: {x: {columns: [target]}}
          targets: {y: {column: target}}
          batch_size: many
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data:
          source: {sklearn: digits}
          inputs: {x: {columns: [target]}}
          targets: {y: {column: target}}
          batch_size: 8
        """,
    ),
    "E615": code(
        "out of bounds in `data`",
        """
        The value has the right type but is out of bounds, or is none of the words that the option takes.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data:
          source: {sklearn: digits}
          inputs: {x: {columns: [target]}}
          targets: {y: {column: target}}
          batch_size: 0
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data:
          source: {sklearn: digits}
          inputs: {x: {columns: [target]}}
          targets: {y: {column: target}}
          batch_size: 8
        """,
    ),
    "E616": code(
        "augmentation or weights that do not suit the data",
        """
        `augment` changes an input that its layers can change: images, sounds, or texts as indices of words; where
        several could be meant it stands at the input. `class_weights` and `oversample` are for targets with classes.
        `weight` names a column of numbers from 0 on.
        """,
        wrong="""
        inputs: {x: [10]}
        layers:
          - dense: 1
        data:
          source: {sklearn: diabetes}
          inputs: {x: {column: data}}
          targets: {y: {column: target, class_weights: balanced}}
        train: {loss: mse}
        """,
        right="""
        inputs: {x: [13]}
        layers:
          - dense: {units: 3, activation: softmax}
        data:
          source: {sklearn: wine}
          inputs: {x: {column: data}}
          targets: {y: {column: target, class_weights: balanced}}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "E617": code(
        "layer that does not take every index",
        """
        An `embedding` has `input_dim` vectors, for the indices 0 to `input_dim` - 1, and `category_encoding` has
        `num_tokens` places: in training Keras leaves others out without a word. A layer with a vocabulary gives an
        index to each word of the training examples, and to its special tokens; numbers that enter as they are must be
        indices in all splits, and in the examples of `predict` and `evaluate`. Negative ones would count from the end.
        """,
        wrong="""
        inputs: {digit: {shape: [1], dtype: int64}}
        layers:
          - embedding: {input_dim: 5, output_dim: 2}
          - flatten
          - dense: 1
        data: {source: {sklearn: digits}, inputs: {digit: {column: target}}, targets: {y: {column: pixel_3_3}}}
        train: {loss: mse}
        """,
        right="""
        inputs: {digit: {shape: [1], dtype: int64}}
        layers:
          - embedding: {input_dim: 10, output_dim: 2}
          - flatten
          - dense: 1
        data: {source: {sklearn: digits}, inputs: {digit: {column: target}}, targets: {y: {column: pixel_3_3}}}
        train: {loss: mse}
        """,
    ),
    "E618": code(
        "targets that a loss is not made for",
        """
        `msle` compares logarithms of 1 + target, and `poisson` counts: neither says anything of negative targets. Keras
        would take them for 0, or reward whatever lies far from them.
        """,
        wrong="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklearn: diabetes}, inputs: {x: {columns: [bmi]}}, targets: {age: {column: age}}}
        train: {loss: msle}
        """,
        right="""
        inputs: {x: [1]}
        layers:
          - dense: 1
        data: {source: {sklearn: diabetes}, inputs: {x: {columns: [bmi]}}, targets: {age: {column: age}}}
        train: {loss: mse}
        """,
    ),
}
