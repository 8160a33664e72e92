//! Goroutines that were not seen at any place, as who runs is not: they may be anywhere
//! in what they began with, and in what that calls. In: small programs. Out: what they
//! may do with objects that are there already.

use super::tests::check;

const ACTORS: &str = "
        type account struct{ mailbox chan int }
        func open() account {
            a := account{make(chan int, 1)}
            go func() { // go
                for m := range a.mailbox { _ = m }
            }()
            return a
        }
        func main() {
            accounts := make([]account, 40)
            for i := range accounts {
                accounts[i] = open()
            }
            for n := 0; ; n++ {
                accounts[n%3].mailbox <- n
            }
        }";

#[test]
fn main_may_have_made_already_what_it_makes() {
    check(
        ACTORS,
        &[
            "1 run",
            "7 receive main.open.func1@range_a.mailbox by main.open@//_go of 1",
            "8 receive main.open.func1@range_a.mailbox by main.open@//_go of 1",
        ],
        "1 Receive mailbox of open
         1 Send mailbox of open
         7 Receive mailbox of open
         7 waits Receive mailbox of open
         8 Receive mailbox of open
         8 waits Receive mailbox of open",
    );
}

#[test]
fn it_may_be_in_what_it_calls() {
    let text = "
        func work() {
            for {
                done := make(chan int)
                go func() { <-done }() // go
                done <- crunch()
            }
        }
        func crunch() int { return 1 }
        func main() { // main
            go work() // start
            select {}
        }";
    let waits = "9 receive main.work.func1@<-done by main.work@//_go of 7";
    check(
        text,
        &["1 select main.main@select", "7 run by main.main@//_start of 1", waits],
        "7 Receive done of work
         7 Send done of work
         9 waits Receive done of work",
    );
    let called = text.replace("go work() // start", "go func() { work() }() // start");
    check(
        &called,
        &["1 select main.main@select", "7 run by main.main@//_start of 1", waits],
        "7 Receive done of work
         7 Send done of work
         9 waits Receive done of work",
    );
    // Another one than its maker has one of its own.
    check(
        text,
        &["1 select main.main@select", "8 run by main.main@//_start of 1", waits],
        "9 waits Receive done of work",
    );
}

#[test]
fn what_others_began_may_be_in_whatever_they_were_given() {
    let text = "
        import \"net/http\"
        func handle(w http.ResponseWriter, r *http.Request) {
            done := make(chan int)
            go func() { <-done }() // go
            done <- 1
        }
        func main() {
            http.HandleFunc(\"/\", handle)
            http.ListenAndServe(\":80\", nil) // serve
        }";
    check(
        text,
        &[
            "1 sleep main.main@//_serve",
            "7 run by net/http.(*Server).Serve@package_main of 1",
            "9 receive main.handle.func1@<-done by main.handle@//_go of 7",
        ],
        "7 Receive done of handle
         7 Send done of handle
         9 waits Receive done of handle",
    );
}

#[test]
fn where_main_was_not_read_it_may_do_anything() {
    let library = ACTORS.replace("func main()", "func another()");
    check(
        &library,
        &["1 run", "7 receive main.open.func1@range_a.mailbox by main.open@//_go of 1"],
        "7 Receive mailbox of open?
         7 waits Receive mailbox of open?",
    );
}

#[test]
fn who_runs_has_gone_on_since_it_was_seen() {
    let text = "
        var queue = make(chan chan int, 8)
        func main() {
            go work() // start
            for {
                time.Sleep(1) // sleeps
                done := make(chan int)
                queue <- done
                done <- crunch()
            }
        }
        func crunch() int { return 1 }
        func work() {
            for done := range queue {
                <-done // waits
            }
        }";
    check(
        text,
        &["1 run main.main@//_sleeps", "7 receive main.work@//_waits by main.main@//_start of 1"],
        "1 Send done of main
         7 Receive done of main
         7 waits Receive done of main",
    );
    let called = text
        .replace("func main() {", "func main() { for { round() } } // round\n func round() {")
        .replace("by main.main", "by main.round");
    check(
        &called,
        &["1 run main.main@//_round", "7 receive main.work@//_waits by main.round@//_start of 1"],
        "1 Receive done of round
         1 Send done of round
         7 Receive done of round
         7 waits Receive done of round",
    );
}
