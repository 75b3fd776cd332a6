"""A fingerprint of all used values, and examples that several parts hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.report import EqualExamples
from dlspec.data.order.splits import PARTS, Parts
from dlspec.data.sources.base import Arrays, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Examples that are looked at together, from a source without blocks.
_CHUNK = 4096
# Words that are mixed together: as many as fit into a processor's own memory.
_TOGETHER = 1 << 16
# Pairs of equal examples that are named.
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Shared:
    """Examples of one part whose inputs equal those of an example of another part.

    Attributes:
        parts: The two parts; the first is the one whose examples are also found in the second.
        count: How many examples of the first part.
        rows: Where some of them stand, each with an equal one of the other part.
        of: How many examples the first part has.
    """

    parts: tuple[str, str]
    count: int
    rows: tuple[tuple[str, str], ...]
    of: int

    def line(self) -> str:
        """The finding as a sentence."""
        first, second = self.parts
        kind = {"train": "training"}.get(second, second)
        verb = "equals" if self.count == 1 else "equal"
        row, other = self.rows[0]
        return f"{self.count} of {self.of} {first} examples {verb} a {kind} example: {row} and {other}"

    def facts(self) -> EqualExamples:
        """The pair of parts, how many examples it is, and some of them, as the report holds it."""
        return {"parts": list(self.parts), "examples": self.count, "rows": [list(pair) for pair in self.rows]}


@dataclass(frozen=True, slots=True)
class Content:
    """Fingerprint of the values of all columns in use, and examples that parts share.

    Attributes:
        fingerprint: SHA-256 of the values of all columns in use, in hexadecimal; the same data give the same one,
            whatever file they stand in.
        shared: Pairs of parts that have examples in common.
    """

    fingerprint: str
    shared: tuple[Shared, ...]


def examine(table: Table, columns: Sequence[str], inputs: Sequence[str], parts: Parts, count: int) -> Content:
    """Fingerprint of all examples, and those that parts share; every value is read once.

    Args:
        table: The opened source.
        columns: The columns in use.
        inputs: Those of them that enter the model.
        parts: The split.
        count: How many examples the source has.
    """
    import numpy as np

    hashes = {name: hashlib.sha256() for name in sorted(set(columns))}
    keys, start = np.empty(count, np.uint64), 0
    for arrays in _chunks(table, list(hashes), count):
        for name, digest in hashes.items():
            digest.update(_bytes(arrays[name]))
        if inputs:
            some = row_keys([arrays[name] for name in inputs])
            keys[start : start + len(some)] = some
            start += len(some)
    whole = hashlib.sha256(str(count).encode())
    for name, digest in hashes.items():
        whole.update(f"\0{name}\0{table.columns[name].tensor}\0".encode() + digest.digest())
    return Content(whole.hexdigest(), _shared(keys, parts, table) if inputs else ())


def together(others: Mapping[str, Content], first: Content) -> Content:
    """What is known of the values of several sources, of which all but the first have a name."""
    shared = [finding for content in (first, *others.values()) for finding in content.shared]
    fingerprints = {name: content.fingerprint for name, content in others.items()}
    return Content(one_fingerprint(fingerprints, first.fingerprint), tuple(shared))


def one_fingerprint(others: Mapping[str, str], first: str) -> str:
    """The fingerprint of several sources, of which all but the first have a name."""
    whole = hashlib.sha256(first.encode())
    for name, fingerprint in others.items():
        whole.update(f"\0{name}\0{fingerprint}".encode())
    return whole.hexdigest()


def _chunks(table: Table, names: list[str], count: int) -> Iterator[Arrays]:
    import numpy as np

    sizes = table.blocks or [_CHUNK] * (count // _CHUNK) + [count % _CHUNK]
    start = 0
    for size in sizes:
        if size:
            yield table.take(names, np.arange(start, start + size))
            start += size


def _bytes(values: Array) -> bytes:
    """The values in a form that does not depend on chunks."""
    if values.dtype != object:
        return values.tobytes()
    texts = [str(value).encode() for value in values.flat]
    return b"".join(len(text).to_bytes(8, "little") + text for text in texts)


def row_keys(arrays: Sequence[Array]) -> Array:
    """A number for each example that equal examples share, and others do not (but by a chance of about 1 in 2⁶⁰)."""
    import numpy as np

    keys = np.zeros(len(arrays[0]), np.uint64)
    for values in arrays:
        keys = (keys ^ _mixed(_as_rows(values))) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(32)
    return keys


def _mixed(rows: Array) -> Array:
    """A number for each row, in a few operations on many rows: while they run, other threads do."""
    import numpy as np

    count, width = rows.shape
    inner, outer = (np.random.Philox(seed).random_raw(width) | np.uint64(1) for seed in (1, 2))
    keys = np.empty(count, np.uint64)
    step = max(1, _TOGETHER // width)
    for start in range(0, count, step):
        some = rows[start : start + step]
        mixed = some >> np.uint64(32)
        mixed ^= some
        mixed *= inner
        mixed ^= mixed >> np.uint64(29)
        keys[start : start + step] = mixed @ outer
    return keys


def _as_rows(values: Array) -> Array:
    """Each example as a row of 64-bit words."""
    import numpy as np

    if values.dtype == object:
        return _hashed(b"\0".join(str(value).encode() for value in np.ravel(row)) for row in values)
    flat = np.ascontiguousarray(values.reshape(len(values), -1))
    width = flat.shape[1] * flat.itemsize
    if width % 8 == 0:
        return flat.view(np.uint64)
    padded = np.zeros((len(flat), -(-width // 8) * 8), np.uint8)
    padded[:, :width] = flat.view(np.uint8).reshape(len(flat), width)
    return padded.view(np.uint64)


def _hashed(rows: Iterator[bytes]) -> Array:
    import numpy as np

    hashes = [int.from_bytes(hashlib.blake2b(row, digest_size=8).digest(), "little") for row in rows]
    return np.array(hashes, np.uint64)[:, None]


def _shared(keys: Array, parts: Parts, table: Table) -> tuple[Shared, ...]:
    import numpy as np

    shared = []
    for first, second in combinations(reversed(range(len(PARTS))), 2):
        mine, others = parts[first], parts[second]
        known = np.sort(keys[others])
        places = np.searchsorted(known, keys[mine])
        equal = mine[known[np.minimum(places, len(known) - 1)] == keys[mine]] if len(known) else mine[:0]
        if not len(equal):
            continue
        order = others[np.argsort(keys[others], kind="stable")]
        twins = order[np.searchsorted(keys[order], keys[equal[:_NAMED]])]
        rows = tuple((table.where(int(a)), table.where(int(b))) for a, b in zip(equal, twins, strict=False))
        shared.append(Shared((PARTS[first], PARTS[second]), len(equal), rows, len(mine)))
    return tuple(shared)
