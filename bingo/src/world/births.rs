//! Where goroutines were made, how many there, and how many of them lived at once:
//! what stays of those that have ended. In: who is made, where and when, and who
//! ends. Out: [`Birthplace`]s, as many as [`KEPT`].

use super::Map;
use crate::model::{GoId, Stack, Time};

/// Stacks that are kept. A program has fewer.
const KEPT: usize = 1 << 12;

/// A stack at which goroutines were made.
#[derive(Clone, Debug)]
pub struct Birthplace {
    /// Whose `go` statement it is, innermost call first.
    pub stack: Stack,
    /// How many were made there.
    pub made: u64,
    /// How many of them lived at once at the most.
    pub at_once: u64,
    /// Two of those, or the first one.
    pub together: Vec<GoId>,
    /// When the first one was made.
    pub first: Time,
    /// When the last one ended; `None`: one of them lives.
    pub last: Option<Time>,
}

/// Where goroutines were made.
#[derive(Debug, Default)]
pub(super) struct Births {
    all: Vec<Birthplace>,
    /// How many live, and one of them.
    living: Vec<(u64, GoId)>,
    by_value: Map<Stack, u32>,
    /// The same by where a stack is kept, which is quicker: it stands beside, so
    /// that it is kept there.
    by_address: Map<usize, (u32, Stack)>,
}

impl Births {
    pub(super) fn all(&self) -> &[Birthplace] {
        &self.all
    }

    /// Notes that a goroutine was made; its birthplace. `None`: no more are kept.
    pub(super) fn born(&mut self, id: GoId, stack: &Stack, time: Time) -> Option<u32> {
        let number = self.number(stack, time)?;
        let at = usize::try_from(number).ok()?;
        let (place, (living, one)) = (self.all.get_mut(at)?, self.living.get_mut(at)?);
        place.made += 1;
        *living += 1;
        place.at_once = place.at_once.max(*living);
        match place.together.len() {
            0 => place.together.push(id),
            1 if *living > 1 => place.together = vec![*one, id],
            _ => {}
        }
        *one = id;
        place.last = None;
        Some(number)
    }

    /// Notes that one that was made there has ended.
    pub(super) fn ended(&mut self, number: u32, time: Time) {
        let at = number as usize;
        let Some((place, (living, _))) = self.all.get_mut(at).zip(self.living.get_mut(at)) else { return };
        *living = living.saturating_sub(1);
        if *living == 0 {
            place.last = Some(time);
        }
    }

    fn number(&mut self, stack: &Stack, time: Time) -> Option<u32> {
        if let Some((known, _)) = self.by_address.get(&stack.address()) {
            return Some(*known);
        }
        let number = match self.by_value.get(stack) {
            Some(known) => *known,
            None if self.all.len() >= KEPT => return None,
            None => {
                let number = u32::try_from(self.all.len()).ok()?;
                let (stack, together) = (stack.clone(), Vec::new());
                self.by_value.insert(stack.clone(), number);
                self.all.push(Birthplace { stack, made: 0, at_once: 0, together, first: time, last: None });
                self.living.push((0, GoId(0)));
                number
            }
        };
        if self.by_address.len() >= KEPT {
            self.by_address.clear();
        }
        self.by_address.insert(stack.address(), (number, stack.clone()));
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addr, Frame};

    fn stack(line: u32) -> Stack {
        let (function, file) = ("main.main".into(), "/src/main.go".into());
        Stack::new(vec![Frame { function, file, line, pc: Addr(1), inlined: false }])
    }

    #[test]
    fn how_many_lived_at_once() {
        let mut births = Births::default();
        let one = births.born(GoId(7), &stack(5), Time(1)).unwrap();
        births.ended(one, Time(2));
        assert_eq!(births.born(GoId(8), &stack(5), Time(3)), Some(one));
        assert_eq!((births.all()[0].made, births.all()[0].at_once), (2, 1));
        births.born(GoId(9), &stack(5), Time(4));
        let place = &births.all()[0];
        assert_eq!((place.at_once, &place.together[..]), (2, &[GoId(8), GoId(9)][..]));
        births.ended(one, Time(6));
        assert_eq!(births.all()[0].last, None);
        births.ended(one, Time(8));
        assert_eq!((births.all()[0].first, births.all()[0].last), (Time(1), Some(Time(8))));
    }

    #[test]
    fn memory_is_bounded() {
        let mut births = Births::default();
        for line in 0..10_000 {
            births.born(GoId(u64::from(line)), &stack(line), Time(1));
        }
        assert_eq!((births.all().len(), births.by_address.len()), (KEPT, KEPT));
    }
}
