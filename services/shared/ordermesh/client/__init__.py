"""The client of the mesh: one object with all stubs, and refusals that can be read.

What stands here is public and stays; so are ``ordermesh.client.testing`` and ``ordermesh.api``.
"""

from ordermesh.client.errors import Refusal as Refusal
from ordermesh.client.errors import refusal_of as refusal_of
from ordermesh.client.mesh import Mesh as Mesh

__all__ = ["Mesh", "Refusal", "refusal_of"]
