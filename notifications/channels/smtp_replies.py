"""What a mail server's reply, or its silence, says of a mail, or of us."""

from __future__ import annotations

import ssl
from typing import Final

from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from notifications.channels.port import shown
from notifications.channels.replies import is_nobody
from schemas.errors import (
    AddressRefused,
    ChannelRefused,
    SendDeferred,
    SendFailed,
    SendRefused,
    SendRetryable,
    SendUnknown,
)

_CLOSING: Final = 421
_TOO_LARGE: Final = 552
_OF_ADDRESS: Final = (550, 551, 553, 554)
_MEND: Final = "check YINFENG_SMTP_URL and YINFENG_MAIL_FROM"


def unreachable(error: Exception) -> SendFailed:
    """What it says of the server that no connection to it came about."""
    reason = f"{type(error).__name__} {shown(str(error))}".strip()
    causes = (error, error.__cause__)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return ChannelRefused(f"the mail server's certificate is not to be trusted: {reason}; {_MEND}")
    if isinstance(error, OSError):  # which lost connections and time-outs are too
        return SendRetryable(f"the mail server can't be reached: {reason}")
    return ChannelRefused(f"the mail server has not what we need: {reason}; {_MEND}")  # no STARTTLS, no AUTH


def meaning(error: SMTPResponseException) -> SendFailed:
    """What the reply says of this mail, or of us."""
    said = f"the mail server answered {error.code} {shown(error.message)}".strip()
    if error.code == _CLOSING:
        return SendRetryable(said)
    if isinstance(error, SMTPSenderRefused) and error.code != _TOO_LARGE:
        return of_channel(error)
    if 400 <= error.code < 500:
        return SendDeferred(said)
    if error.code == 530:  # wants us to log in first
        return ChannelRefused(f"{said}; {_MEND}")
    if error.code >= 500 and isinstance(error, SMTPRecipientRefused | SMTPDataError | SMTPSenderRefused):
        nobody = is_nobody(error.message, of_recipient=isinstance(error, SMTPRecipientRefused))
        return AddressRefused(said) if nobody and error.code in _OF_ADDRESS else SendRefused(said)
    return SendUnknown(f"{said}; the mail may have gone") if isinstance(error, SMTPDataError) else SendDeferred(said)


def of_channel(error: SMTPResponseException) -> SendFailed:
    """What a reply before any mail says of us and the server."""
    whom = "log-in" if isinstance(error, SMTPAuthenticationError) else "us"
    said = f"the mail server answered {whom} with {error.code} {shown(error.message)}".strip()
    return ChannelRefused(f"{said}; {_MEND}") if error.code >= 500 else SendRetryable(said)
