"""Types of the public API, which ``__init__.py`` loads on first use."""

from pipeline.evaluate.predict import predict as predict_images
from pipeline.models.runtime import configure as configure
from pipeline.models.saved import load_model as load_model
from pipeline.predict.adapt import Adapter as Adapter
from pipeline.shards.index import Index as Index
from pipeline.shards.index import column as column
from pipeline.shards.index import take as take
from pipeline.subsets.images import Dataset as Dataset

__version__: str

__all__ = [
    "Adapter",
    "Dataset",
    "Index",
    "__version__",
    "column",
    "configure",
    "load_model",
    "predict_images",
    "take",
]
