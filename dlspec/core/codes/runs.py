"""E52: runs that are over, looked at again."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E521": code(
        "no such run",
        """
        A run is named by its folder, its id or the beginning of one, the name of its spec (which means the newest of
        them), or `latest`. `dlspec runs` lists all of them.
        """,
        scene="""
        dlspec evaluate digits/20261121
        # no run has an id that begins so
        """,
        belongs="folder",
    ),
    "E574": code(
        "folder that is not deleted",
        """
        `dlspec runs delete` and `dlspec runs prune` delete what dlspec made, and nothing else: no folder with a name of
        its own, no link, nothing of another user, nothing that holds somebody's own files, no run that a study keeps.
        """,
        scene="""
        dlspec runs delete 20261121T063412Z-5f59
        # its folder holds `analysis.ipynb`: move it away first
        """,
        belongs="folder",
    ),
    "E522": code(
        "run without what is needed",
        """
        Evaluating and predicting read `spec.yaml`, `report.json` and `model.keras` of the run folder. A run that was
        stopped before its first epoch was over has no model; a damaged file cannot be read. `training.weights.h5`
        must be of the same epoch as `model.keras`.
        """,
        scene="""
        dlspec predict latest new.csv
        # the latest run failed in its first epoch
        """,
        belongs="folder",
    ),
    "E523": code(
        "examples that cannot be read",
        """
        New examples come as a CSV file, a JSON list of objects, a NumPy archive, an image or a folder of images, with
        the columns that the run was trained with.
        """,
        scene="""
        dlspec predict latest notes.docx
        # save the examples as CSV
        """,
    ),
    "E524": code(
        "predictions that do not fit the format",
        """
        A row of CSV holds numbers and words. Predictions that are arrays, such as masks and pictures, are written as
        JSON or as a NumPy archive.
        """,
        scene="""
        dlspec predict latest photos/ -o masks.csv
        # write -o masks.npz
        """,
    ),
    "E525": code(
        "log for a program that is not installed",
        """
        `log` of `train` writes logs for MLflow or Weights & Biases with their own packages, which dlspec does not
        install by itself.
        """,
        scene="""
        dlspec train digits.yaml --set 'train.log=[mlflow]'
        # pip install 'dlspec[mlflow]'
        """,
    ),
    "E526": code(
        "no columns to compare",
        """
        `dlspec importance` shuffles one column after the other and tells how much worse the model gets. A model that
        takes a single column, such as a picture or a text, has nothing to compare it with. Arrays with one axis of
        numbers count as a column for each number.
        """,
        scene="""
        dlspec importance photos
        # the model of the run takes the column `image` alone
        """,
        belongs="folder",
    ),
}
