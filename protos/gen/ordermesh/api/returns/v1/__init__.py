"""Generated from the contracts in `protos/`; see `protos/generate.py`."""

from ordermesh.api.returns.v1.error_reason_pb2 import ErrorReason as ErrorReason
from ordermesh.api.returns.v1.return_service_pb2 import GetReturnableRequest as GetReturnableRequest
from ordermesh.api.returns.v1.return_service_pb2 import GetReturnableResponse as GetReturnableResponse
from ordermesh.api.returns.v1.returnable_pb2 import ReturnableLine as ReturnableLine
from ordermesh.api.returns.v1.return_service_pb2_grpc import ReturnServiceServicer as ReturnServiceServicer
from ordermesh.api.returns.v1.return_service_pb2_grpc import ReturnServiceStub as ReturnServiceStub
from ordermesh.api.returns.v1.return_service_pb2_grpc import add_ReturnServiceServicer_to_server as add_ReturnServiceServicer_to_server
