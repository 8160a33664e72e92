//! Whether an instruction stands in a loop. In: an address. Out: yes or no, by the
//! ways that lead on from there in the function that the source has it in.

use std::collections::{HashMap, HashSet};

use iced_x86::{FlowControl, Instruction};

use super::code::Listing;
use super::{Binary, Function};
use crate::model::StaticAddr;

impl Binary {
    /// Whether the instruction at `address` stands in a loop of its function, so that
    /// one call may come to it many times. A loop around a call that was inlined is
    /// the caller's. Jumps through a table are not followed.
    #[must_use]
    pub fn is_in_loop(&self, address: StaticAddr) -> bool {
        let Some(function) = self.functions().function_at(address) else { return false };
        let Ok(listing) = Listing::of(self.elf(), &function) else { return false };
        let by_ip: HashMap<u64, &Instruction> = listing.instructions.iter().map(|i| (i.ip(), i)).collect();
        let mut instructions = listing.instructions.iter();
        let Some(at) = instructions.find(|i| (i.ip()..i.next_ip()).contains(&address.0)) else {
            return false;
        };
        let own = calls(&function, at);
        let mut seen = HashSet::new();
        let mut next = ways_on(at);
        while let Some(ip) = next.pop() {
            if ip == at.ip() {
                return true;
            }
            // The entry is come back to when the stack has grown.
            let known = by_ip.get(&ip).filter(|_| ip != function.entry.0);
            if let Some(i) = known.filter(|i| seen.insert(ip) && calls(&function, i).ends_with(&own)) {
                next.extend(ways_on(i));
            }
        }
        false
    }
}

/// The names of the calls that an instruction stands for, innermost first.
fn calls(function: &Function<'_>, i: &Instruction) -> Vec<u32> {
    function.calls_at(StaticAddr(i.ip())).iter().map(|call| call.name).collect()
}

/// Where the processor goes on behind `i`.
pub(super) fn ways_on(i: &Instruction) -> Vec<u64> {
    match i.flow_control() {
        FlowControl::Next | FlowControl::Call | FlowControl::IndirectCall => vec![i.next_ip()],
        FlowControl::ConditionalBranch => vec![i.next_ip(), i.near_branch64()],
        FlowControl::UnconditionalBranch => vec![i.near_branch64()],
        _ => Vec::new(),
    }
}
