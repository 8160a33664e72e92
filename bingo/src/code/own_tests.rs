//! Waits for objects that each waiter has for itself, counted against those that others
//! have at hand.

use super::tests::links_of;
use crate::model::{Access, GoId};

/// Of how many of goroutines 7, 8, 9 … who all are at `//_waits`, made by main.start, it is
/// said that nobody can end the wait; main is where `told` has it.
fn counted(text: &str, told: &[&str], waiters: u64) -> usize {
    let text = format!("package main\n{text}");
    let waits = |id: u64| format!("{id} send main.start.func1@//_waits by main.start@go_func of 1");
    let mut all: Vec<String> = (7..7 + waiters).map(waits).collect();
    all.extend(told.iter().map(ToString::to_string));
    let links = links_of(&text, &all.iter().map(String::as_str).collect::<Vec<_>>());
    let stuck = |id: &u64| {
        let waits = links.waits.get(GoId(*id)).unwrap();
        waits.iter().all(|wait| matches!(links.object(wait.object).unwrap().access, Access::Counted { .. }))
    };
    (7..7 + waiters).filter(stuck).count()
}

/// A program whose main asks again and again, where `before` stands before the `go`
/// statement, and `after` behind it.
fn asks(before: &str, after: &str) -> String {
    format!(
        "
    import \"time\"
    type part struct {{ out chan int }}
    var last, all, lane = make(chan int), []chan int{{}}, make(chan chan int)
    func start(given chan int) chan int {{
        {before}
        go func() {{
            defer close(out)
            time.Sleep(1) // prepares
            out <- 1 // waits
        }}()
        {after}
        return out
    }}
    func first(shared chan int) int {{
        given := make(chan int)
        out := start(given) // calls
        time.Sleep(1) // sleeps
        return <-out // asks
    }}
    func main() {{
        shared := make(chan int)
        for {{
            first(shared) // again
        }}
    }}"
    )
}

const ASKS: &str = "1 receive main.first@//_asks main.main@//_again";
const YOUNG: &str = "3 sleep main.start.func1@//_prepares by main.start@go_func of 1";

#[test]
fn who_makes_an_object_for_each_has_one_at_hand() {
    let text = asks("out := make(chan int)", "");
    assert_eq!(counted(&text, &[ASKS, YOUNG], 6), 5);
    // Another one is there, too,
    let other = "2 sleep main.first@//_sleeps";
    assert_eq!(counted(&text, &[ASKS, YOUNG, other], 6), 4);
    // or it has gone on since, and may be within what makes them.
    assert_eq!(counted(&text, &["1 run main.main@//_again", YOUNG], 6), 4);
    assert_eq!(counted(&text, &[ASKS, YOUNG], 1), 0);
}

#[test]
fn what_a_caller_makes_for_each_is_its_own_too() {
    let text = asks("out := given", "");
    assert_eq!(counted(&text, &[ASKS, YOUNG], 6), 4);
    let shared = text.replace("start(given)", "start(shared)");
    assert_eq!(counted(&shared, &[ASKS, YOUNG], 6), 0);
    let field = asks("out := make(chan int); one := &part{out: out}; _ = one", "");
    assert_eq!(counted(&field, &[ASKS, YOUNG], 6), 0);
}

#[test]
fn several_that_may_wait_for_one_object_are_not_counted() {
    let text = asks("out := make(chan int); for range 2 {", "}");
    assert_eq!(counted(&text, &[ASKS, YOUNG], 6), 0);
    let again = asks("out := make(chan int); again:", "if last == nil { goto again }");
    assert_eq!(counted(&again, &[ASKS, YOUNG], 6), 0);
    let another = asks("out := make(chan int); if given != nil { out = given }", "");
    assert_eq!(counted(&another, &[ASKS, YOUNG], 6), 0);
}

#[test]
fn what_others_keep_is_not_counted() {
    for keeps in [
        "all = append(all, out)",
        "last = out",
        "lane <- out",
        "for range 2 { defer close(out) }",
        "time.AfterFunc(1, func() { close(out) })",
        "kept := map[int]chan int{1: out}; _ = kept",
        "closes := []func(){func() { close(out) }}; _ = closes",
    ] {
        assert_eq!(counted(&asks("out := make(chan int)", keeps), &[ASKS, YOUNG], 6), 0, "{keeps}");
    }
    // A function literal that has one has no more.
    let literal = "closes := func() { close(out) }; defer closes()";
    assert_eq!(counted(&asks("out := make(chan int)", literal), &[ASKS, YOUNG], 6), 5);
}
