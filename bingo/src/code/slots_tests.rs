//! Channels that are used as a semaphore, and such that look like it.

use super::tests::check;

#[test]
fn who_waits_for_a_slot_gives_none_to_others() {
    let text = "
        func main() {
            slots := make(chan int, 2)
            go func() {
                slots <- 1 // takes
                work()     // has one
                <-slots
            }()
            table := make(chan int)
            go func() {
                table <- 1 // offers
                <-table
            }()
            queue := make(chan int, 2)
            go func() {
                for range queue {
                    queue <- 1 // hands on
                }
            }()
            tokens := make(chan int, 2)
            go func() {
                <-tokens // draws
                work()   // spends
                tokens <- 1
            }()
            go func() {
                <-tokens
                <-tokens // wants another
                tokens <- 1
                tokens <- 1
            }()
            go func() {
                select { // or is told
                case <-tokens:
                case <-table:
                    tokens <- 1
                }
            }()
        }
        func work() {}";
    check(text, &["7 send main.main.func1@takes by main.main@func() of 1"], "7 waits Send slots of main");
    check(text, &["7 sleep main.main.func1@has_one by main.main@func() of 1"], "");
    check(
        text,
        &[
            "7 send main.main.func1@takes by main.main@func() of 1",
            "8 sleep main.main.func1@has_one by main.main@func() of 1",
        ],
        "7 waits Send slots of main\n8 Receive slots of main",
    );
    // The same with tokens.
    check(
        text,
        &[
            "7 receive main.main.func4@draws by main.main@func() of 1",
            "8 sleep main.main.func4@spends by main.main@func() of 1",
        ],
        "7 waits Receive tokens of main\n8 Send tokens of main",
    );
    // Who has one already gives that back, once it goes on.
    check(
        text,
        &["7 receive main.main.func5@wants_another by main.main@func() of 1"],
        "7 Send tokens of main\n7 waits Receive tokens of main",
    );
    // And who can be told otherwise sends though it has none.
    check(
        text,
        &["7 select main.main.func6@or_is_told by main.main@func() of 1"],
        "7 Send tokens of main\n7 waits Receive table of main\n7 waits Receive tokens of main",
    );
    // Without room for it nothing is taken.
    check(
        text,
        &["7 send main.main.func2@offers by main.main@func() of 1"],
        "7 Receive table of main\n7 waits Send table of main",
    );
    check(
        text,
        &["7 send main.main.func3@hands_on by main.main@func() of 1"],
        "7 Receive queue of main\n7 Send queue of main\n7 waits Send queue of main",
    );
}
