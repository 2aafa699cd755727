"""What each message asks for or tells: type | Chinese | English."""

COMMANDS = """
budget.set | 设定店铺某日的退款预算 | Set the refund budget of a shop's day
case.accept_proposal | 接受方案（整体或部分商品） | Accept a proposal, whole or for some items
case.add_alias | 补记同一售后的另一单号 | Add another number of the same case
case.add_note | 添加备注 | Add a note
case.agree_deduction | 约定退货扣款 | Agree on a deduction for a return
case.agree_return_address | 约定退货地址 | Agree on the address of a return
case.agree_wait | 买家同意等待到某日 | The buyer agrees to wait until a date
case.answer_decline | 买家回应拒绝 | The buyer answers a decline
case.ask_platform_help | 向平台求助 | Ask the platform for help
case.assign | 分配给客服或取消分配 | Assign the case, or nobody
case.attach_evidence | 提交证据 | Attach evidence
case.claim | 领取售后单 | Claim a case
case.check_clocks | 记录已到期的超时 | Record the breaches that are due
case.classify | 登记分类与根因 | Classify: type, tags, root cause
case.close | 结案 | Close the case
case.complete_repair | 维修完成 | Complete a repair
case.confirm_backdating | 第二人凭证据确认补录时间 | A second person confirms a dated-back entry
case.confirm_solution | 确认已解决 | Confirm that it is solved
case.correct_entry | 撤销误录 | Take back an entry made by mistake
case.decide_auto_refund | 按店铺策略判定自动退款 | Let the shop's policy decide about a refund
case.decline_complaint | 拒绝售后申请 | Decline a complaint, with ground and evidence
case.decline_proposal | 对方不接受方案 | Decline a proposal
case.end_lapsed_claim | 记录领取已过期 | Record that a claim has lapsed
case.file_carrier_claim | 向承运商索赔 | File a claim against the carrier
case.file_complaint | 用户反馈/售后申请 | File a complaint
case.find_liability | 定责 | Find who is liable
case.finish_follow_up | 差评跟进完成 | Finish the follow-up of a bad evaluation
case.finish_handed_work | 转交的工作完成 | Finish work that was handed over
case.grant_goodwill | 发放补偿 | Grant goodwill
case.hand_over_claim | 转交给另一客服 | Hand a claimed case over to another agent
case.hand_over_work | 转交其他部门 | Hand work over to a department
case.hold_evidence | 保全证据或解除保全 | Hold evidence, or let it go
case.inspect_return | 逐件验收退货 | Inspect a return unit by unit
case.invite_evaluation | 邀请评价 | Invite an evaluation
case.lapse_proposal | 方案逾期未答复，失效 | Let an unanswered proposal lapse
case.lapse_return | 逾期未寄回，退货失效 | Let a return that was not shipped lapse
case.link_order | 关联订单 | Link the order that became known
case.name_supplier | 指明供应商 | Name the supplier of an item
case.note_improvement | 记录改进措施 | Note an improvement
case.observe_exemption_tag | 平台显示的豁免标记 | The platform shows an exemption tag
case.order_independent_appraisal | 委托第三方鉴定 | Order an independent appraisal
case.order_repair | 安排维修 | Order a repair
case.override_claim | 主管收回领取 | Take a claimed case from its agent
case.propose_resolution | 提出解决方案 | Propose a solution
case.raise_priority | 提高优先级 | Raise the priority
case.record_appraisal_material_received | 供应商收到鉴定材料 | The supplier got what it appraises
case.record_appraisal_verdict | 供应商鉴定结论 | The supplier gave its verdict
case.record_contact | 记录与买家的联系 | Record a contact with the buyer
case.record_dissatisfaction | 记录买家不满程度 | Record how dissatisfied the buyer is
case.record_evaluation | 买家评价 | The buyer evaluated
case.record_exemption_decision | 平台豁免结果 | The platform decided on the exemption
case.record_forgiveness | 买家谅解 | The buyer forgave
case.record_intercept | 拦截结果 | An intercept ended
case.record_intervention | 平台介入 | The platform was called in
case.record_platform_deadline | 平台给出的时限 | The platform set a deadline
case.record_platform_status | 平台状态 | The platform's status
case.record_refund_failed | 退款失败 | A refund failed
case.record_refund_reversed | 退款被退回 | A refund bounced
case.record_refund_succeeded | 退款成功 | A refund succeeded
case.record_refund_unknown | 退款结果不明 | A refund's outcome is unknown
case.record_repair_item_received | 收到待修商品 | An item to be repaired was received
case.record_repair_sent_back | 维修品寄回 | A repaired item was sent back
case.record_replacement_delivered | 换货/补发已送达 | A replacement was delivered
case.record_replacement_dispatched | 换货/补发已发出 | A replacement was dispatched
case.record_return_lost | 退货途中丢失 | A return was lost on the way
case.record_return_received | 收到退货 | A return was received
case.record_return_shipped | 买家已寄回 | The buyer shipped a return
case.record_ruling | 平台裁定 | The platform ruled
case.reimburse_return_freight | 报销退换货运费 | Reimburse the return freight
case.release_claim | 放回待办队列 | Give a claimed case back
case.renew_claim | 续期领取 | Renew a claim
case.reopen | 重新打开 | Reopen the case
case.report_not_solved | 买家反映未解决，进入下一轮 | Report that it is not solved: the next round
case.request_appraisal | 请供应商鉴定 | Request an appraisal from the supplier
case.request_exemption | 申请豁免体验分 | Request the exemption
case.request_intercept | 申请拦截包裹 | Request an intercept of the parcel
case.request_refund | 支付退款 | Pay a refund that is owed
case.rescind_liability | 撤销定责 | Rescind a liability
case.retarget_clocks | 按现行策略调整未到期时限 | Bring open clocks under the policy in force
case.send_return_back | 退货寄回买家 | Send a return back to the buyer
case.settle_appraisal | 鉴定有争议时作出决定 | Settle a contested appraisal
case.settle_divergence | 处理不一致 | Settle a divergence
case.tell_remedy | 告知买家补救措施 | Tell the buyer of a remedy
case.verify_item | 核实商品的问题与数量 | Verify an item's problem and quantity
case.verify_order | 核实订单 | Verify the order
case.waive_obligation | 对方放弃某项义务 | Waive an obligation
case.withdraw | 撤销售后 | Withdraw the case
case.withdraw_proposal | 撤回方案 | Withdraw a proposal
order.correct_shipment | 更正包裹的数量或发货日期 | Correct a parcel's units or ship date
order.record_delivery | 包裹已签收 | A parcel was delivered
order.record_order | 下单 | An order was placed
order.record_shipment | 包裹已发出 | A parcel was shipped
order.record_shipment_outcome | 包裹取消、被拦截或丢失 | A parcel was cancelled, intercepted or lost
policy.publish | 发布策略 | Publish a policy
product.register | 登记商品 | Register a product
supplier.register | 登记供应商及合同条款 | Register a supplier and its contract's terms
"""
