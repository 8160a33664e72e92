//! Stacks, by their text: what comes again is the stack that was, so that the
//! layers behind can compare and count stacks by their address.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;

use super::wire::Hex;
use crate::model::{Addr, Frame, Stack};

/// Stacks and names that are kept. A program has fewer places where it parks.
const KEPT: usize = 1 << 15;

/// The stacks and names that were met.
#[derive(Default)]
pub(super) struct Stacks {
    by_text: HashMap<Box<str>, Stack>,
    names: HashSet<Arc<str>>,
}

/// A frame as it is read. What is not known is not there.
#[derive(Deserialize)]
pub(super) struct ReadFrame {
    #[serde(default)]
    function: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    line: u32,
    pc: Option<Hex>,
    #[serde(default)]
    inlined: bool,
}

impl Stacks {
    /// The stack that `text` is, as JSON.
    pub(super) fn of(&mut self, text: &str) -> serde_json::Result<Stack> {
        if let Some(stack) = self.by_text.get(text) {
            return Ok(stack.clone());
        }
        let frames: Vec<ReadFrame> = serde_json::from_str(text)?;
        Ok(self.keep(text, frames))
    }

    /// The stack of the one frame that `text` is, as JSON, where no more was told.
    pub(super) fn of_place(&mut self, text: &str, pc: Option<Hex>) -> serde_json::Result<Stack> {
        if let Some(stack) = self.by_text.get(text) {
            return Ok(stack.clone());
        }
        let mut frame: ReadFrame = serde_json::from_str(text)?;
        frame.pc = pc;
        Ok(self.keep(text, vec![frame]))
    }

    fn keep(&mut self, text: &str, frames: Vec<ReadFrame>) -> Stack {
        if self.by_text.len() >= KEPT || self.names.len() >= KEPT {
            self.by_text.clear();
            self.names.clear();
        }
        let frames: Vec<Frame> = frames.into_iter().map(|frame| self.frame(frame)).collect();
        let stack = Stack::new(frames);
        self.by_text.insert(text.into(), stack.clone());
        stack
    }

    fn frame(&mut self, frame: ReadFrame) -> Frame {
        Frame {
            function: self.name(frame.function),
            file: self.name(frame.file),
            line: frame.line,
            pc: frame.pc.map_or(Addr::default(), |pc| pc.0),
            inlined: frame.inlined,
        }
    }

    fn name(&mut self, name: String) -> Arc<str> {
        if let Some(known) = self.names.get(name.as_str()) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }
}
