//! What goroutines would do at the end of loops that have none. In: small programs. Out:
//! who owes what to whom.

use super::tests::check;

const WORKER: &str = "
        import \"sync\"
        func turn() { for { time.Sleep(1) } } // turn
        func work(all *sync.WaitGroup, done chan int) {
            defer all.Done()
            turn() // work
            close(done)
        }
        func main() {
            var all sync.WaitGroup
            done := make(chan int)
            all.Add(1)
            go work(&all, done)
            go func() { <-done }() // other
            all.Wait()
        }";

#[test]
fn what_is_deferred_and_what_is_behind_a_loop_is_owed() {
    check(
        WORKER,
        &[
            "1 group main.main@all.Wait",
            "7 sleep main.turn@//_turn main.work@//_work by main.main@go_work of 1",
            "8 receive main.main.func1@<-done by main.main@//_other of 1",
        ],
        "1 waits Wait all of main
         7 owes Close done of main
         7 owes Done all of main
         8 waits Receive done of main",
    );
}

#[test]
fn who_comes_to_it_owes_nothing() {
    let ends = WORKER.replace("for {", "for range 3 {");
    check(
        &ends,
        &[
            "1 group main.main@all.Wait",
            "7 sleep main.turn@//_turn main.work@//_work by main.main@go_work of 1",
        ],
        "1 waits Wait all of main
         7 Done all of main",
    );
}

#[test]
fn who_rests_for_ever_owes_nothing() {
    let rests = WORKER.replace("for { time.Sleep(1) }", "select {}");
    check(
        &rests,
        &[
            "1 group main.main@all.Wait",
            "7 sleep main.turn@//_turn main.work@//_work by main.main@go_work of 1",
        ],
        "1 waits Wait all of main",
    );
}
