"""Rows of the catalogue: what a campaign, its targets, fairs, employers and openings are."""

from __future__ import annotations

from typing import Final

from schemas.data import (
    CampaignOpened,
    Data,
    EmployerSet,
    FairCancelled,
    FairScheduled,
    OpeningSet,
    TargetRef,
    TargetSet,
)
from schemas.fact_type import FactType

_FAIR = {"campaign": "grads-2026", "fair": "whut-spring"}

CAMPAIGN_FACTS: Final = (
    FactType(
        "campaign.opened",
        CampaignOpened,
        "A campaign opened, or its particulars changed: the latest wins.",
        "招聘活动启动，或其资料有变：以最新者为准。",
        {
            "campaign": "grads-2026",
            "title": "2026届高校毕业生招聘",
            "organizer": "Jinhu Industrial Park",
            "starts_on": "2026-01-05",
            "ends_on": "2026-12-31",
            "kind": "graduates",
            "timezone": "Asia/Shanghai",
            "locale": "zh-CN",
            "reply_to": "hr@jinhu.example",
            "contact": "人才服务中心，0570-800 0000，工作日 9:00–17:00",
            "signup": "open",
        },
    ),
    FactType("campaign.closed", Data, "No more signups.", "停止报名。", {"campaign": "grads-2026"}),
    FactType(
        "target.set",
        TargetSet,
        "A hiring target; set it again to change it. A target set late counts what already happened.",
        "设定招聘目标；再次设定即为修改。补设的目标会计入此前的事实。",
        {
            "campaign": "grads-2026",
            "target": "graduates",
            "title": "2000 graduates",
            "measure": "hired",
            "goal": 2000,
            "due_on": "2026-12-31",
            "where": {"education": ["bachelor", "master", "doctor"], "employer": ["huayou"]},
        },
    ),
    FactType(
        "target.withdrawn",
        TargetRef,
        "A target no longer stands.",
        "撤销招聘目标。",
        {"campaign": "grads-2026", "target": "graduates"},
    ),
    FactType(
        "fair.scheduled",
        FairScheduled,
        "A job fair, on site or online; set it again to reschedule it.",
        "安排招聘会（线下或线上）；再次设定即为改期。",
        {
            **_FAIR,
            "title": "武汉理工大学春季双选会",
            "mode": "onsite",
            "starts_at": "2026-03-14T09:00:00+08:00",
            "ends_at": "2026-03-14T16:30:00+08:00",
            "venue": "Student Centre",
            "city": "武汉",
            "capacity": 800,
            "employers": ["huayou"],
        },
    ),
    FactType(
        "fair.cancelled",
        FairCancelled,
        "A fair will not take place.",
        "招聘会取消。",
        {**_FAIR, "reason": "storm"},
    ),
    FactType(
        "employer.set",
        EmployerSet,
        "How people call an employer: what pages and mails say instead of its id. What its candidates answer goes to"
        " `reply_to`.",
        "用人单位的称呼：页面和邮件显示名称而非编号。求职者的回复发往 `reply_to`。",
        {
            "campaign": "grads-2026",
            "employer": "huayou",
            "name": "华友钴业",
            "name_en": "Huayou Cobalt",
            "city": "衢州",
            "url": "https://huayou.example",
            "reply_to": "jobs@huayou.example",
            "contact": "招聘部，0570-800 0001",
        },
    ),
    FactType(
        "opening.set",
        OpeningSet,
        "How many an employer may hire for a position.",
        "用人单位某职位可招人数。",
        {
            "campaign": "grads-2026",
            "opening": "op-3",
            "employer": "huayou",
            "position": "Process engineer",
            "seats": 120,
        },
    ),
)
