"""The sections `data`, `train` and `tune`, declared like any component."""
