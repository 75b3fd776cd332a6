"""Dates inside a model: the values that Python's own datetime gives, for every usual way to write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from both import CATALOGUE, instance

from dlspec.core import dates
from dlspec.keras_layers import date_parts

AT = datetime(2024, 2, 29, 15, 4, 5)
ALL = ["year", "quarter", "month", "week", "day", "day_of_year", "day_of_week", "hour", "minute", "second"]


def taken(texts: list[str], parts: list[str], **options: Any) -> np.ndarray:
    """What the layer makes of some texts."""
    layer = instance(CATALOGUE["layer", "date_parts"], {"parts": parts, **options}).make()
    return np.asarray(layer(tf.constant(texts)))


def expected(moment: datetime) -> list[float]:
    """All parts by Python."""
    return [
        moment.year, (moment.month + 2) // 3, moment.month, moment.isocalendar()[1], moment.day,
        moment.timetuple().tm_yday, moment.weekday(), moment.hour, moment.minute, moment.second,
    ]  # fmt: skip


def test_parts_of_many_moments() -> None:
    random = np.random.default_rng(0)
    moments = [datetime(1900, 1, 1) + timedelta(seconds=int(s)) for s in random.integers(0, 250 * 366 * 86400, 500)]
    moments += [datetime(year, month, day) for year in (1999, 2000, 2024) for month, day in ((12, 31), (1, 1), (2, 28))]
    found = taken([moment.isoformat() for moment in moments], ALL)
    np.testing.assert_array_equal(found, [expected(moment) for moment in moments])


@pytest.mark.parametrize("count", [None, 3])
def test_the_same_in_a_graph(count: int | None) -> None:
    """As `predict` of many rows and a service have it."""
    layer = instance(CATALOGUE["layer", "date_parts"], {"parts": ALL, "zone": "+02:00"}).make()
    texts = tf.constant(["2024-02-29 15:04:05", "no date", ""])
    traced = tf.function(layer, input_signature=[tf.TensorSpec([count], tf.string)])
    np.testing.assert_array_equal(traced(texts), layer(texts))


WRITINGS = [
    ("2024-02-29 15:04:05", "year"), ("2024-02-29T15:04:05.000", "year"), ("2024/2/29 15:04:05", "year"),
    ("2024.02.29, 3:04:05 PM", "year"), ("20240229T150405", "year"), ("29 Feb 2024 15:04:05", "year"),
    ("29-FEB-2024 15:04:05", "year"), ("29-Feb-24 15:04:05", "year"), ("Thu, 29 February 2024 15:04:05", "year"),
    ("Feb. 29, 2024 03:04:05 p.m.", "year"), ("2024-Feb-29 15:04:05", "year"), ("29.02.2024 15:04:05", "day"),
    ("29/2/24 3:04:05pm", "day"), ("2/29/2024 15:04:05", "month"), (" 02-29-2024 15:04:05 ", "month"),
    ("2024-02-29 15:04:05Z", "year"), ("2024-02-29 15:04:05 UTC", "year"), ("2024-02-29 15:04:05+00:00", "year"),
    ("2024-02-29 15:04:05+02", "year"), ("2024-02-29 15:04:05 -0530", "year"), ("2024-02-29 15:04:05", "day"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "first"), WRITINGS)
def test_writings(text: str, first: str) -> None:
    np.testing.assert_array_equal(taken([text], ALL, first=first), [expected(AT)])
    offset = {"+02": 120, "30": -330}.get(text[-3:] if text.endswith("02") else text[-2:], 0)
    seconds = (AT - datetime(1970, 1, 1)).total_seconds() - 60 * offset
    assert dates.moment(text, first) == seconds
    assert taken([text], ["elapsed"], first=first, since="1970-01-01") == pytest.approx(seconds / 86400)


NO_DATES = [
    ("31/12/2024", "year"), ("2024-02-30", "year"), ("2023-02-29", "year"), ("2024-13-01", "year"), ("", "year"),
    ("2024-01-01 24:00", "year"), ("13:00 pm", "year"), ("2024-01-01 13:00 pm", "year"), ("soon", "year"),
    ("12/31/2024", "day"), ("31/12/2024", "month"), ("2024-01-01x", "year"), ("2024-1-311", "year"), ("7", "year"),
    ("0000-01-01", "year"), ("1.5", "day"), ("99", "month"), ("2024-01-01 10:60", "year"), ("12:30", "year"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "first"), NO_DATES)
def test_no_dates(text: str, first: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        dates.read_moment(text, first)
    assert np.isnan(taken([text], ["year", "hour"], first=first)).all()


def test_months_without_a_day_and_days_without_a_time() -> None:
    np.testing.assert_array_equal(
        taken(["2024-03", "2024/03/05", "5 March 2024"], ["month", "day", "hour"]), [[3, 1, 0], [3, 5, 0], [3, 5, 0]]
    )


def test_zones() -> None:
    texts = ["2024-01-01T00:30+02:00", "2023-12-31T22:30Z"]
    np.testing.assert_array_equal(taken(texts, ["year", "hour"]), [[2024, 0], [2023, 22]])
    np.testing.assert_array_equal(taken(texts, ["year", "hour"], zone="utc"), [[2023, 22]] * 2)
    np.testing.assert_array_equal(taken(texts, ["day", "hour", "minute"], zone="+05:30"), [[1, 4, 0]] * 2)
    apart = taken(texts, ["elapsed"], since="2024-01-01T00:00:00Z")
    np.testing.assert_allclose(apart, [[-1.5 / 24]] * 2, rtol=1e-6)


def test_age_and_elapsed_time() -> None:
    since = datetime(2024, 6, 30, tzinfo=timezone.utc)
    days = (since.date() - date(1980, 1, 15)).days
    found = taken(["1980-01-15", ""], ["age", "elapsed"], since="2024-06-30")
    np.testing.assert_allclose(found[0], [days / 365.2425, -days], rtol=1e-6)
    assert np.isnan(found[1]).all()


def test_rounds() -> None:
    found = taken(["2024-04-01 06:00"], ["year", "month", "hour"], cyclic=True)
    np.testing.assert_allclose(found, [[2024, 1, 0, 1, 0]], atol=1e-6)


def test_several_columns_and_saving(tmp_path: Path) -> None:
    layer = instance(CATALOGUE["layer", "date_parts"], {"parts": ["year", "day"]}).make()
    inputs = keras.Input((2,), dtype="string")
    model = keras.Model(inputs, layer(inputs))
    assert model.output_shape == (None, 4)
    model.save(tmp_path / "a.keras")
    rows = tf.constant([["2024-01-02", "2023-05-06"]])
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "a.keras")(rows), [[2024, 2, 2023, 6]])


def test_the_layer_and_the_reader_of_files_have_the_same_patterns() -> None:
    for name in ("WEEKDAY", "MONTHS", "FORMS", "ORDERS", "TIME"):
        assert getattr(dates, name) == getattr(date_parts, f"_{name}")
