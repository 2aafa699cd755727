"""The Chinese of what the read models' tables say, and the words for the queue's reasons."""

from __future__ import annotations

from typing import Final

from infra.settings import Language

VIEWS: Final[dict[str, str]] = {
    # commands
    "Show the open cases in the order in which they should be worked on, or claim them.": (
        "按处理顺序显示或领取未结售后单。"
    ),
    "Show missed due times, noticed or not, and how often each clock was met.": (
        "显示超时记录（无论是否已被发现）及各时限达成率。"
    ),
    "Show each supplier's defects over the units shipped.": "显示各供应商的发货件数与不良件数。",
    "Show how far each read model has followed the log.": "显示各读模型跟进日志的进度。",
    "Describe every view and column for reports, as Markdown.": (
        "以 Markdown 说明供报表使用的每个视图和字段。"
    ),
    "Keep showing it until Ctrl-C.": "持续显示，直到按 Ctrl-C。",
    "As things stood then: ISO 8601 with a zone, e.g. 2026-11-22T10:00+08:00.": (
        "显示当时的状态：带时区的 ISO 8601 时间，例如 2026-11-22T10:00+08:00。"
    ),
    "Only this shop.": "仅此店铺。",
    "Only this platform.": "仅此平台。",
    "Only this problem type.": "仅此问题类型。",
    "Only where it is this party's turn.": "仅轮到此方的售后单。",
    "Only this priority: normal, high or urgent.": "仅此优先级：normal、high 或 urgent。",
    "Only where this is the next action.": "仅下一步为此操作的售后单。",
    "Only what is overdue or due before then (ISO 8601 with a zone).": (
        "仅已逾期或在此时刻之前到期的（带时区的 ISO 8601）。"
    ),
    "Only what this person works on; -: what nobody works on.": "仅此人跟进的；-：仅无人跟进的。",
    "Only where the case id or the order id contains this.": "仅售后单号或订单号中含有此内容的。",
    "An empty text finds nothing; leave the option out.": "空白内容查不到任何结果；请去掉该选项。",
    "{value} is not in UTF-8.": "{value} 不是 UTF-8 编码。",
    "Only this clock.": "仅此时限。",
    "Only this supplier.": "仅此供应商。",
    "At most so many rows.": "最多显示多少行。",
    "The time {time} is not ISO 8601 with a zone, e.g. 2026-11-22T10:00+08:00.": (
        "时间 {time} 不是带时区的 ISO 8601 格式，例如 2026-11-22T10:00+08:00。"
    ),
    "--as-of is a moment; it cannot be watched.": "--as-of 指某一时刻，不能持续显示。",
    "{value} is none of: {choices}.": "{value} 不在可选值中：{choices}。",
    "The read models {names} are behind the log; see projections status.": (
        "读模型 {names} 落后于日志；请看 projections status。"
    ),
    # tables
    "Live queue": "待办队列",
    "SLA breaches": "超时记录",
    "SLA attainment": "时限达成率",
    "Suppliers: defects over units shipped": "供应商：发货件数与不良件数",
    "Read models": "读模型",
    "Case": "售后单",
    "Problem": "问题",
    "Next step": "下一步",
    "Due": "到期",
    "Slack": "余量",
    "Why here": "排序理由",
    "To refund": "待退款",
    "Held by": "领取人",
    "Clock": "时限",
    "Party": "责任方",
    "Times": "次数",
    "Breached at": "超时时刻",
    "Noticed": "发现时刻",
    "not yet": "尚未",
    "Late by": "超时",
    "State": "状态",
    "Shop": "店铺",
    "Met": "达成",
    "Breached": "超时数",
    "Running": "进行中",
    "Cancelled": "已取消",
    "Attainment": "达成率",
    "no data": "无数据",
    "Supplier": "供应商",
    "Units": "发货",
    "Confirmed": "确认",
    "Buyers": "买家",
    "Contested": "争议",
    "Suspected": "疑似",
    "Rejected": "否定",
    "Rescinded": "撤销",
    "Limit": "约定",
    "(unknown)": "（未知）",
    "Name": "名称",
    "Position": "位置",
    "Behind": "落后",
    "Seconds": "秒",
    "Events": "事件",
    "Events/s": "事件/秒",
    "Last error": "最近错误",
    ", ": "、",
    "{action} · {party}": "{action} · {party}",
    "{span} late": "超 {span}",
    "{days}d{hours:02}h": "{days}天{hours:02}时",
    "{hours}h{minutes:02}m": "{hours}时{minutes:02}分",
    # the live view
    "{time} · position {position} · {lag}": "{time} · 位置 {position} · {lag}",
    "up to date": "已是最新",
    "{count} events behind": "落后 {count} 个事件",
    "Ctrl-C stops": "按 Ctrl-C 停止",
    "Preparing the views": "正在准备视图",
    "The views cannot be read: {reason}": "无法读取视图：{reason}",
}

REASONS: Final[dict[str, tuple[str, str]]] = {
    "platform_deadline": ("platform deadline", "平台时限临近"),
    "payout_failed": ("payout failed", "退款失败"),
    "payout_unknown": ("payout unknown", "退款结果不明"),
    "safety": ("safety", "涉及安全"),
    "least_slack": ("by slack", "按余量"),
    "breached": ("all overdue", "均已超时"),
    "no_shop_clock": ("no shop clock", "无商家时限"),
    "severity_medium": ("medium severity", "较严重"),
    "severity_high": ("high severity", "严重"),
    "priority_high": ("high priority", "高优先级"),
    "priority_urgent": ("urgent", "加急"),
}
"""Why a case stands where it stands in the queue: code -> English, Chinese."""

STATES: Final[dict[str, tuple[str, str]]] = {
    "open": ("open", "未完成"),
    "met_late": ("met late", "逾期完成"),
    "paused": ("paused", "暂停中"),
    "cancelled": ("cancelled", "已取消"),
    "retracted": ("retracted", "已撤回"),
}
"""What became of a missed due time: code -> English, Chinese."""


def reason_words(language: Language, code: str) -> str:
    return _pick(REASONS, language, code)


def state_words(language: Language, code: str) -> str:
    return _pick(STATES, language, code)


def _pick(words: dict[str, tuple[str, str]], language: Language, code: str) -> str:
    english, chinese = words[code]
    return chinese if language == "zh" else english
