"""Goods of a case under way: which commands and facts go to returns, which to what is sent."""

from __future__ import annotations

from typing import assert_never

from domain.case import commands as cmd
from domain.case import returns, sendings
from domain.case.commands import GoodsCommand
from domain.case.state import Case
from domain.kernel import Context, Emit
from domain.world import World


def decide_goods(command: GoodsCommand, case: Case, world: World, context: Context) -> list[Emit]:
    """What a command or a fact about goods becomes."""
    match command:
        case cmd.AgreeReturnAddress():
            return returns.agree_address(command, case, world, context)
        case cmd.RecordReturnShipped():
            return returns.shipped(command, case, context)
        case cmd.RecordReturnReceived():
            return returns.received(command, case, context)
        case cmd.RecordReturnLost():
            return returns.lost(command, case, context)
        case cmd.InspectReturn():
            return returns.inspect(command, case, world, context)
        case cmd.SendReturnBack():
            return returns.send_back(command, case, context)
        case cmd.LapseReturn():
            return returns.lapse(command, case, world, context)
        case cmd.FileCarrierClaim():
            return returns.claim_from_carrier(command, case, world, context)
        case cmd.AgreeDeduction():
            return returns.agree_deduction(command, case, world, context)
        case cmd.RecordReplacementDispatched():
            return sendings.dispatched(command, case, context)
        case cmd.RecordReplacementDelivered():
            return sendings.delivered(command, case, context)
        case cmd.OrderRepair():
            return sendings.order_repair(command, case, world, context)
        case cmd.RecordRepairItemReceived():
            return sendings.repair_item_received(command, case, context)
        case cmd.CompleteRepair():
            return sendings.complete_repair(command, case, context)
        case cmd.RecordRepairSentBack():
            return sendings.repair_sent_back(command, case, context)
        case _:
            assert_never(command)
