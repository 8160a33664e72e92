//! Goroutines that begin with a function that is not of the program: what the `go`
//! statement says of them.

use super::tests::check;

const GROUP: &str = "
    import \"sync\"
    func main() {
        var group sync.WaitGroup
        group.Add(1)
        go group.Done() // done
        group.Wait() // waits
    }";

#[test]
fn what_has_not_run_yet_does_what_starts_it() {
    check(
        GROUP,
        &["1 group main.main@waits", "7 ready by main.main@done of 1"],
        "1 waits Wait group of main
         7 Done group of main",
    );
}

#[test]
fn what_runs_outside_of_the_program_does_what_started_it() {
    check(
        GROUP,
        &["1 group main.main@waits", "7 run sync.(*WaitGroup).Done@Done by main.main@done of 1"],
        "1 waits Wait group of main
         7 Done group of main",
    );
}

#[test]
fn what_cannot_end_a_wait_does_not() {
    let text = "
        import (\"net/http\"; \"sync\")
        func main() {
            var group sync.WaitGroup
            group.Add(1)
            go http.ListenAndServe(\":0\", nil) // serves
            group.Wait() // waits
        }";
    check(
        text,
        &["1 group main.main@waits", "7 run net/http.ListenAndServe@serves by main.main@serves of 1"],
        "1 waits Wait group of main",
    );
}

#[test]
fn a_channel_that_another_goroutine_is_about_to_close() {
    let text = "
        func main() {
            done := make(chan bool)
            go close(done) // closes
            <-done // waits
        }";
    check(
        text,
        &["1 receive main.main@//_waits", "7 ready by main.main@//_closes of 1"],
        "1 waits Receive done of main
         7 Close done of main",
    );
}
