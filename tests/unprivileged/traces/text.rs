//! Traces as text, the form in which Go keeps those of its tests
//! (`internal/trace/raw`, Go 1.27): a line an event. In: the text. Out: the bytes.

use anyhow::{Context, bail, ensure};
use bingo::trace::{Form, SPECS, Spec, Version};

/// The bytes of the trace that `text` is.
pub(super) fn encode(text: &str) -> anyhow::Result<Vec<u8>> {
    let mut lines = text.lines().map(without_comment).filter(|line| !line.trim().is_empty());
    let first = lines.next().context("no header")?;
    let minor: u32 = first.trim().strip_prefix("Trace Go1.").context("not a header")?.parse()?;
    let version = Version::ALL.into_iter().find(|version| version.minor() == minor);
    let version = version.with_context(|| format!("no version 1.{minor}"))?;
    let mut bytes = version.header().to_vec();
    while let Some(line) = lines.next() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let spec = SPECS.iter().find(|spec| spec.name == name && spec.since <= version);
        let spec = spec.with_context(|| format!("no event {name} in {version}"))?;
        event(spec, line, &mut lines, &mut bytes).with_context(|| line.to_owned())?;
    }
    Ok(bytes)
}

fn event<'t>(
    spec: &Spec,
    line: &str,
    lines: &mut impl Iterator<Item = &'t str>,
    bytes: &mut Vec<u8>,
) -> anyhow::Result<()> {
    let time: &[&str] = if spec.form == Form::Timed { &["dt"] } else { &[] };
    let names: Vec<&str> = time.iter().chain(spec.args).copied().collect();
    let args = arguments(line.split_whitespace().skip(1), &names)?;
    bytes.push(spec.kind.0);
    args.iter().for_each(|arg| uvarint(*arg, bytes));
    match spec.form {
        Form::Timed | Form::Structural => {}
        Form::WithFrames => {
            for _ in 0..args.last().copied().unwrap_or(0) {
                let frame = lines.next().context("the stack ends")?;
                let frame = arguments(frame.split_whitespace(), &["pc", "func", "file", "line"])?;
                frame.iter().for_each(|arg| uvarint(*arg, bytes));
            }
        }
        Form::WithBytes => {
            let line = lines.next().context("no bytes")?;
            let quoted = line.trim().strip_prefix("data=").context("no bytes")?;
            let held = unquote(quoted)?;
            uvarint(u64::try_from(held.len())?, bytes);
            bytes.extend(held);
        }
    }
    Ok(())
}

fn arguments<'t>(mut words: impl Iterator<Item = &'t str>, names: &[&str]) -> anyhow::Result<Vec<u64>> {
    let mut values = Vec::new();
    for name in names {
        let word = words.next().with_context(|| format!("no {name}"))?;
        let (said, value) = word.split_once('=').with_context(|| format!("{word} is no argument"))?;
        ensure!(said == *name, "{said} where {name} should be");
        values.push(value.parse()?);
    }
    ensure!(words.next().is_none(), "more arguments than {names:?}");
    Ok(values)
}

/// The line up to a `#`, unless that is in the bytes of an event.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("data=") {
        return line;
    }
    line.split('#').next().unwrap_or_default()
}

/// The bytes of a string as Go's `strconv.Quote` writes it.
fn unquote(quoted: &str) -> anyhow::Result<Vec<u8>> {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).context("not quoted")?;
    let mut bytes = Vec::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend(c.to_string().bytes());
            continue;
        }
        let escaped = chars.next().context("a lone backslash")?;
        let plain = match escaped {
            'x' | 'u' | 'U' => {
                let digits = match escaped {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let digits: String = chars.by_ref().take(digits).collect();
                let number = u32::from_str_radix(&digits, 16)?;
                match escaped {
                    'x' => bytes.push(u8::try_from(number)?),
                    _ => bytes.extend(char::from_u32(number).context("no character")?.to_string().bytes()),
                }
                continue;
            }
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'v' => 11,
            '"' => b'"',
            '\\' => b'\\',
            other => bail!("escaped {other}"),
        };
        bytes.push(plain);
    }
    Ok(bytes)
}

pub(super) fn uvarint(mut value: u64, bytes: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}
