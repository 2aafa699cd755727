"""The Chinese of what is said about the workers, their metrics and their health."""

from __future__ import annotations

OPS: dict[str, str] = {
    # serving
    "Serve metrics and health there (CASETRAIL_METRICS); 0: any free port.": "在此地址提供指标和健康检查（CASETRAIL_METRICS）；0 表示任意空闲端口。",
    "Metrics and health: {url}": "指标与健康检查：{url}",
    "Metrics cannot be served at {listen}: {reason}": "无法在 {listen} 提供指标：{reason}",
    "{value} is no HOST:PORT to serve metrics at.": "{value} 不是可用于提供指标的 主机:端口。",
    # the watchdog
    "{part} stands at {position} while {waiting} wait. In all {count} such.": "{part} 停在 {position}，有 {waiting} 条在等待。停滞的共 {count} 处。",
    "{count}, the first {part}": "{count} 处，首个为 {part}",
    # kafka status
    "Show brokers, topics, what waits, who reads and publishes, and last errors.": "显示节点、主题、积压、由谁读取和发布，以及最近的错误。",
    "The database cannot be asked: {reason}": "无法查询数据库：{reason}",
    "Taken in": "接收进度",
    "partition@position+waiting": "分区@位移+积压",
    "Who reads what ({group}: {state})": "由谁读取（{group}：{state}）",
    "Kafka cannot say who reads ({group}).": "Kafka 无法说明由谁读取（{group}）。",
    "Nobody reads ({group}).": "目前无人读取（{group}）。",
    "No worker ever told how it goes.": "还没有任何工作进程报告过状态。",
    "member": "成员",
    "host": "主机",
    "reads": "读取的分区",
    "Workers": "工作进程",
    "worker": "工作",
    "process": "进程",
    "heard": "最近报告",
    "done": "已处理",
    "retries": "重试",
    "last error": "最近的错误",
    "{seconds} s ago": "{seconds} 秒前",
    "intake": "接收",
    "claims": "领取到期",
    "projections": "视图",
    "publisher": "发布",
    "working": "工作中",
    "failing": "出错重试中",
    "standing": "停滞",
    "stuck": "卡住",
    "silent": "失联",
    "ended": "已结束",
}
