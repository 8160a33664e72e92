//! A set of places where objects are made. In and out: places, in their order. Most
//! sets have few of them, and many are united with one that has all of theirs, so
//! they lie side by side.

use super::ir::SiteId;

/// Each once, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Sites(Vec<SiteId>);

impl Sites {
    pub(super) const fn new() -> Sites {
        Sites(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, site: &SiteId) -> bool {
        self.0.binary_search(site).is_ok()
    }

    /// Whether it is new.
    pub(super) fn insert(&mut self, site: SiteId) -> bool {
        let at = self.0.binary_search(&site);
        if let Err(at) = at {
            self.0.insert(at, site);
        }
        at.is_err()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, SiteId> {
        self.0.iter()
    }

    pub(super) fn is_disjoint(&self, other: &Sites) -> bool {
        let (few, many) = if self.len() < other.len() { (self, other) } else { (other, self) };
        !few.iter().any(|site| many.contains(site))
    }

    /// Takes in all of another set; whether there was something new.
    pub(super) fn unite(&mut self, other: &Sites) -> bool {
        let mut known = self.0.iter().peekable();
        let is_new = |site: &&SiteId| {
            while known.next_if(|known| known < site).is_some() {}
            known.peek() != Some(site)
        };
        let new: Vec<SiteId> = other.iter().filter(is_new).copied().collect();
        self.extend(new.iter().copied());
        !new.is_empty()
    }
}

impl Extend<SiteId> for Sites {
    fn extend<I: IntoIterator<Item = SiteId>>(&mut self, sites: I) {
        let before = self.0.len();
        self.0.extend(sites);
        if self.0.len() > before {
            // Of two runs in order, mostly.
            self.0.sort();
            self.0.dedup();
        }
    }
}

impl<'s> Extend<&'s SiteId> for Sites {
    fn extend<I: IntoIterator<Item = &'s SiteId>>(&mut self, sites: I) {
        self.extend(sites.into_iter().copied());
    }
}

impl FromIterator<SiteId> for Sites {
    fn from_iter<I: IntoIterator<Item = SiteId>>(sites: I) -> Sites {
        let mut found = Sites::new();
        found.extend(sites);
        found
    }
}

impl<const N: usize> From<[SiteId; N]> for Sites {
    fn from(sites: [SiteId; N]) -> Sites {
        sites.into_iter().collect()
    }
}

impl IntoIterator for Sites {
    type Item = SiteId;
    type IntoIter = std::vec::IntoIter<SiteId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'s> IntoIterator for &'s Sites {
    type Item = &'s SiteId;
    type IntoIter = std::slice::Iter<'s, SiteId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(ids: &[u32]) -> Sites {
        ids.iter().copied().map(SiteId).collect()
    }

    #[test]
    fn they_are_in_order_and_once_there() {
        let all = sites(&[4, 1, 4, 2]);
        assert_eq!(all.iter().map(|site| site.0).collect::<Vec<_>>(), [1, 2, 4]);
        assert!(all.contains(&SiteId(2)) && !all.contains(&SiteId(3)));
    }

    #[test]
    fn to_unite_tells_whether_there_was_something_new() {
        let mut all = sites(&[1, 5, 9]);
        assert!(!all.unite(&sites(&[])));
        assert!(!all.unite(&sites(&[1, 9])));
        assert!(all.unite(&sites(&[0, 5, 7, 12])));
        assert_eq!(all, sites(&[0, 1, 5, 7, 9, 12]));
        assert!(all.is_disjoint(&sites(&[2, 8])) && !all.is_disjoint(&sites(&[2, 12])));
    }
}
