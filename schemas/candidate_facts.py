"""Rows of the catalogue: what happened to a candidate, or was said by one; and that any fact was wrong."""

from __future__ import annotations

from typing import Final

from schemas.data import (
    Benefit,
    CandidateCheckedIn,
    CandidateData,
    CandidateInterviewed,
    CandidateMerged,
    CandidateRestricted,
    CandidateRestrictionLifted,
    CandidateSignedUp,
    CandidateWithdrew,
    Consent,
    FactRetracted,
    HireEnded,
    HireStarted,
    OfferAnswered,
    OfferExtended,
)
from schemas.fact_type import FactType

_CANDIDATE = {"campaign": "grads-2026", "candidate": "c-1024"}
_OFFER = {**_CANDIDATE, "offer": "o-77"}
_BENEFIT = {**_CANDIDATE, "benefit": "b-9", "kind": "rent_subsidy", "amount": 12000, "currency": "CNY"}

CANDIDATE_FACTS: Final = (
    FactType(
        "candidate.signed_up",
        CandidateSignedUp,
        "Registered for a fair, or for the campaign.",
        "求职者报名参加招聘会或招聘活动。",
        {
            **_CANDIDATE,
            "name": "李思雨",
            "fair": "whut-spring",
            "email": "li.siyu@example.com",
            "locale": "zh-CN",
            "education": "bachelor",
            "school": "武汉理工大学",
            "major": "材料科学与工程",
            "graduation_year": 2026,
            "chain": "new-materials",
            "consent": True,
        },
    ),
    FactType(
        "candidate.checked_in",
        CandidateCheckedIn,
        "Came to the fair.",
        "到场签到。",
        {**_CANDIDATE, "fair": "whut-spring"},
    ),
    FactType(
        "candidate.interviewed",
        CandidateInterviewed,
        "Was interviewed by an employer.",
        "参加面试。",
        {**_CANDIDATE, "employer": "huayou", "position": "Process engineer", "outcome": "passed"},
    ),
    FactType(
        "candidate.withdrew",
        CandidateWithdrew,
        "Takes no further part; with `fair`, in that fair alone.",
        "求职者退出；注明 `fair` 时仅退出该场招聘会。",
        {**_CANDIDATE, "reason": "went abroad"},
    ),
    FactType(
        "consent.given",
        Consent,
        "The person agreed: that employers see their data (those of all their fairs, or those named), to marketing,"
        " that data goes abroad, or that it is kept for another while. No word is no.",
        "本人同意：用人单位查看其信息（所有参加的招聘会，或指明的单位）、接收推广信息、信息出境，或继续保存信息。"
        "未表示即为不同意。",
        {**_CANDIDATE, "purpose": "employers", "employers": ["huayou"], "text": "privacy-2026-03"},
    ),
    FactType(
        "consent.withdrawn",
        Consent,
        "The person agrees no longer.",
        "本人撤回同意。",
        {**_CANDIDATE, "purpose": "employers"},
    ),
    FactType(
        "candidate.restricted",
        CandidateRestricted,
        "The person is hidden from everybody and gets no message, and counts on: a law wants records kept (`law`), they"
        " asked for it (`request`), something about them is in dispute (`dispute`), or the time to keep them in sight"
        " is over (`retention`). `until`: the day on which that ends.",
        "限制处理：对所有人隐藏、不再发送消息，仍计入统计。依据：法律要求留存（`law`）、本人要求（`request`）、存在争议"
        "（`dispute`），或保存期已满（`retention`）。`until` 为截止日期。",
        {**_CANDIDATE, "ground": "law", "until": "2031-12-31"},
    ),
    FactType(
        "candidate.restriction_lifted",
        CandidateRestrictionLifted,
        "The person is hidden no longer.",
        "解除限制处理。",
        _CANDIDATE,
    ),
    FactType(
        "candidate.merged",
        CandidateMerged,
        "The two are one person, who counts once from now on, under the id `into`; whom either was merged with before"
        " is that person too. A person has 20 ids at most.",
        "两条记录是同一个人：此后合并计一次，以 `into` 为准；此前与其中任一条合并的记录亦属此人。"
        "同一人最多 20 条记录。",
        {**_CANDIDATE, "into": "c-1007", "reason": "same person, signed up twice"},
    ),
    FactType(
        "candidate.unmerged",
        CandidateMerged,
        "The two are not one person after all: each is what it would be had they never been merged.",
        "两条记录并非同一人：各自恢复为从未合并的状态。",
        {**_CANDIDATE, "into": "c-1007", "reason": "twins"},
    ),
    FactType(
        "offer.extended",
        OfferExtended,
        "An employer offered a position; `salary`, `place` and `contact` in words, `document` a PDF that was put in"
        " with the form of an offer, `papers` what the candidate is asked to bring or send.",
        "发放录用；`salary`、`place`、`contact` 为文字说明，`document` 为发放录用时上传的 PDF，"
        "`papers` 为需要求职者提供的材料。",
        {
            **_OFFER,
            "employer": "huayou",
            "position": "Process engineer",
            "expires_at": "2026-05-01T18:00:00+08:00",
            "city": "衢州",
            "salary": "9,000–11,000 元/月，十三薪",
            "start_on": "2026-07-01",
            "place": "衢州市柯城区廿新路18号",
            "contact": "王芳 0570-1234567",
            "papers": "身份证、毕业证书复印件",
        },
    ),
    FactType("offer.accepted", OfferAnswered, "The candidate accepted the offer.", "求职者接受录用。", _OFFER),
    FactType(
        "offer.declined",
        OfferAnswered,
        "The candidate declined the offer.",
        "求职者婉拒录用。",
        {**_OFFER, "reason": "another offer"},
    ),
    FactType(
        "offer.rescinded",
        OfferAnswered,
        "The employer withdrew the offer.",
        "用人单位撤回录用。",
        {**_OFFER, "reason": "position closed"},
    ),
    FactType(
        "hire.started",
        HireStarted,
        "On the payroll: what a hiring target counts.",
        "报到入职：招聘目标以此计数。",
        {
            **_CANDIDATE,
            "employer": "huayou",
            "position": "Process engineer",
            "offer": "o-77",
            "started_on": "2026-07-01",
        },
    ),
    FactType(
        "hire.ended",
        HireEnded,
        "Left, or never showed up.",
        "离职，或未报到。",
        {**_CANDIDATE, "employer": "huayou", "ended_on": "2026-07-03", "reason": "never showed up"},
    ),
    FactType("benefit.applied", Benefit, "Applied for help after the hire.", "申请补贴。", _BENEFIT),
    FactType("benefit.verified", Benefit, "The application was approved.", "补贴核验通过。", _BENEFIT),
    FactType("benefit.paid", Benefit, "The benefit was paid out.", "补贴已发放。", _BENEFIT),
    FactType("benefit.refused", Benefit, "The application was refused.", "补贴申请未通过。", _BENEFIT),
    FactType(
        "fact.retracted",
        FactRetracted,
        "That fact was wrong: everything is as if it had never been posted.",
        "该事实有误：一切如同从未提交。",
        {**_CANDIDATE, "source": "/hr/huayou", "id": "scan-88", "reason": "scanned the wrong badge"},
    ),
    FactType(
        "candidate.erased",
        CandidateData,
        "The person's right to be forgotten.",
        "求职者行使被遗忘权。",
        _CANDIDATE,
    ),
)
