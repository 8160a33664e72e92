//! Small programs, all of whose `go` statements have made goroutines, and what is
//! found to be shared without an order: the name and the pieces of text at the two
//! lines that say `// want`.

use super::tests::{FILE, One};
use crate::model::{Addr, Event, EventKind, Frame, GoId, Observation, Stack, Time};
use crate::world::{Keep, World};

fn frame(function: &str, line: usize) -> Frame {
    let line = u32::try_from(line).unwrap();
    Frame { function: function.into(), file: FILE.into(), line, pc: Addr(1), inlined: false }
}

/// A World in which `main` has made two goroutines at each `go` statement.
fn world(text: &str) -> World {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let begins =
        |name: &str| lines.iter().position(|line| line.starts_with(&format!("func {name}("))).unwrap() + 1;
    let mut world = World::keeping(Keep { transitions: 4, long: std::time::Duration::from_secs(1) });
    let mut function = String::new();
    let mut id = 7;
    for (at, line) in lines.iter().enumerate() {
        if let Some(rest) = line.strip_prefix("func ") {
            let rest = rest.strip_prefix('(').map_or(rest, |rest| rest.split_once(") ").unwrap().1);
            rest.split('(').next().unwrap().clone_into(&mut function);
            if let Some((_, kind)) = line.split_once(" *").filter(|_| line.starts_with("func (")) {
                function = format!("(*{}).{function}", kind.split(')').next().unwrap());
            }
        }
        if !line.starts_with("go ") && !line.contains(".Go(") {
            continue;
        }
        let mut frames = vec![frame(&format!("main.{function}"), at + 1)];
        if function != "main" {
            frames.push(frame("main.main", begins("main")));
        }
        let stack = Stack::new(frames);
        for _ in 0..2 {
            let (goroutine, kind) = (Some(GoId(id)), EventKind::Create { parent: Some(GoId(1)) });
            let event = Event { time: Time(id), goroutine, kind, stack: Some(stack.clone()), thread: None };
            world.apply(&Observation::Event(event));
            id += 1;
        }
    }
    world
}

/// What is found: `name line line`.
fn found(text: &str) -> Vec<String> {
    let links = super::links(&world(text), &One(text), &mut || false).links;
    let mut found: Vec<String> = links
        .shared
        .iter()
        .map(|shared| format!("{} {} {}", shared.name, shared.uses[0].at.line, shared.uses[1].at.line))
        .collect();
    found.sort();
    found
}

/// The body of `main`, and declarations; the lines that say `// want` are the two
/// uses, one alone is both.
fn check(name: &str, declarations: &str, main: &str) {
    let imports = "package main\nimport (\"fmt\"; \"sync\"; \"sync/atomic\"; \"time\"; \"context\")\n";
    let text = format!("{imports}{declarations}\nfunc main() {{\n{main}\n}}\n");
    let wants: Vec<usize> =
        text.lines().enumerate().filter(|(_, line)| line.contains("// want")).map(|(at, _)| at + 1).collect();
    let found = found(&text);
    match wants[..] {
        [] => assert_eq!(found, Vec::<String>::new(), "{text}"),
        [one] => assert_eq!(found, [format!("{name} {one} {one}")], "{text}"),
        [one, other] => {
            let either = [format!("{name} {one} {other}"), format!("{name} {other} {one}")];
            assert!(found.len() == 1 && either.contains(&found[0]), "{found:?} {text}");
        }
        _ => panic!("{wants:?}"),
    }
}

#[test]
fn goroutines_of_a_loop_that_set_one_variable() {
    check(
        "total",
        "",
        "
        total := 0
        var group sync.WaitGroup
        for i := 0; i < 4; i++ {
            group.Add(1)
            go func() {
                defer group.Done()
                total += i // want
            }()
        }
        group.Wait()
        fmt.Println(total)",
    );
    // Each has its own, or they take a lock, or come one after the other.
    for (declared, before, body, after) in [
        ("", "total := 0", "total += i", ""),
        ("total := 0; var mu sync.Mutex", "", "mu.Lock(); total += i; mu.Unlock()", ""),
        ("total := make([]int, 4)", "", "total[i] += i", ""),
        ("total := 0; done := make(chan int)", "", "total += i; done <- 1", "<-done"),
        ("var total atomic.Int64", "", "total.Add(1)", ""),
        ("total := int64(0)", "", "atomic.AddInt64(&total, 1)", ""),
        ("total := 0; var once sync.Once", "", "once.Do(func() { total = i })", ""),
        ("total := 0; one := make(chan int, 1)", "", "one <- 1; total += i; <-one", ""),
    ] {
        check(
            "total",
            "",
            &format!(
                "
            {declared}
            for i := 0; i < 4; i++ {{
                {before}
                go func() {{
                    {body}
                }}()
                {after}
            }}"
            ),
        );
    }
}

