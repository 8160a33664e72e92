//! Why a goroutine is blocked, or that this is not known, in two bytes that are copied
//! and compared as one.

use std::fmt;

use super::WaitReason;

/// An `Option<WaitReason>`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ShortReason(u16);

impl ShortReason {
    /// It is not blocked, or that is not known.
    pub const NONE: ShortReason = ShortReason(0);
    /// The largest of their numbers.
    pub const MOST: usize = WaitReason::ALL.len() + 1 + u8::MAX as usize;

    /// A number of its own, up to [`ShortReason::MOST`].
    #[inline(always)]
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// The one of that number.
    #[must_use]
    pub fn of_number(number: u16) -> ShortReason {
        ShortReason(number)
    }

    /// The reason itself.
    #[must_use]
    pub fn get(self) -> Option<WaitReason> {
        let number = usize::from(self.0.checked_sub(1)?);
        let known = WaitReason::ALL.get(number).copied();
        known.or_else(|| u8::try_from(number - WaitReason::ALL.len()).ok().map(WaitReason::Unknown))
    }
}

impl From<Option<WaitReason>> for ShortReason {
    fn from(reason: Option<WaitReason>) -> ShortReason {
        ShortReason(reason.map_or(0, |reason| reason.number() + 1))
    }
}

impl fmt::Debug for ShortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back() {
        let unknown = [0, 1, u8::MAX].map(WaitReason::Unknown);
        let reasons = WaitReason::ALL.iter().chain(&unknown).copied().map(Some);
        for reason in reasons.chain([None]) {
            assert_eq!(ShortReason::from(reason).get(), reason);
        }
        assert_eq!(ShortReason::NONE, ShortReason::from(None));
    }
}
