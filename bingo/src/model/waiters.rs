//! Who is queued at an object, first come first. In: ids. Out: a slice of them. There may
//! be as many objects as goroutines, and at most of them waits one: that takes no list.

use std::fmt;
use std::ops::Deref;

use super::GoId;

/// The goroutines of a queue.
#[derive(Clone)]
pub struct Waiters(Kept);

#[derive(Clone)]
enum Kept {
    One([GoId; 1]),
    Any(Box<[GoId]>),
}

const _: () = assert!(size_of::<Waiters>() == 16);

impl Deref for Waiters {
    type Target = [GoId];

    fn deref(&self) -> &[GoId] {
        match &self.0 {
            Kept::One(one) => one,
            Kept::Any(any) => any,
        }
    }
}

impl From<Vec<GoId>> for Waiters {
    fn from(ids: Vec<GoId>) -> Waiters {
        match *ids {
            [one] => Waiters(Kept::One([one])),
            _ => Waiters(Kept::Any(ids.into())),
        }
    }
}

impl FromIterator<GoId> for Waiters {
    fn from_iter<I: IntoIterator<Item = GoId>>(ids: I) -> Waiters {
        Vec::from_iter(ids).into()
    }
}

impl Default for Waiters {
    fn default() -> Waiters {
        Waiters(Kept::Any(Box::default()))
    }
}

impl PartialEq for Waiters {
    fn eq(&self, other: &Waiters) -> bool {
        **self == **other
    }
}

impl Eq for Waiters {}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_one_and_many() {
        for count in 0..4 {
            let ids: Vec<GoId> = (7..7 + count).map(GoId).collect();
            let waiters: Waiters = ids.iter().copied().collect();
            assert_eq!((&*waiters, waiters.clone()), (&*ids, Waiters::from(ids.clone())));
            assert_ne!(waiters, Waiters::from(vec![GoId(1)]));
            assert_eq!(format!("{waiters:?}"), format!("{ids:?}"));
        }
        assert!(Waiters::default().is_empty());
    }
}
