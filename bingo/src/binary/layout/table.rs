//! The checked-in layouts of the Go releases: `releases.txt`.
//!
//! In: the text that `cargo xtask layouts` writes, a row a member and a column
//! a release, so that a change between releases is seen in its row:
//!
//! ```text
//! type        member     1.19  1.21  1.22
//! runtime.g   sizeof      408   408   424
//! runtime.g   syscallbp     -     -     -
//! wait-reason mutex-lock    -    21    21
//! ```
//!
//! Out: one release's column, as [`Members`] and as wait reasons.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{LayoutError, Members};
use crate::model::WaitReason;

/// The first word of a row that holds a wait reason's number.
const WAIT_REASON: &str = "wait-reason";

/// One release's column of the table.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseTable {
    minor: u32,
    name: &'static str,
    column: usize,
}

struct Table {
    releases: Vec<ReleaseTable>,
    rows: HashMap<(&'static str, &'static str), Vec<Option<u64>>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| parse(include_str!("releases.txt")));

impl ReleaseTable {
    /// Every release that the table has, oldest first.
    #[must_use]
    pub fn all() -> &'static [ReleaseTable] {
        &TABLE.releases
    }

    /// The column of Go 1.`minor`, else that of the newest release before it,
    /// else the oldest there is.
    pub(super) fn nearest(minor: u32, version: &str) -> Result<ReleaseTable, LayoutError> {
        if minor < super::Layout::OLDEST_MINOR {
            let oldest = super::Layout::OLDEST_MINOR;
            return Err(LayoutError::TooOld { version: version.to_owned(), oldest });
        }
        let releases = ReleaseTable::all();
        let before = releases.iter().rev().find(|release| release.minor <= minor);
        before.or(releases.first()).copied().ok_or_else(|| LayoutError::NoRelease(version.to_owned()))
    }

    /// The minor version: 27 of Go 1.27.
    #[must_use]
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// `1.27`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The reasons by number, up to the last that has a name.
    pub(super) fn wait_reasons(&self) -> Vec<WaitReason> {
        let mut reasons: Vec<WaitReason> = (0..=u8::MAX).map(WaitReason::Unknown).collect();
        for &reason in WaitReason::ALL {
            let kebab = reason.to_string();
            let number = TABLE
                .rows
                .iter()
                .find(|((ty, member), _)| *ty == WAIT_REASON && *member == kebab)
                .and_then(|(_, row)| row.get(self.column).copied().flatten());
            let slot = number.and_then(|n| usize::try_from(n).ok()).and_then(|n| reasons.get_mut(n));
            if let Some(slot) = slot {
                *slot = reason;
            }
        }
        let named = reasons.iter().rposition(|reason| !matches!(reason, WaitReason::Unknown(_)));
        reasons.truncate(named.map_or(0, |last| last + 1));
        reasons
    }

    fn cell(&self, ty: &str, member: &str) -> Option<u64> {
        TABLE.rows.get(&(ty, member))?.get(self.column).copied().flatten()
    }
}

impl Members for ReleaseTable {
    fn size(&self, ty: &str) -> Option<u64> {
        self.cell(ty, "sizeof")
    }

    fn offset(&self, ty: &str, path: &str) -> Option<u64> {
        self.cell(ty, path)
    }
}

/// The file is part of the program, so what is wrong in it is left out here
/// and found by the test.
fn parse(text: &'static str) -> Table {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let names = lines.next().unwrap_or_default().split_whitespace().skip(2);
    let releases = names
        .enumerate()
        .filter_map(|(column, name)| {
            let minor = name.strip_prefix("1.")?.parse().ok()?;
            Some(ReleaseTable { minor, name, column })
        })
        .collect();
    let rows = lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let key = (words.next()?, words.next()?);
            Some((key, words.map(|word| word.parse().ok()).collect()))
        })
        .collect();
    Table { releases, rows }
}

