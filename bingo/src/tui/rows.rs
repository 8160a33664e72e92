//! The goroutines in the order in which they are shown: filtered, in groups, sorted.
//! That is done once for each picture or wish, by places in the picture; what a row
//! says is made when it is seen.
//!
//! In: a [`View`] and an [`Order`]. Out: [`Rows`].

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use crate::model::{Frame, GoId, GoState, Stack, Wait};
use crate::report::{Selection, Urgency};
use crate::session::{Goroutine, View};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Stacks whose places are kept. A program has fewer.
const KEPT: usize = 1 << 14;

/// What goroutines of one group have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Grouping {
    /// Nothing: each has its own row.
    Each,
    /// Condition and stack.
    Stack,
    State,
    Reason,
    /// The function of the program's own that they are in.
    Function,
    /// The `go` statement that made them.
    Creator,
}

impl Grouping {
    const ALL: [Grouping; 6] = [
        Grouping::Stack,
        Grouping::Each,
        Grouping::State,
        Grouping::Reason,
        Grouping::Function,
        Grouping::Creator,
    ];

    /// The one after it.
    pub(super) fn next(self) -> Grouping {
        let at = Self::ALL.iter().position(|one| *one == self).map_or(0, |at| at + 1);
        Self::ALL.get(at).copied().unwrap_or(Grouping::Stack)
    }

    /// `by stack`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Grouping::Each => "each",
            Grouping::Stack => "by stack",
            Grouping::State => "by state",
            Grouping::Reason => "by reason",
            Grouping::Function => "by function",
            Grouping::Creator => "by go statement",
        }
    }
}

/// What rows are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Column {
    /// What is stuck first.
    Urgency,
    For,
    Id,
    Count,
    State,
    Why,
    On,
    Where,
    MadeBy,
}

/// Which goroutines are shown, and in what order.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) selection: Selection,
    /// Only these.
    pub(super) only: Option<HashSet<GoId>>,
    pub(super) grouping: Grouping,
    pub(super) column: Column,
    pub(super) reversed: bool,
    /// Groups whose goroutines have rows of their own.
    pub(super) open: HashSet<u64>,
}

/// What a line stands for, whatever the order is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Key {
    Group(u64),
    Goroutine(GoId),
}

/// Goroutines that have a row together.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// What they have in common.
    hash: u64,
    /// Their places in [`Rows::members`].
    from: usize,
    to: usize,
    urgency: Urgency,
}

/// A line of the list: a row, or one of an open row's goroutines.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Line {
    row: usize,
    /// Its place in [`Rows::members`].
    member: Option<usize>,
}

/// The goroutines in order.
#[derive(Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row>,
    /// Places in the picture, those of one row side by side.
    members: Vec<usize>,
    lines: Vec<Line>,
}

/// What is the same for all goroutines with a stack, asked once.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By the stack's address; the stack is held so that it stays its own.
    known: Map<usize, (Stack, u64, u64)>,
    hash: foldhash::fast::FixedState,
}

impl Places {
    /// What stands for the frames that are shown, and for the function they are in.
    fn of(&mut self, stack: &Stack, selection: &Selection) -> (u64, u64) {
        if self.known.len() > KEPT {
            self.known.clear();
        }
        let hash = &self.hash;
        let known = self.known.entry(stack.address()).or_insert_with(|| {
            let key = |frame: &Frame| (Arc::clone(&frame.function), Arc::clone(&frame.file), frame.line);
            let frames: Vec<_> = selection.frames(stack).map(key).collect();
            let site = stack.site().map(|site| &*site.function);
            (stack.clone(), hash.hash_one(frames), hash.hash_one(site))
        });
        (known.1, known.2)
    }

