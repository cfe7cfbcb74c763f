"""The facts that conditions may ask for: of what they are, and how they are told to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What a fact is made of."""

    NUMBER = "NUMBER"
    AMOUNT = "AMOUNT"
    TEXT = "TEXT"
    FLAG = "FLAG"


class Level(IntEnum):
    """What a fact is about; what is about several things is about stock: a line at a location."""

    ORDER = 0
    ITEM = 1
    LOCATION = 2
    STOCK = 3


class Fact(StrEnum):
    """A fact by the name that the contract gives it behind its kind."""

    ORDER_LINES = "ORDER_LINES"
    ORDER_UNITS = "ORDER_UNITS"
    ORDER_WEIGHT_GRAMS = "ORDER_WEIGHT_GRAMS"
    ORDER_VOLUME_MILLILITRES = "ORDER_VOLUME_MILLILITRES"
    ORDER_PROMISE_DAYS = "ORDER_PROMISE_DAYS"
    ORDER_PRIORITY = "ORDER_PRIORITY"
    ORDER_REJECTIONS = "ORDER_REJECTIONS"
    ORDER_AGE_HOURS = "ORDER_AGE_HOURS"
    ORDER_ATTEMPT = "ORDER_ATTEMPT"
    ORDER_DAYS_LEFT = "ORDER_DAYS_LEFT"
    LINE_QUANTITY = "LINE_QUANTITY"
    ITEM_WEIGHT_GRAMS = "ITEM_WEIGHT_GRAMS"
    ITEM_LONGEST_MILLIMETRES = "ITEM_LONGEST_MILLIMETRES"
    ITEM_VOLUME_MILLILITRES = "ITEM_VOLUME_MILLILITRES"
    ITEM_DAYS_TO_MARKDOWN = "ITEM_DAYS_TO_MARKDOWN"
    LOCATION_DISTANCE_KM = "LOCATION_DISTANCE_KM"
    LOCATION_PRIORITY = "LOCATION_PRIORITY"
    LOCATION_CAPACITY_LEFT = "LOCATION_CAPACITY_LEFT"
    LOCATION_BACKLOG = "LOCATION_BACKLOG"
    LOCATION_HANDLING_DAYS = "LOCATION_HANDLING_DAYS"
    LOCATION_CUTOFF_MINUTES = "LOCATION_CUTOFF_MINUTES"
    LOCATION_PICKUPS_LEFT = "LOCATION_PICKUPS_LEFT"
    LOCATION_ACCEPTANCE_PERCENT = "LOCATION_ACCEPTANCE_PERCENT"
    LOCATION_ORDERS_TODAY = "LOCATION_ORDERS_TODAY"
    LOCATION_ORDERS_LEFT = "LOCATION_ORDERS_LEFT"
    LOCATION_NUMBER = "LOCATION_NUMBER"
    LOCATION_DISTANCE_BAND = "LOCATION_DISTANCE_BAND"
    STOCK_AVAILABLE = "STOCK_AVAILABLE"
    STOCK_ON_HAND = "STOCK_ON_HAND"
    STOCK_SAFETY = "STOCK_SAFETY"
    STOCK_COUNT_AGE_DAYS = "STOCK_COUNT_AGE_DAYS"
    STOCK_AGE_DAYS = "STOCK_AGE_DAYS"
    STOCK_WEEKS_OF_SUPPLY = "STOCK_WEEKS_OF_SUPPLY"
    STOCK_WEEKLY_VELOCITY = "STOCK_WEEKLY_VELOCITY"
    STOCK_ASSORTMENT_PERCENT = "STOCK_ASSORTMENT_PERCENT"
    STOCK_MARKDOWN_RISK_PERCENT = "STOCK_MARKDOWN_RISK_PERCENT"
    STOCK_REJECT_PERCENT = "STOCK_REJECT_PERCENT"
    ORDER_VALUE = "ORDER_VALUE"
    LINE_VALUE = "LINE_VALUE"
    ITEM_VALUE = "ITEM_VALUE"
    LOCATION_PICK_FEE = "LOCATION_PICK_FEE"
    LOCATION_LABOR = "LOCATION_LABOR"
    ORDER_CHANNEL = "ORDER_CHANNEL"
    ORDER_BRAND = "ORDER_BRAND"
    ORDER_TYPE = "ORDER_TYPE"
    ORDER_METHOD = "ORDER_METHOD"
    ORDER_SERVICE_LEVEL = "ORDER_SERVICE_LEVEL"
    ORDER_TAG = "ORDER_TAG"
    ORDER_CUSTOMER_CLASS = "ORDER_CUSTOMER_CLASS"
    ORDER_COUNTRY = "ORDER_COUNTRY"
    ORDER_REGION = "ORDER_REGION"
    ORDER_POSTAL_CODE = "ORDER_POSTAL_CODE"
    ORDER_PAYMENT_STATE = "ORDER_PAYMENT_STATE"
    ORDER_QUEUE = "ORDER_QUEUE"
    ORDER_ORIGIN_GROUP = "ORDER_ORIGIN_GROUP"
    ITEM_SKU = "ITEM_SKU"
    ITEM_TAG = "ITEM_TAG"
    ITEM_HANDLING = "ITEM_HANDLING"
    LOCATION_ID = "LOCATION_ID"
    LOCATION_TYPE = "LOCATION_TYPE"
    LOCATION_TAG = "LOCATION_TAG"
    LOCATION_GROUP = "LOCATION_GROUP"
    LOCATION_COUNTRY = "LOCATION_COUNTRY"
    LOCATION_METHOD = "LOCATION_METHOD"
    LOCATION_TIME_ZONE = "LOCATION_TIME_ZONE"
    LOCATION_CAPABILITY = "LOCATION_CAPABILITY"
    ORDER_IS_PROMISED = "ORDER_IS_PROMISED"
    ORDER_IS_AVAILABLE = "ORDER_IS_AVAILABLE"
    ITEM_IS_KIT = "ITEM_IS_KIT"
    ITEM_KEEPS_TOGETHER = "ITEM_KEEPS_TOGETHER"
    ITEM_IS_MARKED_DOWN = "ITEM_IS_MARKED_DOWN"
    LOCATION_IS_DOMESTIC = "LOCATION_IS_DOMESTIC"
    LOCATION_IS_FULL = "LOCATION_IS_FULL"
    LOCATION_REJECTED = "LOCATION_REJECTED"
    LOCATION_IS_OPEN = "LOCATION_IS_OPEN"
    LOCATION_HAS_OUTAGE = "LOCATION_HAS_OUTAGE"
    STOCK_WOULD_RUN_OUT = "STOCK_WOULD_RUN_OUT"
    STOCK_BREAKS_SIZE_RUN = "STOCK_BREAKS_SIZE_RUN"

    @property
    def kind(self) -> Kind:
        """What it is made of."""
        return _KINDS[self]

    @property
    def level(self) -> Level:
        """What it is about."""
        return LEVELS[self]


