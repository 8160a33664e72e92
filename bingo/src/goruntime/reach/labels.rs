//! The labels of what is reached from: a root comes in, the label that its marks have
//! goes out. Labels are few: where variables or goroutines have used theirs up, the rest
//! of them have one together.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::search::Root;
use crate::goruntime::fields::index;
use crate::goruntime::heap::Label;

/// Labels that variables may use up; the others are for goroutines.
const VARIABLES: usize = 16_000;
/// Labels that are for neither.
const OTHERS: usize = 8;

/// All of them.
#[derive(Default)]
pub(super) struct Labels {
    /// By the number of their label.
    roots: Vec<Root>,
    /// The label of each root, by its hash: very many goroutines have one.
    by_root: HashTable<Label>,
}

impl Labels {
    /// The label of a root.
    pub(super) fn of(&mut self, root: Root) -> Label {
        if let Some(label) = self.find(root) {
            return label;
        }
        let has_room = |room| self.roots.len() < room;
        let root = match root {
            Root::Variable(_) if !has_room(VARIABLES) => Root::Variables,
            Root::Goroutine(_) if !has_room(usize::from(Label::COUNT) - OTHERS) => Root::Goroutines,
            root => root,
        };
        if let Some(label) = self.find(root) {
            return label;
        }
        let number = u16::try_from(self.roots.len()).ok();
        let Some(label) = number.and_then(Label::new) else { return Label::LAST };
        self.roots.push(root);
        let roots = &self.roots;
        let hash_of = |label: &Label| roots.get(index(label.number())).map_or(0, |&root| hash(root));
        self.by_root.insert_unique(hash(root), label, hash_of);
        label
    }

    /// What the labels mean, by their numbers.
    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    fn find(&self, root: Root) -> Option<Label> {
        let is_it = |label: &Label| self.roots.get(index(label.number())) == Some(&root);
        self.by_root.find(hash(root), is_it).copied()
    }
}

fn hash(root: Root) -> u64 {
    foldhash::fast::FixedState::default().hash_one(root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addr, GoId};

    #[test]
    fn a_root_keeps_its_label_and_the_last_ones_share_theirs() {
        let mut labels = Labels::default();
        let first = labels.of(Root::Finalizer);
        for number in 0..20_000 {
            labels.of(Root::Variable(Addr(number)));
        }
        let shared = labels.of(Root::Variable(Addr(1 << 20)));
        assert_eq!(labels.roots().get(index(shared.number())), Some(&Root::Variables));
        assert_ne!(labels.of(Root::Variable(Addr(7))), shared);
        for number in 0..70_000 {
            labels.of(Root::Goroutine(GoId(number)));
        }
        let rest = labels.of(Root::Goroutine(GoId(1 << 20)));
        assert_eq!(labels.roots().get(index(rest.number())), Some(&Root::Goroutines));
        assert_eq!(labels.of(Root::Goroutine(GoId(69_999))), rest);
        assert_ne!(labels.of(Root::Goroutine(GoId(1))), rest);
        assert_ne!(labels.of(Root::Timer), rest);
        assert_eq!(labels.of(Root::Finalizer), first);
    }
}
