"""Which output of the model each target belongs to."""

from __future__ import annotations

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.signature import Signature


def outputs_by_target(data: Data, signature: Signature, findings: Findings) -> dict[str, str]:
    """Target to output: the names agree, but a single target may have any name where there is a single output."""
    if len(data.targets) == 1 and len(signature.outputs) == 1:
        return {next(iter(data.targets)): next(iter(signature.outputs))}
    named = {}
    for target in data.targets:
        with findings.at("data", "targets", target, on_key=True):
            if target not in signature.outputs:
                raise Problem(
                    "E607", f"target `{target}` is no output of the model", did_you_mean(target, signature.outputs)
                )
            named[target] = target
    return named


def check_targeted(
    data: Data, signature: Signature, method: Method | None, bound: set[str], findings: Findings
) -> None:
    """Every output that has a loss has a target (E607)."""
    missing = [name for name in signature.outputs if name not in bound and (method is None or method.loss_of(name))]
    misspelt = [target for target in data.targets if target not in signature.outputs]
    # A misspelt name is one mistake: it was reported at the name.
    if len(missing) > len(misspelt):
        with findings.at("data", "targets", on_key=True):
            message = f"the model's output `{missing[0]}` has no target"
            raise Problem("E607", message, f"add `{missing[0]}: {{column: …}}`")
