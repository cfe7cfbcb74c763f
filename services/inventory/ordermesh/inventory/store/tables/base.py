"""What all tables share."""

from sqlalchemy import (
    MetaData,
    Text,
)

metadata = MetaData()


CallerText = Text().with_variant(Text(collation="C"), "postgresql")


"""An id that callers chose. SQLite compares bytes of itself."""
