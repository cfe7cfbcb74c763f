"""Locations."""

from google.type.latlng_pb2 import LatLng
from google.type.postal_address_pb2 import PostalAddress

from ordermesh.api.inventory.v1 import Location as LocationMessage
from ordermesh.inventory.domain.location import Address, Location, LocationType
from ordermesh.inventory.wire.keys import (
    external_reference_messages,
    external_references,
    timestamp,
)


def location(message: LocationMessage) -> Location:
    """From the contract; what is output only is left out."""
    return Location(
        location_id=message.location_id,
        type=LocationType(message.type),
        latitude=message.position.latitude,
        longitude=message.position.longitude,
        time_zone=message.time_zone,
        name=message.name,
        address=_address(message.address) if message.HasField("address") else None,
        tags=tuple(message.tags),
        groups=tuple(message.groups),
        is_disabled=message.disabled,
        external_references=external_references(message.external_refs),
    )


def location_message(one: Location) -> LocationMessage:
    """To the contract."""
    return LocationMessage(
        location_id=one.location_id,
        name=one.name,
        type=LocationMessage.Type.ValueType(one.type),
        address=_address_message(one.address) if one.address else None,
        position=LatLng(latitude=one.latitude, longitude=one.longitude),
        time_zone=one.time_zone,
        tags=one.tags,
        groups=one.groups,
        disabled=one.is_disabled,
        external_refs=external_reference_messages(one.external_references),
        revision=one.revision,
        create_time=timestamp(one.create_time),
        update_time=timestamp(one.update_time),
    )


def _address(message: PostalAddress) -> Address:
    return Address(
        revision=message.revision,
        region_code=message.region_code,
        language_code=message.language_code,
        postal_code=message.postal_code,
        sorting_code=message.sorting_code,
        administrative_area=message.administrative_area,
        locality=message.locality,
        sublocality=message.sublocality,
        address_lines=tuple(message.address_lines),
        recipients=tuple(message.recipients),
        organization=message.organization,
    )


def _address_message(address: Address) -> PostalAddress:
    return PostalAddress(
        revision=address.revision,
        region_code=address.region_code,
        language_code=address.language_code,
        postal_code=address.postal_code,
        sorting_code=address.sorting_code,
        administrative_area=address.administrative_area,
        locality=address.locality,
        sublocality=address.sublocality,
        address_lines=address.address_lines,
        recipients=address.recipients,
        organization=address.organization,
    )
