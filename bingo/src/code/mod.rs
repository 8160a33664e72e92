//! What the program's Go source says of the goroutines that wait: on which object,
//! who holds it, who could end the wait. A trace carries no addresses; names, and
//! the line where each goroutine is, stand in for them. In: the World at the end of
//! what was seen, the texts of source files, and the wish to stop. Out: [`Links`], by
//! names, or why there are none.
//!
//! ```text
//!   texts ─▶ load ─▶ lower ─▶ ir::Program ─▶ points: what can refer to what
//!                                              │
//!   stacks ─▶ place: frames in the source ─────┤
//!                                              ▼
//!     pattern: waits · holds (held) · uses (future) ────────▶ joined: Links
//! ```
//!
//! | what | how it is known |
//! |---|---|
//! | which object | by where it is made, and by whose goroutine: parameters are followed along the real calls and `go` statements, the rest by an inclusion-based points-to analysis |
//! | who could end a wait | all whose further way in the source comes to such an operation, and who can get at the object from the variables that they still use |
//! | who holds a lock | all who may have locked it on the way to where they are |
//! | which memory is shared without an order | by what those do who were made (threads), and under which one name they get at it (paths) |
//!
//! Where something is not understood (a file that is not there or does not fit, a
//! value from a package that was not read), a goroutine is left out of the waits and
//! whatever could be its object counts as reached. Known limits: objects of one
//! place and goroutine are one, but for those that are told apart by the call that made
//! them or their number in a list (which), and those of which each waiter has its own (own); assembly, cgo, `reflect` and `unsafe` are not seen.

mod acts;
mod calls;
mod context;
mod ending;
mod foreign;
mod future;
mod hands;
mod held;
mod idle;
mod ir;
mod joined;
mod load;
mod lower;
mod own;
mod paths;
mod pattern;
mod place;
mod points;
mod same;
mod shared;
mod sites;
mod slots;
mod threads;
mod waits;
mod which;

#[cfg(test)]
mod flow_tests;
#[cfg(test)]
mod found_tests;
#[cfg(test)]
mod go_tests;
#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod owed_tests;
#[cfg(test)]
mod own_tests;
#[cfg(test)]
mod shared_tests;
#[cfg(test)]
mod slots_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unseen_tests;
#[cfg(test)]
mod which_tests;

use crate::model::{GoState, Links, Texts};
use crate::world::World;

/// Asked now and then whether that was enough.
pub type Enough<'e> = &'e mut dyn FnMut() -> bool;

/// Why it is not told what the source says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LeftOut {
    /// Whoever asks had enough.
    #[error("it was to stop")]
    Stopped,
    /// The program is larger than is read.
    #[error("it is larger than the {} MiB that are read", load::BYTES >> 20)]
    Size,
    /// Values flow on more ways through it than are followed.
    #[error("values flow through it on more ways than are followed")]
    Steps,
}

/// What the source says.
#[derive(Debug, Default)]
pub struct BySource {
    /// How the goroutines hang together. Empty where there is no source, or nobody of
    /// the program waits or has made another one.
    pub links: Links,
    /// Why of the links there is nothing but what stands for itself (who shares
    /// memory). Some of who could come would be as wrong as none: who is not known to
    /// come would count as gone.
    pub left_out: Option<LeftOut>,
}

/// What the source tells until it is `enough`.
#[must_use]
pub fn links(world: &World, texts: &dyn Texts, enough: Enough<'_>) -> BySource {
    let mut links = Links::default();
    let left_out = read(world, texts, enough, &mut links).err();
    BySource { links, left_out }
}

fn read(world: &World, texts: &dyn Texts, enough: Enough<'_>, links: &mut Links) -> Result<(), LeftOut> {
    let waits = world.glances().any(|goroutine| {
        goroutine.state() == GoState::Blocked
            && !goroutine.is_system()
            && goroutine.stack().frames().iter().any(|frame| !load::is_foreign(frame))
    });
    let made = world.birthplaces().iter().flat_map(|place| place.stack.frames());
    let mut made = made.filter(|frame| !load::is_foreign(frame)).peekable();
    if !waits && made.peek().is_none() {
        return Ok(());
    }
    let mut frames = std::collections::BTreeSet::new();
    let mut known = std::collections::HashSet::new();
    for goroutine in world.glances().filter(|goroutine| !goroutine.is_system()) {
        if let Some(made) = goroutine.created_by()
            && known.insert((made.function.as_ptr(), made.file.as_ptr()))
            && !load::is_foreign_function(&made.function, &made.file)
        {
            frames.insert((made.function.to_string(), made.file.to_string()));
        }
        let stack = goroutine.stack();
        if !known.insert((stack.address() as *const u8, std::ptr::null())) {
            continue;
        }
        for frame in stack.frames().iter().filter(|frame| !load::is_foreign(frame)) {
            frames.insert((frame.function.to_string(), frame.file.to_string()));
        }
    }
    for frame in made {
        if known.insert((frame.function.as_ptr(), frame.file.as_ptr())) {
            frames.insert((frame.function.to_string(), frame.file.to_string()));
        }
    }
    let frames = frames.iter().map(|(function, file)| (&**function, &**file));
    let frames = frames.filter(|(_, file)| file.ends_with(".go"));
    let Some(program) = load::load(frames, texts, enough)? else { return Ok(()) };
    let mut points = points::Points::of(program, enough)?;
    let tested = world.glances().any(|goroutine| {
        goroutine.stack().frames().iter().any(|frame| frame.function.starts_with("testing."))
    });
    if tested {
        // There may be more tests to come.
        points.later.extend(points.program.tests());
    }
    let mut code = acts::Code::new(points);
    if waits {
        *links = joined::links(world, &mut code, enough)?;
    }
    shared::of(world, &mut code, enough, &mut links.shared)
}
