"""Dates as people write them: the year first, whatever stands between its parts, and no zone of the machine's."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from dlspec.core.dates import moment


@pytest.mark.parametrize(
    "text",
    ["2012-01-31", "2012/01/31", "2012.1.31", "2012-01-31 00:00", "2012/1/31 00:00:00", "2012-01-31T01:00:00+01:00"],
)
def test_one_day(text: str) -> None:
    assert moment(text) == datetime(2012, 1, 31, tzinfo=timezone.utc).timestamp()


def test_months() -> None:
    assert moment("2012-02") == moment("2012-02-01") == moment("2012/2")


def test_an_hour_that_the_machine_s_zone_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert moment("2024-03-31 03:00") - moment("2024-03-31 02:00") == 3600
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["31/12/2024", "2024/13/01", "12:30", "soon", "2024-01-31x", ""])
def test_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        moment(text)
