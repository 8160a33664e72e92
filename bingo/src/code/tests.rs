//! Small programs with goroutines told by hand: `id state reason frames`, frames as
//! `function:line`, innermost first, then `by function:line` and `of id`.

use std::fmt::Write;
use std::sync::Arc;

use crate::model::{
    Access, Addr, CreatedBy, Event, EventKind, Frame, GoId, GoState, Goroutine, Links, ObjectKey,
    Observation, Snapshot, Stack, Texts, Time, WaitReason,
};
use crate::world::World;

pub(super) const FILE: &str = "/src/main.go";

/// One file.
pub(super) struct One<'a>(pub(super) &'a str);

impl Texts for One<'_> {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        (file == FILE).then(|| self.0.into())
    }

    fn files(&self, _: &str) -> Vec<Arc<str>> {
        vec![FILE.into()]
    }
}

/// A goroutine of a line such as `7 send main.worker:5 by main.main:9 of 1`.
fn goroutine(line: &str, text: &str) -> Goroutine {
    let mut words = line.split_whitespace();
    let id = GoId(words.next().unwrap().parse().unwrap());
    let (state, reason, inner) = match words.next().unwrap() {
        "send" => (GoState::Blocked, Some(WaitReason::ChanSend), "runtime.chansend1"),
        "receive" => (GoState::Blocked, Some(WaitReason::ChanReceive), "runtime.chanrecv1"),
        "select" => (GoState::Blocked, Some(WaitReason::Select), "runtime.selectgo"),
        "lock" => (GoState::Blocked, Some(WaitReason::Sync), "sync.(*Mutex).Lock"),
        "rlock" => (GoState::Blocked, Some(WaitReason::Sync), "sync.(*RWMutex).RLock"),
        "wlock" => (GoState::Blocked, Some(WaitReason::Sync), "sync.(*RWMutex).Lock"),
        "group" => (GoState::Blocked, Some(WaitReason::Sync), "sync.(*WaitGroup).Wait"),
        "cond" => (GoState::Blocked, Some(WaitReason::CondWait), "sync.(*Cond).Wait"),
        "reads" => (GoState::Blocked, Some(WaitReason::Select), "io.(*pipe).read"),
        "writes" => (GoState::Blocked, Some(WaitReason::Select), "io.(*pipe).write"),
        "sleep" => (GoState::Blocked, Some(WaitReason::Sleep), "time.Sleep"),
        "run" => (GoState::Running, None, ""),
        "ready" => (GoState::Runnable, None, ""),
        other => panic!("{other}"),
    };
    let frame = |function: &str, file: &str, line: u32| Frame {
        function: function.into(),
        file: file.into(),
        line,
        pc: Addr(1),
        inlined: false,
    };
    let mut frames = Vec::new();
    if !inner.is_empty() {
        frames.push(frame(inner, "/go/src/runtime/x.go", 1));
    }
    // A line is told by a piece of its text.
    let place = |word: &str| {
        let (function, at) = word.split_once('@').unwrap();
        let at = at.replace('_', " ");
        let mut lines = text.lines().enumerate().filter(|(_, line)| line.contains(&at));
        let (line, _) = lines.next().unwrap_or_else(|| panic!("{at}"));
        (function.to_owned(), u32::try_from(line).unwrap() + 1)
    };
    let (mut parent, mut created_by) = (None, None);
    while let Some(word) = words.next() {
        match word {
            "of" => parent = Some(GoId(words.next().unwrap().parse().unwrap())),
            "by" => {
                let (function, line) = place(words.next().unwrap());
                let (function, file) = (function.into(), FILE.into());
                created_by = Some(Arc::new(CreatedBy { function, file, line }));
            }
            word => {
                let (function, line) = place(word);
                let file = if function.starts_with("main.") { FILE } else { "/go/src/sync/x.go" };
                frames.push(frame(&function, file, line));
            }
        }
    }
    Goroutine {
        id,
        state,
        reason,
        blocked_since: None,
        switches: None,
        wait: None,
        stack: Stack::new(frames),
        created_by,
        parent,
        labels: None,
        thread: None,
        system: false,
    }
}

pub(super) fn links_of(text: &str, told: &[&str]) -> Links {
    let mut world = World::default();
    let goroutines = told.iter().map(|line| Arc::new(goroutine(line, text))).collect();
    let snapshot = Snapshot { taken: Time(10), goroutines, ..Snapshot::default() };
    world.apply(&Observation::Snapshot(Box::new(snapshot)));
    super::links(&world, &One(text), &mut || false).links
}

