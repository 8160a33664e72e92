//! Functions that are written in one line: positions are lines, so that it shows by
//! what is waited for which act of the line a goroutine is at, or not at all.

use super::tests::check;

#[test]
fn who_waits_for_a_lock_does_not_hold_it_where_it_is_given_back_in_the_same_line() {
    let text = "
        import \"sync\"
        type counter struct { mu sync.Mutex; n int }
        func (c *counter) add() { c.mu.Lock(); c.n++; c.mu.Unlock() }
        func (c *counter) get() int { c.mu.Lock(); defer c.mu.Unlock(); return c.n }
        func main() {
            c := &counter{}
            go c.add()
            go c.get()
            c.mu.Lock()
            select {} // kept
        }";
    check(
        text,
        &[
            "1 sleep main.main@kept",
            "7 lock main.(*counter).add@add() by main.main@go_c.add of 1",
            "8 lock main.(*counter).get@get() by main.main@go_c.get of 1",
        ],
        "1 holds counter.mu
         7 waits Lock counter.mu
         8 waits Lock counter.mu",
    );
}

#[test]
fn what_is_done_under_a_lock_in_one_line_is_done_under_it() {
    let text = "
        import \"sync\"
        type box struct { mu sync.Mutex; full chan int }
        func (b *box) put(n int) { b.mu.Lock(); b.full <- n; b.mu.Unlock() }
        func (b *box) fill(first func()) { b.mu.Lock(); first(); b.mu.Unlock() }
        func main() {
            b := &box{full: make(chan int)}
            go b.put(1)
            go b.fill(func() {
                <-b.full // inside
            })
            select {} // rest
        }";
    check(
        text,
        &[
            "1 sleep main.main@rest",
            "7 send main.(*box).put@put( by main.main@go_b.put of 1",
            "8 lock main.(*box).put@put( by main.main@go_b.put of 1",
        ],
        "7 Unlock box.mu
         7 holds box.mu
         7 waits Send full of main
         8 Send full of main
         8 waits Lock box.mu",
    );
    check(
        text,
        &[
            "1 sleep main.main@rest",
            "7 receive main.main.func1@inside main.(*box).fill@fill( by main.main@go_b.fill of 1",
            "8 lock main.(*box).put@put( by main.main@go_b.put of 1",
        ],
        "7 Unlock box.mu
         7 holds box.mu
         7 waits Receive full of main
         8 Send full of main
         8 waits Lock box.mu",
    );
}

#[test]
fn where_it_may_be_at_several_acts_their_order_says_nothing() {
    // It waits for either lock, and it is not told which; one is held at some only.
    let text = "
        import \"sync\"
        func both(one, other *sync.Mutex, n *int) {
            one.Lock(); other.Lock(); *n++; other.Unlock(); one.Unlock()
        }
        func main() {
            var a, b sync.Mutex
            n := 0
            go both(&a, &b, &n)
            select {}
        }";
    check(
        text,
        &["1 sleep main.main@select", "7 lock main.both@one.Lock() by main.main@go_both of 1"],
        "7 Unlock a of main
         7 waits Lock a of main
         7 waits Lock b of main",
    );
}

#[test]
fn branches_of_one_line_are_all_before_who_waits_there() {
    let text = "
        func serve(in, out, done chan int, sure bool) {
            if sure { <-in } else { <-done; out <- 1 }
            select { case <-in: case <-done: out <- 2 }
        }
        func main() {
            in, out, done := make(chan int), make(chan int), make(chan int)
            go serve(in, out, done, false)
            <-out // end
        }";
    check(
        text,
        &["1 receive main.main@end", "7 receive main.serve@if_sure by main.main@go_serve of 1"],
        "1 waits Receive out of main
         7 Receive done of main
         7 Receive in of main
         7 Send out of main
         7 waits Receive done of main
         7 waits Receive in of main",
    );
    check(
        text,
        &["1 receive main.main@end", "7 select main.serve@select_{ by main.main@go_serve of 1"],
        "1 waits Receive out of main
         7 Send out of main
         7 waits Receive done of main
         7 waits Receive in of main",
    );
}

#[test]
fn a_timer_that_is_set_in_the_line_of_the_wait_is_not_stopped() {
    let text = "
        import \"time\"
        func nap(t *time.Timer) {
            t.Stop()
            t.Reset(time.Second); <-t.C // nap
        }
        func main() {
            nap(time.NewTimer(time.Hour))
        }";
    check(text, &["1 receive main.nap@//_nap main.main@nap("], "1 waits Receive what is made at main.go:9+");
}
