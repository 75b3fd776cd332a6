"""Documents that other programs read, as types: ``report.json``, ``search.json``, what ``--format json`` prints.

``schemas/`` holds a JSON schema of each, generated from these types.
"""
