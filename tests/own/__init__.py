"""A Python file with a component of each kind, and a spec that uses them all."""

from pathlib import Path

PARTS = Path(__file__).with_name("parts.py")
SPEC = Path(__file__).with_name("own.yaml")
