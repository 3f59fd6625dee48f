"""The public key with which SendGrid's event webhook is signed, as its settings page shows it."""

from __future__ import annotations

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key


def parse_webhook_key(text: str) -> ec.EllipticCurvePublicKey:
    """Read a P-256 key: DER SPKI in base64, without PEM's markers. Raises ValueError."""
    try:
        key = load_der_public_key(base64.b64decode(text.strip(), validate=True))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("must be the verification key that SendGrid shows for the signed event webhook, on one line")
    return key
