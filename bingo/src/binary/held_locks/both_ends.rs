//! Whether who waits to send on a channel is one of those who receive from it. In: the
//! place of a send. Out: yes or no, by the calls of the runtime that the function may
//! come to from there.

use std::collections::{HashMap, HashSet};

use iced_x86::Instruction;

use crate::binary::Binary;
use crate::binary::code::call_target;
use crate::binary::loops::ways_on;
use crate::model::StaticAddr;

// go: runtime.chanrecv1, chanrecv2 (1.19-1.27): the channel comes first
const RECEIVES: [&str; 2] = ["runtime.chanrecv1", "runtime.chanrecv2"];

impl Binary {
    /// Whether the function that sends on a channel at `address` has received from it
    /// before, and may come from there to where it receives again. Calls of other functions are not followed,
    /// nor what stands in a `select`.
    #[must_use]
    pub fn receives_behind(&self, address: StaticAddr) -> bool {
        let entries: HashSet<StaticAddr> =
            RECEIVES.iter().filter_map(|name| Some(self.functions().function_named(name)?.entry)).collect();
        let receives = |i: &Instruction| call_target(i).is_some_and(|target| entries.contains(&target));
        let found = self.look_into(address, |function, listing, at| {
            if !listing.instructions.iter().any(receives) {
                return false;
            }
            let values = self.values(function, listing, at, |i| i.ip() == at || receives(i));
            let Some(channel) = values.operand(at).filter(|value| values.is_stable(*value)) else {
                return false;
            };
            let by_ip: HashMap<u64, &Instruction> =
                listing.instructions.iter().map(|i| (i.ip(), i)).collect();
            let takes = |i: &Instruction| receives(i) && values.operand(i.ip()) == Some(channel);
            // Who sends first and receives then takes a slot and gives it back.
            let first = comes_to(&by_ip, vec![listing.entry.0], |i| i.ip() == at, takes);
            let from = by_ip.get(&at).map(|i| ways_on(i)).unwrap_or_default();
            !first && comes_to(&by_ip, from, takes, |_| false)
        });
        found.unwrap_or(false)
    }
}

/// Whether one may come from these instructions to one that is `sought`, past none that
/// `stops`.
fn comes_to(
    by_ip: &HashMap<u64, &Instruction>,
    from: Vec<u64>,
    sought: impl Fn(&Instruction) -> bool,
    stops: impl Fn(&Instruction) -> bool,
) -> bool {
    let mut seen = HashSet::new();
    let mut next = from;
    while let Some(ip) = next.pop() {
        let Some(i) = by_ip.get(&ip).filter(|_| seen.insert(ip)) else { continue };
        if sought(i) {
            return true;
        }
        if !stops(i) {
            next.extend(ways_on(i));
        }
    }
    false
}
