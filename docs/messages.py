"""Writes docs/messages.md from the tables of messages: `make docs`. A test holds the file to it."""

from __future__ import annotations

from pathlib import Path

from notifications.sending.template_checking import FILTERS, MACROS
from schemas.kinds import AUDIENCES, BY_NAME, FACT_KINDS, GROUPED, MARKETING, TEMPLATED
from schemas.texts import texts_of

PAGE = Path(__file__).with_name("messages.md")

HEAD = """# The messages

Generated from `schemas/kinds.py` by `make docs`; don't edit it here.

Each message has one reason, and goes once for it: the same fact posted again, a worker started anew, a batch repeated
ask for nothing new. Whether a message still makes sense is looked at when it would go: what was retracted, cancelled,
answered or is over is not written of. Every mail is HTML and plain text of the same content, in the candidate's
language or the campaign's.

| kind | 中文 | to | because of | may be refused | carries | when nobody knows whether it went |
|---|---|---|---|---|---|---|
"""
AFTER = f"""
- **May be refused**: its reader can unsubscribe from it with one click, and it waits for the morning (08:00 to 21:00 in
  the campaign's time zone). All others concern the reader alone and go all the same.
- **Grouped** kinds are told together, in one mail an hour for each campaign; other mails to HR have a cap.
- **When nobody knows**: a provider did not answer, or a sender died. An event of the provider's webhook settles it; if
  none comes within an hour, this does. What a sender had not begun
  when it died goes by itself. Kinds without a word stay `unknown` until somebody looks.

## The life of a message

`requested` → `claimed` → `sent` → `delivered`, or `bounced`, `dropped`, `complained`. Beside these: `unknown` (it may
have gone), `held` (it waits: for an address, a template), `suppressed` (its address refuses mail), `failed`,
`cancelled`. While a channel rests, its messages stand as they stood. Each change is kept with its time, cause and
reason: at `/messages`, at `GET /v1/messages/{{id}}`, and by `yinfeng messages show`.

## Writing a template

![The editor of templates: text at the left, the mail at the right](images/templates.png)

At `/templates`. A template is [Jinja](https://jinja.palletsprojects.com) in three parts: subject, content, small print.
A line is a paragraph; a line that begins with `# ` is the headline. Beside text it may have `{{{{ values }}}}`,
`{{% if %}}`, `{{% for %}}`, the macros {", ".join(f"`m.{name}`" for name in MACROS)} and the filters
{", ".join(f"`{name}`" for name in sorted(FILTERS))}. The page of each template lists its values.
"""


def page() -> str:
    """The whole page, as Markdown."""
    return HEAD + "".join(_row(kind) for kind in TEMPLATED) + AFTER


def _row(kind: str) -> str:
    cells = [
        f"`{kind}`",
        texts_of("notifications.pages")("zh-CN", f"kind.{kind}"),
        {"candidate": "candidate", "employer": "employer", "hr": "HR"}[AUDIENCES[kind]]
        + (", grouped" if kind in GROUPED else ""),
        ", ".join(f"`{fact}`" for fact, kinds in FACT_KINDS.items() if kind in kinds) or OTHERWISE[kind],
        "yes" if kind in MARKETING else "",
        _carried(kind),
        DOUBT.get(BY_NAME[kind].in_doubt, ""),
    ]
    return f"| {' | '.join(cells)} |\n"


def _carried(kind: str) -> str:
    carries = BY_NAME[kind]
    return ", ".join(filter(None, [carries.ticket and "ticket", "calendar file" if carries.calendar else ""]))


DOUBT = {"ask_hr": "HR is asked", "resend": "it goes once more", "give_up": "it never goes"}
# What brings about the kinds that no fact asks for directly.
OTHERWISE = {
    "waitlisted": "a signup to a fair that is full",
    "moved_up": "a seat that came free",
    "moved_back": "a seat that is none after all",
    "signup_check": "a signup at the public page of a campaign that has addresses checked",
    "own_page": "a candidate who has lost the link",
    "keep_data": "the clock: 30 days before a person's time is over",
    "fair_reminder": "the clock: a day and two hours before the fair",
    "fair_rescheduled": "`fair.scheduled` again",
    "fair_cancelled": "`fair.cancelled`",
    "milestone": "a target at 25, 50, 75 or 90 %",
    "target_reached": "a target at 100 %",
    "target_at_risk": "a target far behind an even pace, once a week",
    "daily_digest": "the clock: the morning of a running campaign",
    "channel_refused": "a mail service that refuses our key or password, once a day",
    "log_gap": "records that Kafka dropped before they were read",
    "offer_bounced": "an offer's mail that came back, failed or is in doubt",
}

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
