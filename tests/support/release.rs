//! The Go releases of this machine: in the tools folder, and Debian's 1.19.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A Go toolchain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoRelease {
    /// The full version: `1.27.3`.
    pub version: String,
    /// Its minor number: 27.
    pub minor: u32,
    /// The `go` command.
    pub go: PathBuf,
}

impl GoRelease {
    /// The minor numbers that Bingo is tested with.
    pub const SUPPORTED: [u32; 8] = [19, 21, 22, 23, 24, 25, 26, 27];

    /// Every release that is installed, oldest first.
    #[must_use]
    pub fn installed() -> Vec<GoRelease> {
        let folder = crate::tools_dir().join("go");
        let mut found: Vec<GoRelease> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Self::at(&entry.path().join("bin/go"), entry.file_name().to_str()?))
            .collect();
        let debian = Path::new("/usr/lib/go-1.19");
        if let Ok(version) = std::fs::read_to_string(debian.join("VERSION"))
            && let Some(version) = version.split_whitespace().next().and_then(|word| word.strip_prefix("go"))
        {
            found.extend(Self::at(&debian.join("bin/go"), version));
        }
        found.sort_by_key(|release| release.minor);
        found
    }

    /// The installed release `1.<minor>`.
    #[must_use]
    pub fn find(minor: u32) -> Option<GoRelease> {
        Self::installed().into_iter().find(|release| release.minor == minor)
    }

    /// The newest installed release.
    #[must_use]
    pub fn newest() -> Option<GoRelease> {
        Self::installed().pop()
    }

    fn at(go: &Path, version: &str) -> Option<GoRelease> {
        let minor = version.split('.').nth(1)?.parse().ok()?;
        go.is_file().then(|| GoRelease { version: version.to_owned(), minor, go: go.to_path_buf() })
    }

    /// The `go` command, cut off from the network and from the user's settings.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.go);
        command
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", "off")
            .env("GO111MODULE", "off")
            .env("GOENV", "off")
            .env_remove("GOFLAGS")
            .env_remove("GOROOT")
            .env_remove("GOEXPERIMENT");
        command
    }
}
