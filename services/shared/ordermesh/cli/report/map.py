"""The network on a map: what left from where, and the ways of one order."""

import math
from collections.abc import Iterator

from ordermesh.cli.facts import RunFacts
from ordermesh.cli.report.geography import HEIGHT, WIDTH, land, project
from ordermesh.cli.report.html import Markup, join, tag
from ordermesh.sample.nouns import Location, LocationType

_RADIUS_MAX = 26.0


def network_map(facts: RunFacts) -> Markup:
    """Land, locations with circles by the units that left, and arcs of the order that is shown."""
    title = (
        f"Map of {len(facts.retailer.locations)} locations; circles grow with the units shipped,"
        f" lines are the shipments of order {facts.shown.order.order_id}"
    )
    picture = tag(
        "svg",
        tag("title", title),
        tag("path", class_="land", d=land()),
        tag("g", *_circles(facts)),
        tag("g", *_places(facts)),
        tag("g", *_ways(facts)),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label=title,
        class_="map",
    )
    legend = tag(
        "p",
        tag("span", class_="key centre", aria_hidden="true"),
        " distribution centre ",
        tag("span", class_="key store", aria_hidden="true"),
        " store ",
        tag("span", class_="key sent", aria_hidden="true"),
        " units shipped (area) ",
        tag("span", class_="key way", aria_hidden="true"),
        f" order {facts.shown.order.order_id}. Dots are ZIP codes.",
        class_="legend",
    )
    return join(picture, legend)


def _circles(facts: RunFacts) -> Iterator[Markup]:
    sent = facts.ours.units_by_location
    most = max(sent.values(), default=1)
    for location_id, units in sorted(sent.items(), key=lambda pair: -pair[1]):
        location = facts.locations.get(location_id)
        if location is None:
            continue
        x, y = project(location.latitude, location.longitude)
        radius = max(2.0, _RADIUS_MAX * math.sqrt(units / most))
        shipments = facts.ours.shipments_by_location[location_id]
        words = f"{location.name}: {units} units in {shipments} shipments"
        yield tag("circle", tag("title", words), class_="sent", **_at(x, y), r=f"{radius:.1f}")


def _places(facts: RunFacts) -> Iterator[Markup]:
    for location in facts.retailer.locations:
        x, y = project(location.latitude, location.longitude)
        name = tag("title", location.name)
        if location.type is LocationType.DISTRIBUTION_CENTER:
            yield tag(
                "rect", name, class_="centre", x=f"{x - 4:.1f}", y=f"{y - 4:.1f}", width=8, height=8
            )
        else:
            yield tag("circle", name, class_="store", **_at(x, y), r="1.8")


def _ways(facts: RunFacts) -> Iterator[Markup]:
    record = next(
        one for one in facts.retailer.orders if one.order_id == facts.shown.order.order_id
    )
    goal = record.destination
    if goal.latitude is None or goal.longitude is None:
        return
    end = project(goal.latitude, goal.longitude)
    for shipment in facts.shown.decision.plan.shipments:
        location = facts.locations.get(shipment.location_id)
        if location is not None:
            words = f"{location.name} to {goal.postal_code}: {shipment.distance_km} km"
            yield _arc(location, end, words)
    words = f"Customer in {goal.region} {goal.postal_code}"
    yield tag("circle", tag("title", words), class_="goal", **_at(*end), r="5")


def _arc(location: Location, end: tuple[float, float], words: str) -> Markup:
    """A curve that bends to its left by a sixth of its length."""
    x, y = project(location.latitude, location.longitude)
    bend_x = (x + end[0]) / 2 + (end[1] - y) / 6
    bend_y = (y + end[1]) / 2 - (end[0] - x) / 6
    path = f"M{x:.1f} {y:.1f}Q{bend_x:.1f} {bend_y:.1f} {end[0]:.1f} {end[1]:.1f}"
    return tag("path", tag("title", words), class_="way", d=path)


def _at(x: float, y: float) -> dict[str, str]:
    return {"cx": f"{x:.1f}", "cy": f"{y:.1f}"}
