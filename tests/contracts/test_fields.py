"""What every field and enum of the contracts owes its callers."""

from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from tests.contracts.reading import enums, request_fields

NEEDS_NO_RULE = {FieldDescriptorProto.TYPE_MESSAGE, FieldDescriptorProto.TYPE_BOOL}

TOLD = "told by us, ignored when a caller sends it"

WITHOUT_A_RULE = {
    "ordermesh.api.inventory.v1.Control.version": TOLD,
    "ordermesh.api.inventory.v1.Item.revision": TOLD,
    "ordermesh.api.inventory.v1.Kit.version": TOLD,
    "ordermesh.api.inventory.v1.Location.revision": TOLD,
    "ordermesh.api.inventory.v1.Supply.received_quantity": TOLD,
    "ordermesh.api.inventory.v1.Supply.lost_quantity": TOLD,
    "ordermesh.api.inventory.v1.Supply.promised_quantity": TOLD,
    "ordermesh.api.inventory.v1.Supply.version": TOLD,
    "ordermesh.api.routing.v1.Policy.version": TOLD,
    "ordermesh.api.routing.v1.Carrier.version": TOLD,
    "ordermesh.api.routing.v1.ZoneTable.version": TOLD,
    "ordermesh.api.routing.v1.RateCard.version": TOLD,
    "ordermesh.api.routing.v1.Lane.version": TOLD,
    "ordermesh.api.routing.v1.TransferLane.version": TOLD,
    "ordermesh.api.routing.v1.EmissionFactor.version": TOLD,
    "ordermesh.api.routing.v1.CurrencyRate.version": TOLD,
}
"""Fields of nouns that are both sent and answered, each with the reason why nothing limits it."""


def _has_rule(field: FieldDescriptor) -> bool:
    return field.GetOptions().HasExtension(validate_pb2.field)


def test_every_field_of_a_request_has_a_rule() -> None:
    without = {
        name
        for name, field in request_fields().items()
        if field.type not in NEEDS_NO_RULE and not _has_rule(field)
    }

    assert without == WITHOUT_A_RULE.keys()


def test_every_list_of_a_request_has_a_limit() -> None:
    without = [
        name
        for name, field in request_fields().items()
        if field.is_repeated
        and not (
            field.GetOptions().Extensions[validate_pb2.field].repeated.HasField("max_items")
            or field.GetOptions().Extensions[validate_pb2.field].map.HasField("max_pairs")
        )
    ]

    assert without == []


def test_every_enum_of_a_request_refuses_numbers_that_mean_nothing() -> None:
    accepting = []
    for name, field in request_fields().items():
        if field.type != FieldDescriptorProto.TYPE_ENUM:
            continue
        rules = field.GetOptions().Extensions[validate_pb2.field]
        one = rules.repeated.items.enum if field.is_repeated else rules.enum
        if not (one.defined_only or getattr(one, "in") or one.HasField("const")):
            accepting.append(name)

    assert accepting == []


def test_the_first_value_of_every_enum_says_nothing() -> None:
    wrong = [
        enum.full_name
        for enum in enums()
        if enum.values[0].number != 0 or not enum.values[0].name.endswith("_UNSPECIFIED")
    ]

    assert wrong == []
    assert len(enums()) > 10
