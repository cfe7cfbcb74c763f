"""How refusals name many things at once."""

from collections.abc import Sequence


def named(names: Sequence[str]) -> str:
    """Names for a sentence: the first few, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
