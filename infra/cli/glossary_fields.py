"""What the fields of events and states are called: name | Chinese | English."""

FIELDS = """
about | 涉及
action_key | 付款键
actor | 操作者
address | 地址
advised | 建议档位
after_return | 待退货后
agent | 客服
agreement | 协议
agreement_id | 协议编号 | agreement
agreements | 协议
alias | 另一单号
aliases | 其他单号
amount | 金额
answer | 答复
answers | 已答复时间
appraisal_hours | 鉴定小时数
appraisal_id | 鉴定编号 | appraisal
appraisals | 鉴定
area | 方面
as_remedy | 作为补救
assignee | 处理人
attached_at | 提交时间
attempt | 第几次
attempts | 次数
auto_inputs | 自动判定依据 | automatic verdict's inputs
auto_verdict | 自动判定 | automatic verdict
basis | 依据
batch | 批次
body | 机构
borne_by | 承担方
breaches | 超时
budget_day | 预算日
budget_days | 预算日 | budget days
buyer | 买家
buyer_spoke_last | 买家最后发言
by | 由
by_silence | 因沉默
called_by | 申请方
carrier | 快递
case_ended | 因结案
case_id | 售后单 | case
category | 类目
channel | 渠道
claim_filed | 已索赔
claimed | 反馈类型
claimed_at | 领取时间
classification | 分类
clock | 计时
clocks | 计时
complained_at | 反馈时间
complaints | 反馈单号
complete | 完整
confirmed_at | 确认时间
confirmed_by | 确认人
confirmed_entries | 已确认的补录
contact | 联系方式
contacts | 联系记录
content | 内容摘要
contested | 有争议
corrected | 已更正
counters | 还价对象
coupon | 平台券 | platform coupon
currency | 币种
deadline | 时限
decided_at | 判定时间
decline_id | 拒绝编号 | decline
declined_at | 拒绝时间
declines | 拒绝
deductions | 扣减
defect_ppm | 约定缺陷率（ppm） | agreed defects (ppm)
delivered | 已送达
department | 部门
detected | 已发现
detected_at | 发现时间
direction | 方向
discount | 优惠
dissatisfaction | 不满程度
divergence | 不一致
divergence_id | 不一致编号 | divergence
divergences | 不一致
document | 规则文件
done | 已完成
due_at | 到期时间 | due
due_minutes | 时限（分钟） | due (minutes)
duty | 义务类型
effective_from | 生效时间
eligible | 符合豁免
ended | 结束
ended_rounds | 各轮结束时间
ended_at | 结束时间
entries | 记录
entry | 记录版本 | entry
evaluated_at | 评价时间
evaluation | 评价
evidence | 证据
evidence_id | 证据编号 | evidence
exempt | 已豁免
exemption | 豁免
exemption_eligible | 符合豁免
exemption_grounds | 豁免理由
exemption_tag | 平台豁免标记
filed_at | 反馈时间
final | 最终
finding | 验货结果
follow_up | 跟进
follows | 前一售后单
forgiven_at | 谅解时间
found_at | 发现时间
freight | 运费
goodwill | 补偿
granted | 已批准
granted_at | 给予时间
gross | 原价
ground | 理由
grounds | 理由
handover_id | 转交编号 | handover
handovers | 转交
help_asked | 已求助
hold | 保全
how | 方式
in_warranty | 保修期内
in_window | 售后期限内
independent | 第三方
independent_verdict | 第三方结论
inputs_hash | 判定依据摘要
intercepts | 拦截
intervened | 平台介入
invited | 已邀请评价
item | 商品项
items | 商品项
joined | 并入
key | 编号
kind | 类型
last_at | 最近一次
lease | 领取 | claim
leases | 领取次数 | claims
level | 程度
liability | 责任
limit | 上限
line | 订单行
lines | 订单行
met | 已达成
missed | 错过次数
name | 名称
name_asked | 已询问供应商
needs_goods | 需寄实物
next_action | 下一步
next_due_at | 下次到期 | next due
number | 单号
obligation_id | 义务编号 | obligation
obligations | 义务
occurred_at | 发生时间
order_id | 订单 | order
order_verified | 订单已核实
ordered | 已安排
outcome | 结果
packaging_asked_for | 要求保留包装
packaging_intact | 包装完好
parts | 方案内容
party | 责任方
paused | 暂停
paused_at | 暂停时间
percent | 比例（%） | percent
platform | 平台
platform_deadlines | 平台时限
platform_deadlines_at | 平台时限告知时间
platform_ended | 平台已结束
platform_status | 平台状态
platform_status_at | 平台状态时间
policy | 规则版本
priority | 优先级
priority_as_remedy | 优先级作为补救
problem | 问题类型
product | 商品
proof | 证据
proof_of_posting | 有寄件凭证
proposal_id | 方案编号 | proposal
proposals | 方案
proposed_at | 提出时间
quantity | 数量
rating | 评价
reached_at | 达成时间
reason | 原因
refund_total | 退款合计
refunded | 已退款
refunds | 退款
remedy_told_at | 补救告知时间
repairs | 维修
replacement_for | 补发所属售后单
replacements | 补发/换货
requested_at | 申请时间
resalable | 可再售
rescinded_at | 撤销时间
resolution | 解决方案
restarted_at | 本期开始
retracted | 已撤回的超时
return_freight | 退货运费
return_id | 退货编号 | return
returns | 退货
revision | 修订号
root_cause | 根因
round | 轮次
round_since | 本轮开始
rule | 规则
ruled_at | 裁决时间
ruled_for | 判定胜方
rules | 规则
ruling_id | 裁决编号 | ruling
rulings | 裁决
rung | 档位
safety | 涉及安全
settled | 已处理
settlement | 了结方式
severity | 严重程度
sha256 | 内容摘要
shares | 责任比例
shipment_id | 包裹编号 | parcel
shipped | 已发货
shipped_at | 发货时间
ships | 供应商发货
shop | 店铺
signed | 已签收
since | 起始
skip_reason | 跳档原因
stage | 物流状态
started_at | 开始时间
status | 状态
step | 进度
submitter | 提交方
substantive | 实质内容
succeeded | 成功
superseded | 已被取代
supersedes | 取代
supplier | 供应商
supplier_ships | 供应商发货
tags | 标签
target_minutes | 时限（分钟） | target (minutes)
terms | 买家适用条款
text | 内容
to | 转给
token | 令牌
told | 已告知
told_buyer | 已告知买家
topic | 事件
totals | 合计
tracking | 物流单号
units | 件
until | 截止
uri | 存放位置
verdict | 结论
verified | 核实类型
verified_quantity | 核实数量
version | 版本
wait_until | 等待至
warranty_days | 保修天数
"""
