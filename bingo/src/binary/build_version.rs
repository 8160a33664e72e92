//! The Go release of a program whose build information was taken out.
//!
//! In: its functions. Out: what `runtime.Version` would say, from the variable
//! `runtime.buildVersion`, which `runtime.schedinit` names:
//!
//! ```text
//! if buildVersion == "" {            cmp  qword ptr [rip + buildVersion + 8], 0
//!     buildVersion = "unknown"       mov  qword ptr [rip + buildVersion + 8], 7
//! }
//! ```

use iced_x86::{Code, Instruction};

use super::code::{Listing, fixed_address};
use super::{Elf, PclnTab};
use crate::model::StaticAddr;

/// The longest version text that is believed, in bytes.
const LONGEST: u64 = 256;

/// The version text; `None` where the code is not as expected.
// go: runtime.schedinit (1.18-1.27)
pub(super) fn build_version(image: &Elf, functions: &PclnTab) -> Option<String> {
    let listing = Listing::of(image, &functions.function_named("runtime.schedinit")?).ok()?;
    let code = &listing.instructions;
    let of = |wanted: Code, number: u64| {
        move |i: &Instruction| {
            (i.code() == wanted && i.immediate(1) == number).then(|| fixed_address(i)).flatten()
        }
    };
    let is_empty = of(Code::Cmp_rm64_imm8, 0);
    let set_length = of(Code::Mov_rm64_imm32, 7);
    let length =
        code.iter().filter_map(set_length).find(|at| code.iter().any(|i| is_empty(i) == Some(*at)))?;
    let text = StaticAddr(image.read_u64(StaticAddr(length.0.checked_sub(8)?)).ok()?);
    let len = image.read_u64(length).ok().filter(|len| *len <= LONGEST)?;
    String::from_utf8(image.read(text, len).ok()?).ok()
}
