//! What the C library does with memory that was given back. In: nothing. Out: nothing;
//! from then on what is large goes back to the kernel at once.

use nix::libc::{M_MMAP_THRESHOLD, mallopt};

/// From so many bytes on memory is mapped for itself.
const LARGE: i32 = 128 << 10;

/// Has glibc keep to the threshold that it begins with. Of itself it takes the largest
/// block that was ever given back for it, up to 32 MiB: whatever is smaller would then
/// leave holes among what lives on, a third of what is in use.
// glibc: sysmalloc, __libc_free (malloc/malloc.c, 2.3 to 2.41)
pub(super) fn keep_apart() {
    #[expect(unsafe_code, reason = "a function of C")]
    // SAFETY: it takes two numbers, and its lock while it notes one. Where it does not know
    // the number it notes nothing.
    unsafe {
        mallopt(M_MMAP_THRESHOLD, LARGE)
    };
}
