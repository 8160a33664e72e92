//! The frames of a stack, each call with its variables.

use std::sync::Arc;

use super::Subject;
use super::expand::Path;
use super::source::{Source, of_pieces};
use super::values::Values;
use crate::binary::debug::{self, Call, Kind, Located, Role, TypeId};
use crate::binary::printed_name;
use crate::goruntime::{Code, FrameOf, Live, Stop};
use crate::memory::{Memory, Pages};
use crate::model::{Frame, InspectedFrame, Inspection, Missing, Value, Variable, VariableRole};

/// More frames than this are shown without variables.
const FRAMES: usize = 1000;
/// Words of arguments that are shown where nothing is known of them, as Go's
/// tracebacks do.
const WORDS: u64 = 10;

/// What frames are read with.
pub(super) struct Frames<'s, 'a, 'd, M: Memory, C> {
    pub(super) subject: &'s Subject<'a, 'd, M, C>,
    pub(super) values: Option<Values<'a, 'd, M>>,
}

impl<M: Memory, C: Code> Frames<'_, '_, '_, M, C> {
    /// Reads all frames of `stop`.
    pub(super) fn read(&mut self, stop: &Stop, paths: &[Path], into: &mut Inspection) {
        for (place, &frame) in stop.frames.iter().enumerate() {
            let calls = self.subject.code.frames(frame.pc);
            if place < FRAMES {
                // What is further out saved nothing: Go's calls keep no registers.
                let registers =
                    stop.registers.filter(|_| place == 0).map(|general| debug::Registers { general });
                let argument = place.checked_sub(1).and_then(|inner| self.channel_of(stop, inner));
                self.read_one(frame, (registers.as_ref(), argument), &calls, paths, into);
            } else {
                into.frames.extend(calls.iter().map(without_variables));
            }
        }
    }

    /// The channel that the frame at `place` was called with, to wait at it.
    fn channel_of(&self, stop: &Stop, place: usize) -> Option<u64> {
        let channel = stop.channel?;
        let name = self.subject.code.function_name(stop.frames.get(place)?.pc.lookup())?;
        // By the registers since Go 1.17; a select has no channel for its first argument.
        let waits = ["runtime.chanrecv1", "runtime.chanrecv2", "runtime.chansend1"];
        waits.contains(&&*name).then_some(channel.0)
    }

    fn read_one(
        &mut self,
        frame: FrameOf,
        (registers, argument): (Option<&debug::Registers>, Option<u64>),
        shown: &[Frame],
        paths: &[Path],
        into: &mut Inspection,
    ) {
        let Some(end) = frame.end.filter(|_| self.values.is_some()) else {
            let words = |call: &Frame| self.words(frame, call);
            into.frames.extend(shown.iter().map(words));
            return;
        };
        let place = debug::Frame { cfa: end, registers, argument, bias: self.subject.bias };
        let address = self.subject.bias.to_static(frame.pc.lookup());
        let found = self.values.as_ref().map(|values| values.debug.calls_at(address, &place));
        let mut calls = match found {
            Some(Ok(calls)) => calls,
            Some(Err(error)) => {
                into.notes.push(format!("{}: {error}", shown.first().map_or("?", |call| &call.function)));
                Vec::new()
            }
            None => Vec::new(),
        };
        let live = Live::of(frame, self.subject.code);
        // Until 1.19 the linker had shortened the table's names already.
        let minor = self.subject.binary.build_info().go_version.minor.max(20);
        // The table's calls go outwards, DWARF's inwards. Both leave some out.
        for shown in shown {
            let matching = calls.iter().rposition(|call| *printed_name(&call.name, minor) == *shown.function);
            let Some(call) = matching.map(|at| calls.split_off(at).swap_remove(0)) else {
                into.frames.push(without_variables(shown));
                continue;
            };
            let variables = self.variables(&call, shown, &live, paths, into);
            into.frames.push(InspectedFrame { frame: shown.clone(), variables });
        }
    }

    fn variables(
        &mut self,
        call: &Call,
        shown: &Frame,
        live: &Live,
        paths: &[Path],
        into: &mut Inspection,
    ) -> Vec<Variable> {
        let Some(values) = &mut self.values else { return Vec::new() };
        values.dictionary = dictionary(values, call);
        let closure = closure(values, call);
        let mut variables: Vec<(u64, usize, Variable)> = Vec::new();
        for (place, variable) in call.variables.iter().enumerate() {
            let is_own =
                !variable.name.starts_with('.') && !variable.name.starts_with('~') && &*variable.name != "_";
            let is_later = variable.role == Role::Local
                && variable.captured.is_none()
                && variable.line > u64::from(shown.line);
            if !is_own || is_later {
                continue;
            }
            let found = find(values, variable, shown, live, closure.as_ref());
            let escaped = variable.name.strip_prefix('&');
            let name = escaped.unwrap_or(&variable.name);
            let (ty, found) = match (variable.ty, found) {
                (Some(ty), found) if escaped.is_some() => values.pointee(ty, found),
                (Some(ty), found) => (Some(ty), found),
                (None, _) => (None, Err(Missing::OptimisedOut)),
            };
            let ty = ty.map(|ty| values.actual(ty));
            let value = match (ty, &found) {
                (Some(ty), Ok(source)) => values.whole(ty, source),
                (_, Err(missing)) => Value::Missing(missing.clone()),
                (None, Ok(_)) => Value::Missing(Missing::OptimisedOut),
            };
            if let (Some(ty), Ok(source)) = (ty, &found) {
                for path in paths.iter().filter(|path| path.is_of(shown, name)) {
                    into.expanded.push(values.expanded(path, ty, source));
                }
            }
            let role = match (variable.role, variable.captured) {
                (Role::Argument, _) => VariableRole::Argument,
                (Role::Result, _) => VariableRole::Result,
                (Role::Local, Some(_)) => VariableRole::Captured,
                (Role::Local, None) => VariableRole::Local,
            };
            let shown = Variable { name: Arc::from(name), ty: type_name(values, ty), role, value };
            variables.push((order(role, variable.line), place, shown));
        }
        variables.sort_by_key(|(line, place, _)| (*line, *place));
        shadow(variables.into_iter().map(|(_, _, variable)| variable).collect())
    }

    /// What `paths` name that is no variable of a call, but the package's.
    pub(super) fn package_variables(&mut self, paths: &[Path], into: &mut Inspection) {
        let Some(values) = &mut self.values else { return };
        for path in paths {
            if into.expanded.iter().any(|known| path.is_written(&known.name)) {
                continue;
            }
            let Some(global) = path.package_variable().and_then(|name| values.debug.global(&name)) else {
                continue;
            };
            values.dictionary = None;
            let source = Source::Memory(self.subject.bias.to_target(global.address));
            into.expanded.push(values.expanded(path, global.ty, &source));
        }
    }

    /// The words that a call without DWARF has for arguments, where they are to be had.
    fn words(&self, frame: FrameOf, call: &Frame) -> InspectedFrame {
        let mut inspected = without_variables(call);
        let (Some(end), false, true) = (frame.end, call.inlined, self.values.is_none()) else {
            return inspected;
        };
        let Some(map) = self.subject.code.live_words(frame.pc) else { return inspected };
        let mut pages = Pages::new(self.subject.memory);
        for above in map.arguments.iter().take(usize::try_from(WORDS).unwrap_or(0)) {
            let source = Source::Memory(crate::model::Addr(end.wrapping_add(u64::from(*above))));
            let value = match source.word(&mut pages) {
                Ok(word) => Value::plain(super::values::word_text(self.subject, word)),
                Err(missing) => Value::Missing(missing),
            };
            inspected.variables.push(Variable {
                name: Arc::from(format!("+{above:#x}")),
                ty: Arc::from("pointer"),
                role: VariableRole::Word,
                value,
            });
        }
        inspected
    }
}

