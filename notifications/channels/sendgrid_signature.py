"""Whether SendGrid sent what claims to come from it: ECDSA over the timestamp and the raw body."""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from schemas.errors import Forbidden

SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp"
OLDEST = 7 * 86400  # seconds; events are remembered for longer, so none that passes can count twice
_MOST_HEADER = 200  # characters; a signature has 96


def require_signature(
    key: ec.EllipticCurvePublicKey, body: bytes, *, signature: str | None, timestamp: str | None, now: float
) -> None:
    """Raises Forbidden when a header is missing, says nothing, is old, or belongs to other bytes or another key."""
    if not signature or not timestamp:
        raise Forbidden("the headers with SendGrid's signature and its timestamp are missing")
    if not verifies(key, body, signature=signature, timestamp=timestamp):
        raise Forbidden("the signature is not that of YINFENG_SENDGRID_WEBHOOK_KEY over this body")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > OLDEST:
        raise Forbidden("the signature is too old, or the clock of this machine is wrong")


def verifies(key: ec.EllipticCurvePublicKey, body: bytes, *, signature: str, timestamp: str) -> bool:
    """Whether the key signed these bytes at this time. Raises nothing, whatever the headers hold."""
    if max(len(signature), len(timestamp)) > _MOST_HEADER:
        return False
    try:
        signed = timestamp.encode("ascii") + body
        key.verify(base64.b64decode(signature, validate=True), signed, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
