//! Who may import whom: ARCHITECTURE.md's layers as a table, the crates that
//! belong to some layers alone, and the purity of the core.

use super::source::Source;

/// A module of the `bingo` package and what it may import of the others.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("trace", &["model"]),
    ("traceback", &["model"]),
    ("race", &["model"]),
    ("recording", &["model"]),
    ("binary", &["model"]),
    ("memory", &["model"]),
    ("goruntime", &["model", "binary", "memory"]),
    ("inspect", &["model", "binary", "memory", "goruntime"]),
    ("live", &["model", "binary"]),
    // It starts `go`, and knows nothing of what the traces say.
    ("gotool", &[]),
    ("launch", &[]),
    ("world", &["model"]),
    ("code", &["model", "world"]),
    ("detect", &["model", "world"]),
    ("session", &["model", "world", "code", "detect"]),
    ("serve", &["model", "session"]),
    ("profile", &["model"]),
    // The pieces of the JSON forms stand once, in `recording::wire`.
    ("report", &["model", "recording", "profile", "session"]),
    ("export", &["model", "recording", "profile", "session"]),
    // People read the same words everywhere, and filter alike.
    ("tui", &["model", "report", "session"]),
    ("explain", &["model", "session"]),
    (
        "cli",
        &[
            "model",
            "trace",
            "traceback",
            "race",
            "recording",
            "binary",
            "memory",
            "goruntime",
            "inspect",
            "live",
            "gotool",
            "launch",
            "session",
            "tui",
            "serve",
            "report",
            "export",
            "explain",
        ],
    ),
    // The crate's root names its modules, the program calls the command line.
    ("lib", &["model"]),
    ("main", &["cli"]),
];

/// Crates and the only modules that may use them.
const CRATES: &[(&str, &[&str])] = &[
    ("petgraph", &["world", "detect"]),
    ("tokio", &["serve", "live"]),
    ("anyhow", &["cli", "main"]),
    ("serde", &["report", "export", "recording", "serve"]),
    ("aya", &["live"]),
    ("tree_sitter", &["code"]),
    ("tree_sitter_go", &["code"]),
];

/// Modules that know no clock, file, thread or socket: time comes in with the input.
const PURE: &[&str] = &["model", "world", "code", "detect"];

/// What has no place in them.
const IMPURE: &[&str] = &["fs", "thread", "net", "Instant", "async"];

/// Checks one file.
pub(super) fn check(file: &str, source: &Source<'_>, rule: &mut impl FnMut(usize, String)) {
    let Some(inside) = file.strip_prefix("bingo/src/") else { return };
    let path = module_path(inside);
    let module = path.first().copied().unwrap_or("lib");
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
        rule(
            1,
            format!("{module} is in no layer: add it to ARCHITECTURE.md and to xtask/src/tidy/layers.rs"),
        );
        return;
    };

    for crossing in source.crossings() {
        let depth = path.len() + crossing.inside;
        let to_the_root = crossing.up.is_none_or(|up| up >= depth);
        let name = crossing.name.text;
        let is_layer = LAYERS.iter().any(|(layer, _)| *layer == name);
        if to_the_root && is_layer && name != module && !allowed.contains(&name) {
            rule(
                crossing.name.line,
                format!("{module} may not import {name} (the layers of ARCHITECTURE.md)"),
            );
        }
    }
    for [before, name, after] in source.windows::<3>() {
        if after.text == "::" && before.text != "::" {
            for (_, only) in CRATES.iter().filter(|(one, only)| *one == name.text && !only.contains(&module))
            {
                rule(name.line, format!("{} is for {} alone", name.text, only.join(", ")));
            }
        }
        let path_of = after.text == "::" || matches!(name.text, "Instant" | "async");
        if PURE.contains(&module) && path_of && IMPURE.contains(&name.text) {
            rule(name.line, format!("the core is pure: no {} in {module}", name.text));
        }
    }
}

/// The modules a file's path stands for: `world/apply.rs` is `world`, `apply`.
fn module_path(file: &str) -> Vec<&str> {
    let file = file.strip_suffix(".rs").unwrap_or(file);
    let file = file.strip_suffix("/mod").unwrap_or(file);
    if file == "lib" { Vec::new() } else { file.split('/').collect() }
}
