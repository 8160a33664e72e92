//! The Go release that built a program.

use std::fmt;

/// A Go release: `go1.27.3`, `go1.27rc1`, `devel go1.28-4e9c2f1`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoVersion {
    /// The 27 in `go1.27.3`.
    pub minor: u32,
    /// The 3 in `go1.27.3`; 0 where there is none.
    pub patch: u32,
    /// Whether it is a release candidate, a beta or a development build: its
    /// layouts may be those of the release before.
    pub prerelease: bool,
    /// The experiments it was built with, after `X:`.
    pub experiments: Vec<String>,
    /// The whole text, as the program says it.
    pub text: String,
}

impl GoVersion {
    /// Reads the version that a program's build information states
    /// (`runtime.Version`, Go 1.18 to 1.27). `None` where it names no release.
    #[must_use]
    pub fn parse(text: &str) -> Option<GoVersion> {
        let text = text.trim();
        let (devel, rest) = match text.strip_prefix("devel ") {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text),
        };
        let rest = rest.strip_prefix("go1.")?;
        let (minor, rest) = number(rest)?;
        let (patch, after) = match rest.strip_prefix('.').and_then(number) {
            Some((patch, after)) => (patch, after),
            None => (0, rest),
        };
        let prerelease =
            devel || after.starts_with("rc") || after.starts_with("beta") || after.starts_with("-devel");
        let experiments = after
            .split_once("X:")
            .and_then(|(_, list)| list.split_whitespace().next())
            .map(|list| list.split(',').map(str::to_owned).collect())
            .unwrap_or_default();
        Some(GoVersion { minor, patch, prerelease, experiments, text: text.to_owned() })
    }

    /// The release's name, as Go's own tools call it: `1.27`.
    #[must_use]
    pub fn release(&self) -> String {
        format!("1.{}", self.minor)
    }
}

/// The number at the front of `text`, and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_all_spellings() {
        let check = |text: &str, expect: Option<(u32, u32, bool)>| {
            let version = GoVersion::parse(text);
            assert_eq!(version.map(|v| (v.minor, v.patch, v.prerelease)), expect, "{text}");
        };
        check("go1.27.3", Some((27, 3, false)));
        check("go1.20", Some((20, 0, false)));
        check("go1.27rc1", Some((27, 0, true)));
        check("go1.21beta1", Some((21, 0, true)));
        check("devel go1.28-4e9c2f1 Tue Nov 17 10:00:00 2026 +0000", Some((28, 0, true)));
        check("go1.28-devel_4e9c2f1 Tue Nov 17 10:00:00 2026 +0000", Some((28, 0, true)));
        check("go1.24.11 X:boringcrypto", Some((24, 11, false)));
        check("go1.24.4 (Red Hat 1.24.4-1.el9)", Some((24, 4, false)));
        check("go1.23.9-fips", Some((23, 9, false)));
        check("devel +b7a85e0003 Thu Jan 1 00:00:00 2021", None);
        check("unknown", None);
        check("go1.", None);
        check("go1.99999999999", None);
        check("", None);
    }

    #[test]
    fn experiments_are_listed() {
        let version = GoVersion::parse("go1.25.5 X:nogreenteagc,synctest").unwrap();
        assert_eq!(version.experiments, ["nogreenteagc", "synctest"]);
        assert_eq!(version.release(), "1.25");
    }
}