    /// Asks anew: other frames are shown.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn group(&mut self, goroutine: &Goroutine, order: &Order) -> u64 {
        let hash = |what: &dyn Fn(&mut dyn std::hash::Hasher)| {
            let mut hasher = self.hash.build_hasher();
            what(&mut hasher);
            std::hash::Hasher::finish(&hasher)
        };
        match order.grouping {
            Grouping::Each => hash(&|mut to| goroutine.id.hash(&mut to)),
            Grouping::State => hash(&|mut to| goroutine.state.hash(&mut to)),
            Grouping::Reason => hash(&|mut to| (goroutine.state, goroutine.reason).hash(&mut to)),
            Grouping::Creator => hash(&|mut to| goroutine.created_by.hash(&mut to)),
            Grouping::Function => self.of(&goroutine.stack, &order.selection).1,
            Grouping::Stack => {
                let frames = self.of(&goroutine.stack, &order.selection).0;
                self.hash.hash_one((goroutine.state, goroutine.reason, frames))
            }
        }
    }
}

fn urgency(view: &View, goroutine: &Goroutine) -> Urgency {
    Urgency::of(goroutine.state, goroutine.reason, view.lasting(goroutine), goroutine.system)
}

impl Rows {
    /// Those of a picture.
    pub(super) fn of(view: &View, order: &Order, places: &mut Places) -> Rows {
        let shown = |goroutine: &Goroutine| {
            order.selection.shows(goroutine)
                && order.only.as_ref().is_none_or(|only| only.contains(&goroutine.id))
        };
        let all = view.goroutines.iter().enumerate().filter(|(_, goroutine)| shown(goroutine));
        let mut numbers: Map<u64, usize> = Map::default();
        let mut rows: Vec<Row> = Vec::new();
        let mut keyed: Vec<(usize, u64, usize)> = Vec::new();
        for (at, goroutine) in all {
            let urgency = urgency(view, goroutine);
            let hash = places.group(goroutine, order);
            let new = Row { hash, from: 0, to: 0, urgency };
            let number = if order.grouping == Grouping::Each {
                rows.push(new);
                rows.len() - 1
            } else {
                *numbers.entry(hash).or_insert_with(|| {
                    rows.push(new);
                    rows.len() - 1
                })
            };
            if let Some(row) = rows.get_mut(number) {
                row.urgency = row.urgency.min(urgency);
            }
            // Those that are busy are by id: by time they would change places all the time.
            let since = if urgency == Urgency::Busy { u64::MAX } else { goroutine.since.time().0 };
            keyed.push((number, since, at));
        }
        if order.grouping != Grouping::Each {
            keyed.sort_unstable();
        }
        let mut at = 0;
        for (number, row) in rows.iter_mut().enumerate() {
            row.from = at;
            at += keyed.get(at..).unwrap_or_default().iter().take_while(|(of, _, _)| *of == number).count();
            row.to = at;
        }
        let members = keyed.into_iter().map(|(_, _, at)| at).collect();
        let mut made = Rows { rows, members, lines: Vec::new() };
        made.sort(view, order);
        made.fold(order);
        made
    }

    fn sort(&mut self, view: &View, order: &Order) {
        let members = &self.members;
        let first = |row: &Row| members.get(row.from).and_then(|at| view.goroutines.get(*at));
        // What decides where the column does not: nothing that changes all the time.
        let calm = |row: &Row| {
            let since = first(row).filter(|_| row.urgency != Urgency::Busy).map(|one| one.since.time());
            (
                row.urgency,
                first(row).map(|one| one.state != GoState::Blocked),
                since,
                row.from.wrapping_sub(row.to),
                first(row).map(|one| one.id),
            )
        };
        let rows = &mut self.rows;
        match order.column {
            Column::Urgency => rows.sort_by_cached_key(calm),
            Column::For => rows.sort_by_cached_key(|row| first(row).map(|one| (one.since.time(), one.id))),
            Column::Id => rows.sort_by_cached_key(|row| first(row).map(|one| one.id)),
            Column::Count => {
                rows.sort_by_cached_key(|row| (row.from.wrapping_sub(row.to), first(row).map(|one| one.id)));
            }
            Column::State => rows.sort_by_cached_key(|row| (first(row).map(|one| one.state), calm(row))),
            Column::Why => {
                rows.sort_by_cached_key(|row| (first(row).map(|one| (one.state, one.reason)), calm(row)));
            }
            Column::On => rows.sort_by_cached_key(|row| (first(row).map(|one| on(one)), calm(row))),
            Column::Where => rows.sort_by_cached_key(|row| {
                let site = first(row).and_then(|one| one.stack.site());
                (site.map(|site| (Arc::clone(&site.function), site.line)), calm(row))
            }),
            Column::MadeBy => rows.sort_by_cached_key(|row| {
                let by = first(row).and_then(|one| one.created_by.as_ref());
                (by.map(|by| (Arc::clone(&by.function), by.line)), calm(row))
            }),
        }
        if order.reversed {
            rows.reverse();
        }
    }