/// The table's text for these releases: each a name (`1.27`) with its members
/// and its wait reasons by number. `heading` lines come first, as comments.
#[must_use]
pub fn write_table<M: Members>(
    heading: &[String],
    releases: &[(String, M, Vec<Option<WaitReason>>)],
) -> String {
    let mut rows: Vec<(String, String, Vec<Option<u64>>)> = Vec::new();
    for spec in super::TYPES {
        let sizes = releases.iter().map(|(_, members, _)| members.size(spec.name)).collect();
        rows.push((spec.name.to_owned(), "sizeof".to_owned(), sizes));
        for path in spec.paths {
            let offsets = releases.iter().map(|(_, members, _)| members.offset(spec.name, path)).collect();
            rows.push((spec.name.to_owned(), (*path).to_owned(), offsets));
        }
    }
    for &reason in WaitReason::ALL {
        let number = |reasons: &[Option<WaitReason>]| {
            reasons.iter().position(|r| *r == Some(reason)).and_then(|n| u64::try_from(n).ok())
        };
        let numbers: Vec<_> = releases.iter().map(|(_, _, reasons)| number(reasons)).collect();
        // What traces alone say has no number.
        if numbers.iter().any(Option::is_some) {
            rows.push((WAIT_REASON.to_owned(), reason.to_string(), numbers));
        }
    }

    let mut text: String = heading.iter().map(|line| format!("# {line}\n")).collect();
    let names: String = releases.iter().map(|(name, _, _)| format!("{name:>6}")).collect();
    text += &format!("{:<20}{:<25}{names}\n", "type", "member");
    for (ty, member, cells) in rows {
        let cells: String = cells
            .iter()
            .map(|cell| format!("{:>6}", cell.map_or("-".to_owned(), |n| n.to_string())))
            .collect();
        text += &format!("{ty:<20}{member:<25}{cells}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Labels, Layout, LayoutError, LayoutSource};
    use super::*;

    #[test]
    fn every_release_has_every_field() {
        assert_eq!(
            ReleaseTable::all().iter().map(|r| r.name).collect::<Vec<_>>(),
            ["1.19", "1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27"]
        );
        for release in ReleaseTable::all() {
            let layout = Layout::of_release(release.minor, release.name).unwrap();
            assert_eq!(layout.source, LayoutSource::Release(release.name));
            assert_eq!(layout.notes(), Vec::<String>::new());
            assert_eq!(matches!(layout.labels, Labels::Map(_)), release.minor < 24, "{}", release.name);
            assert_eq!(layout.wait_reason(0), WaitReason::Unknown(0));
            assert_eq!(layout.wait_reason(200), WaitReason::Unknown(200));
            assert_eq!(layout.g.parent_goid.is_some(), release.minor >= 21);
        }
    }

    #[test]
    fn a_release_that_is_not_known_is_assumed_and_says_so() {
        let newer = Layout::of_release(29, "go1.29.1").unwrap();
        assert_eq!(newer.source, LayoutSource::Assumed { version: "go1.29.1".to_owned(), nearest: "1.27" });
        assert!(newer.notes().concat().contains("go1.29.1"));
        let between = Layout::of_release(20, "go1.20.3").unwrap();
        assert_eq!(between.source, LayoutSource::Assumed { version: "go1.20.3".to_owned(), nearest: "1.19" });
        let old = Layout::of_release(17, "go1.17").unwrap_err();
        assert_eq!(old, LayoutError::TooOld { version: "go1.17".to_owned(), oldest: 18 });
    }

    #[test]
    fn numbers_of_wait_reasons_follow_the_release() {
        let check = |minor, number, expect| {
            let layout = Layout::of_release(minor, "").unwrap();
            assert_eq!(layout.wait_reason(number), expect, "Go 1.{minor}");
        };
        // waitReasonStrings of runtime/runtime2.go
        check(19, 14, WaitReason::ChanReceive);
        check(19, 21, WaitReason::TimerGoroutineIdle);
        check(21, 21, WaitReason::MutexLock);
        check(24, 24, WaitReason::WaitGroupWait);
        check(25, 18, WaitReason::UpdateGomaxprocsIdle);
        check(26, 19, WaitReason::ChanReceive);
        check(27, 18, WaitReason::Select);
    }
}
