"""The sections `data` and `train`, declared like any component."""
