"""The Chinese of every English sentence that the CLI says; {names} stand for values."""

from __future__ import annotations

from infra.cli.words_claims import CLAIMS
from infra.cli.words_intake import INTAKE
from infra.cli.words_kafka import KAFKA
from infra.cli.words_ops import OPS
from infra.cli.words_projections import PROJECTIONS
from infra.cli.words_publisher import PUBLISHER
from infra.cli.words_views import VIEWS
from infra.cli.words_ways_in import WAYS_IN
from infra.settings import Language

CHINESE: dict[str, str] = {
    **CLAIMS,
    **INTAKE,
    **KAFKA,
    **OPS,
    **PROJECTIONS,
    **PUBLISHER,
    **VIEWS,
    **WAYS_IN,
    # the program
    "After-sales cases for abnormal shipments, kept as events.": "异常件售后单：以事件保存的售后系统。",
    "The folder of all local data (CASETRAIL_HOME).": "所有本地数据所在的文件夹（CASETRAIL_HOME）。",
    "The language: zh or en (CASETRAIL_LANG, else by the locale).": (
        "语言：zh 或 en（CASETRAIL_LANG，否则按系统区域）。"
    ),
    "Print the version and end.": "显示版本后退出。",
    "Show the traceback of an internal error.": "显示内部错误的调用栈。",
    "Print JSON for programs instead of a table.": "输出供程序读取的 JSON，而不是表格。",
    "Show this message and exit.": "显示帮助后退出。",
    "Options": "选项",
    "Commands": "命令",
    "Arguments": "参数",
    # errors
    "An internal error: {reason} (--debug shows where)": "内部错误：{reason}（加 --debug 显示位置）",
    "{reason} Try --help.": "{reason} 请用 --help 查看用法。",
    "Interrupted.": "已中断。",
    "The file or folder cannot be used: {reason}": "文件或文件夹无法使用：{reason}",
    "The database refused: {reason}": "数据库拒绝了操作：{reason}",
    "The log holds an event {topic}, which this version does not know; "
    "run the version that wrote it, or a later one.": (
        "日志中有本版本不认识的事件 {topic}；请使用写入它的版本或更新的版本。"
    ),
    "The log holds an event that cannot be read: {reason}": "日志中有无法读取的事件：{reason}",
    "The database is not available ({reason}). Nothing was refused; try again.": (
        "数据库暂时不可用（{reason}）。没有任何请求被拒绝，请重试。"
    ),
    # settings
    "CASETRAIL_LANG is {value}; it can be en or zh.": "CASETRAIL_LANG 为 {value}；只能是 en 或 zh。",
    "CASETRAIL_POSTGRES is {value}; it can be 16 or 18.": (
        "CASETRAIL_POSTGRES 为 {value}；只能是 16 或 18。"
    ),
    "CASETRAIL_MIGRATE_URL is set without CASETRAIL_DATABASE_URL.": (
        "设置了 CASETRAIL_MIGRATE_URL，却没有设置 CASETRAIL_DATABASE_URL。"
    ),
    # PostgreSQL
    "Creating a PostgreSQL {version} database": "正在创建 PostgreSQL {version} 数据库",
    "Starting PostgreSQL {version}": "正在启动 PostgreSQL {version}",
    "PostgreSQL refuses root, and there is no account nobody to run it as.": (
        "PostgreSQL 不能以 root 运行，而系统中没有 nobody 账户可用。"
    ),
    "The package {name} is not installed.": "没有安装软件包 {name}。",
    "{path} cannot be run on this system.": "此系统无法运行 {path}。",
    "{path} is not a folder that only you can write.": "{path} 不是只有您能写入的文件夹。",
    "PostgreSQL did not start: {reason}": "PostgreSQL 未能启动：{reason}",
    "PostgreSQL (process {pid}) did not stop.": "PostgreSQL（进程 {pid}）没有停止。",
    "PostgreSQL does not answer: {reason}": "PostgreSQL 没有响应：{reason}",
    "PostgreSQL cannot be reached: {reason}": "无法连接 PostgreSQL：{reason}",
    "PostgreSQL {oldest} or later is needed; the server is {version}.": (
        "需要 PostgreSQL {oldest} 或更新版本；服务器是 {version}。"
    ),
    "The server runs with {setting} = off: what it confirms can be lost.": (
        "服务器的 {setting} 为 off：它确认过的数据可能丢失。"
    ),
    "The database's encoding is {encoding}; UTF8 is needed.": (
        "数据库的编码是 {encoding}；需要 UTF8。"
    ),
    "The server is a read-only standby.": "该服务器是只读备库。",
    "The URL leads to a transaction pooler; connect to the server itself, "
    "or switch the pooler to session mode.": (
        "该 URL 指向事务级连接池；请直接连接服务器，或把连接池改为会话模式。"
    ),
    # migrations
    "{file} is not number {number} of the migrations.": "{file} 不是第 {number} 号迁移。",
    "The database is newer than this program: it has {name}.": (
        "数据库比本程序新：它已有迁移 {name}。"
    ),
    "{name} was edited after it had been applied; add a new one.": (
        "{name} 在执行之后被修改过；请另加新的迁移。"
    ),
    "{name} failed: {reason}": "{name} 执行失败：{reason}",
    "{name} would change what the log holds.": "{name} 会改动日志中已有的内容。",
    # personal data
    "The master key file {file} cannot be read: {reason}": "无法读取主密钥文件 {file}：{reason}",
    "The master key file {file} holds no key of 32 bytes in base64.": (
        "主密钥文件 {file} 中没有 32 字节的 base64 密钥。"
    ),
    "This database's personal data is under another master key; use the master.key "
    "of the home that first wrote to it.": (
        "此数据库的个人信息由另一个主密钥加密；请使用最初写入它的数据目录中的 master.key。"
    ),
    "The key {key} is not wrapped by this master key.": "密钥 {key} 不是由此主密钥加密的。",
    "The personal data at position {position} was altered or moved.": (
        "位置 {position} 的个人信息被改动或移动过。"
    ),
    # up
    "Run everything in the foreground until Ctrl-C.": "在前台运行全部服务，直到按 Ctrl-C。",
    "Do what there is to do, show the result and end.": "处理完现有工作，显示结果后退出。",
    "Send the project's own sample through Kafka.": "把项目自带的样例经 Kafka 发送进来。",
    "Making the sample {path}": "正在生成样例 {path}",
    "Sending the sample through Kafka": "正在经 Kafka 发送样例",
    "The sample: {records} records were sent and taken in, {refused} of them refused": (
        "样例：已发送并接收 {records} 条记录，其中拒绝 {refused} 条"
    ),
    "{path} is spoilt in line {line}; remove it to have it made anew.": (
        "{path} 第 {line} 行已损坏；删除该文件即可重新生成。"
    ),
    "Running; Ctrl-C stops.": "正在运行；按 Ctrl-C 停止。",
    "Stopping": "正在停止",
    "Stopped.": "已停止。",
    "{worker} stopped: {reason}": "{worker} 停止了：{reason}",
    "{count} events in the log": "日志中有 {count} 个事件",
    # db
    "Look after the database.": "管理数据库。",
    "Show the server, what it holds and what is to be migrated.": (
        "显示服务器、数据量和待执行的迁移。"
    ),
    "Database": "数据库",
    "server": "服务器",
    "where": "位置",
    "size": "大小",
    "events": "事件数",
    "migrations to apply": "待执行的迁移",
    "none": "无",
}


def translate(language: Language, text: str) -> str:
    """The sentence in that language; English is the key, and stands in for what is missing."""
    return CHINESE.get(text, text) if language == "zh" else text
