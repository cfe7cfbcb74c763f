"""HTML as nested calls; every text is escaped."""

from html import escape


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | int | float | None
_VOID = frozenset({"br", "meta", "path", "circle", "rect", "line"})


def tag(name: str, /, *children: Child, **attributes: Child) -> Markup:
    """An element. ``None`` stands for nothing, ``class_`` for `class`, ``_`` within for `-`."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """One after the other."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(str(child))
            for child in children
            if child is not None
        )
    )


def table(caption: str, headings: tuple[str, ...], rows: list[tuple[Child, ...]]) -> Markup:
    """A table; the first cell of a row names it, and numbers stand to the right."""
    head = tag("tr", *(tag("th", heading, scope="col") for heading in headings))
    body = []
    for first, *rest in rows:
        cells = [tag("td", cell, class_="number" if _is_number(cell) else None) for cell in rest]
        body.append(tag("tr", tag("th", first, scope="row"), *cells))
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body)),
        class_="wide",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def _is_number(cell: Child) -> bool:
    text = str(cell).strip("+-$ %").replace(",", "").removesuffix(" ms")
    return not isinstance(cell, Markup) and text.replace(".", "", 1).isdigit()
