"""Numbers as people write them: with a decimal comma, groups of thousands, signs of money and of percent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

# Between groups of three digits, where the spec does not say: what else is usual than the decimal sign.
_GROUPS = " '_\u00a0\u2009\u202f"
# A currency (`$`, `US$`, `EUR`) before a number; one of these, or a percent sign, behind it.
_BEFORE = r"^([+-]?)[\s\x{00A0}]*(?:[A-Z]{0,3}\p{Sc}|[A-Z]{3})[\s\x{00A0}]*([+-]?)"
_BEHIND = r"[\s\x{00A0}\x{202F}]*(?:[A-Z]{0,3}\p{Sc}|[A-Z]{3}|%)$"
# As Arrow reads numbers.
PLAIN = r"^[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*$"


class Numerals(NamedTuple):
    """The signs by which numbers are written: decimal mark, thousands separator.

    Attributes:
        decimal: What stands before the fraction: ``.`` or ``,``.
        thousands: What stands between groups of three digits, in any column; "" for nothing.
    """

    decimal: str = "."
    thousands: str = ""

    def plain(self, texts: pa.ChunkedArray, *, signs: bool = False) -> pa.ChunkedArray:
        """The texts, of which those that are numbers are written as Arrow reads them: ``1234.5``.

        Args:
            signs: Whether signs of money and percent, groups of thousands of any kind, and parentheses for what is
                below zero belong to numbers: ``$1,234.50``, ``12 %``, ``(3)``.
        """
        import pyarrow.compute as pc

        bare = pc.utf8_trim_whitespace(texts)
        if signs:
            bare = pc.replace_substring(bare, "\u2212", "-")
            bare = pc.replace_substring_regex(bare, r"^\((.+)\)$", r"-\1")
            bare = pc.replace_substring_regex(bare, _BEFORE, r"\1\2")
            bare = pc.replace_substring_regex(bare, _BEHIND, "")
        between = self.thousands or (_GROUPS + (",." if signs else "").replace(self.decimal, "") if signs else "")
        good = pc.match_substring_regex(bare, self._pattern(between))
        if between:
            bare = pc.replace_substring_regex(bare, f"[{between}]", "")
        return pc.if_else(pc.fill_null(good, False), pc.replace_substring(bare, self.decimal, "."), texts)

    def _pattern(self, between: str) -> str:
        whole = rf"(?:\d{{1,3}}(?:[{between}]\d{{3}})+|\d+)" if between else r"\d+"
        point = f"[{self.decimal}]"
        return rf"^[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?$"


def as_number_column(texts: pa.ChunkedArray, missing: tuple[str, ...]) -> pa.ChunkedArray | None:
    """Texts as whole or floating numbers; None where one of them is neither a number nor missing, or all are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lacking = pc.fill_null(pc.is_in(texts, pa.array(missing, pa.string())), True)
    present = pc.if_else(lacking, None, texts)
    if present.null_count == len(present) or not pc.all(pc.match_substring_regex(present, PLAIN)).as_py():
        return None
    trimmed = pc.utf8_trim_whitespace(present)
    try:
        return trimmed.cast(pa.int64())
    except pa.ArrowInvalid:
        return trimmed.cast(pa.float64())
