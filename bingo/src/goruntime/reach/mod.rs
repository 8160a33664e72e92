//! What can be reached from all that goes on: the mark phase of the garbage
//! collector, done from outside and without the goroutines that are parked. Who is
//! parked on something that is reached may go on, and what its stack holds is
//! reached too, to the fixed point (as the leak profile of Go 1.26 does it inside
//! of the runtime).
//!
//! ```text
//!   variables, finalizers, stacks of all that runs ──▶ objects ──▶ objects
//!                          ▲                                          │
//!                          └── stacks of who waits on one of them ◀───┘
//! ```
//!
//! The program runs on meanwhile, and may move a pointer from where nobody has
//! looked yet to where somebody has. So a search sweeps over the same ground many
//! times, and what was reached once stays reached: it errs by taking for reachable
//! what is not, and a pointer that is never seen would have to flee each sweep.
//!
//! | sweep | reads | looks through |
//! |---|---|---|
//! | 1, of the first look | what is reached, as it is reached | all of it |
//! | 2, of the next one, seconds later | all that is marked, by address | all of it |
//! | 3 | the same | the parts of pages that have changed |
//! | 4, and up to 16 if there is time | the pages that had changed | those that have again |
//!
//! Why the later ones need not read all: a pointer that is moved once is where it was, or
//! where it is then, in all sweeps but the one that it is moved across; that one misses it,
//! and the next one that reads all finds it. What flees the first look and both sweeps that
//! read all of the next one is moved again and again, and whatever is moved writes to where
//! it goes: to a page that changes between two sweeps, or to one in which something is
//! marked for the first time. These are the pages that are read again and again. Where what
//! is read has not changed, it is looked through all the same if it points to a span that
//! was not known when that was done before.
//!
//! Of one that runs the whole stack is read, also what is over. Where that alone leads
//! to something, the sweep does not count and is made again until one finds it at rest
//! from beginning to end: see `restless`. In a target that stands still it is known where
//! everybody is.
//!
//! The runtime's own lists do not count: nobody is reached by its `g`, nor by the
//! sudog that it is queued with, nor by what a processor keeps for later; but by a
//! timer that runs, by a finalizer that waits to be run and, in a target that stands
//! still, by a thread that is at work for the runtime.

mod again;
mod found;
mod goroutines;
mod holders;
mod labels;
mod mark;
mod restless;
mod roots;
mod search;
mod stacks;
mod stopped;
mod timers;
mod uses;
mod watch;

pub(super) use holders::Holder;
pub use mark::GoOn;
pub(super) use roots::{Held, Variables, specials};
pub(super) use search::{Kept, Reached, Root, SWEEPS, Search};
pub(super) use timers::{processors, running as running_timers};
pub(super) use uses::Sight;
pub(super) use watch::Watched;
