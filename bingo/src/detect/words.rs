//! How findings put the wait-for graph into words.

use std::collections::BTreeSet;

use crate::model::{Access, GoId, Object, ObjectKey, Operation, Stack};
use crate::world::{Edge, Standing, WaitGraphs, World};

/// Others that a sentence names.
const NAMED: usize = 3;

/// `goroutine 7 waits to lock the mutex main.(*Server).mu at main.go:31; goroutine 9
/// holds it since main.go:12`.
pub(super) fn edge(world: &World, edge: &Edge<'_>) -> String {
    let at = world.goroutine(edge.from).map_or(String::new(), |one| at(&one.stack));
    let (from, to, because) = (edge.from, edge.to, &edge.because);
    let (does, which) = (does(edge.operation), which(edge.object));
    if from == to {
        return format!("goroutine {from} waits {does} {which}{at}, and itself {because}");
    }
    format!("goroutine {from} waits {does} {which}{at}; goroutine {to} {because}")
}

/// Why nobody ends the wait of a goroutine that is stuck: a sentence an object.
pub(super) fn why_stuck(world: &World, graph: &WaitGraphs<'_>, id: GoId) -> Vec<String> {
    let mut said = Vec::new();
    // Several objects may have one name.
    let say = |sentence: String, said: &mut Vec<String>| {
        if !said.contains(&sentence) {
            said.push(sentence);
        }
    };
    let edges = graph.waits_for(id);
    let partners: BTreeSet<GoId> = edges.iter().map(|one| one.to).collect();
    edges.iter().take(NAMED).for_each(|one| say(edge(world, one), &mut said));
    let named: BTreeSet<GoId> = edges.iter().take(NAMED).map(|one| one.to).collect();
    if partners.len() > named.len() {
        said.push(format!(
            "{} more could end its wait, and are stuck themselves",
            partners.len() - named.len()
        ));
    }
    let is_proven = graph.standing(id) == Some(Standing::Proven);
    for (object, operation) in graph.waits(id).take(NAMED) {
        let (does, which) = (does(operation), which(object));
        let others = if edges.is_empty() { "nobody" } else { "nobody else" };
        let sentence = match &object.access {
            Access::Closed => format!("it waits {does} {which}, and {others} that could end that is left"),
            Access::Counted { all, others: 0 } => {
                format!("it waits {does} {which}, one for each of {all}, and nobody else has any of these")
            }
            Access::Counted { all, others } => format!(
                "it waits {does} {which}, one for each of {all}, and others have at most {others} of these \
                 at hand: which of them is not known, and the youngest are not counted"
            ),
            // It is a lock, and for sure another one's.
            Access::Reached(what) if is_proven => {
                format!(
                    "it waits {does} {which}, within reach of {what}; but that is for its holder to give back"
                )
            }
            Access::Reached(what) => {
                format!("it waits {does} {which}, within reach of {what}; nothing shows that this ends it")
            }
            Access::Fed(_) => continue,
        };
        say(sentence, &mut said);
    }
    said
}

/// Who can get at what a goroutine waits on that is not known to be stuck.
pub(super) fn who_might(graph: &WaitGraphs<'_>, id: GoId) -> Option<String> {
    let mut reached = graph.waits(id).filter_map(|(object, _)| match &object.access {
        Access::Reached(what) => Some((object, what)),
        Access::Closed | Access::Counted { .. } | Access::Fed(_) => None,
    });
    let (object, what) = reached.next()?;
    Some(format!("{} is within reach of {what}; nothing shows that this ends it", which(object)))
}

fn does(operation: Operation) -> &'static str {
    match operation {
        Operation::Send => "to send on",
        Operation::Receive => "to receive from",
        Operation::Lock | Operation::Unlock => "to lock",
        Operation::RLock => "to read-lock",
        Operation::Wait | Operation::Done | Operation::Signal | Operation::Close | Operation::Any => "for",
    }
}

pub(super) fn which(object: &Object) -> String {
    match &object.key {
        ObjectKey::Address(address) => format!("the {} at {address}", object.kind.as_str()),
        ObjectKey::Name(_) => format!("the {}", object.words()),
    }
}

/// ` at main.go:31`.
pub(super) fn at(stack: &Stack) -> String {
    stack.site().map_or(String::new(), |site| format!(" at {}:{}", file_name(&site.file), site.line))
}

/// A file without its folders.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}
