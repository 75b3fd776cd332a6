"""Reasons in exceptions of Keras, fit for a message."""

from __future__ import annotations

# Keras wraps what went wrong into a sentence on the class, its whole configuration, and only then the reason.
_BEFORE = "Exception encountered:"
_LONGEST = 500


def reason(error: Exception) -> str:
    """The reason in one line, without the configuration before it; the kind of error where it says nothing."""
    text = " ".join(str(error).rpartition(_BEFORE)[2].split()) or type(error).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
