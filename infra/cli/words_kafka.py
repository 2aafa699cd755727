"""The Chinese of what is said about Kafka."""

from __future__ import annotations

KAFKA: dict[str, str] = {
    # settings
    "CASETRAIL_KAFKA_BROKERS is {value}; it can be 1 or 3.": "CASETRAIL_KAFKA_BROKERS 为 {value}；只能是 1 或 3。",
    "CASETRAIL_KAFKA_TOPIC_PREFIX is {value}; letters, digits, dots, dashes and underscores can stand there.": "CASETRAIL_KAFKA_TOPIC_PREFIX 为 {value}；只能包含字母、数字、点、短横线和下划线。",
    "CASETRAIL_KAFKA_{name} is set without CASETRAIL_KAFKA_BOOTSTRAP.": "设置了 CASETRAIL_KAFKA_{name}，却没有设置 CASETRAIL_KAFKA_BOOTSTRAP。",
    "CASETRAIL_KAFKA_BOOTSTRAP names {server}; host:port is needed.": "CASETRAIL_KAFKA_BOOTSTRAP 中的 {server} 不对；应为 主机:端口。",
    "{protocol} needs CASETRAIL_KAFKA_USERNAME and CASETRAIL_KAFKA_PASSWORD or CASETRAIL_KAFKA_PASSWORD_FILE.": "{protocol} 需要 CASETRAIL_KAFKA_USERNAME，以及 CASETRAIL_KAFKA_PASSWORD 或 CASETRAIL_KAFKA_PASSWORD_FILE。",
    "CASETRAIL_KAFKA_PASSWORD_FILE cannot be read: {reason}": "CASETRAIL_KAFKA_PASSWORD_FILE 无法读取：{reason}",
    "{name} is {value}; it can be {known}.": "{name} 为 {value}；只能是 {known}。",
    # the program
    "Waiting for another download of Apache Kafka {version}": "正在等待另一个进程下载 Apache Kafka {version}",
    "Downloading Apache Kafka {version}: {count} files, once": "正在下载 Apache Kafka {version}：{count} 个文件，仅需一次",
    "{file} could not be downloaded: {reason} The embedded broker needs it once; without a network, set CASETRAIL_KAFKA_BOOTSTRAP to an existing cluster.": "无法下载 {file}：{reason} 内嵌的 Kafka 首次启动时需要它；没有网络时，请用 CASETRAIL_KAFKA_BOOTSTRAP 指定已有的集群。",
    "{file} is not the file that was locked (SHA-256).": "{file} 与锁定的文件不一致（SHA-256）。",
    "The embedded broker needs Java {oldest} or later: put one on the PATH, or set CASETRAIL_KAFKA_BOOTSTRAP to an existing cluster.": "内嵌的 Kafka 需要 Java {oldest} 或更新版本：请把它加入 PATH，或用 CASETRAIL_KAFKA_BOOTSTRAP 指定已有的集群。",
    # the embedded Kafka
    "Creating a Kafka {version} cluster": "正在创建 Kafka {version} 集群",
    "Starting Kafka {version}": "正在启动 Kafka {version}",
    "Kafka's data folder could not be made: {reason}": "无法创建 Kafka 的数据文件夹：{reason}",
    "Broker {number} does not answer; see {log}": "Kafka 节点 {number} 没有响应；参见 {log}",
    "Broker {number} did not start: {reason}": "Kafka 节点 {number} 未能启动：{reason}",
    "Broker {number} did not stop.": "Kafka 节点 {number} 没有停止。",
    "Broker {number} ended: {reason}": "Kafka 节点 {number} 已退出：{reason}",
    "Broker {number} runs again.": "Kafka 节点 {number} 已恢复运行。",
    "CASETRAIL_KAFKA_BOOTSTRAP names another Kafka; unset it first.": "CASETRAIL_KAFKA_BOOTSTRAP 指定了其他 Kafka；请先取消该设置。",
    # clients
    "Kafka at {servers} cannot be used: {reason}": "无法使用 {servers} 上的 Kafka：{reason}",
    "The certificates for Kafka cannot be used: {reason}": "Kafka 的证书无法使用：{reason}",
    # topics
    "The topic {name} could not be created: {reason}": "无法创建主题 {name}：{reason}",
    "Topics that are not as they should be: {names}. They were left as they are.": "与要求不一致的主题：{names}。未做改动。",
    "{setting} is {found}, should be {wanted}": "{setting} 为 {found}，应为 {wanted}",
    "created": "已创建",
    "as it should be": "符合要求",
    "topic": "主题",
    "Topics": "主题",
    "state": "状态",
    "copies": "副本数",
    # the commands
    "Look after Kafka: the embedded broker and the topics.": "管理 Kafka：内嵌的服务器和主题。",
    "Run the embedded Kafka in the foreground until Ctrl-C.": "在前台运行内嵌的 Kafka，直到按 Ctrl-C。",
    "How many brokers (CASETRAIL_KAFKA_BROKERS, else 1).": "节点数量（CASETRAIL_KAFKA_BROKERS，否则为 1）。",
    "Create the topics that are missing and say what differs in the others.": "创建缺少的主题，并指出其他主题的不一致之处。",
    "Show the brokers and the topics with their offsets.": "显示节点、主题及其位移。",
    "bootstrap servers": "引导服务器",
    "cluster": "集群",
    "Brokers": "节点",
    "broker": "节点",
    "address": "地址",
    "running": "运行中",
    "not taking part": "未参与",
    "controller": "控制器",
    "partitions": "分区数",
    "without leader": "无主分区",
    "copies behind": "落后的副本",
    "kept": "保留的记录",
    "end offsets": "末端位移",
    "missing": "不存在",
}
