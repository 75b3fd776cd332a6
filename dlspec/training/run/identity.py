"""The facts that decide the bits of a result: a run goes on only where all of them are as they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dlspec.data.feeding.pipeline import Prepared
from dlspec.syntax.source import load
from dlspec.training.run.report import machine, versions

IDENTITY_FILE = "identity.json"
# Keys of a spec that change no result.
_WITHOUT_EFFECT = ("description", "train.checkpoint", "train.log")


def identity(
    prepared: Prepared,
    devices: Sequence[str] = (),
    code: Mapping[str, str] = MappingProxyType({}),
    models: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Data, versions and settings; the spec has a file of its own.

    Args:
        prepared: The data.
        devices: Those that share each batch; none where there is one only.
        code: Texts of the Python files whose components the spec uses, by name.
        models: A hash of each file that a model of the spec was read from, by the model's name.
    """
    facts = machine()
    splits = zip(("train", "validation", "test"), prepared.parts, strict=True)
    hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in code.items()}
    return {
        **({"code": hashes} if hashes else {}),
        **({"models": dict(models)} if models else {}),
        "data": {
            "values": prepared.content.fingerprint,
            **{name: hashlib.sha256(numbers.data).hexdigest() for name, numbers in splits if len(numbers)},
            **_others(prepared),
            **_factors(prepared),
        },
        "versions": versions(),
        "settings": {
            **facts["environment"],
            "processors": _processors(),
            **({"devices": ", ".join(devices)} if devices else {}),
        },
    }


def _factors(prepared: Prepared) -> dict[str, str]:
    """A hash of what a file says of the weights of the examples."""
    factors = prepared.binding.factors
    return {} if factors is None else {"weights": hashlib.sha256(factors.data).hexdigest()}


def _others(prepared: Prepared) -> dict[str, dict[str, str]]:
    """A hash of each part of each further source."""
    return {
        name: {
            part: hashlib.sha256(numbers.data).hexdigest()
            for part, numbers in zip(("train", "validation", "test"), parts, strict=True)
            if len(numbers)
        }
        for name, parts in prepared.others.items()
    }


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Short descriptions of what has changed since a run began."""
    then, today = dict(_flat(before)), dict(_flat(now))
    changed = [key for key in {**then, **today} if then.get(key) != today.get(key)]
    return [_sentence(key, then.get(key), today.get(key)) for key in changed]


def spec_differences(before: str, now: str) -> list[str]:
    """The keys in which two resolved specs differ, where that changes a result."""
    return [
        sentence
        for sentence in differences(load(before).data or {}, load(now).data or {})
        if not sentence.startswith(tuple(f"`{key}" for key in _WITHOUT_EFFECT))
    ]


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    items: Iterator[tuple[Any, Any]]
    if isinstance(value, Mapping) and value:
        items = iter(value.items())
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        items = iter(enumerate(value))
    else:
        yield prefix, value
        return
    for key, item in items:
        yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))


def _sentence(key: str, before: Any, now: Any) -> str:
    if key.startswith("code.") and all(value is None or _is_hash(value) for value in (before, now)):
        return f"`{key.rpartition('/')[2]}` has another text"
    if key.startswith("models.") and all(value is None or _is_hash(value) for value in (before, now)):
        return f"the file of the model `{key.removeprefix('models.')}` has other contents"
    if key.startswith("data.") and all(value is None or _is_hash(value) for value in (before, now)):
        what = key.removeprefix("data.")
        source, _, part = what.rpartition(".")
        if source:
            return f"other examples of source `{source}` are in the {part} split"
        if what == "weights":
            return "the file of weights has other values"
        return "the data have other values" if what == "values" else f"other examples are in the {what} split"
    return _plainly(key, before, now)


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64


def _plainly(key: str, before: Any, now: Any) -> str:
    shown = "unset" if now is None else f"`{now}`"
    return f"`{key}` was {'unset' if before is None else f'`{before}`'}, now {shown}"
