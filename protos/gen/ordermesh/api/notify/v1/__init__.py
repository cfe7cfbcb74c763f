"""Generated from the contracts in `protos/`; see `protos/generate.py`."""

from ordermesh.api.notify.v1.error_reason_pb2 import ErrorReason as ErrorReason
from ordermesh.api.notify.v1.timeline_pb2 import TimelineEntry as TimelineEntry
from ordermesh.api.notify.v1.timeline_service_pb2 import GetTimelineRequest as GetTimelineRequest
from ordermesh.api.notify.v1.timeline_service_pb2 import GetTimelineResponse as GetTimelineResponse
from ordermesh.api.notify.v1.timeline_service_pb2_grpc import TimelineServiceServicer as TimelineServiceServicer
from ordermesh.api.notify.v1.timeline_service_pb2_grpc import TimelineServiceStub as TimelineServiceStub
from ordermesh.api.notify.v1.timeline_service_pb2_grpc import add_TimelineServiceServicer_to_server as add_TimelineServiceServicer_to_server
