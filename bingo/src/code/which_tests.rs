//! Objects of one place: which of them goroutines wait for.

use super::tests::links_of;
use crate::model::{GoId, Operation};

/// Where main has `made` accounts, one goroutine waits for the account `wanted` and another
/// one, which sleeps, holds the account `held`: whether it may be that one.
fn check_accounts(made: &str, held: &str, wanted: &str, may_be: bool) {
    let text = format!(
        "
    import (\"slices\"; \"sync\"; \"time\")
    type account struct {{ mu sync.Mutex; id int }}
    func open(id int) *account {{ return &account{{id: id}} }}
    func use(all []*account, one int) {{
        all[one].mu.Lock() // locks
        time.Sleep(1) // sleeps
        all[one].mu.Unlock()
    }}
    func main() {{
        {made}
        go use(all, {held}) // first
        go use(all, {wanted}) // second
    }}"
    );
    let told = [
        "7 sleep main.use@//_sleeps by main.main@//_first of 1",
        "8 lock main.use@//_locks by main.main@//_second of 1",
        "1 run main.main@//_second",
    ];
    let links = links_of(&format!("package main\n{text}"), &told);
    let holds = links.holds.iter().any(|hold| hold.goroutine.0 == 7);
    assert_eq!((links.waits.len(), holds), (1, may_be), "{made} {held} {wanted}");
}

#[test]
fn elements_are_told_apart_by_their_numbers() {
    let filled = "var all []*account; for i := range 9 { all = append(all, &account{id: i}) }";
    check_accounts(filled, "2", "3", false);
    check_accounts(filled, "3", "3", true);
    let by_number = "all := make([]*account, 9); for i := range all { all[i] = open(i) }";
    check_accounts(by_number, "2", "3", false);
    check_accounts("all := []*account{open(1), open(2)}; two := 1", "0", "two", false);
    check_accounts("all := []*account{open(1), open(2)}; two := 1", "1", "two", true);
    check_accounts("all := []*account{{id: 1}, {id: 2}}", "0", "1", false);
    // It is not known which of them that is,
    check_accounts(&format!("{filled}; two := 2; two++"), "two", "3", true);
    check_accounts(&format!("{filled}; var two int; two = 2"), "two", "3", true);
    // or they do not keep their numbers,
    check_accounts(&format!("{filled}; all = all[1:]"), "2", "3", true);
    check_accounts(&format!("{filled}; slices.Reverse(all)"), "2", "3", true);
    check_accounts(&format!("{filled}; all[2], all[3] = all[3], all[2]"), "2", "3", true);
    // or several are one.
    check_accounts("one := open(1); all := []*account{one, one}", "0", "1", true);
    check_accounts(
        "one := open(1); var all []*account; for range 9 { all = append(all, one) }",
        "2",
        "3",
        true,
    );
}

#[test]
fn what_is_made_in_two_calls_is_two() {
    let text = |links: &str| {
        format!(
            "
    type part struct {{ done, work chan int; peer *part }}
    func open() *part {{ return &part{{done: make(chan int), work: make(chan int)}} }}
    func (p *part) run() {{
        defer close(p.done)
        <-p.work // works
        <-p.peer.done // waits
    }}
    func main() {{
        a, b, c := open(), open(), open()
        {links}
        go a.run() // first
        go b.run() // second
        go c.run() // third
    }}"
        )
    };
    let told = [
        "7 receive main.(*part).run@//_waits by main.main@//_first of 1",
        "8 receive main.(*part).run@//_waits by main.main@//_second of 1",
        "9 sleep main.(*part).run@//_works by main.main@//_third of 1",
    ];
    let of = |links: &str| links_of(&format!("package main\n{}", text(links)), &told);
    let ends = |links: &str| {
        let links = of(links);
        let wait = links.waits.get(GoId(7)).and_then(|waits| waits.first().copied());
        let object = wait.expect("it waits").object;
        let mut ends: Vec<u64> = {
            let closes = links.uses.iter().filter(|one| one.operation == Operation::Close);
            closes.filter(|one| one.object == object).map(|one| one.goroutine.0).collect()
        };
        ends.sort_unstable();
        ends
    };
    assert_eq!(ends("a.peer, b.peer = b, a"), [8]);
    assert_eq!(ends("a.peer, b.peer, c.peer = b, c, a"), [8]);
    assert_eq!(ends("a.peer, b.peer, c.peer = c, a, b"), [9]);
}

#[test]
fn a_writer_of_any_of_them_comes_before_the_readers_of_one() {
    let text = "package main
    import (\"sync\"; \"time\")
    type table struct { mu sync.RWMutex }
    func (t *table) read(again bool) {
        t.mu.RLock() // first
        defer t.mu.RUnlock()
        if again { t.read(false) } // again
    }
    func (t *table) write() { t.mu.Lock(); t.mu.Unlock() } // writes
    func main() {
        var all []*table
        for range 4 { all = append(all, &table{}) }
        go func() { all[2].read(true) }() // reader
        go func() { for i := 0; ; i++ { all[i%4].write() } }() // writer
        time.Sleep(1) // end
    }";
    let links = links_of(
        text,
        &[
            "7 rlock main.(*table).read@//_first main.(*table).read@//_again main.main.func1@//_reader by main.main@//_reader of 1",
            "8 wlock main.(*table).write@//_writes main.main.func2@//_writer by main.main@//_writer of 1",
            "1 sleep main.main@//_end",
        ],
    );
    let waits = |id| links.waits.get(GoId(id)).unwrap_or_default();
    let [read] = waits(7) else { panic!("{:?}", waits(7)) };
    assert!(waits(8).iter().any(|write| write.object == read.object), "{:?}", waits(8));
}
