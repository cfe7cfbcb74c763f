"""Generated from the contracts in `protos/`; see `protos/generate.py`."""

from ordermesh.api.order.v1.actor_pb2 import Actor as Actor
from ordermesh.api.order.v1.contact_pb2 import Contact as Contact
from ordermesh.api.order.v1.destination_pb2 import Destination as Destination
from ordermesh.api.order.v1.disposition_pb2 import Disposition as Disposition
from ordermesh.api.order.v1.external_reference_pb2 import ExternalReference as ExternalReference
from ordermesh.api.order.v1.fulfillment_method_pb2 import FulfillmentMethod as FulfillmentMethod
from ordermesh.api.order.v1.stock_key_pb2 import StockKey as StockKey
from ordermesh.api.order.v1.stock_key_pb2 import StockMatrix as StockMatrix
