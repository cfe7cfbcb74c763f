"""What stands in the way of orders."""

from ordermesh.api.routing.v1 import Obstacle as ObstacleMessage
from ordermesh.routing.domain.obstacles import ObstacleKind, Obstacles


def obstacle_messages(obstacles: Obstacles) -> list[ObstacleMessage]:
    """What was found, in the order of the kinds."""
    return [
        ObstacleMessage(
            kind=ObstacleMessage.Kind.Value(f"KIND_{kind}"),
            count=found.count,
            example=found.example,
            sentence=found.sentence,
        )
        for kind in ObstacleKind
        if (found := obstacles.found.get(kind)) is not None
    ]
