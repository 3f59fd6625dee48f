"""What the system itself says on topics: each type of event, where it goes, and what it holds.

These are CloudEvents of the source `SOURCE`. What happens once (a milestone, a target at risk, what became of a
message) is written down with what it is about, and told by one worker: an event that comes again after a crash has the
same id. How far a target has come is told as it stands, and told anew by each worker that takes this over, under an id
that names what it tells. So whoever goes by (source, id) is told nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas.messages import MILESTONE, TARGET_AT_RISK, TARGET_REACHED, Status
from schemas.topics import OUTCOMES, PROGRESS

SOURCE: Final = "/yinfeng/worker"
PROGRESSED: Final = "target.progressed"
WITHDRAWN: Final = "target.withdrawn"
MILESTONE_REACHED: Final = "target.milestone_reached"
AT_RISK: Final = "target.at_risk"

# How a message stands when something came of it; what only waits is not told.
OUTCOME_STATUSES: Final[tuple[Status, ...]] = (
    "sent", "delivered", "bounced", "dropped", "complained", "unknown", "failed", "suppressed", "cancelled",
)  # fmt: skip
# Kinds of message to HR whose reason is told on a topic too: by the transaction that asks for the message.
TOLD_WITH: Final[dict[str, str]] = {
    MILESTONE: MILESTONE_REACHED,
    TARGET_REACHED: MILESTONE_REACHED,
    TARGET_AT_RISK: AT_RISK,
}

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "number"}
_WHOLE: Final = {"type": "integer"}
_MAYBE: Final = {"type": ["string", "null"]}
_TARGET: Final = {"campaign": _TEXT, "target": _TEXT}
_STANDING: Final = {**_TARGET, "title": _TEXT, "goal": _NUMBER, "progress": _NUMBER, "due_on": _TEXT}
_OUTCOME: Final = {
    "message": _WHOLE,
    "kind": _TEXT,
    "campaign": _TEXT,
    "candidate": _MAYBE,
    "status": {"enum": list(OUTCOME_STATUSES)},
    "cause": _MAYBE,
}


@dataclass(frozen=True, slots=True)
class Emitted:
    """`data` are the properties of the event's data, as JSON Schema; all are there. `key` is its Kafka key."""

    name: str
    topic: str
    key: str
    meaning: str
    meaning_zh: str
    data: dict[str, Any]


def outcome(status: str) -> str:
    """The type of the event that tells what became of a message."""
    return f"message.{status}"


EMITTED: Final[dict[str, Emitted]] = {
    row.name: row
    for row in (
        Emitted(
            PROGRESSED,
            PROGRESS,
            "campaign/target",
            "How far a target has come; the latest holds.",
            "目标进度，以最新一条为准。",
            {
                **_STANDING,
                "measure": _TEXT,
                "where": {"type": "object"},
                "counting": {"type": "boolean", "description": "The number is not whole as yet."},
                "revision": _WHOLE,
            },
        ),
        Emitted(WITHDRAWN, PROGRESS, "campaign/target", "A target is no more.", "目标已撤销。", _TARGET),
        Emitted(
            MILESTONE_REACHED,
            PROGRESS,
            "campaign/target",
            "25, 50, 75, 90 or 100 percent of a goal are reached, for the first time.",
            "目标首次完成 25%、50%、75%、90% 或 100%。",
            {**_STANDING, "measure": _TEXT, "percent": _WHOLE},
        ),
        Emitted(
            AT_RISK,
            PROGRESS,
            "campaign/target",
            "A target is far behind an even pace; once a week.",
            "目标进度明显滞后，每周至多一次。",
            {**_STANDING, "expected": _WHOLE, "percent": _WHOLE, "days_left": _WHOLE},
        ),
        *(
            Emitted(outcome(status), OUTCOMES, "campaign/candidate", meaning, meaning_zh, _OUTCOME)
            for status, meaning, meaning_zh in (
                ("sent", "A message went out.", "消息已发出。"),
                ("delivered", "It arrived.", "消息已送达。"),
                ("bounced", "It came back.", "消息被退回。"),
                ("dropped", "Its provider did not send it.", "服务商未发送消息。"),
                ("complained", "Its reader complained.", "收件人投诉。"),
                ("unknown", "Whether it went is not known.", "消息是否发出未知。"),
                ("failed", "It could not be sent.", "消息发送失败。"),
                ("suppressed", "Nothing goes to its address.", "该地址已停止发送。"),
                ("cancelled", "It does not go any more.", "消息已取消。"),
            )
        ),
    )
}