fn without_variables(call: &Frame) -> InspectedFrame {
    InspectedFrame { frame: call.clone(), variables: Vec::new() }
}

/// Arguments first, then what a closure brought along, then results and local variables by line.
fn order(role: VariableRole, line: u64) -> u64 {
    match role {
        VariableRole::Argument | VariableRole::Word => 0,
        VariableRole::Captured => 1,
        VariableRole::Result => 2,
        VariableRole::Local => line.saturating_add(3),
    }
}

/// Of variables of one name the last declared is meant.
fn shadow(variables: Vec<Variable>) -> Vec<Variable> {
    let last = |variable: &Variable, behind: &[Variable]| {
        let hidden = behind.iter().any(|later| later.name == variable.name);
        !hidden || matches!(variable.role, VariableRole::Word)
    };
    let kept: Vec<bool> = (0..variables.len())
        .map(|at| match (variables.get(at), variables.get(at + 1..)) {
            (Some(variable), Some(behind)) => last(variable, behind),
            _ => true,
        })
        .collect();
    variables.into_iter().zip(kept).filter_map(|(variable, kept)| kept.then_some(variable)).collect()
}

/// Where a variable is.
fn find<M: Memory>(
    values: &mut Values<'_, '_, M>,
    variable: &debug::Variable,
    shown: &Frame,
    live: &Live,
    closure: Option<&Source>,
) -> Result<Source, Missing> {
    let ty = variable.ty.ok_or(Missing::OptimisedOut)?;
    let size = values.size(ty)?;
    let pieces = match &variable.located {
        // Whatever is there: it has no bytes.
        Located::Shared(_) if size == 0 => return Ok(Source::Memory(crate::model::Addr(0))),
        Located::Lost => {
            let at = closure.zip(variable.captured).map(|(closure, captured)| closure.at(captured.0));
            return at.ok_or(Missing::OptimisedOut);
        }
        Located::Shared(with) => {
            return Err(Missing::Shared(Arc::from(with.strip_prefix('&').unwrap_or(with))));
        }
        Located::Listed(pieces) | Located::Throughout(pieces) => pieces,
    };
    let is_local = variable.role == Role::Local && variable.captured.is_none();
    let located = pieces.iter().any(|piece| piece.place != debug::Place::Lost);
    if is_local && located && variable.line == u64::from(shown.line) {
        return Err(Missing::Undeclared);
    }
    let pointers = values.pointers(ty);
    let is_used = |address: u64, from: u64, len: u64| {
        let within: Vec<u64> = pointers
            .iter()
            .filter(|&&at| at >= from && at < from.saturating_add(len))
            .map(|at| at - from)
            .collect();
        live.uses(address, &within)
    };
    let parts = match &variable.located {
        Located::Listed(_) => values.parts(ty),
        _ => None,
    };
    of_pieces(pieces, size, parts.as_deref(), &mut values.pages, is_used)
}

