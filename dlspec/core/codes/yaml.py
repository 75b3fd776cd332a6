"""Y0: what is wrong with a file before it is read as a spec."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "Y001": code(
        "file cannot be read",
        """
        A spec is a file that exists and that you may read.
        """,
        scene="""
        dlspec check nowhere.yaml
        # there is no file of that name
        """,
    ),
    "Y002": code(
        "not UTF-8",
        """
        A spec is text in UTF-8. The line and column show the first byte that is not.
        """,
        scene="""
        dlspec check latin1.yaml
        # the editor saved the file in another encoding: save it as UTF-8
        """,
    ),
    "Y003": code(
        "file too large",
        """
        A spec has at most 8 MiB. Data belong in files of their own.
        """,
        scene="""
        dlspec check huge.yaml
        # the file has more than 8 MiB
        """,
    ),
    "Y004": code(
        "not valid YAML",
        """
        The file breaks YAML's own grammar, so nothing in it can be read: a bracket or quotation mark is left open,
        an indentation fits nothing above it, or text with a special character is not quoted.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10}
        """,
    ),
    "Y005": code(
        "tab as indentation",
        """
        YAML indents with spaces only.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
        \t- dense: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "Y006": code(
        "blank that is none",
        """
        A no-break space and its like look like a space, but YAML reads them as a letter of the text. They often
        come from copied web pages.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10,\u00a0activation: relu}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, activation: relu}
        """,
    ),
    "Y007": code(
        "duplicate key",
        """
        A key stands once in a mapping. Other YAML programs silently take the last one.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, units: 20}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 20}
        """,
    ),
    "Y008": code(
        "value that programs read differently",
        """
        A number with leading zeros, a date and a number like 1:30 mean different things to different YAML programs.
        Write the number plainly, or quote the text.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 010
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "Y009": code(
        "YAML tag",
        """
        A spec is plain YAML: values have the type that they look like, and nothing in a spec runs code.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: !!int 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "Y010": code(
        "merge key",
        """
        YAML's merge key `<<` is not part of the language. To reuse options, write a block with parameters; to
        change a whole spec, use `extends`.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: &first {units: 10}
          - dense: {<<: *first}
        """,
        right="""
        inputs: {x: [8]}
        blocks:
          Ten:
            layers:
              - dense: 10
        layers:
          - Ten: {repeat: 2}
        """,
    ),
    "Y011": code(
        "several documents",
        """
        One file holds one spec; `---` would start another one.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        ---
        layers: []
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "Y012": code(
        "nested too deep",
        """
        Lists and mappings stand at most 64 levels inside each other.
        """,
        wrong="""
        params:
          deep: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
            [[[[[[[[[[[[[[[[[[[[[[[[[[[[[1
            ]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
        right="""
        params: {deep: [[1]]}
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, if: "len($deep) == 1"}
        """,
    ),
    "Y013": code(
        "too many values",
        """
        A spec has at most 500,000 values, with every alias counted as often as it is used.
        """,
        wrong="""
        params:
          a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
          b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
          c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
          d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
          e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
          f: [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: {units: 10, repeat: 6}
        """,
    ),
    "Y014": code(
        "alias inside itself",
        """
        An alias repeats a value that is complete. It cannot stand inside the value that it names.
        """,
        wrong="""
        inputs: {x: [8]}
        layers: &all
          - repeat: {times: 2, layers: *all}
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - repeat: {times: 2, layers: [{dense: 10}]}
        """,
    ),
    "Y015": code(
        "number too large",
        """
        A number has at most 64 characters and fits in a 64-bit float.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - gaussian_noise: 1e999
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - gaussian_noise: 0.1
        """,
    ),
    "Y016": code(
        "key that is no name",
        """
        The key of a mapping is a plain name. A list or a mapping as a key is nearly always an expression that
        should be quoted, or Jinja's braces, which specs do not have.
        """,
        wrong="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: {units: {{ width }}}
        """,
        right="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: {units: $width}
        """,
    ),
    "Y017": code(
        "no mapping of sections",
        """
        A spec is a mapping of sections: `inputs`, `layers` and others. A list of layers alone stands under
        `layers:`.
        """,
        wrong="""
        - dense: 10
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "Y018": code(
        "alias without an anchor",
        """
        `*name` repeats the value that `&name` marks further up. Text that starts with `*` is quoted.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: *width
        """,
        right="""
        params: {width: 8}
        inputs: {x: [8]}
        layers:
          - dense: $width
        """,
    ),
    "Y019": code(
        "character that YAML forbids",
        """
        Control characters cannot stand in a YAML file.
        """,
        wrong="""
        inputs: {x: [8]}
        layers:
          - dense: 10\u0007
        """,
        right="""
        inputs: {x: [8]}
        layers:
          - dense: 10
        """,
    ),
    "Y020": code(
        "text that is not formatted",
        """
        `dlspec fmt` keeps values, their order and comments. It has no form for a directive (`%YAML`) above the document
        or for a text whose indentation is given by a number (`|2`), and leaves such a file as it is.
        """,
        scene="""
        dlspec fmt spec.yaml
        # the description is `|2` with two blanks before its first line: quote it, or begin without blanks
        """,
    ),
}
