"""Classify images: files, folders, archives, IDX files, standard input.

RUN is a run of params.yaml, or the folder of a model. IMAGE may also be a pattern, or `-` for
standard input. Images are read as the decode stage reads them, with the dataset's decode.convert;
others (of another size, in CMYK …) are converted, and the output says so. Standard error names
images unlike the training images, and files that cannot be read. The latter stop nothing, but then
the exit status is 1.

    python -m pipeline predict demo_png shoe.png
    python -m pipeline predict demo_png photos/ more.zip --resize crop --top 1
    python -m pipeline predict demo_idx data/demo/idx/t10k-images-idx3-ubyte.gz --format csv > a.csv
    python -m pipeline predict demo_png 'scans/**/*.jpg' --invert --format json
"""

import argparse
import sys
import time
from argparse import ArgumentParser, Namespace


def arguments(parser: ArgumentParser) -> None:
    """Add the run, the images, and the options of reading and showing them."""
    parser.add_argument("run_or_folder", metavar="RUN", help="a run's name, or a model's folder")
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="an image, or where some are")
    parser.add_argument(
        "--format",
        choices=("table", "csv", "json", "jsonl"),
        default="table",
        help="jsonl: an object a line (default: table)",
    )
    parser.add_argument(
        "--top", type=_positive, default=3, metavar="K", help="most probable classes (default: 3)"
    )
    parser.add_argument(
        "--resize",
        choices=("stretch", "crop", "pad"),
        help="how another aspect ratio is met (default: the dataset's decode.resize, or stretch)",
    )
    parser.add_argument(
        "--background",
        choices=("black", "white"),
        help="behind transparency (default: the dataset's decode.convert, or black)",
    )
    parser.add_argument(
        "--invert", action="store_true", help="turn dark to light and light to dark"
    )
    parser.add_argument(
        "--batch", type=_positive, metavar="N", help="images shown to the model at once"
    )


def run(arguments: Namespace) -> str:
    """Print the predictions as they come; exits with status 1 if an image could not be read."""
    from pipeline.core import console, paths
    from pipeline.core.params import Params
    from pipeline.images.quiet import libraries
    from pipeline.models.saved import is_run
    from pipeline.predict import classify, inputs, output
    from pipeline.repository import outputs

    name = arguments.run_or_folder
    params = Params.read() if is_run(name) else None
    trained = classify.read(name, params)
    if params and (doubt := outputs.doubt(paths.model(name), f"train@{name}")):
        console.warning(f"pipeline predict: {doubt}")
    how = classify.setting(name, trained, params)
    how = how.changed(arguments.resize, arguments.background, arguments.invert, arguments.batch)
    started = time.perf_counter()
    sources = list(inputs.find(arguments.images, how.limits, transpose=how.transpose))
    writer = output.Writer(arguments.format, trained.classes, arguments.top)
    notes = output.Notes()
    read = failed = 0
    with libraries, console.bar("predict", inputs.count(sources), "images") as bar:
        header = writer.header()
        for batch in classify.predict(trained, sources, how):
            if rows := writer.rows(batch):
                console.result(f"{header}\n{rows}" if header else rows)
                header = ""
            for outcome in batch:
                if outcome.error:
                    failed += 1
                    console.warning(output.printable(f"pipeline predict: {outcome.error}"))
                else:
                    read += 1
                    notes.add(outcome)
            bar.update(len(batch))
    if end := writer.end():
        console.result(end)
    for line in [*notes.lines(name), *output.trust(name)]:
        console.note(f"pipeline predict: {line}")
    seconds = time.perf_counter() - started
    bad = f", {failed:,} could not be read" if failed else ""
    count = f"{read:,} image{'s' if read != 1 else ''}"
    console.note(f"pipeline predict: {count} in {seconds:.1f} s ({read / seconds:,.0f}/s){bad}")
    if failed:
        sys.exit(1)
    return ""


def _positive(text: str) -> int:
    from pipeline.core import limits

    number = limits.number(text)
    if not number:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return number
