"""Columns of text as numbers."""

import math
import re
from datetime import datetime

import numpy as np


def moment(text: str) -> float:
    """Seconds since 1970, of a date whose year comes first; unless it says its zone, in that of Greenwich."""
    day = re.match(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?=$|[ T])", text)
    if day:
        text = f"{day[1]}-{int(day[2]):02}-{int(day[3] or 1):02}{text[day.end() :]}"
    time = datetime.fromisoformat(text)
    return time.timestamp() if time.tzinfo else (time - datetime(1970, 1, 1)).total_seconds()


def tokens(values: np.ndarray, length: int) -> np.ndarray:
    """Texts of whole numbers as rows, cut or filled with 0 to one length."""
    rows = np.zeros((len(values), length), "int32")
    for row, value in zip(rows, values, strict=True):
        numbers = [int(token) for token in value.replace(",", " ").split()][:length]
        row[: len(numbers)] = numbers
    return rows


def places(values: np.ndarray, classes: tuple) -> np.ndarray:
    """Class numbers of values, shape of `values`."""
    numbers = {value: number for number, value in enumerate(classes)}
    return np.array([numbers[value] for value in values.ravel().tolist()]).reshape(values.shape)


def places_if_known(values: np.ndarray, classes: tuple) -> np.ndarray:
    """Class numbers of values, shape of `values`; -1 for examples that lack one."""
    known = ~lacking(values)
    numbers = np.full(values.shape, -1)
    numbers[known] = places(values[known], classes)
    return numbers


def numbers_if_known(values: np.ndarray) -> np.ndarray:
    """The class numbers `values` themselves; -1 for examples that lack one."""
    return np.where(lacking(values).reshape(-1, *[1] * (values.ndim - 1)), -1, values)


def several_hot(values: np.ndarray, classes: tuple, separator: str) -> np.ndarray:
    """A row of zeros and ones for each text that lists some of the classes."""
    rows = [[label.strip() for label in value.split(separator)] for value in values]
    return np.array([[label in row for label in classes] for row in rows], "float32")


def lacking(values: np.ndarray) -> np.ndarray:
    """Mask of the examples that lack a value (NaN or an empty text), shape [examples]."""
    if values.dtype == object:
        return np.array([value is None or value == "" for value in values])
    return np.isnan(values.astype("float64")).reshape(len(values), -1).any(axis=1)


def written_number(text: str | None, decimal: str) -> float:
    """The number that is written as `$1,234.50`, `12 %` or `(3)`; NaN where there is none."""
    match = re.search(r"[.,]?\d[\d\s,.'_]*(?:[eE][+-]?\d+)?", text or "")
    if text is None or match is None:
        return math.nan
    digits = "".join(sign for sign in match[0] if sign in f"0123456789eE+-{decimal}").replace(decimal, ".")
    below = any(sign in text[: match.start()] for sign in "-\u2212(")
    return -float(digits) if below else float(digits)
