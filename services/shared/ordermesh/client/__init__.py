"""The client of the mesh: all stubs, refusals that can be read, feeds, and a copy of the stock.

What stands here is public and stays; so are ``ordermesh.client.testing``, ``ordermesh.api``, and
``ordermesh.client.proof``, which checks exported decisions.
"""

from ordermesh.client.coalescing import CoalescingReserver as CoalescingReserver
from ordermesh.client.copies import CopyAway as CopyAway
from ordermesh.client.copies import StockCopy as StockCopy
from ordermesh.client.errors import Refusal as Refusal
from ordermesh.client.errors import refusal_of as refusal_of
from ordermesh.client.following import Batch as Batch
from ordermesh.client.following import PositionCompacted as PositionCompacted
from ordermesh.client.following import PositionFile as PositionFile
from ordermesh.client.following import cloud_event as cloud_event
from ordermesh.client.following import follow as follow
from ordermesh.client.matrix import AvailabilityMatrix as AvailabilityMatrix
from ordermesh.client.mesh import Mesh as Mesh

__all__ = [
    "AvailabilityMatrix",
    "Batch",
    "CoalescingReserver",
    "CopyAway",
    "Mesh",
    "PositionCompacted",
    "PositionFile",
    "Refusal",
    "StockCopy",
    "cloud_event",
    "follow",
    "refusal_of",
]