/// What a generic function was called with for its type parameters.
fn dictionary<M: Memory>(values: &mut Values<'_, '_, M>, call: &Call) -> Option<u64> {
    let variable = call.variables.iter().find(|variable| &*variable.name == ".dict")?;
    word_of(values, variable)
}

/// The closure that a call executes.
fn closure<M: Memory>(values: &mut Values<'_, '_, M>, call: &Call) -> Option<Source> {
    let variable = call.variables.iter().find(|variable| &*variable.name == ".closureptr")?;
    let address = word_of(values, variable)?;
    (address != 0).then_some(Source::Memory(crate::model::Addr(address)))
}

fn word_of<M: Memory>(values: &mut Values<'_, '_, M>, variable: &debug::Variable) -> Option<u64> {
    let (Located::Listed(pieces) | Located::Throughout(pieces)) = &variable.located else { return None };
    of_pieces(pieces, 8, None, &mut values.pages, |_, _, _| true).ok()?.word(&mut values.pages).ok()
}

fn type_name<M: Memory>(values: &Values<'_, '_, M>, ty: Option<TypeId>) -> Arc<str> {
    let ty = ty.and_then(|ty| values.debug.type_at(ty).ok());
    match ty {
        Some(ty) if matches!(ty.kind, Kind::Parameter(..)) => Arc::from("?"),
        // A type of which only its underlying one is known, as constraints write it.
        Some(ty) => Arc::from(ty.name.replace("go.shape.", "~")),
        None => Arc::from("?"),
    }
}
