//! Words that name nothing, and tests that never run.

use super::source::Source;

/// Words that no module or type is called by: they say nothing of what it is.
const UNUSED: &[&str] =
    &["manager", "handler", "helper", "helpers", "util", "utils", "engine", "info", "data"];

/// Names of Go's own.
const GO_NAMES: &[&str] = &["build_info", "BuildInfo", "BuildInfoError", "module_data", "ModuleData"];

/// Words that a name of a module or a type stands behind.
const NAMING: &[&str] = &["struct", "enum", "trait", "type", "union", "mod"];

/// Checks one file.
pub(super) fn check(file: &str, source: &Source<'_>, rule: &mut impl FnMut(usize, String)) {
    let stem = file.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")).unwrap_or(file);
    if is_unused(stem) {
        rule(1, format!("{stem} names nothing: say what is in it"));
    }
    for [keyword, name] in source.windows::<2>() {
        if NAMING.contains(&keyword.text) && is_unused(name.text) {
            rule(name.line, format!("{} names nothing: say what it is", name.text));
        }
    }
    for [open, ignore] in source.windows::<2>() {
        if open.text == "[" && ignore.text == "ignore" {
            rule(ignore.line, "#[ignore] hides a test: use bingo_tests::skip, which is counted".to_owned());
        }
    }
}

fn is_unused(name: &str) -> bool {
    !GO_NAMES.contains(&name) && parts(name).iter().any(|part| UNUSED.contains(&part.as_str()))
}

/// The words of a snake_case or CamelCase name.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut lower = false;
    for c in name.chars() {
        if c == '_' || c.is_uppercase() && lower || parts.is_empty() {
            parts.push(String::new());
        }
        lower = c.is_lowercase();
        if let Some(part) = parts.last_mut()
            && c != '_'
        {
            part.extend(c.to_lowercase());
        }
    }
    parts
}
