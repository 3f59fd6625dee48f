"""SendGrid's side of the event webhook: a key pair, and requests signed with it."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATH = "/v1/webhooks/sendgrid"


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """The public key as SendGrid's settings page shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def sign(key: ec.EllipticCurvePrivateKey, body: bytes, timestamp: str) -> str:
    return base64.b64encode(key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def signed(key: ec.EllipticCurvePrivateKey, body: bytes, at: float | None = None) -> dict[str, str]:
    """The headers that go with a body."""
    timestamp = str(int(time.time() if at is None else at))
    return {
        "X-Twilio-Email-Event-Webhook-Signature": sign(key, body, timestamp),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        "Content-Type": "application/json",
    }


def happened(name: str, message: int | str, *, email: str = "c1@example.com", **more: Any) -> dict[str, Any]:
    """An event as SendGrid tells it; a second one of the same name and time is the same event."""
    given = {"event": name, "email": email, "timestamp": int(time.time()), "sg_message_id": f"sg-{message}"}
    return {**given, "sg_event_id": f"{name}-{message}", "yinfeng_message": str(message), **more}


HARD = {"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"}


async def tell(http: httpx.AsyncClient, key: ec.EllipticCurvePrivateKey, *events: dict[str, Any]) -> httpx.Response:
    body = json.dumps(events).encode()
    return await http.post(PATH, content=body, headers=signed(key, body))
