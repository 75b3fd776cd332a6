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
    "E547": code(
        "votes that cannot be counted",
        """
        Members of `boosting` vote for the class of each example, and examples that they get wrong count more for the
        next member. That needs one output that gives the probabilities of classes, or of yes.
        """,
        wrong="""
        inputs: {x: [10]}
        layers:
          - dense: 1
        data:
          source: {sklearn: diabetes}
          inputs: {x: {column: data}}
          targets: {y: {column: target}}
        train: {method: {boosting: 5}, loss: mean_squared_error}
        """,
        right="""
        inputs: {x: [10]}
        layers:
          - dense: 1
        data:
          source: {sklearn: diabetes}
          inputs: {x: {column: data}}
          targets: {y: {column: target}}
        train: {method: {bagging: 5}, loss: mean_squared_error}
        """,
    ),
    "E548": code(
        "first member that knows nothing",
        """
        Boosting gives more weight to what a member gets wrong. Where the first one is right no more often than chance,
        its mistakes say nothing, and no vote could be given to it.
        """,
        scene="""
        dlspec train digits.yaml --set train.epochs=1 --set train.optimizer=sgd
        # `method: {boosting: 10}`, and the first member is wrong in 91 % of the examples
        """,
    ),
    "E567": code(
        "member that cannot be stacked",
        """
        Each member of `stacking` is a spec of one training by itself, with inputs and layers of its own. Its answers
        to the one target of the stacking enter the combining layers, and raw values enter the model that is kept:
        inputs of one name have the same columns in all members.
        """,
        wrong="""
        layers:
          - dense: {units: 3, activation: softmax, from: a}
        data:
          source: {sklearn: iris}
          targets: {flower: {column: target}}
        train:
          method:
            stacking:
              members:
                a:
                  layers: [dense: {units: 3, activation: softmax}]
                  data: {inputs: {x: {column: data}}}
                  train: {method: {seeds: 3}, loss: sparse_categorical_crossentropy}
          loss: sparse_categorical_crossentropy
        """,
        right="""
        layers:
          - dense: {units: 3, activation: softmax, from: a}
        data:
          source: {sklearn: iris}
          targets: {flower: {column: target}}
        train:
          method:
            stacking:
              members:
                a:
                  layers: [dense: {units: 3, activation: softmax}]
                  data: {inputs: {x: {column: data}}}
                  train: {loss: sparse_categorical_crossentropy}
          loss: sparse_categorical_crossentropy
        """,
    ),
    "E568": code(
        "inputs of a stacking that are no members",
        """
        What enters the layers of a spec with `stacking` are the answers of its members, under the members' names.
        Neither `inputs` nor `data` can say anything else; what enters the members, their own specs say.
        """,
        wrong="""
        layers:
          - dense: {units: 3, activation: softmax, from: a}
        data:
          source: {sklearn: iris}
          targets: {flower: {column: target}}
          inputs: {a: {column: data}}
        train:
          method:
            stacking:
              members:
                a:
                  layers: [dense: {units: 3, activation: softmax}]
                  data: {inputs: {x: {column: data}}}
                  train: {loss: sparse_categorical_crossentropy}
          loss: sparse_categorical_crossentropy
        """,
        right="""
        layers:
          - dense: {units: 3, activation: softmax, from: a}
        data:
          source: {sklearn: iris}
          targets: {flower: {column: target}}
        train:
          method:
            stacking:
              members:
                a:
                  layers: [dense: {units: 3, activation: softmax}]
                  data: {inputs: {x: {column: data}}}
                  train: {loss: sparse_categorical_crossentropy}
          loss: sparse_categorical_crossentropy
        """,
    ),
    "W618": code(
        "data of a member that do not count",
        """
        The spec of a member may be trained by itself as well, with data of its own. In a stacking it has the source,
        the targets and the split of the spec that stacks, since its answers must be about the same examples.
        """,
        wrong="""
        layers:
          - dense: {units: 3, activation: softmax, from: a}
        data:
          source: {sklearn: iris}
          targets: {flower: {column: target}}
          split: {test: 0.2}
        train:
          method:
            stacking:
              members:
                a:
                  layers: [dense: {units: 3, activation: softmax}]
                  data: {inputs: {x: {column: data}}, split: {test: 0.1}}
                  train: {loss: sparse_categorical_crossentropy}
          loss: sparse_categorical_crossentropy
        """,
        right="""
        layers:
          - dense: {units: 3, activation: softmax, from: a}
        data:
          source: {sklearn: iris}
          targets: {flower: {column: target}}
          split: {test: 0.2}
        train:
          method:
            stacking:
              members:
                a:
                  layers: [dense: {units: 3, activation: softmax}]
                  data: {inputs: {x: {column: data}}}
                  train: {loss: sparse_categorical_crossentropy}
          loss: sparse_categorical_crossentropy
        """,
    ),
    "E565": code(
        "baselines that are not possible",
        """
        `baselines: true` measures answers that need no training beside the model, on the same examples and by the same
        measures. They are held against targets: there are none for tensors that `minimize` or `learners` minimise, for
        sequences of any length, quantiles, outputs with a mask, and examples that `data.examples` makes out of rows.
        They stand beside one model, which an ensemble and a study that keeps none do not train.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}}
        train: {loss: sparse_categorical_crossentropy, method: {bagging: 5}, baselines: true}
        """,
        right="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}}
        train: {loss: sparse_categorical_crossentropy, baselines: true}
        """,
    ),
    "E573": code(
        "snapshots of what has no cycles",
        """
        Members of `snapshot` are the ends of cycles of a learning rate: each begins with the weights of the one before,
        under a rate that is high again. `keep: best` wants other moments, and adapters begin anew.
        """,
        wrong="""
        inputs: {x: [4]}
        layers:
          - dense: {units: 3, activation: softmax}
        data: {source: {sklearn: iris}, inputs: {x: data}, targets: {kind: target}}
        train:
          method: {snapshot: 3}
          loss: sparse_categorical_crossentropy
          optimizer: {sgd: {learning_rate: {cosine_decay: {initial_learning_rate: 0.1, decay_steps: 50}}}}
          keep: best
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
    "E569": code(
        "ablation of a study",
        """
        `dlspec ablate` trains a spec and its variants several times by itself. A `method` that repeats trainings as
        well, or makes one model of several, would have to be repeated as a whole.
        """,
        scene="""
        dlspec ablate wine.yaml
        # `method: {k_fold: 5}`: add `--set train.method=null`, which leaves the study out
        """,
    ),
    "E570": code(
        "variants that nothing compares",
        """
        Variants of a spec are compared by its first metric, or else by what it minimises. The losses of several
        learners work against each other: that one of them is smaller says nothing of the whole.
        """,
        scene="""
        dlspec ablate gan.yaml
        # `learners` minimise against each other: name what counts in `metrics` of `train`
        """,
    ),
    "E571": code(
        "nothing to leave out",
        """
        A variant lacks one layer, block, skip connection, augmentation, regularizer or the like. The spec has nothing
        of that kind to spare, or nothing that the patterns of `--only` fit.
        """,
        scene="""
        dlspec ablate digits.yaml --only drop
        # `--only` takes names, kinds and patterns of them: `--only 'drop*'`; `--list` shows what there is
        """,
    ),
}
