"""Data sets that the course ships, and generators for the ones it makes up::

    names()               what there is
    describe("promoters") its row in the catalogue: licence, source, traps
    load("promoters")     the data, after a check of the file's SHA-256
    verify()              the same check on every file
    synthetic             parity, echo, adding_problem, recall, damped_sine, planted_digit

Nothing here touches the network. To add a data set:

1. put its file and a ``NOTICE.txt`` (origin, terms, what was changed) into ``files/NAME/``;
2. give it a table in ``catalogue.toml``, with the fields of ``Entry`` (``sha256sum FILE`` and
   ``wc -c FILE`` give two of them);
3. name in ``reader`` a function of ``readers.py`` that turns the file's bytes into what a learner wants
   to hold; write one if none fits.

The tests of the catalogue then cover it. Keep a file under 3 MiB, and prefer ``.xz`` or ``.gz``: Git may
rewrite the line ends of plain text, and the checksum would fail.
"""

from course_lib.data import synthetic
from course_lib.data.catalogue import DataFileError, Entry, describe, load, names, verify
from course_lib.data.readers import DailyWeather, LabelledSequences

__all__ = [
    "DailyWeather",
    "DataFileError",
    "Entry",
    "LabelledSequences",
    "describe",
    "load",
    "names",
    "synthetic",
    "verify",
]
