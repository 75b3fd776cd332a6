"""E53: searches for good values."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E531": code(
        "record of a search that cannot be used",
        """
        A search writes every trial into `search.sqlite` of its folder before it begins and after it ended. That file
        is damaged, cannot be read, or the disk has no room for it. Trials that it holds are lost only with the file.
        """,
        scene="""
        dlspec tune churn.yaml
        # the disk is full: make room, and give the same command again
        """,
        belongs="folder",
    ),
    "E532": code(
        "search that cannot go on",
        """
        A search goes on by giving the algorithm the recorded results again, which must lead to the same trials. Another
        version of Keras Tuner may choose otherwise. `--new` begins another search.
        """,
        scene="""
        dlspec tune churn.yaml
        # was begun with another version of Keras Tuner: install that one, or add `--new`
        """,
        belongs="folder",
    ),
    "E533": code(
        "cluster that cannot be used",
        """
        `--cluster` hands trials to the machines of a Ray cluster that runs, with this machine in it. Ray must be
        installed, the cluster must answer, and have room for as many trials at a time as were asked for.
        """,
        scene="""
        dlspec tune churn.yaml --cluster 192.0.2.7:6379
        # pip install 'dlspec[ray]', then `ray start --address=192.0.2.7:6379` on this machine
        """,
        belongs="machine",
    ),
    "E534": code(
        "machine that cannot run the trials of a search",
        """
        Every machine of a cluster must have the same versions, and see the spec, its data and the search's folder under
        the same paths, with locks that hold for all. Each process checks that before it takes a trial.
        """,
        scene="""
        dlspec tune churn.yaml --cluster 192.0.2.7:6379
        # add `--runs /shared/runs`: a folder that all machines mount
        """,
        belongs="machine",
    ),
    "W531": code(
        "continuous range in a grid",
        """
        A grid needs values that can be counted. From a range without `step` it takes ten, both ends included, evenly
        spread or evenly on a logarithmic scale.
        """,
        wrong="""
        params: {rate: {float: [0.001, 0.1], log: true}}
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, optimizer: {adam: $rate}}
        tune: {algorithm: grid}
        """,
        right="""
        params: {rate: {float: [0.001, 0.1], log: true, step: 10}}
        inputs: {x: [8]}
        layers:
          - dense: 1
        train: {loss: mse, optimizer: {adam: $rate}}
        tune: {algorithm: grid}
        """,
    ),
    "W532": code(
        "Hyperband with nothing to halve",
        """
        Hyperband begins many trials with few epochs and goes on with the best third of them. With fewer than three
        epochs every trial has all of them from the start, as in a random search.
        """,
        wrong="""
        params: {width: {int: [8, 64]}}
        inputs: {x: [8]}
        layers:
          - dense: $width
        train: {loss: mse}
        tune: {algorithm: hyperband, epochs: 2}
        """,
        right="""
        params: {width: {int: [8, 64]}}
        inputs: {x: [8]}
        layers:
          - dense: $width
        train: {loss: mse}
        tune: {algorithm: hyperband, epochs: 27}
        """,
    ),
    "W533": code(
        "steps that miss the end",
        """
        A search space with a `step` holds the values that are reached from its lower end. The upper end is one of them
        only if it is a whole number of steps away.
        """,
        wrong="""
        params: {rate: {float: [0, 1], step: 0.3}}
        inputs: {x: [8]}
        layers:
          - dropout: $rate
          - dense: 1
        train: {loss: mse}
        tune: {objective: loss, trials: 4}
        """,
        right="""
        params: {rate: {float: [0, 0.9], step: 0.3}}
        inputs: {x: [8]}
        layers:
          - dropout: $rate
          - dense: 1
        train: {loss: mse}
        tune: {objective: loss, trials: 4}
        """,
    ),
}
