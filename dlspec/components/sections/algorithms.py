"""The algorithms of `tune`: Keras Tuner's, and what the rest of dlspec must know of each."""

from __future__ import annotations

from typing import ClassVar

from dlspec.components.registry import Component, example


class Algorithm(Component, abstract=True):
    """Base of all algorithms.

    Class attributes:
        oracle: Dotted path of the class that proposes values: one of Keras Tuner's oracles, or derived from them. The
            same calls in the same order must give the same proposals: so a search goes on after a kill.
        tuner: The class of Keras Tuner that searches in exported projects, ``Tuner`` for the one that takes an oracle
            which the project carries; "" where it cannot be written so.
        halving: Gives trials more and more epochs, goes on with the better ones, and ends by itself.
        listing: Tries values one by one: ranges without a step are cut into some.
        seeded: Something in it is left to chance.
    """

    kind = "algorithm"
    oracle: ClassVar[str] = ""
    tuner: ClassVar[str] = ""
    halving: ClassVar[bool] = False
    listing: ClassVar[bool] = False
    seeded: ClassVar[bool] = True
    examples = (example(""),)


class Random(Algorithm):
    """Tries values that chance chooses."""

    oracle = "keras_tuner.oracles.RandomSearchOracle"
    tuner = "RandomSearch"


class Bayesian(Algorithm):
    """Tries values that a Gaussian process, fitted to the results so far, takes for the most promising."""

    oracle = "dlspec.standalone.oracle.Oracle"
    tuner = "Tuner"


class Hyperband(Algorithm):
    """Begins many short trials, and goes on with the third of them that did best, again and again."""

    oracle = "keras_tuner.oracles.HyperbandOracle"
    tuner = "Hyperband"
    halving = True


class Grid(Algorithm):
    """Tries every combination of values."""

    oracle = "keras_tuner.oracles.GridSearchOracle"
    tuner = "GridSearch"
    listing = True
    seeded = False
