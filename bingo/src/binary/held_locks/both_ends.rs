//! Whether who waits to send on a channel would receive from it afterwards. In: the
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
    /// Whether the function that sends on a channel at `address` may come from there to
    /// where it receives from the same one. Calls of other functions are not followed,
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
            let values = self.values(function, listing, |i| i.ip() == at || receives(i));
            let Some(channel) = values.operand(at).filter(|value| values.is_stable(*value)) else {
                return false;
            };
            let by_ip: HashMap<u64, &Instruction> =
                listing.instructions.iter().map(|i| (i.ip(), i)).collect();
            let mut seen = HashSet::new();
            let mut next = vec![at];
            while let Some(ip) = next.pop() {
                let Some(i) = by_ip.get(&ip).filter(|_| seen.insert(ip)) else { continue };
                if receives(i) && values.operand(ip) == Some(channel) {
                    return true;
                }
                next.extend(ways_on(i));
            }
            false
        });
        found.unwrap_or(false)
    }
}
