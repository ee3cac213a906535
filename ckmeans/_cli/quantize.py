"""``ckmeans quantize``: reduce a picture to a few colors."""

import shutil
import textwrap

from .arguments import add_json, add_threads, count, seed, whole_number
from .command import Command
from .facts import collect_warnings, facts_lines, printable, show, timing
from .outputs import check_outputs, written_by
from .pictures import quantize_file
from .progress import add_progress, progress_bar


def arguments(parser):
    parser.add_argument("image", metavar="IMAGE", help="a picture in any format that Pillow reads")
    parser.add_argument(
        "-k",
        "--clusters",
        metavar="K",
        type=count,
        help="how many colors (default: 16)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        help="the picture in so many colors (.png is exact)",
    )
    parser.add_argument(
        "--frame",
        metavar="N",
        type=whole_number,
        help="of several frames or pages only this one, counted from 0 (default: all)",
    )
    parser.add_argument(
        "--seed", metavar="S", type=seed, default=0, help="seed of the draws (default: 0)"
    )
    add_threads(parser)
    add_progress(parser)
    add_json(parser)


def run(args):
    check_outputs(args, inputs=[args.image])
    asked = args.clusters is not None
    with collect_warnings() as caught:
        facts = quantize_file(
            args.image,
            args.output,
            args.clusters if asked else 16,
            args.seed,
            args.threads,
            args.frame,
            asked,
            progress_bar(args),
        )
    facts.update(written=written_by(args), warnings=caught)

    def report(facts):
        digits = 4 if facts["full"] == 65535 else 2
        values = [
            [round(value * 255) if facts["full"] == 1 else value for value in color]
            for color in facts["palette"]
        ]
        colors = "  ".join(
            "#" + "".join(f"{value:0{digits}x}" for value in color) for color in values
        )
        frames = f", {facts['frames']} frames" if facts["frames"] > 1 else ""
        return [
            f"{printable(args.image)}: {facts['width']} x {facts['height']} pixels{frames}, "
            f"{facts['colours']} colors",
            "",
            *textwrap.wrap(colors, shutil.get_terminal_size().columns),
            "",
            *facts_lines(
                *timing(facts),
                *(("wrote", f"{path} (picture)") for path in facts["written"].values()),
            ),
        ]

    show(args, facts, report)


COMMAND = Command(
    run,
    arguments,
    "ckmeans quantize IMAGE -k K -o OUT [options]",
    "reduce a picture to K colors",
    examples="""\
  ckmeans quantize photo.jpg -k 16 -o poster.png
  ckmeans quantize photo.jpg -k 4 -o four.png --json
      print the palette as numbers
  ckmeans quantize film.gif -k 16 -o poster.gif
      all frames, in the same 16 colors
""",
    notes="""\
Photos are turned upright. Depth, transparency, times of frames and color profiles are kept; what a
format cannot hold is refused, or told in a warning. Transparent pixels do not influence the colors.
Needs Pillow: pip install 'ckmeans-cython[image]'.
""",
)