    /// Makes the lines: groups are open or not.
    pub(super) fn fold(&mut self, order: &Order) {
        self.lines.clear();
        for (at, row) in self.rows.iter().enumerate() {
            self.lines.push(Line { row: at, member: None });
            if order.grouping != Grouping::Each && order.open.contains(&row.hash) {
                self.lines.extend((row.from..row.to).map(|member| Line { row: at, member: Some(member) }));
            }
        }
    }

    /// The lines.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// How many goroutines there are in them.
    pub(super) fn goroutines(&self) -> usize {
        self.members.len()
    }

    /// What a line stands for.
    pub(super) fn key(&self, view: &View, line: Line, grouping: Grouping) -> Option<Key> {
        let row = self.rows.get(line.row)?;
        match (line.member, grouping) {
            (Some(member), _) => self.id(view, member).map(Key::Goroutine),
            (None, Grouping::Each) => self.id(view, row.from).map(Key::Goroutine),
            (None, _) => Some(Key::Group(row.hash)),
        }
    }

    /// The line that stands for it.
    pub(super) fn find(&self, view: &View, key: Key, grouping: Grouping) -> Option<usize> {
        self.lines.iter().position(|line| self.key(view, *line, grouping) == Some(key))
    }

    /// The goroutines of a line, longest in their condition first.
    pub(super) fn goroutines_of<'v>(&self, view: &'v View, line: Line) -> Vec<&'v Arc<Goroutine>> {
        let Some(row) = self.rows.get(line.row) else { return Vec::new() };
        let places = line.member.map_or(row.from..row.to, |member| member..member + 1);
        let members = self.members.get(places).unwrap_or_default();
        members.iter().filter_map(|at| view.goroutines.get(*at)).collect()
    }

    /// What stands for the group that a line is of.
    pub(super) fn group_of(&self, line: Line) -> Option<u64> {
        self.rows.get(line.row).map(|row| row.hash)
    }

    /// How far up a line belongs.
    pub(super) fn urgency(&self, view: &View, line: Line) -> Option<Urgency> {
        match line.member {
            Some(member) => {
                let goroutine = view.goroutines.get(*self.members.get(member)?)?;
                Some(urgency(view, goroutine))
            }
            None => self.rows.get(line.row).map(|row| row.urgency),
        }
    }

    fn id(&self, view: &View, member: usize) -> Option<GoId> {
        self.members.get(member).and_then(|at| view.goroutines.get(*at)).map(|goroutine| goroutine.id)
    }
}

impl Line {
    /// Whether it is below a row of its group.
    pub(super) fn is_member(self) -> bool {
        self.member.is_some()
    }
}

/// What it waits on, in some order.
fn on(goroutine: &Goroutine) -> (u8, u64) {
    match &goroutine.wait {
        Some(Wait::Channel { channel, .. }) => (0, channel.0),
        Some(Wait::Select(cases)) => (1, cases.first().map_or(0, |(channel, _)| channel.0)),
        Some(Wait::Lock(address)) => (2, address.0),
        Some(Wait::Io { fd, .. }) => (3, u64::from(fd.cast_unsigned())),
        Some(Wait::Sleep { until }) => (4, until.0),
        None => (5, 0),
    }
}
