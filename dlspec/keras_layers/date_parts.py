import keras
import numpy as np
import tensorflow as tf

_WEEKDAY = r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]?\s+"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_REST = r"((?:[^\d/.-].*)?)$"
_NUMBERS = r"^(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4}|\d{2})" + _REST
# Each is brought to `=year|month|day|rest`; a month that was written as a word stands between `#`.
_FORMS = (
    (r"^(\d{4})\s*[-/.]\s*(\d{1,2})(?:\s*[-/.]\s*(\d{1,2}))?" + _REST, r"=\1|\2|\3|\4"),
    (r"^(\d{4})(\d{2})(\d{2})" + _REST, r"=\1|\2|\3|\4"),
    (r"^(\d{1,2})(?:st|nd|rd|th)?[\s.,-]*#(\d{2})#[\s.,-]*(\d{4}|\d{2})" + _REST, r"=\3|\2|\1|\4"),
    (r"^#(\d{2})#[\s.-]*(\d{1,2})(?:st|nd|rd|th)?[\s.,-]+(\d{4})" + _REST, r"=\3|\1|\2|\4"),
    (r"^(\d{4})[\s.,-]*#(\d{2})#[\s.,-]*(\d{1,2})" + _REST, r"=\1|\2|\3|\4"),
)
_ORDERS = {"year": (), "day": ((_NUMBERS, r"=\3|\2|\1|\4"),), "month": ((_NUMBERS, r"=\3|\1|\2|\4"),)}
_TIME = (
    r"^=(\d+)\|(\d+)\|(\d*)\|(?:(?:t|,?\s+)(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9})\d*)?)?\s*(?:([ap])\.?m\.?)?)?"
    r"\s*(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
_FIELDS = r"!\1|\2|\3|\4|\5|\6|\7|\8|\9"
_NOTHING = "!||||||||"
# Parts that come round: after how many units, and the value that begins a round.
_ROUNDS = {
    "quarter": (4, 1),
    "month": (12, 1),
    "week": (365.2425 / 7, 1),
    "day": (31, 1),
    "day_of_year": (365.2425, 1),
    "day_of_week": (7, 0),
    "hour": (24, 0),
    "minute": (60, 0),
    "second": (60, 0),
}
_DAYS_OF_A_YEAR = 365.2425


@keras.saving.register_keras_serializable(package="dlspec")
class DateParts(keras.layers.Layer):
    """Takes dates and times that are texts apart into numbers; what is no date becomes NaN.

    Days are counted by the algorithms of Howard Hinnant, "chrono-compatible low-level date algorithms".

    Args:
        parts: What to take: ``year``, ``quarter``, ``month``, ``week``, ``day``, ``day_of_year``, ``day_of_week``
            (Monday is 0), ``hour``, ``minute``, ``second``, ``elapsed`` (days since a date), ``age`` (years up to it).
        cyclic: Whether parts that come round become a sine and a cosine each.
        first: What stands first in dates such as 1/2/2024: ``day`` or ``month``; ``year`` takes no such dates.
        zone: The zone in which the parts are told, such as ``+02:00``; as written unless given.
        since: The date of ``elapsed`` and ``age``.
    """

    def __init__(self, parts, cyclic=False, first="year", zone=None, since=None, **kwargs):
        super().__init__(**kwargs)
        self.parts = [parts] if isinstance(parts, str) else list(parts)
        self.cyclic = cyclic
        self.first = first
        self.zone = zone
        self.since = since

    def call(self, inputs):
        clock, moment = self._read(tf.reshape(inputs, [-1]))
        numbers = tf.stack(self._numbers(clock, moment), axis=-1)
        count = numbers.shape[-1]
        shape = tf.shape(inputs)
        if len(inputs.shape) == 1:
            return tf.reshape(numbers, [-1, count])
        return tf.reshape(numbers, tf.concat([shape[:-1], [shape[-1] * count]], axis=0))

    def _read(self, texts):
        """Seconds since 1970 on the clock that was meant and in Greenwich, NaN for what is no date."""
        text = tf.strings.regex_replace(tf.strings.lower(tf.strings.strip(texts)), _WEEKDAY, "")
        for number, month in enumerate(_MONTHS, 1):
            text = tf.strings.regex_replace(text, month + r"[a-z]*\.?", f"#{number:02d}#")
        for pattern, form in (*_FORMS, *_ORDERS[self.first]):
            text = tf.strings.regex_replace(text, pattern, form)
        text = tf.strings.regex_replace(text, _TIME, _FIELDS)
        read = tf.strings.regex_full_match(text, "!.*")
        fields = tf.strings.split(tf.where(read, text, _NOTHING), "|").to_tensor("", shape=[None, 9])
        year, month, day, hour, minute, second, fraction, half, zone = tf.unstack(fields, axis=1)
        year = tf.strings.regex_replace(year, "!", "")
        short = tf.strings.length(year) < 4
        year = _number(year)
        year += tf.where(short, tf.where(year <= 68, tf.constant(2000, tf.int64), 1900), 0)
        month, day, hour, second = _number(month), _number(day, "1"), _number(hour), _number(second)
        halved, after = tf.not_equal(half, ""), tf.equal(half, "p")
        read &= ~halved | ((hour >= 1) & (hour <= 12))
        hour = tf.where(halved, hour % 12 + tf.where(after, tf.constant(12, tf.int64), 0), hour)
        minute = _number(minute)
        days = _days(year, month, day)
        real = tf.stack(_date(days)) == tf.stack([year, month, day])
        read &= tf.reduce_all(real, axis=0) & (year >= 1) & (hour < 24) & (minute < 60) & (second < 60)
        whole = tf.cast(((days * 24 + hour) * 60 + minute) * 60 + second, tf.float64)
        clock = whole + tf.strings.to_number(tf.strings.join(["0.", fraction, "0"]), tf.float64)
        clock = tf.where(read, clock, tf.constant(np.nan, tf.float64))
        moment = clock - 60 * tf.cast(_offset(zone), tf.float64)
        if self.zone is not None:
            clock = moment + 60 * tf.cast(_offset(tf.constant([self.zone.lower()])), tf.float64)
        return clock, moment

    def _numbers(self, clock, moment):
        known = tf.math.is_finite(clock)
        seconds = tf.where(known, clock, 0.0)
        days = tf.cast(tf.floor(seconds / 86400), tf.int64)
        of_day = seconds - tf.cast(days * 86400, tf.float64)
        year, month, day = _date(days)
        day_of_week = (days + 3) % 7
        thursday = days - day_of_week + 3
        first_of_week_year = _days(_date(thursday)[0], tf.ones_like(days), tf.ones_like(days))
        values = {
            "year": year,
            "quarter": (month + 2) // 3,
            "month": month,
            "week": (thursday - first_of_week_year) // 7 + 1,
            "day": day,
            "day_of_year": days - _days(year, tf.ones_like(days), tf.ones_like(days)) + 1,
            "day_of_week": day_of_week,
            "hour": tf.floor(of_day / 3600),
            "minute": tf.floor(of_day / 60) % 60,
            "second": of_day % 60,
        }
        if self.since is not None:
            since = DateParts("elapsed", first=self.first)._read(tf.constant([self.since]))[1]
            values["elapsed"] = (moment - since) / 86400
            values["age"] = -values["elapsed"] / _DAYS_OF_A_YEAR
        numbers = []
        for part in self.parts:
            value = tf.where(known, tf.cast(values[part], tf.float64), tf.constant(np.nan, tf.float64))
            if self.cyclic and part in _ROUNDS:
                size, start = _ROUNDS[part]
                angle = (value - start) * (2 * np.pi / size)
                numbers += [tf.sin(angle), tf.cos(angle)]
            else:
                numbers.append(value)
        return [tf.cast(number, tf.float32) for number in numbers]

    def compute_output_spec(self, inputs):
        count = sum(2 if self.cyclic and part in _ROUNDS else 1 for part in self.parts)
        if len(inputs.shape) == 1:
            return keras.KerasTensor((*inputs.shape, count), dtype="float32")
        last = inputs.shape[-1]
        return keras.KerasTensor((*inputs.shape[:-1], None if last is None else last * count), dtype="float32")

    def get_config(self):
        options = {"parts": self.parts, "cyclic": self.cyclic, "first": self.first}
        return {**super().get_config(), **options, "zone": self.zone, "since": self.since}


def _number(digits, otherwise="0"):
    return tf.strings.to_number(tf.where(tf.equal(digits, ""), otherwise, digits), tf.int64)


def _offset(zone):
    """Minutes that a zone is ahead of Greenwich; 0 where none is said."""
    digits = tf.strings.regex_replace(tf.strings.regex_replace(zone, "z|utc|gmt", ""), "[+:-]", "")
    minutes = 60 * _number(tf.strings.substr(digits, 0, 2)) + _number(tf.strings.regex_replace(digits, r"^\d{0,2}", ""))
    return tf.where(tf.strings.regex_full_match(zone, "-.*"), -minutes, minutes)


def _days(year, month, day):
    """Days since 1970 of a date of the Gregorian calendar."""
    year = year - tf.cast(month <= 2, tf.int64)
    era = year // 400
    of_era = year - era * 400
    of_year = (153 * (month + tf.where(month > 2, tf.constant(-3, tf.int64), 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _date(days):
    """Year, month and day of a number of days since 1970."""
    days = days + 719468
    era = days // 146097
    of_era = days - era * 146097
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = tf.where(month < 10, month + 3, month - 9)
    return year_of_era + era * 400 + tf.cast(month <= 2, tf.int64), month, day
