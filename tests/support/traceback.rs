//! The text of `runtime.Stack(buf, true)`, which is `goroutine?debug=2`'s, as
//! goroutines. In: text. Out: [`Traced`], what the runtime itself says.

use std::fmt;

use anyhow::{Context, ensure};

/// A goroutine as the runtime printed it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Traced {
    /// Its id.
    pub id: u64,
    /// `running`, `syscall`, or the wait reason: `chan send (nil chan)`.
    pub status: String,
    /// Its calls, innermost first.
    pub frames: Vec<TracedFrame>,
    /// The `go` statement that made it.
    pub created_by: Option<TracedFrame>,
    /// Who made it; printed from Go 1.21 on.
    pub parent: Option<u64>,
}

/// A call as the runtime printed it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct TracedFrame {
    /// The function, its type arguments as `[...]`; a panic is `runtime.gopanic`.
    pub function: String,
    /// The file.
    pub file: String,
    /// The line.
    pub line: u64,
}

impl fmt::Display for TracedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.function, self.file, self.line)
    }
}

impl TracedFrame {
    /// A frame with its function's name as tracebacks spell it.
    #[must_use]
    pub fn new(function: &str, file: &str, line: u64) -> TracedFrame {
        let function = match (function.find('['), function.rfind(']')) {
            (Some(open), Some(close)) if open < close => {
                let (before, after) = (function.get(..open), function.get(close + 1..));
                format!("{}[...]{}", before.unwrap_or_default(), after.unwrap_or_default())
            }
            _ => function.to_owned(),
        };
        TracedFrame { function, file: file.to_owned(), line }
    }
}

impl Traced {
    /// Reads the text of all goroutines.
    ///
    /// # Errors
    /// When a line is not one that the runtime prints.
    pub fn parse(text: &str) -> anyhow::Result<Vec<Traced>> {
        text.split("\n\n").filter(|block| !block.trim().is_empty()).map(Traced::parse_one).collect()
    }

    fn parse_one(block: &str) -> anyhow::Result<Traced> {
        let mut lines = block.trim_matches('\n').lines();
        let first = lines.next().unwrap_or_default();
        let (id, rest) = first
            .strip_prefix("goroutine ")
            .and_then(|rest| rest.split_once(" ["))
            .with_context(|| format!("not a goroutine: {first}"))?;
        // Behind the reason: "2 minutes", "locked to thread".
        let status = rest.split(']').next().unwrap_or_default().split(", ").next().unwrap_or_default();
        // A signal's traceback has the addresses of g and m behind the id.
        let id = id.split(' ').next().unwrap_or_default();
        let mut traced = Traced { id: id.parse()?, status: status.to_owned(), ..Traced::default() };
        while let Some(call) = lines.next() {
            ensure!(!call.contains("frames elided"), "goroutine {id} has more frames than are printed");
            let place = lines.next().with_context(|| format!("no place behind {call}"))?;
            let place = place.trim().split(" +0x").next().unwrap_or_default();
            let (file, line) = place.rsplit_once(':').with_context(|| format!("not a place: {place}"))?;
            if let Some(creator) = call.strip_prefix("created by ") {
                let (function, parent) = creator.split_once(" in goroutine ").unzip();
                traced.created_by = Some(TracedFrame::new(function.unwrap_or(creator), file, line.parse()?));
                traced.parent = parent.map(str::parse).transpose()?;
            } else {
                let function = call.rsplit_once('(').map_or(call, |(function, _)| function);
                let function = if function == "panic" { "runtime.gopanic" } else { function };
                traced.frames.push(TracedFrame::new(function, file, line.parse()?));
            }
        }
        Ok(traced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_runtime_prints() {
        let text = "goroutine 1 [running]:\nmain.stacks(...)\n\t/src/main.go:70\nmain.main()\n\t/src/main.go:51 +0x7a\n\n\
            goroutine 49 [chan receive, 2 minutes, locked to thread]:\nmain.(*T[...]).wait(0x5, {0x1?, 0x2})\n\t/src/a.go:9 +0x25\n\
            panic({0x592220?, 0x4c3550?})\n\t/go/panic.go:859 +0x125\n\
            created by main.shapes in goroutine 17\n\t/src/a.go:267 +0x8a\n";
        let traced = Traced::parse(text).unwrap();
        assert_eq!(traced.len(), 2);
        assert_eq!(traced[0].frames[1], TracedFrame::new("main.main", "/src/main.go", 51));
        assert_eq!(traced[1].status, "chan receive");
        assert_eq!(traced[1].frames[0].to_string(), "main.(*T[...]).wait /src/a.go:9");
        assert_eq!(traced[1].frames[1].function, "runtime.gopanic");
        assert_eq!((traced[1].id, traced[1].parent), (49, Some(17)));
        assert_eq!(traced[1].created_by, Some(TracedFrame::new("main.shapes", "/src/a.go", 267)));
        assert!(Traced::parse("goroutine x").is_err());
    }

    #[test]
    fn type_arguments_are_elided() {
        let frame = TracedFrame::new("main.generic[go.shape.string].func1", "a.go", 1);
        assert_eq!(frame.function, "main.generic[...].func1");
    }
}
