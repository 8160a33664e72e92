//! The name of a function as Go's tracebacks print it.

use std::borrow::Cow;

/// `name` with each list of type arguments written as `[...]`, as release
/// 1.`minor` does: the innards of `main.F[go.shape.int]` are no one's business
/// (`funcNameForPrint` in `runtime/traceback.go`, Go 1.21 to 1.27; until 1.19
/// the linker did so alone). A name whose brackets do not match stays as it is.
#[must_use]
pub fn printed_name(name: &str, minor: u32) -> Cow<'_, str> {
    let shortened = match minor {
        ..=19 => None,
        20..=26 => split(name).map(|(front, _, back)| format!("{front}[...]{back}")),
        27.. => with_both_lists(name),
    };
    shortened.map_or(Cow::Borrowed(name), Cow::Owned)
}

/// What is before, between and after the outermost brackets.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    let (front, rest) = name.split_once('[')?;
    let (inside, back) = rest.rsplit_once(']')?;
    Some((front, inside, back))
}

fn with_both_lists(name: &str) -> Option<String> {
    let (front, inside, back) = split(name)?;
    // A generic method of a generic type has two lists: F[…].g[…].
    let mut depth = 1_i32;
    let mut closed = None;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'[' => {
                depth += 1;
                if depth == 1 {
                    let middle = inside.get(closed? + 1..at)?;
                    return Some(format!("{front}[...]{middle}[...]{back}"));
                }
            }
            b']' => {
                depth -= 1;
                if depth < 0 {
                    return None;
                }
                if depth == 0 {
                    closed = Some(at);
                }
            }
            _ => {}
        }
    }
    (depth == 1 && closed.is_none()).then(|| format!("{front}[...]{back}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_arguments_are_left_out() {
        let check = |name: &str, expect: &str| assert_eq!(printed_name(name, 27), expect);
        check("main.main", "main.main");
        check("main.F[go.shape.int]", "main.F[...]");
        check("main.F[...]", "main.F[...]");
        check("main.(*List[go.shape.string]).Push", "main.(*List[...]).Push");
        check("main.F[go.shape.[]int].func1", "main.F[...].func1");
        check("main.F[go.shape.map[string]int]", "main.F[...]");
        check("main.G[go.shape.[]int].m[go.shape.[4]int].func2", "main.G[...].m[...].func2");
        check("main.F[", "main.F[");
        check("main.F]x[", "main.F]x[");
        check("main.F[a]]b[c]", "main.F[a]]b[c]");
        check("", "");
    }

    #[test]
    fn each_release_has_its_way() {
        let check =
            |minor, expect: &str| assert_eq!(printed_name("type:.eq.[2]m.P[go.shape.int]", minor), expect);
        check(19, "type:.eq.[2]m.P[go.shape.int]");
        check(21, "type:.eq.[...]");
        check(26, "type:.eq.[...]");
        check(27, "type:.eq.[...]m.P[...]");
    }
}
