"""The directive `release-benchmarks`: a table and a picture of the files in bench/releases."""

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from bench import releases

HEADER = ["release", "date", "CPU", "threads", "load", "cells", "time of a cell, geometric mean"]
PICTURE = "releases.svg"


class ReleaseBenchmarks(Directive):
    def run(self):
        rows = [HEADER, *releases.table()]
        table = [
            ".. list-table::",
            "   :header-rows: 1",
            "",
            *(
                f"   {'*' if i == 0 else ' '} - {cell}"
                for row in rows
                for i, cell in enumerate(row)
            ),
        ]
        picture = [
            "",
            f".. image:: /generated/{PICTURE}",
            "   :alt: time and memory of each cell, release by release",
        ]
        node = nodes.container()
        self.state.nested_parse(StringList([*table, *picture]), self.content_offset, node)
        return node.children


def draw(app):
    folder = Path(app.srcdir, "generated")
    folder.mkdir(exist_ok=True)
    releases.draw(folder / PICTURE)


def setup(app):
    app.add_directive("release-benchmarks", ReleaseBenchmarks)
    app.connect("builder-inited", draw)
    return {"parallel_read_safe": True}
