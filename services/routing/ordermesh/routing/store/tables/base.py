"""What all tables share."""

from sqlalchemy import BigInteger, Integer, MetaData, Text

metadata = MetaData()

CallerText = Text().with_variant(Text(collation="C"), "postgresql")
"""An id that callers chose. SQLite compares bytes of itself."""

Number = BigInteger().with_variant(Integer, "sqlite")
"""A growing number. SQLite counts up only in a column that is called INTEGER."""
