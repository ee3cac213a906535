"""Pictures of the command line: of fits, of reports, and pictures reduced to few colors."""

import copy
import os
import sys
import time

from .._input.optional_packages import need
from .readers import Table

_FORMATS = (".png", ".svg", ".pdf")


#: name -> function(plot, model, X) -> axes
KINDS = {
    "overview": lambda plot, model, X: plot.overview(model, X),
    "clusters": lambda plot, model, X: plot.clusters(model, X),
    "projection": lambda plot, model, X: plot.projection(model, X),
    "3d": lambda plot, model, X: plot.clusters_3d(model, X),
    "pairs": lambda plot, model, X: plot.pairs(model, X),
    "silhouette": lambda plot, model, X: plot.silhouette(model, X),
    "sizes": lambda plot, model, X: plot.sizes(model),
    "profiles": lambda plot, model, X: plot.profiles(model),
    "distances": lambda plot, model, X: plot.center_distances(model),
}


def check_picture(path):
    """Raise, before the work is done, if its picture could not be drawn."""
    if path is None:
        return
    if not path.lower().endswith(_FORMATS):
        raise ValueError(f"cannot draw {path}: pictures are {', '.join(_FORMATS)}")
    _plot()


def check_report(path):
    """The same for a report."""
    if path is None:
        return
    if not path.lower().endswith((".html", ".htm")):
        raise ValueError(f"cannot write {path}: reports are .html")
    _plot()


def _plot():
    """The module of plots, drawing without a screen."""
    need("matplotlib", "a picture").use("agg")
    from .. import plot

    return plot


def draw(kind, model, table, path):
    """Write one kind of picture."""
    save(KINDS[kind](_plot(), *named(model, table)), path)


def draw_fit(args, model, table, selection, caught):
    """Write the picture and the report that ``ckmeans fit`` was asked for."""
    texts, ids = (_texts(table), _ids(args, table)) if args.report else (None, None)
    model, table = named(model, table)
    if args.plot:
        save(_plot().overview(model, table, selection=selection), args.plot)
    if args.report:
        from ..report import report

        source = "standard input" if args.data == "-" else args.data
        notes = [f"left out: {column.name} ({column.why})" for column in table.left_out] + caught
        report(
            model,
            table,
            args.report,
            selection=selection,
            title=f"Clusters of {os.path.basename(source)}",
            source=source,
            command=["ckmeans", *(sys.argv[1:] if args.argv is None else args.argv)],
            notes=notes,
            sample_weight=table.weights,
            texts=texts,
            ids=ids,
        )


def _texts(table):
    """The columns of the file that were left out because they are no numbers, of the rows that are
    in the table.
    """
    from .outputs import as_list, numbers

    out = {column.name for column in table.left_out}
    found = {}
    for original in table.originals or ():
        if original.name not in out:
            continue
        values = original.values()
        if numbers(values) is None:
            values = as_list(values)
            kept = table.kept
            found[original.name] = [
                value for i, value in enumerate(values) if kept is None or kept[i]
            ]
    return found


def _ids(args, table):
    """What the rows of the table are known by; texts are shown anyway."""
    from .outputs import numbers
    from .row_ids import row_ids

    rows = table.places
    return {
        one.name: [one.cells[i] for i in rows]
        for one in row_ids(table, args.weights)
        if numbers(one.values) is not None
    }


def named(model, table):
    """Model and table with names for all columns; a nameless one gets its number in the file."""
    import numpy as np

    if not table.columns:
        names = [f"column {name}" for name in table.names]
        table = Table(
            table.values, names, named=True, weights=table.weights, left_out=table.left_out
        )
        if model is not None:
            model = copy.copy(model)
            model.feature_names_in_ = np.array(names, dtype=object)
    return model, table


def save(axes, path):
    """Write a figure, given one or several of its axes, and close it."""
    import numpy as np

    figure = np.ravel(axes)[0].figure
    figure.savefig(path, dpi=150)
    need("matplotlib.pyplot", "a picture").close(figure)


def quantize_file(path, output, k, seed, threads, frame=None, asked=False, callback=None):
    """Reduce the colors of a picture file, all frames to the same ones; return the facts.

    asked : bool
        Whether the user has given the number of colors; then it is an error if there are fewer.
    callback : callable or None
        As of `KMeans`.
    """
    import numpy as np

    from .._input.picture_files import Writer, read_picture
    from .._output.files import write_atomically
    from ..image import FULL, reduced

    picture = read_picture(path, frame)
    writer = Writer(output, picture, k)
    started = time.perf_counter()
    frames = picture.frames
    # Frames one below the other; their pixels in one column, since pages may differ in width.
    tall = (
        frames[0]
        if len(frames) == 1
        else np.concatenate([each.reshape(-1, 1, *each.shape[2:]) for each in frames])
    )

    def enough(n):
        if n < k and asked:
            raise ValueError(
                f"it has {n} colors, fewer than -k {k}: there is nothing to reduce; give at most "
                f"-k {n}"
            )

    how = {"random_state": seed, "n_threads": threads, "callback": callback}
    try:
        result = reduced(tall, k, enough, **how)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    seconds = time.perf_counter() - started
    cuts = np.cumsum([each.shape[0] * each.shape[1] for each in frames])[:-1]
    parts = np.split(result.image.reshape(-1, *tall.shape[2:]), cuts)
    indices = np.split(result.indices.reshape(-1), cuts)
    with write_atomically(output) as file:
        writer.write(
            file,
            [part.reshape(each.shape) for part, each in zip(parts, frames)],
            result.palette,
            [index.reshape(each.shape[:2]) for index, each in zip(indices, frames)],
        )
    palette = result.palette if result.palette.shape[1] == 3 else result.palette.repeat(3, axis=1)
    height, width = frames[0].shape[:2]
    return {
        "path": path,
        "width": width,
        "height": height,
        "frames": len(frames),
        "colours": len(palette),
        "palette": palette.tolist(),
        "full": FULL[palette.dtype],
        "inertia": result.model.inertia_,
        "seconds": {"quantize": seconds},
    }
