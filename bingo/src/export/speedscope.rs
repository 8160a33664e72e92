//! `--to speedscope`: blocked time by stack, all of it and by reason, as
//! speedscope.app reads it (`file-format-schema.json` of its npm package, 1.25).

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use serde::Serialize;

use super::blocked::{Picture, condition, name};
use crate::session::Waited;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    shared: Shared<'a>,
    profiles: Vec<Profile>,
    active_profile_index: usize,
    exporter: &'static str,
    name: String,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize, Clone, PartialEq, Eq, Hash)]
struct Frame<'a> {
    name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    r#type: &'static str,
    name: String,
    unit: &'static str,
    start_value: u64,
    end_value: u64,
    samples: Vec<Vec<usize>>,
    weights: Vec<u64>,
}

/// Frames, each once, and its number.
#[derive(Default)]
struct Frames<'a> {
    all: Vec<Frame<'a>>,
    numbers: HashMap<Frame<'a>, usize>,
}

/// Writes the file.
///
/// # Errors
/// Those of `out`.
pub fn speedscope(picture: &Picture<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut frames = Frames::default();
    let mut whole = Profile::new("blocked, all reasons");
    let mut by_reason: BTreeMap<String, Profile> = BTreeMap::new();
    for wait in &picture.waits {
        let sample = frames.sample(picture, wait);
        let nanoseconds = u64::try_from(wait.blocked.as_nanos()).unwrap_or(u64::MAX);
        let reason = condition(wait).trim_matches(['[', ']']).to_owned();
        by_reason.entry(reason.clone()).or_insert_with(|| Profile::new(&reason)).add(&sample, nanoseconds);
        whole.add(&sample, nanoseconds);
    }
    let mut reasons: Vec<Profile> = by_reason.into_values().collect();
    reasons.sort_by_key(|profile| std::cmp::Reverse(profile.end_value));
    let file = File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        shared: Shared { frames: frames.all },
        profiles: std::iter::once(whole).chain(reasons).collect(),
        active_profile_index: 0,
        exporter: concat!("bingo ", env!("CARGO_PKG_VERSION")),
        name: picture.header.binary.as_ref().map_or_else(
            || "blocked goroutines".to_owned(),
            |binary| format!("blocked goroutines of {}", binary.display()),
        ),
    };
    serde_json::to_writer(&mut *out, &file)?;
    out.write_all(b"\n")
}

impl Profile {
    fn new(name: &str) -> Profile {
        Profile {
            r#type: "sampled",
            name: name.to_owned(),
            unit: "nanoseconds",
            start_value: 0,
            end_value: 0,
            samples: Vec::new(),
            weights: Vec::new(),
        }
    }

    fn add(&mut self, sample: &[usize], nanoseconds: u64) {
        self.samples.push(sample.to_vec());
        self.weights.push(nanoseconds);
        self.end_value = self.end_value.saturating_add(nanoseconds);
    }
}

impl<'a> Frames<'a> {
    /// The frames of a wait by number, outermost first.
    fn sample(&mut self, picture: &Picture<'_>, wait: &'a Waited) -> Vec<usize> {
        let calls = picture.frames(&wait.stack).rev().map(|frame| Frame {
            name: name(frame).to_owned(),
            file: &frame.file,
            line: Some(frame.line).filter(|line| *line > 0),
        });
        let condition = Frame { name: condition(wait), file: "", line: None };
        calls.chain([condition]).map(|frame| self.number(frame)).collect()
    }

    fn number(&mut self, frame: Frame<'a>) -> usize {
        if let Some(number) = self.numbers.get(&frame) {
            return *number;
        }
        let number = self.all.len();
        self.all.push(frame.clone());
        self.numbers.insert(frame, number);
        number
    }
}
