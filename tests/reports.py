"""Reports of mail that came back, in the shapes in which servers write them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

NONCE = "0d3f8c1e-6a52-4b7e-9f10-2f6b8f2f9c11"
ADDRESS = "li@example.com"


def postfix(
    nonce: str = NONCE, address: str = ADDRESS, *, status: str = "5.1.1", said: str = "", action: str = "failed"
) -> bytes:
    said = said or f"550 {status} <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
    return (
        _POSTFIX.format(nonce=nonce, short=nonce[:8], address=address, status=status, said=said, action=action)
        .replace("\n", "\r\n")
        .encode()
    )


def exchange(nonce: str = NONCE, address: str = ADDRESS) -> bytes:
    """No mail comes with it, only headers; the text is HTML."""
    return _EXCHANGE.format(nonce=nonce, address=address).replace("\n", "\r\n").encode()


def qq(nonce: str = NONCE, address: str = ADDRESS) -> bytes:
    """Texts in Chinese, no status that says anything, and the mail's name in a header of its own."""
    text = b64encode("退信：收件人邮箱不存在，邮件无法送达。".encode("gb18030")).decode()
    return f"""From: "PostMaster" <PostMaster@qq.com>
To: no-reply@park.example
Subject: =?gb18030?B?z7XNs83L0MU=?=/System bounce
Date: Sun, 8 Mar 2026 09:00:05 +0800
Content-Type: multipart/report; report-type="delivery-status"; boundary="----=_NextPart_1"
MIME-Version: 1.0

------=_NextPart_1
Content-Type: text/html; charset="gb18030"
Content-Transfer-Encoding: base64

{text}

------=_NextPart_1
Content-Type: message/delivery-status

Reporting-MTA: dns; qq.com
Original-Message-ID: <yinfeng.{nonce}@park.example>

Final-Recipient: RFC822; <{address}>
Action: Failed
Status: 5.0.0
Diagnostic-Code: smtp; 550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?id=20022

------=_NextPart_1--
""".replace("\n", "\r\n").encode()


SHAPES: dict[str, Callable[..., bytes]] = {"postfix": postfix, "exchange": exchange, "qq": qq}


_POSTFIX = """Return-Path: <>
Received: by mail.park.example (Postfix) id 4Rx; Sun,  8 Mar 2026 09:00:02 +0800 (CST)
Date: Sun,  8 Mar 2026 09:00:02 +0800 (CST)
From: MAILER-DAEMON@mail.park.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: no-reply@park.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Rx.1/mail.park.example"
Message-Id: <{short}{status}@mail.park.example>

This is a MIME-encapsulated message.

--4Rx.1/mail.park.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mail.park.example.

--4Rx.1/mail.park.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.park.example
X-Postfix-Queue-ID: 4Rx
X-Postfix-Sender: rfc822; no-reply@park.example
Arrival-Date: Sun,  8 Mar 2026 09:00:01 +0800 (CST)

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; {said}

--4Rx.1/mail.park.example
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: =?utf-8?b?5Zut5Yy6?= <no-reply@park.example>
To: {address}
Subject: =?utf-8?b?5b2V55So6YCa55+l?=
Date: Sun, 08 Mar 2026 01:00:00 +0000
Message-ID: <yinfeng.{nonce}.0a1b2c3d4e5f@park.example>
MIME-Version: 1.0
Content-Type: text/plain

hello

--4Rx.1/mail.park.example--
"""


_EXCHANGE = """From: <postmaster@contoso.onmicrosoft.com>
To: <no-reply@park.example>
Date: Sun, 8 Mar 2026 01:00:05 +0000
Content-Type: multipart/report; report-type=delivery-status; boundary="_b_"
X-MS-Exchange-Message-Is-Ndr:
MIME-Version: 1.0
In-Reply-To: <yinfeng.{nonce}@park.example>
References: <yinfeng.{nonce}@park.example>
Subject: Undeliverable: =?utf-8?b?5b2V55So6YCa55+l?=

--_b_
Content-Type: multipart/alternative; boundary="_a_"

--_a_
Content-Type: text/html; charset="utf-8"

<p>Your message to {address} couldn't be delivered.</p>
--_a_--

--_b_
Content-Type: message/delivery-status

Reporting-MTA: dns;DB9PR01.prod.exchangelabs.com
Received-From-MTA: dns;mail.park.example
Arrival-Date: Sun, 8 Mar 2026 01:00:01 +0000

Final-Recipient: rfc822;{address}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {address} not found by SMTP address lookup

--_b_
Content-Type: text/rfc822-headers

From: no-reply@park.example
To: {address}
Date: Sun, 08 Mar 2026 01:00:00 +0000
Message-ID: <yinfeng.{nonce}@park.example>

--_b_--
"""
