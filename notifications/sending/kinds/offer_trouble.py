"""What HR is told of an offer whose mail did not arrive, or may not have."""

from __future__ import annotations

from typing import Final

from notifications.sending.situation import NotNow, Situation, Values


def require_trouble(situation: Situation) -> None:
    """Raises NotNow when nothing is known any more of whom the offer was for."""
    if situation.journey.erased:
        raise NotNow("cancelled", "candidate erased")


def offer_bounced(situation: Situation) -> Values:
    """The offer, its candidate as far as known, what happened to the mail and what HR can do; and the other offers
    of which the same can be said, one line each."""
    params, others, name = situation.message.params, situation.together[1:], _name(situation)
    happened, then = _TOLD[situation.campaign_locale][params["status"]]
    return {
        "offer": {"employer": situation.called(params["employer"]), "position": params["position"]},
        "candidate": {"name": name, "id": None if name else situation.message.candidate},
        "happened": happened,
        "then": then,
        "others": [_line(each) for each in others[:MOST_SHOWN]],
        "more": len(others) - len(others[:MOST_SHOWN]),
        "link": f"{situation.sender.base_url}/messages/{params['message']}",
    }


def _line(situation: Situation) -> tuple[str, str]:
    params = situation.message.params
    who = _name(situation) or situation.message.candidate or ""
    happened, _ = _TOLD[situation.campaign_locale][params["status"]]
    return who, _ABOUT[situation.campaign_locale].format(
        situation.called(params["employer"]), params["position"], happened
    )


def _name(situation: Situation) -> str | None:
    name = situation.journey.attribute("name")
    return str(name) if name else None


MOST_SHOWN: Final = 30
_ABOUT: Final = {"en": "{1} at {0}: {2}", "zh-CN": "{0} {1}：{2}"}
_CALL: Final = "Reach the candidate another way and ask for the right address, then resend the offer."
_LOOK: Final = "Ask the candidate, or look for it at the mail provider, before you resend it: it may have arrived."
_MEND: Final = "Mend what the message says was wrong, then resend the offer."
_CALL_ZH: Final = "请用其他方式联系求职者，核对邮箱地址后重新发送。"
_LOOK_ZH: Final = "邮件可能已经送达：重新发送之前，请先向求职者或邮件服务商核实。"
_MEND_ZH: Final = "请先排除邮件页面上写明的问题，再重新发送。"

_TOLD: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "en": {
        "bounced": ("The mail came back.", _CALL),
        "dropped": ("The mail provider did not deliver it.", _CALL),
        "complained": ("The reader marked it as spam.", _CALL),
        "suppressed": (
            "It was not sent: no mail goes to this address, since earlier mail came back or its reader complained.",
            "Ask the candidate for the right address, or lift the suppression with a reason; then the offer goes.",
        ),
        "failed": ("It could not be sent.", _MEND),
        "unknown": ("Nobody knows whether it was sent: the mail provider has said nothing for an hour.", _LOOK),
    },
    "zh-CN": {
        "bounced": ("邮件被退回。", _CALL_ZH),
        "dropped": ("邮件服务商没有投递这封邮件。", _CALL_ZH),
        "complained": ("收信人将邮件标记为垃圾邮件。", _CALL_ZH),
        "suppressed": (
            "邮件没有发出：此前发往该地址的邮件被退回或被投诉，该地址已停发。",
            "请向求职者核对邮箱地址，或说明理由解除停发，邮件随即发出。",
        ),
        "failed": ("邮件未能发出。", _MEND_ZH),
        "unknown": ("邮件是否发出尚不确定：邮件服务商已有一小时没有回音。", _LOOK_ZH),
    },
}
