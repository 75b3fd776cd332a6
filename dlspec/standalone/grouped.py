from typing import Any

import keras


class Group:
    """Weights that an optimizer changes otherwise than the rest.

    Args:
        weights: The variables.
        rate: Their learning rate, as a multiple of that of the optimizer.
        decay: Share of them that each update takes away, times their learning rate; the optimizer's unless given.
    """

    def __init__(self, weights: Any, rate: float = 1.0, decay: Any = None) -> None:
        self.weights = weights
        self.rate = rate
        self.decay = decay


def grouped(optimizer: Any, groups: Any) -> Any:
    """Lets an optimizer change groups of weights with a learning rate or a decay of their own.

    Gradients are clipped together, as without groups. What changes the optimizer's learning rate, a schedule or a
    callback, changes those of groups in proportion.

    Args:
        optimizer: The optimizer, which is changed.
        groups: :class:`Group` by name; no two have a weight in common.
    """
    rule = optimizer.inner_optimizer if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) else optimizer
    step, decay, rate = rule.update_step, rule._apply_weight_decay, rule._get_current_learning_rate
    rest = Group([])
    group_of = {rule._var_key(weight): group for group in groups.values() for weight in group.weights}

    def update_step(gradient, variable, learning_rate):
        group = group_of.get(rule._var_key(variable), rest)
        step(gradient, variable, learning_rate if group.rate == 1 else learning_rate * group.rate)

    def apply_weight_decay(variables):
        for group in [rest, *groups.values()]:
            own = [each for each in variables if group_of.get(rule._var_key(each), rest) is group]
            if own and group.decay is None:
                decay_by_rate(own, group)
            elif own:
                decay_otherwise(own, group)

    def decay_by_rate(variables, group):
        # Keras reads the learning rate of the optimizer itself.
        if group.rate != 1:
            rule._get_current_learning_rate = lambda: rate() * group.rate
        decay(variables)
        rule._get_current_learning_rate = rate

    def decay_otherwise(variables, group):
        # Muon has a decay for each of its two rules.
        two = hasattr(rule, "adam_weight_decay")
        before = rule.weight_decay, rule.adam_weight_decay if two else None
        rule.weight_decay = group.decay
        if two:
            rule.adam_weight_decay = group.decay
        decay_by_rate(variables, group)
        rule.weight_decay = before[0]
        if two:
            rule.adam_weight_decay = before[1]

    rule.update_step, rule._apply_weight_decay = update_step, apply_weight_decay
    return optimizer
