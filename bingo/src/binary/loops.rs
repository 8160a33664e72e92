//! Whether an instruction stands in a loop. In: an address. Out: yes or no, by the
//! function's own jumps.

use super::Binary;
use super::code::Listing;
use crate::model::StaticAddr;

impl Binary {
    /// Whether the instruction at `address` stands in a loop of its function, so that
    /// one call may come to it many times.
    #[must_use]
    pub fn is_in_loop(&self, address: StaticAddr) -> bool {
        let function = self.functions().function_at(address);
        let listing = function.and_then(|function| Listing::of(self.elf(), &function).ok());
        listing.is_some_and(|listing| {
            let at = listing.instructions.iter().find(|i| (i.ip()..i.next_ip()).contains(&address.0));
            at.is_some_and(|at| listing.is_in_loop(at))
        })
    }
}