_AMOUNTS = frozenset(
    {
        Fact.ORDER_VALUE,
        Fact.LINE_VALUE,
        Fact.ITEM_VALUE,
        Fact.LOCATION_PICK_FEE,
        Fact.LOCATION_LABOR,
    }
)


def _kind(fact: Fact) -> Kind:
    names = list(Fact)
    place = names.index(fact)
    if fact in _AMOUNTS:
        return Kind.AMOUNT
    if place < names.index(Fact.ORDER_CHANNEL):
        return Kind.NUMBER
    return Kind.TEXT if place < names.index(Fact.ORDER_IS_PROMISED) else Kind.FLAG


def _level(fact: Fact) -> Level:
    word = fact.partition("_")[0]
    return Level.ITEM if word == "LINE" else Level[word]


_KINDS: Mapping[Fact, Kind] = {fact: _kind(fact) for fact in Fact}
LEVELS: Mapping[Fact, Level] = {fact: _level(fact) for fact in Fact}
"""What each fact is about."""

STATIC = frozenset(
    {
        Fact.LOCATION_ID,
        Fact.LOCATION_TYPE,
        Fact.LOCATION_TAG,
        Fact.LOCATION_GROUP,
        Fact.LOCATION_COUNTRY,
        Fact.LOCATION_METHOD,
        Fact.LOCATION_TIME_ZONE,
        Fact.LOCATION_CAPABILITY,
        Fact.LOCATION_PRIORITY,
        Fact.LOCATION_HANDLING_DAYS,
        Fact.LOCATION_PICK_FEE,
        Fact.LOCATION_LABOR,
    }
)
"""What changes only with the network, so that it is looked up once for many orders."""

PUT = frozenset(
    {
        Fact.LOCATION_CUTOFF_MINUTES,
        Fact.LOCATION_PICKUPS_LEFT,
        Fact.LOCATION_ACCEPTANCE_PERCENT,
        Fact.LOCATION_ORDERS_TODAY,
        Fact.LOCATION_NUMBER,
        Fact.LOCATION_IS_OPEN,
        Fact.LOCATION_HAS_OUTAGE,
        Fact.STOCK_ON_HAND,
        Fact.STOCK_SAFETY,
        Fact.STOCK_COUNT_AGE_DAYS,
        Fact.STOCK_AGE_DAYS,
        Fact.STOCK_WEEKS_OF_SUPPLY,
        Fact.STOCK_WEEKLY_VELOCITY,
        Fact.STOCK_ASSORTMENT_PERCENT,
        Fact.STOCK_MARKDOWN_RISK_PERCENT,
        Fact.STOCK_REJECT_PERCENT,
        Fact.STOCK_BREAKS_SIZE_RUN,
    }
)
"""What is put from outside, or it is not known: routing does not see it for itself, but for what a
timetable tells where nothing else is put."""

BY_THE_CLOCK = frozenset(
    {
        Fact.LOCATION_CUTOFF_MINUTES,
        Fact.LOCATION_PICKUPS_LEFT,
        Fact.LOCATION_IS_OPEN,
        Fact.ITEM_DAYS_TO_MARKDOWN,
        Fact.ITEM_IS_MARKED_DOWN,
    }
)
"""What becomes another by the passing of time alone."""

Value = int | bool | frozenset[str]
"""A number, an amount in 1e-4, a flag, or words."""


@dataclass(frozen=True, slots=True)
class PutFact:
    """A number or a flag that was put from outside; ``sku`` "" is about the whole location."""

    location_id: str
    sku: str
    fact: Fact
    value: int


def words(fact: Fact) -> str:
    """The fact as people say it: ``distance km``."""
    return fact.lower().partition("_")[2].replace("_", " ")
