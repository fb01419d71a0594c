"""Classification of any images by a trained model, in batches, in the order of the inputs."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline import runs
from pipeline.archives.limits import Limits
from pipeline.core import errors, paths
from pipeline.core.errors import DataError
from pipeline.core.params import Params
from pipeline.decode.decoders import DECODERS
from pipeline.decode.params import ArchiveDecode, IdxDecode
from pipeline.evaluate.params import EvaluateParams
from pipeline.evaluate.predict import probabilities
from pipeline.execution import workers
from pipeline.extract.archive import ArchiveExtract
from pipeline.extract.extractors import EXTRACTORS
from pipeline.extract.kind import kind_of
from pipeline.images.convert import Background
from pipeline.images.formats import ImageError
from pipeline.images.resize import Resize
from pipeline.models import runtime, saved
from pipeline.models.saved import Model
from pipeline.predict.adapt import Adapted, Adapter, Pixels
from pipeline.predict.drift import Training
from pipeline.predict.inputs import Item, Source

LIMITS = Limits(total_bytes=20_000_000_000, member_bytes=64_000_000)
"""Limits on archives where the dataset has none: the defaults of ``extract``."""
GROUP = 16
"""Images that a thread adapts in one task."""


class Setting(NamedTuple):
    """The treatment of a run's images, which is that of ``evaluate``."""

    adapter: Adapter
    evaluate: EvaluateParams
    limits: Limits
    """Limits on archives, which are those on the dataset's own."""
    training: Training | None = None
    """None without the data card."""
    transpose: bool = False
    """Height and width of IDX files' images are swapped."""

    def changed(
        self,
        resize: Resize | None,
        background: Background | None,
        invert: bool,
        batch_size: int | None,
    ) -> "Setting":
        """Return the same setting but for these choices; None keeps what there is."""
        adapter = self.adapter._replace(invert=invert)
        if background and adapter.convert and adapter.convert.alpha != background:
            other = adapter.convert.model_copy(update={"alpha": "refuse"})
            adapter = adapter._replace(convert=other)
        adapter = adapter._replace(background=background or adapter.background)
        if resize and resize != adapter.declared:
            adapter = adapter._replace(declared=None, resize=resize)
        evaluate = self.evaluate.model_copy(
            update={"batch_size": batch_size or self.evaluate.batch_size}
        )
        return self._replace(adapter=adapter, evaluate=evaluate)


class Outcome(NamedTuple):
    """The result for one image."""

    name: str
    probabilities: NDArray[np.float32] | None = None
    """float32[K]; None if the image could not be read."""
    changes: tuple[str, ...] = ()
    """Its conversions, and its differences from the training images."""
    width: int = 0
    height: int = 0
    error: str = ""


class Part(NamedTuple):
    """An image before it is classified: adapted, or with its error."""

    name: str
    image: Adapted | None = None
    error: str = ""


def read(source: Path | str, params: Params | None) -> Model:
    """Read a trained model, with TensorFlow set up as in ``evaluate``; raise as ``setting``."""
    runtime.configure(seed=0, threads=_evaluate(source, params).threads)
    return saved.load_model(source)


def setting(source: Path | str, trained: Model, params: Params | None) -> Setting:
    """Return the setting of a run by its parameters; without these, the defaults.

    Raises
    ------
    ParameterError
        If a parameter is missing or cannot be used.
    """
    how = Setting(Adapter(trained.shape), _evaluate(source, params), LIMITS)
    if params is None:
        return how
    dataset = runs.dataset(params, str(source))
    kind = kind_of(params, dataset)
    decode = params.section(DECODERS[kind].params, "datasets", dataset, "decode")
    if isinstance(decode, ArchiveDecode):
        how = how._replace(
            adapter=Adapter(trained.shape, decode.bits, decode.resize, convert=decode.convert)
        )
    if isinstance(decode, IdxDecode):
        how = how._replace(transpose=decode.transpose)
    extract = params.section(EXTRACTORS[kind].params, "datasets", dataset, "extract")
    if isinstance(extract, ArchiveExtract):
        how = how._replace(limits=extract.limits)
    if paths.data_card(dataset).exists():
        how = how._replace(training=Training.read(dataset))
    return how


def _evaluate(source: Path | str, params: Params | None) -> EvaluateParams:
    if params is None:
        return EvaluateParams()
    return runs.section(params, str(source), "evaluate", EvaluateParams)


def predict(
    trained: Model, sources: Iterable[Source | DataError], how: Setting
) -> Iterator[list[Outcome]]:
    """Classify all images of some sources, a batch at a time.

    Images are read and adapted in threads while the model computes. The number of images in memory
    does not grow with that of all images. A source that cannot be read gives one outcome, with its
    error. A batch has fewer images than the setting says where a network's outputs are large.
    """
    size = min(how.evaluate.batch_size, trained.most_images)
    adapt = partial(_adapted, how.adapter)
    with closing(_in_threads(_items(sources), adapt)) as parts:
        while batch := list(islice(parts, size)):
            outcomes = _classified(trained, [part.image for part in batch if part.image], how)
            yield [
                next(outcomes)._replace(name=part.name)
                if part.image
                else Outcome(part.name, error=part.error)
                for part in batch
            ]


def _classified(trained: Model, images: list[Adapted], how: Setting) -> Iterator[Outcome]:
    if not images:
        return
    pixels = np.stack([image.pixels for image in images])
    shares = probabilities(trained, pixels, how.evaluate.views)
    unlike = how.training.differences(pixels) if how.training else [[]] * len(images)
    for image, row, words in zip(images, shares, unlike, strict=True):
        yield Outcome("", row, (*image.changes, *words), image.width, image.height)


def _items(sources: Iterable[Source | DataError]) -> Iterator[Item | Part]:
    for source in sources:
        if isinstance(source, DataError):
            yield Part("", error=str(source))
            continue
        try:
            yield from source.items()
        except (DataError, OSError) as error:  # in the source itself, as a damaged archive
            yield Part(source.name, error=_line(error, source.name))


def _in_threads(
    items: Iterable[Item | Part], adapt: "partial[Part]"
) -> Generator[Part, None, None]:
    """Yield all items adapted, in order, with a bounded number of them in memory."""
    count = workers.count()
    pool = ThreadPoolExecutor(count)
    waiting: deque[Future[list[Part]]] = deque()
    rest = iter(items)
    try:
        while group := list(islice(rest, GROUP)):
            waiting.append(pool.submit(_group, group, adapt))
            if len(waiting) > 4 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _group(items: list[Item | Part], adapt: "partial[Part]") -> list[Part]:
    return [item if isinstance(item, Part) else adapt(item) for item in items]


def _adapted(adapter: Adapter, item: Item) -> Part:
    try:
        content: bytes | Pixels = item.read()
        image = adapter(content) if isinstance(content, bytes) else adapter.of_array(content)
    except (ImageError, DataError, OSError) as error:
        return Part(item.name, error=_line(error, item.name))
    return Part(item.name, image)


def _line(error: Exception, name: str) -> str:
    """Return the error on one line, with the input's name in front unless it contains that."""
    text = str(error) if isinstance(error, ImageError) else errors.explain(error) or repr(error)
    if isinstance(error, ImageError):
        return f"{name} {text}"
    return text if name in text else f"{name}: {text}"
