"""Imports of postal codes in short words. The codes are invented."""

from typing import Any

from google.type.latlng_pb2 import LatLng

from ordermesh.api.routing import v1
from tests.routing.house import House, new_id

BEGUN = "6a1f0d52-3f0e-4b39-9d4e-000000000001"
FULL = "6a1f0d52-3f0e-4b39-9d4e-000000000002"


def code(written: str, latitude: float = 52.37, longitude: float = 4.9, **fields: Any) -> Any:
    position = LatLng(latitude=latitude, longitude=longitude)
    return v1.PostalCode(postal_code=written, position=position, **fields)


def beginning(**fields: Any) -> v1.BeginPostalCodeImportRequest:
    return v1.BeginPostalCodeImportRequest(
        **{"request_id": new_id(), "import_id": new_id(), "country_code": "NL", **fields}
    )


def part(*codes: v1.PostalCode, **fields: Any) -> v1.PutPostalCodesRequest:
    return v1.PutPostalCodesRequest(
        **{
            "request_id": new_id(),
            "import_id": BEGUN,
            "part": 1,
            "postal_codes": codes or [code("1012 AB")],
            **fields,
        }
    )


def completing(**fields: Any) -> v1.CompletePostalCodeImportRequest:
    return v1.CompletePostalCodeImportRequest(
        **{"request_id": new_id(), "import_id": FULL, "part_count": 1, **fields}
    )


async def imported(house: House, country_code: str, *codes: v1.PostalCode, **fields: Any) -> int:
    """Import a table in one part and take it into use; gives its version."""
    carriage, import_id = house.mesh.carriage, new_id()
    await carriage.BeginPostalCodeImport(
        beginning(import_id=import_id, country_code=country_code, **fields)
    )
    await carriage.PutPostalCodes(part(*codes, import_id=import_id))
    reply = await carriage.CompletePostalCodeImport(completing(import_id=import_id))
    return reply.table.version


async def whereabouts(house: House, country_code: str, written: str) -> v1.FindPostalCodeResponse:
    request = v1.FindPostalCodeRequest(country_code=country_code, postal_code=written)
    return await house.mesh.carriage.FindPostalCode(request)
