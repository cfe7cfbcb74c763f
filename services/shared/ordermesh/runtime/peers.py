"""The client by which a service calls its peers."""

from ordermesh.client.mesh import Mesh
from ordermesh.kernel.clock import Clock
from ordermesh.runtime.deadlines import seconds_left
from ordermesh.runtime.settings import ServerSettings
from ordermesh.runtime.tls import channel_credentials


def peer_mesh(name: str, settings: ServerSettings, clock: Clock) -> Mesh:
    """The mesh as the service ``name`` calls it; close it when the service ends.

    Calls onward carry the service's identity, and get no more time than is left of the call that
    they serve.
    """
    return Mesh(
        settings.peers,
        caller=name,
        credentials=channel_credentials(settings),
        seconds_left=seconds_left(clock),
    )
