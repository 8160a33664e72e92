//! Values that come out where nobody has put them by name: of errors, of what is yet to
//! be made, of calls that name their types. In: small programs. Out: who could end which
//! wait.

use super::tests::check;

#[test]
fn an_error_is_found_within_another_one() {
    let text = |finds: &str| {
        format!(
            "
        import (\"errors\"; \"fmt\")
        type full struct {{ room chan int }}
        type keeper struct {{ why *full }}
        func (f *full) Error() string {{ return \"full\" }}
        func try(why *full) error {{ return fmt.Errorf(\"try: %w\", why) }}
        func main() {{
            room := make(chan int)
            go func() {{ // waits
                <-room
            }}()
            time.Sleep(1) // pause
            err := try(&full{{room}})
            {finds} {{
                close(found.room)
            }}
        }}"
        )
    };
    for finds in [
        "var found *full\n if errors.As(err, &found)",
        "if found, ok := errors.AsType[*full](err); ok",
        "if found, ok := errors.Unwrap(err).(*full); ok",
        "keeper := &keeper{}\n ok := errors.As(err, &keeper.why)\n found := keeper.why\n if ok",
    ] {
        let waits = ["1 sleep main.main@pause", "7 receive main.main.func1@<-room by main.main@waits of 1"];
        check(&text(finds), &waits, "1 Close room of main\n 7 waits Receive room of main");
    }
}

#[test]
fn a_call_that_names_its_types_is_one() {
    let text = "
        import \"sync\"
        func open[T any](door chan T) { close(door) }
        func main() {
            door, other := make(chan int), make(chan string)
            go func() { // waits
                <-door
            }()
            go func() { // other
                <-other
            }()
            time.Sleep(1) // pause
            open[int](door)
            close(sync.OnceValue[chan string](func() chan string { return other })())
        }";
    let waits = [
        "1 sleep main.main@pause",
        "7 receive main.main.func1@<-door by main.main@waits of 1",
        "8 receive main.main.func2@<-other by main.main@//_other of 1",
    ];
    check(
        text,
        &waits,
        "1 Close door of main
         1 Close other of main
         7 waits Receive door of main
         8 waits Receive other of main",
    );
}

#[test]
fn what_is_yet_to_be_made_may_be_given_what_is_there() {
    for body in [
        "one := &box{room}\n close(one.room)",
        "one := []chan int{room}\n close(one[0])",
        "var one box\n one.room = room\n close(one.room)",
    ] {
        let text = format!(
            "
        type box struct {{ room chan int }}
        func main() {{
            room := make(chan int)
            go func() {{ // waits
                <-room
            }}()
            time.Sleep(1) // pause
            {body}
        }}"
        );
        let waits = ["1 sleep main.main@pause", "7 receive main.main.func1@<-room by main.main@waits of 1"];
        check(&text, &waits, "1 Close room of main\n 7 waits Receive room of main");
    }
    // But what is made in each round is of that round.
    let text = "
        type box struct { room chan int }
        func main() {
            for {
                one := &box{make(chan int)}
                <-one.room
            }
        }";
    check(text, &["1 receive main.main@<-one"], "1 waits Receive room of main?");
}
