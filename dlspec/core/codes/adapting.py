"""E55 and W63: adapters beside the weights of a model."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E550": code(
        "layer that takes no adapter",
        """
        Adapters stand beside the kernels of `dense`, `einsum_dense`, convolutions and the projections of attention, and
        beside the vectors of `embedding`. A layer with a constraint takes none, nor one that is declared
        `trainable: false` or that `trains` lets learn as it is. Of a pattern with `*`, what takes none is left out.
        """,
        scene="""
        dlspec check digits.yaml
        # adapters: {lora: {rank: 4, layers: norm}}, and norm is a layer_normalization
        """,
    ),
    "E551": code(
        "rank of an adapter above that of the weight",
        """
        The product of two matrices, rows by `rank` and `rank` by columns, has no more than `rank` independent
        directions. A weight has at most as many as its smaller side: a higher rank adds nothing. Rows are all axes of a
        weight but the last.
        """,
        scene="""
        dlspec check digits.yaml
        # adapters: {lora: {rank: 16, layers: digit}}, and digit has 10 units
        """,
    ),
    "E552": code(
        "adapters beside an average",
        """
        `average_of` follows the weights of a model one by one, and those stay as they are where adapters learn in their
        place.
        """,
        scene="""
        dlspec check teacher.yaml
        # models: {Teacher: {average_of: Student}}, train: {adapters: {lora: 4}}
        """,
    ),
}

WARNINGS: dict[str, Code] = {
    "W631": code(
        "adapter that is no smaller than its weight",
        """
        An adapter of rank r beside a weight of m rows and n columns has r · (m + n) parameters, the weight m · n. It is
        meant to have much fewer: else the layer might as well learn as it is.
        """,
        scene="""
        dlspec check digits.yaml
        # adapters: {lora: {rank: 16, layers: body}}, and body is a dense of 16 units on 64 features
        """,
    ),
    "W632": code(
        "adapters beside random weights",
        """
        Adapters leave all other weights as they are. Where these were never trained, they stay random: a new head that
        nothing trains answers by chance. `trains` names what learns as it is, and `start_from`, or a model with a
        `file`, brings weights that were trained.
        """,
        scene="""
        dlspec check digits.yaml
        # start_from: base.keras, which lacks the head; adapters: {lora: {rank: 4, layers: encoder}}
        """,
    ),
}
