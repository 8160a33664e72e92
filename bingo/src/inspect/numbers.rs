//! Numbers and texts as Go writes them.

use std::fmt::Write;

/// A float as `%v` prints it (`strconv.FormatFloat` with `g`, shortest; exponents
/// below -4 and from 21 on).
pub(super) fn float(bytes: &[u8]) -> Option<String> {
    Some(match bytes.len() {
        4 => {
            let number = f32::from_le_bytes(*bytes.first_chunk()?);
            written(&format!("{number}"), &format!("{number:e}"), f64::from(number))
        }
        8 => {
            let number = f64::from_le_bytes(*bytes.first_chunk()?);
            written(&format!("{number}"), &format!("{number:e}"), number)
        }
        _ => return None,
    })
}

fn written(plain: &str, scientific: &str, number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let Some((digits, exponent)) = scientific.split_once('e') else { return plain.to_owned() };
    match exponent.parse::<i32>() {
        Ok(exponent) if number != 0.0 && !(-4..21).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => plain.to_owned(),
    }
}

/// A complex number: `(1-2i)`.
pub(super) fn complex(bytes: &[u8]) -> Option<String> {
    let (real, imaginary) = bytes.split_at_checked(bytes.len() / 2)?;
    let (real, imaginary) = (float(real)?, float(imaginary)?);
    let sign = if imaginary.starts_with(['-', '+']) { "" } else { "+" };
    Some(format!("({real}{sign}{imaginary}i)"))
}

/// A text in quotes, as `%q` prints it.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let _ = match character {
                '"' => write!(out, "\\\""),
                '\\' => write!(out, "\\\\"),
                '\n' => write!(out, "\\n"),
                '\t' => write!(out, "\\t"),
                '\r' => write!(out, "\\r"),
                '\u{7}' => write!(out, "\\a"),
                '\u{8}' => write!(out, "\\b"),
                '\u{b}' => write!(out, "\\v"),
                '\u{c}' => write!(out, "\\f"),
                '\0'..' ' | '\u{7f}' => write!(out, "\\x{:02x}", u32::from(character)),
                '\u{80}'..'\u{a1}'
                | '\u{ad}'
                | '\u{200b}'..='\u{200f}'
                | '\u{feff}'
                | '\u{202a}'..='\u{202e}' => {
                    write!(out, "\\u{:04x}", u32::from(character))
                }
                other => write!(out, "{other}"),
            };
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// A `time.Duration` as its `String` prints it.
pub(super) fn duration(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    let fraction = |value: u64, unit: u64| {
        let whole = value / unit;
        let rest = value % unit;
        if rest == 0 {
            return whole.to_string();
        }
        let width = unit.ilog10() as usize;
        let digits = format!("{rest:0width$}");
        format!("{whole}.{}", digits.trim_end_matches('0'))
    };
    match total {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{total}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", fraction(total, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", fraction(total, 1_000_000)),
        _ => {
            let (minutes, rest) = (total / 60_000_000_000, total % 60_000_000_000);
            let seconds = fraction(rest, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// The day and time of day `seconds` after 1 January of the year 1, UTC:
/// `2026-11-22 01:02:03`.
pub(super) fn date(seconds: i64, nanoseconds: u32) -> String {
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Eras of 400 years that begin in March, so that a leap day is a year's last.
    let day = days.saturating_add(306);
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year_of_era + carry;
    let mut text = format!(
        "{year:04}-{month:02}-{day_of_month:02} {:02}:{:02}:{:02}",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60
    );
    if nanoseconds != 0 {
        let digits = format!("{nanoseconds:09}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_go_prints_them() {
        let check = |number: f64, text: &str| assert_eq!(float(&number.to_le_bytes()).unwrap(), text);
        check(3.25, "3.25");
        check(0.0, "0");
        check(1e21, "1e+21");
        check(1e20, "100000000000000000000");
        check(0.00001, "1e-05");
        check(0.0001, "0.0001");
        check(f64::NEG_INFINITY, "-Inf");
        check(1.5e-300, "1.5e-300");
        assert_eq!(float(&0.1_f32.to_le_bytes()).unwrap(), "0.1");
        let pair: Vec<u8> = [1.0_f64, -2.0].iter().flat_map(|part| part.to_le_bytes()).collect();
        assert_eq!(complex(&pair).unwrap(), "(1-2i)");
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted(b"a\"b\\\n\x01\xff\xc3\xa9"), "\"a\\\"b\\\\\\n\\x01\\xff\u{e9}\"");
    }

    #[test]
    fn durations_and_dates() {
        assert_eq!(duration(90_000_000_000), "1m30s");
        assert_eq!(duration(3_600_000_000_000), "1h0m0s");
        assert_eq!(duration(-1_500_000), "-1.5ms");
        assert_eq!(duration(1_500), "1.5µs");
        assert_eq!(duration(0), "0s");
        assert_eq!(date(0, 0), "0001-01-01 00:00:00");
        assert_eq!(date(62_135_596_800, 0), "1970-01-01 00:00:00");
        assert_eq!(date(62_135_596_800 + 1_795_309_323, 4_000), "2026-11-22 01:02:03.000004");
        assert_eq!(date(62_135_596_800 + 951_782_400, 0), "2000-02-29 00:00:00");
    }
}
