"""Parameters that several kinds of datasets have in ``extract``."""

from typing import Annotated

from pydantic import Field

from pipeline.archives.limits import Limits
from pipeline.core.params import Section

Bytes = Annotated[int, Field(gt=0, le=10**15)]
Ratio = Annotated[int, Field(gt=0, le=100_000)]


class PartsExtract(Section):
    """``datasets.<name>.extract`` of the kinds whose images are written to parts."""

    part_rows: Annotated[int, Field(gt=0, le=10_000_000)] = 5000
    """Images in one Parquet part: the unit in which ``decode`` works in parallel."""
    max_bytes: Bytes = 20_000_000_000
    """Refuse published files whose members, or images, have more bytes than this together."""
    max_member_bytes: Annotated[int, Field(gt=0, lt=2**31)] = 64_000_000
    """Refuse a member, or an image, of more bytes than this."""
    max_members: Annotated[int, Field(gt=0, lt=2**31)] = 1_000_000
    """Refuse more members than this, be they images or not."""

    @property
    def limits(self) -> Limits:
        """The limits in the form in which they are compared."""
        return Limits(self.max_bytes, self.max_member_bytes, self.max_members)
