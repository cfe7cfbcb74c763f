"""The settings of the notify service, from variables named ``ORDERMESH_NOTIFY_...``."""

from email.errors import MessageError
from email.headerregistry import Address
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from ordermesh.runtime.settings import ServerSettings


class NotifySettings(ServerSettings):
    """What all services have, with the port and the file of this one, and the way of mails."""

    model_config = SettingsConfigDict(env_prefix="ORDERMESH_NOTIFY_")

    port: int = Field(default=7104, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""

    database_url: str = Field(
        default="sqlite+aiosqlite:///.ordermesh/notify.db", min_length=1, repr=False
    )
    """``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user@host/name``."""

    smtp_host: str | None = None
    """The mail server. None sends nothing: notices are dropped, and say so."""

    smtp_port: int = Field(default=587, ge=1, le=65535)
    """Its port."""

    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    """Whether the conversation is encrypted, and from when on."""

    smtp_username: str = ""
    """Who logs in. Empty: nobody."""

    smtp_password: SecretStr = SecretStr("")
    """With which password."""

    smtp_seconds: float = Field(default=60.0, gt=0.0, le=600.0)
    """How long each answer of the server may take. Whoever gives up early sends mails twice."""

    smtp_connections: int = Field(default=4, ge=1, le=100)
    """How many mails are handed over at a time; so many may be sent twice when the process dies."""

    sender_address: str = "orders@shop.example"
    """Whom mails are from, in ASCII."""

    sender_name: str = ""
    """The name beside it. Empty: the shop's."""

    shop_name: str = "The shop"
    """In whose name customers are written to."""

    recipient_days: int = Field(default=180, ge=1, le=3650)
    """How long it is remembered whom an order was for, after the last that was heard of it."""

    @property
    def sender(self) -> Address:
        """Whom mails are from, as headers have it."""
        return Address(
            display_name=self.sender_name or self.shop_name, addr_spec=self.sender_address
        )

    @model_validator(mode="after")
    def _has_a_sender(self) -> Self:
        try:
            _ = self.sender
        # The library's parser ends as it happens to where there is no address to be found.
        except (ValueError, IndexError, MessageError) as error:
            raise ValueError(
                "sender_address must be an address, and sender_name one line."
            ) from error
        if not self.sender_address.isascii():
            raise ValueError("sender_address must be in ASCII: xn--... for a name that is not.")
        return self
