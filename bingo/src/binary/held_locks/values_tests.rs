//! Addresses that no compiler computes so, and a hostile binary may.

use iced_x86::Register;

use super::values::Values;
use crate::binary::code::Listing;
use crate::model::StaticAddr;

#[test]
fn a_sum_of_a_sum_and_itself_is_walked_once() {
    // lea rax, [rax+rax] over and over; mov [rax], rcx; ret
    let mut code = [0x48, 0x8d, 0x04, 0x00].repeat(100);
    let store = 0x1000 + u64::try_from(code.len()).unwrap();
    code.extend([0x48, 0x89, 0x08, 0xc3]);
    let listing = Listing::of_bytes(code, StaticAddr(0x1000));
    let values = Values::of(&listing, store, |_| Some(0), |_| false, |i| i.memory_base() == Register::RAX);
    let address = values.operand(store).unwrap();
    assert!(!values.is_stable(address) && values.is_fixed(address));
    assert!(values.made_by(address).is_empty());
    assert_eq!(values.place(address, 0), None);
}

#[test]
fn as_many_loads_from_what_was_loaded_as_a_function_has_room_for() {
    // mov rax, [rax] over and over; mov [rax], rcx; ret
    let mut code = [0x48, 0x8b, 0x00].repeat(21_000);
    let store = 0x1000 + u64::try_from(code.len()).unwrap();
    code.extend([0x48, 0x89, 0x08, 0xc3]);
    let listing = Listing::of_bytes(code, StaticAddr(0x1000));
    let values = Values::of(&listing, store, |_| Some(0), |_| false, |i| i.ip() == store);
    let address = values.operand(store).unwrap();
    assert!(values.is_stable(address) && values.is_fixed(address));
    assert_eq!(values.place(address, 0), None);
}
