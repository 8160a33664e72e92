//! Values by the numbers that a trace gives them, which are dense where the
//! runtime gave them. In: pairs in any order. Out: a look-up by number.

/// Values by number.
#[derive(Clone, Debug)]
pub(super) struct IdTable<T> {
    /// By id, where ids are dense; else empty.
    dense: Vec<Option<T>>,
    /// Sorted by id, where they are not.
    sparse: Vec<(u32, T)>,
}

impl<T: Copy> IdTable<T> {
    /// The table of these; an error names an id that is there twice.
    pub(super) fn new(mut entries: Vec<(u32, T)>) -> Result<IdTable<T>, u32> {
        if !entries.is_sorted_by_key(|(id, _)| *id) {
            entries.sort_unstable_by_key(|(id, _)| *id);
        }
        if let Some((id, _)) = entries.array_windows().find(|[(a, _), (b, _)]| a == b).map(|[a, _]| a) {
            return Err(*id);
        }
        let size = entries.last().map_or(0, |(id, _)| *id as usize + 1);
        if size > entries.len().saturating_mul(2).saturating_add(16) {
            entries.shrink_to_fit();
            return Ok(IdTable { dense: Vec::new(), sparse: entries });
        }
        let mut dense = vec![None; size];
        for (id, value) in entries {
            if let Some(place) = dense.get_mut(id as usize) {
                *place = Some(value);
            }
        }
        Ok(IdTable { dense, sparse: Vec::new() })
    }

    /// The value of an id.
    #[inline]
    pub(super) fn get(&self, id: u64) -> Option<T> {
        match usize::try_from(id).ok().and_then(|id| self.dense.get(id)) {
            Some(value) => *value,
            None => self.get_sparse(id),
        }
    }

    /// Whether an id has a value.
    #[inline]
    pub(super) fn has(&self, id: u64) -> bool {
        self.get(id).is_some()
    }

    fn get_sparse(&self, id: u64) -> Option<T> {
        let id = u32::try_from(id).ok()?;
        let at = self.sparse.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.sparse.get(at).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_or_sparse_an_id_has_its_value() {
        let check = |ids: &[u32]| {
            let table = IdTable::new(ids.iter().map(|&id| (id, id)).collect()).unwrap();
            for id in 0..200 {
                assert_eq!(table.get(u64::from(id)), ids.contains(&id).then_some(id), "{id} of {ids:?}");
            }
            assert!(!table.has(u64::MAX) && !table.has(1 << 32));
        };
        check(&[]);
        check(&[1, 2, 3]);
        check(&[3, 1, 2, 9]);
        check(&[150, 3]);
    }

    #[test]
    fn an_id_is_given_once() {
        assert_eq!(IdTable::new(vec![(7, ()), (5, ()), (7, ())]).unwrap_err(), 7);
    }
}
