"""Generated from the contracts in `protos/`; see `protos/generate.py`."""

from ordermesh.api.event.v1.event_pb2 import EventEnvelope as EventEnvelope
from ordermesh.api.event.v1.event_service_pb2 import RevisedEvent as RevisedEvent
from ordermesh.api.event.v1.event_service_pb2 import WatchEventsRequest as WatchEventsRequest
from ordermesh.api.event.v1.event_service_pb2 import WatchEventsResponse as WatchEventsResponse
from ordermesh.api.event.v1.inbox_service_pb2 import DeliverRequest as DeliverRequest
from ordermesh.api.event.v1.inbox_service_pb2 import DeliverResponse as DeliverResponse
from ordermesh.api.event.v1.event_service_pb2_grpc import EventServiceServicer as EventServiceServicer
from ordermesh.api.event.v1.event_service_pb2_grpc import EventServiceStub as EventServiceStub
from ordermesh.api.event.v1.event_service_pb2_grpc import add_EventServiceServicer_to_server as add_EventServiceServicer_to_server
from ordermesh.api.event.v1.inbox_service_pb2_grpc import InboxServiceServicer as InboxServiceServicer
from ordermesh.api.event.v1.inbox_service_pb2_grpc import InboxServiceStub as InboxServiceStub
from ordermesh.api.event.v1.inbox_service_pb2_grpc import add_InboxServiceServicer_to_server as add_InboxServiceServicer_to_server