/// Links as text, a line a fact, in order.
fn shown(links: &Links) -> String {
    let mut lines = Vec::new();
    let object = |index| {
        let object = links.object(index).unwrap();
        let ObjectKey::Name(name) = &object.key else { panic!("{object:?}") };
        let access = match &object.access {
            Access::Closed => "",
            Access::Counted { .. } => "#",
            Access::Reached(_) => "?",
            Access::Fed(_) => "+",
        };
        format!("{name}{access}")
    };
    for (id, waits) in links.waits.iter() {
        for wait in waits {
            lines.push(format!("{id} waits {:?} {}", wait.operation, object(wait.object)));
        }
    }
    for hold in &links.holds {
        let apart = if hold.apart { " or another" } else { "" };
        lines.push(format!("{} holds {}{apart}", hold.goroutine, object(hold.object)));
    }
    for one in &links.uses {
        lines.push(format!("{} {:?} {}", one.goroutine, one.operation, object(one.object)));
    }
    for one in &links.owed {
        lines.push(format!("{} owes {:?} {}", one.goroutine, one.operation, object(one.object)));
    }
    for one in &links.nested {
        lines.push(format!("{} nested {} > {}", one.goroutine, object(one.held), object(one.wanted)));
    }
    lines.sort();
    lines.dedup();
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    text
}

pub(super) fn check(text: &str, told: &[&str], expect: &str) {
    let text = format!("package main\n{text}");
    let expect: String = expect.trim().lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(shown(&links_of(&text, told)), expect);
}

#[test]
fn the_channel_of_a_caller_that_is_gone() {
    let text = "
        func ask(n int, answers chan<- string) {
            answers <- \"hello\"
        }
        func first() string {
            answers := make(chan string)
            go ask(1, answers)
            return <-answers
        }
        func main() {
            first() // call
            select {}
        }";
    // Main may call first again: that would be another channel.
    check(
        text,
        &["1 sleep main.main@select", "7 send main.ask@answers_<- by main.first@go_ask of 1"],
        "7 waits Send answers of first",
    );
    check(
        text,
        &[
            "1 run main.first@return main.main@//_call",
            "7 send main.ask@answers_<- by main.first@go_ask of 1",
        ],
        "1 Receive answers of first
         7 waits Send answers of first",
    );
}

#[test]
fn parameters_are_followed_to_the_go_statement() {
    let text = "
        import \"sync\"
        type account struct { sync.Mutex; balance int }
        func transfer(from, to *account) {
            from.Lock()
            defer from.Unlock()
            to.Lock() // second
            defer to.Unlock()
        }
        func main() {
            giro, savings := &account{}, &account{}
            go transfer(giro, savings) // one
            go transfer(savings, giro) // two
            select {}
        }";
    check(
        text,
        &[
            "7 lock main.transfer@second by main.main@one of 1",
            "8 lock main.transfer@second by main.main@two of 1",
        ],
        "7 Unlock account.Mutex
         7 holds account.Mutex or another
         7 nested account.Mutex > account.Mutex
         7 waits Lock account.Mutex
         8 Unlock account.Mutex
         8 holds account.Mutex or another
         8 nested account.Mutex > account.Mutex
         8 waits Lock account.Mutex",
    );
    let links = links_of(
        &format!("package main\n{text}"),
        &[
            "7 lock main.transfer@second by main.main@one of 1",
            "8 lock main.transfer@second by main.main@two of 1",
        ],
    );
    let wanted = |id| links.waits.get(GoId(id)).unwrap()[0].object;
    let held = |id| links.holds.iter().find(|hold| hold.goroutine == GoId(id)).unwrap().object;
    assert_eq!((wanted(7), wanted(8)), (held(8), held(7)));
    assert_ne!(wanted(7), wanted(8));
}