#[test]
fn who_made_it_goes_on() {
    check(
        "err",
        "",
        "
        var err error
        go func() { 
            err = fmt.Errorf(\"no\") // want
        }()
        time.Sleep(1)
        fmt.Println(err) // want",
    );
    for (before, inside, after) in [
        ("done := make(chan int)", "close(done)", "<-done"),
        ("done := make(chan int, 1)", "done <- 1", "select { case <-done: case <-time.After(1): }"),
        ("var group sync.WaitGroup; group.Add(1)", "group.Done()", "group.Wait()"),
        ("ctx, cancel := context.WithCancel(context.Background())", "cancel()", "<-ctx.Done()"),
        ("var ready atomic.Bool", "ready.Store(true)", "for !ready.Load() { }"),
        ("var mu sync.Mutex", "mu.Lock(); mu.Unlock()", "mu.Lock(); mu.Unlock()"),
    ] {
        check(
            "err",
            "",
            &format!(
                "
            var err error
            {before}
            go func() {{
                err = fmt.Errorf(\"no\")
                {inside}
            }}()
            {after}
            fmt.Println(err)"
            ),
        );
    }
    // Before it is made, all is in order; on a way that has ended, too.
    check(
        "err",
        "",
        "
        err := fmt.Errorf(\"no\")
        if err == nil {
            go func() { err = nil }()
            return
        }
        err = nil",
    );
}

#[test]
fn what_a_pointer_refers_to() {
    let declared = "type site struct { mu sync.Mutex; visits int; pages map[string]int }
        func (s *site) visit() {
            s.visits++ // want
        }
        func (s *site) quietly() {
            s.mu.Lock()
            defer s.mu.Unlock()
            s.visits++ //
        }
        func (s *site) find(page string) int {
            return s.pages[page] //
        }
        func (s *site) add(page string) {
            s.pages[page] = 1 //
        }";
    let main = |method: &str, made: &str| {
        format!(
            "
        s := &site{{}}
        for i := 0; i < 4; i++ {{
            {made}
            go s.{method}
        }}"
        )
    };
    check("s.visits", declared, &main("visit()", ""));
    let silent = declared.replace("// want", "//");
    check("", &silent, &main("quietly()", ""));
    check("", &silent, &main("visit()", "s := &site{}"));
    check("", &silent, &main("find(\"a\")", ""));
    let both = silent.replace("[page] //", "[page] // want").replace("= 1 //", "= 1 // want");
    check(
        "s.pages[]",
        &both,
        "
        s := &site{}
        go s.add(\"a\")
        go s.find(\"a\")",
    );
}

#[test]
fn a_part_and_the_whole() {
    let declared = "type status struct { done int }
        type worker struct { mu sync.Mutex; status; other status }
        func (w *worker) run(names ...string) {
            w.done++ // want
        }";
    check(
        "w.status.done",
        declared,
        "
        w := &worker{}
        go w.run(\"a\", \"b\")
        fmt.Println(w.status) // want",
    );
    check(
        "",
        &declared.replace("// want", "//"),
        "
        w := &worker{}
        go w.run()
        fmt.Println(w.other)",
    );
}

#[test]
fn a_variable_of_the_package() {
    let declared = "var current = 1
        func reload() {
            for {
                time.Sleep(1)
                current = 2 // want
            }
        }
        func serve() int {
            return current // want
        }";
    let main = "
        go reload()
        for range 10 {
            serve()
        }";
    check("current", declared, main);
}

#[test]
fn a_lock_that_is_kept_in_a_loop_without_an_end() {
    check(
        "",
        "type queue struct { sync.Mutex; filled *sync.Cond; items []int; taken int }
        func (q *queue) consume() {
            q.Lock()
            defer q.Unlock()
            for {
                for len(q.items) == 0 {
                    q.filled.Wait()
                }
                q.items = q.items[1:]
                q.taken++
            }
        }",
        "
        q := new(queue)
        q.filled = sync.NewCond(q)
        for i := 0; i < 4; i++ {
            go q.consume()
        }
        select {}",
    );
}

#[test]
fn an_order_by_way_of_a_third() {
    check(
        "total",
        "",
        "
        total := 0
        var group sync.WaitGroup
        results := make(chan int)
        group.Add(1)
        go func() {
            defer group.Done()
            results <- 1
            total++
        }()
        go func() {
            group.Wait()
            close(results)
        }()
        for range results {
        }
        fmt.Println(total)",
    );
}

#[test]
fn the_parameter_of_a_function_that_starts_them() {
    check(
        "total",
        "
        func each(n int, do func(int)) {
            var group sync.WaitGroup
            for i := range n {
                group.Add(1)
                go func() {
                    defer group.Done()
                    do(i)
                }()
            }
            group.Wait()
        }",
        "
        total := 0
        each(4, func(i int) {
            total += i // want
        })
        fmt.Println(total)",
    );
}
