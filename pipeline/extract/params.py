"""Parameters that several kinds of datasets have in ``extract``."""

from pydantic import PositiveInt

from pipeline.archives.limits import Limits
from pipeline.core.params import Section


class PartsExtract(Section):
    """``datasets.<name>.extract`` of the kinds whose images are written to parts."""

    part_rows: PositiveInt = 5000
    """Images in one Parquet part: the unit in which ``decode`` works in parallel."""
    max_bytes: PositiveInt = 20_000_000_000
    """Refuse published files whose members, or images, have more bytes than this together."""
    max_member_bytes: PositiveInt = 64_000_000
    """Refuse a member, or an image, of more bytes than this."""
    max_members: PositiveInt = 1_000_000
    """Refuse more members than this, be they images or not."""

    @property
    def limits(self) -> Limits:
        """The limits in the form in which they are compared."""
        return Limits(self.max_bytes, self.max_member_bytes, self.max_members)