#[test]
fn timers_signals_and_contexts() {
    let text = "
        import (\"context\"; \"os\"; \"os/signal\"; \"time\")
        func wait(ctx context.Context) {
            <-ctx.Done() // waits
        }
        func main() {
            stop := make(chan os.Signal, 1)
            signal.Notify(stop, os.Interrupt)
            parent, cancel := context.WithCancel(context.Background())
            child, _ := context.WithTimeout(parent, time.Second)
            go wait(parent) // parent
            go wait(child) // child
            <-stop // signal
            cancel()
        }";
    check(
        text,
        &[
            "1 receive main.main@<-stop",
            "7 receive main.wait@waits by main.main@//_parent of 1",
            "8 receive main.wait@waits by main.main@//_child of 1",
        ],
        "1 Close parent of main
         1 waits Receive stop of main+
         7 waits Receive parent of main
         8 waits Receive child of main+
         8 waits Receive parent of main",
    );
}

#[test]
fn what_is_left_locked_on_a_way_out() {
    let text = "
        import \"sync\"
        type shop struct { mu sync.RWMutex; stock map[string]int }
        func (s *shop) take(name string) bool {
            s.mu.Lock() // lock
            if s.stock[name] == 0 {
                return false
            }
            s.stock[name]--
            s.mu.Unlock()
            return true
        }
        func main() {
            s := &shop{}
            go func() {
                for { s.take(\"bolt\") } // loop
            }()
            s.take(\"nut\") // first
            select {}
        }";
    check(
        text,
        &[
            "1 sleep main.main@select",
            "7 wlock main.(*shop).take@lock main.main.func1@loop by main.main@go_func of 1",
        ],
        "7 waits Lock shop.mu",
    );
}

#[test]
fn a_worker_that_has_an_employer_is_idle() {
    let text = "
        func work(jobs <-chan int) {
            for job := range jobs { // next
                _ = job
            }
        }
        func main() {
            jobs := make(chan int)
            go work(jobs)
            jobs <- 1
            stop := make(chan int)
            select {}
        }";
    check(
        text,
        &["1 sleep main.main@select", "7 receive main.work@next by main.main@go_work of 1"],
        "7 Receive jobs of main?
         7 waits Receive jobs of main?",
    );
    // Who made it is gone, and nobody else had the channel.
    check(
        text,
        &["7 receive main.work@next by main.main@go_work of 1"],
        "7 Receive jobs of main\n7 waits Receive jobs of main",
    );
}

#[test]
fn who_is_fed_by_goroutines_that_are_gone_has_no_employer() {
    let text = "
        func feed(out chan<- int) { out <- 1 }
        func work(jobs <-chan int) {
            for job := range jobs { // next
                _ = job
            }
        }
        func main() {
            jobs := make(chan int)
            go work(jobs)
            go feed(jobs)
            select {}
        }";
    let (main, worker) = ("1 sleep main.main@select", "7 receive main.work@next by main.main@go_work of 1");
    check(text, &[main, worker], "7 Receive jobs of main\n7 waits Receive jobs of main");
    let feeder = "8 sleep main.feed@out_<- by main.main@go_feed of 1";
    check(
        text,
        &[main, worker, feeder],
        "7 Receive jobs of main\n7 waits Receive jobs of main\n8 Send jobs of main",
    );
}

#[test]
fn nil_channels_are_no_way_out() {
    let text = "
        type sources struct { metrics, logs chan int; extra map[string]chan int }
        func forward(from sources, more chan int) {
            select { // nil
            case <-from.metrics:
            case <-from.logs:
            }
            select { // two
            case <-from.metrics:
            case <-more:
            }
            select { // unknown
            case <-from.metrics:
            case <-from.extra[\"a\"]:
            }
        }
        func main() {
            more := make(chan int)
            go forward(sources{}, more) // go
            select {}
        }";
    check(
        text,
        &[
            "7 select main.forward@nil by main.main@//_go of 1",
            "8 select main.forward@two by main.main@//_go of 1",
            "9 select main.forward@unknown by main.main@//_go of 1",
        ],
        "7 Receive more of main
         7 waits Receive nil, the only one of its cases
         8 waits Receive more of main",
    );
}

#[test]
fn a_pipe_has_two_ends() {
    let text = "
        import (\"bufio\"; \"fmt\"; \"io\")
        func write(out *io.PipeWriter) {
            fmt.Fprintln(out, 1) // writes
            out.Close()
        }
        func read(in io.Reader) {
            lines := bufio.NewScanner(in)
            for lines.Scan() { // reads
            }
        }
        func main() {
            in, out := io.Pipe()
            go write(out) // one
            go read(in) // two
            select {}
        }";
    check(
        text,
        &[
            "7 writes main.write@writes by main.main@//_one of 1",
            "8 reads bufio.(*Scanner).Scan@reads main.read@reads by main.main@//_two of 1",
        ],
        "7 Close in of main
         7 waits Send in of main
         8 Receive in of main
         8 waits Receive in of main",
    );
}

#[test]
fn a_timer_that_was_stopped_fires_no_more() {
    let text = "
        import \"time\"
        func wait(quit chan int) {
            timer := time.NewTimer(time.Hour)
            <-timer.C // runs
            timer.Stop()
            <-timer.C // stopped
            timer.Reset(time.Hour)
            <-timer.C // again
        }
        func main() {
            go wait(nil) // go
            select {}
        }";
    let at = |place| {
        let line = format!("7 receive main.wait@{place} by main.main@//_go of 1");
        shown(&links_of(&format!("package main\n{text}"), &[&line]))
    };
    assert_eq!(
        at("runs"),
        "7 Receive timer of wait+\n7 Send timer of wait+\n7 waits Receive timer of wait+\n"
    );
    assert_eq!(
        at("//_stopped"),
        "7 Receive timer of wait\n7 Send timer of wait\n7 waits Receive timer of wait\n"
    );
    assert_eq!(at("again"), "7 waits Receive timer of wait+\n");
}

#[test]
fn what_is_not_understood_is_left_out() {
    let text = "
        import \"example.com/queue\"
        func take(q *queue.Queue, all map[string]chan int, key string) {
            <-q.Ready() // foreign
        }
        func Exported(c chan int) {
            <-c // anybody's
        }";
    check(text, &["7 receive main.take@foreign", "8 receive main.Exported@anybody"], "");
    // A line that does not fit, and a function that is not there.
    check(text, &["7 send main.take@foreign", "8 receive main.other@anybody"], "");
}

#[test]
fn absurd_texts_neither_hang_nor_overflow() {
    let deep = format!("func f() {{ x := {}1{} }}", "(".repeat(20_000), ")".repeat(20_000));
    let blocks = format!("func g() {{ {} <-c {} }}", "{".repeat(20_000), "}".repeat(20_000));
    for text in
        [&*deep, &*blocks, "func f( {{{ <- go go defer", "\u{0}\u{1}func", "type a b\ntype b a\nvar x a"]
    {
        let text = format!("package main\nfunc main() {{ c := make(chan int)\n<-c // here\n}}\n{text}");
        links_of(&text, &["1 receive main.main@here"]);
    }
}

#[test]
fn goroutines_that_are_alike_cost_one() {
    let text = "package main
        func main() {
            for {
                c := make(chan int)
                go func() { c <- 1 }() // sends
            }
        }";
    let mut world = World::default();
    let one = goroutine("7 send main.main.func1@sends by main.main@sends of 1", text);
    let goroutines = (7..50_007).map(|id| Arc::new(Goroutine { id: GoId(id), ..one.clone() })).collect();
    let snapshot = Snapshot { taken: Time(10), goroutines, ..Snapshot::default() };
    world.apply(&Observation::Snapshot(Box::new(snapshot)));
    let links = super::links(&world, &One(text), &mut || false).links;
    assert_eq!(links.waits.len(), 50_000);
    assert_eq!(links.objects.len(), 1);
}

#[test]
fn without_text_there_is_nothing() {
    let mut world = World::default();
    let time = Time(1);
    let kind = EventKind::Run;
    world.apply(&Observation::Event(Event {
        time,
        goroutine: Some(GoId(1)),
        kind,
        stack: None,
        thread: None,
    }));
    assert!(super::links(&world, &(), &mut || false).links.objects.is_empty());
}

#[test]
fn who_has_enough_gets_all_of_it_or_nothing() {
    let text = "package main
        import \"sync\"
        var one, two sync.Mutex
        func main() {
            go func() {
                one.Lock()
                two.Lock() // inner
            }() // forth
            two.Lock()
            one.Lock() // back
        }";
    let goroutines = ["1 lock main.main@back", "7 lock main.main.func1@inner by main.main@go_func of 1"]
        .map(|line| Arc::new(goroutine(line, text)));
    let mut world = World::default();
    let snapshot = Snapshot { taken: Time(10), goroutines: goroutines.into(), ..Snapshot::default() };
    world.apply(&Observation::Snapshot(Box::new(snapshot)));
    let mut asked = 0;
    let until = |most: usize, asked: &mut usize| {
        *asked = 0;
        super::links(&world, &One(text), &mut || {
            *asked += 1;
            *asked > most
        })
    };
    let all = until(usize::MAX, &mut asked);
    assert_eq!((all.links.waits.len(), all.links.holds.len(), all.left_out), (2, 2, None));
    for most in 0..asked {
        let mut again = 0;
        let some = until(most, &mut again);
        assert_eq!(some.left_out, Some(super::LeftOut::Stopped), "{most} of {asked}");
        let told = &some.links;
        assert!(told.waits.is_empty() || told.waits.len() == 2 && told.holds.len() == 2, "{most} of {asked}");
    }
    assert!(asked > 3, "{asked}");
}
