"""Parameters of ``download``: the published files of a dataset."""

from collections import Counter
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from pipeline.core import places
from pipeline.core.errors import first_few
from pipeline.core.params import FileName, Section
from pipeline.download import protocols

Url = Annotated[
    str,
    StringConstraints(max_length=4096),
    AfterValidator(protocols.check),
    AfterValidator(protocols.refuse_secrets),
]


class PublishedFile(Section):
    """A file of ``datasets.<name>.download.files``, as it was published."""

    name: FileName
    bytes: Annotated[int, Field(gt=0, le=10**15)] | None = None
    """Length, if known."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Pinned hash. A file without one is fetched whenever the stage runs and taken as it comes; its
    hash is printed for pinning."""
    sources: Annotated[tuple[Url, ...], Field(max_length=100)]
    """URLs (see ``pipeline.download.protocols``), tried in this order."""

    @field_validator("name")
    @classmethod
    def _no_partial(cls, value: str) -> str:
        if value.endswith(places.INCOMPLETE):
            raise ValueError(f"must not end in {places.INCOMPLETE}, as partial files do")
        return value

    @field_validator("sources")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("must name at least one source")
        return value

    @model_validator(mode="after")
    def _folders_are_packed(self) -> "PublishedFile":
        if not self.name.endswith(".tar") and any(
            protocols.scheme(url) == "folder" for url in self.sources
        ):
            raise ValueError("name must end in .tar, as which a folder is packed")
        return self


class DownloadParams(Section):
    """``datasets.<name>.download``."""

    files: Annotated[tuple[PublishedFile, ...], Field(max_length=10_000)]
    max_bytes: Annotated[int, Field(gt=0)] | None = None
    """The most bytes of a file whose length is not pinned: by default 20 GB, or 1 GB where its
    source does not declare a length."""

    @field_validator("files")
    @classmethod
    def _unique(cls, value: tuple[PublishedFile, ...]) -> tuple[PublishedFile, ...]:
        if not value:
            raise ValueError("must name at least one file")
        times = Counter(file.name for file in value)
        if twice := sorted(name for name in times if times[name] > 1):
            raise ValueError(f"has more than one file named {first_few(twice)}")
        return value
