//! Values that go through functions of other packages, iterators and methods come out
//! where they are used. In: small programs. Out: who could end which wait.

use super::tests::check;

#[test]
fn what_is_put_into_a_heap_comes_out_of_it() {
    let text = "
        import \"container/heap\"
        type job struct { run func() }
        type jobs []job
        func (j *jobs) Push(x any) { *j = append(*j, x.(job)) }
        func (j *jobs) Pop() any {
            last := (*j)[len(*j)-1]
            *j = (*j)[:len(*j)-1]
            return last
        }
        func work(q *jobs) {
            for {
                time.Sleep(1) // pause
                next := heap.Pop(q).(job)
                next.run()
            }
        }
        type queue struct { waiting jobs }
        func main() {
            q, done := &queue{}, make(chan int)
            heap.Push(&q.waiting, job{func() { close(done) }})
            go work(&q.waiting)
            go func() {
                <-done
            }()
            select {}
        }";
    check(
        text,
        &[
            "7 sleep main.work@pause by main.main@go_work of 1",
            "8 receive main.main.func2@<-done by main.main@go_func of 1",
        ],
        "7 Close done of main
         8 waits Receive done of main",
    );
}

#[test]
fn what_a_once_makes_is_whose_it_was_first() {
    let text = "
        import \"sync\"
        type conn struct { ready chan int }
        var get = sync.OnceValue(func() *conn {
            c := &conn{make(chan int)}
            go func() { // dial
                time.Sleep(1) // pause
                close(c.ready)
            }()
            return c
        })
        func use() {
            <-get().ready
        }
        func main() {
            go use() // one
            go use() // two
            select {}
        }";
    check(
        text,
        &[
            "7 receive main.use@<-get by main.main@one of 1",
            "8 receive main.use@<-get by main.main@two of 1",
            "9 sleep main.init.func1.1@pause by main.init.func1@dial of 7",
        ],
        "7 waits Receive ready of func
         8 waits Receive ready of func
         9 Close ready of func",
    );
}

#[test]
fn what_a_once_has_made_is_asked_for_again() {
    let text = "
        import \"sync\"
        type pool struct { jobs chan int }
        func open() *pool {
            p := &pool{jobs: make(chan int)}
            go func() { // works
                for range p.jobs {
                }
            }()
            return p
        }
        func one() *pool { return open() }
        var get = sync.OnceValue(one)
        func burst() {
            get().jobs <- 1
        }
        func main() {
            for {
                burst()
                time.Sleep(1) // pause
            }
        }";
    check(
        text,
        &["1 sleep main.main@pause", "7 receive main.open.func1@range by main.open@works of 1"],
        "1 Receive jobs of open
         1 Send jobs of open
         7 Receive jobs of open
         7 waits Receive jobs of open",
    );
}

#[test]
fn what_a_method_puts_into_its_list_is_there() {
    let text = "
        type channels []chan int
        func (c *channels) add(one chan int) { *c = append(*c, one) }
        type door struct { waiting channels }
        func (d *door) open() {
            time.Sleep(1) // pause
            for _, one := range d.waiting {
                close(one)
            }
        }
        func main() {
            d, key := &door{}, make(chan int)
            d.waiting.add(key)
            go d.open()
            go func() {
                <-key
            }()
            select {}
        }";
    check(
        text,
        &[
            "7 sleep main.(*door).open@pause by main.main@go_d.open of 1",
            "8 receive main.main.func1@<-key by main.main@go_func of 1",
        ],
        "7 Close key of main
         8 waits Receive key of main",
    );
}

#[test]
fn what_an_iterator_of_another_package_yields() {
    let text = "
        import \"maps\"
        func closing(all map[int]chan int) {
            time.Sleep(1) // pause
            for one := range maps.Values(all) {
                close(one)
            }
        }
        func main() {
            all := map[int]chan int{1: make(chan int)}
            go closing(all)
            go func() {
                <-all[1]
            }()
            select {}
        }";
    check(
        text,
        &[
            "7 sleep main.closing@pause by main.main@go_closing of 1",
            "8 receive main.main.func1@<-all by main.main@go_func of 1",
        ],
        "7 Close what is made at main.go:11
         7 Receive what is made at main.go:11
         8 waits Receive what is made at main.go:11",
    );
}

#[test]
fn what_is_done_when_an_object_is_collected() {
    let text = "
        import \"runtime\"
        func watch(object *int, dropped chan int) {
            runtime.AddCleanup(object, func(c chan int) { close(c) }, dropped)
            <-dropped
        }
        func main() {
            go watch(new(int), make(chan int))
            select {}
        }";
    check(
        text,
        &["7 receive main.watch@<-dropped by main.main@go_watch of 1"],
        "7 waits Receive what is made at main.go:9?",
    );
}

#[test]
fn what_a_value_of_a_type_without_a_name_is_made_into() {
    let text = "
        type task func()
        func (t task) Run() { t() }
        type box chan int
        func (b box) Run() {
            time.Sleep(1) // fills
            b <- 1
        }
        type runner interface{ Run() }
        func later(r runner) {
            time.Sleep(1) // pause
            r.Run()
        }
        func main() {
            done, full := make(chan int), make(chan int)
            go later(task(func() { close(done) })) // task
            go later(box(full))                    // box
            go func() {
                <-done
            }()
            go func() {
                <-full
            }()
        }";
    let fills = "7 sleep main.box.Run@fills main.later@r.Run by main.main@full)) of 1";
    check(
        text,
        &[fills, "8 receive main.main.func3@<-full by main.main@go_func of 1"],
        "7 Send full of main\n8 waits Receive full of main",
    );
    let closes = "7 sleep main.later@pause by main.main@task(func of 1";
    check(
        text,
        &[closes, "8 receive main.main.func2@<-done by main.main@go_func of 1"],
        "7 Close done of main\n8 waits Receive done of main",
    );
}

#[test]
fn who_serves_answers_what_it_was_given_and_will_be() {
    let text = "
        type request struct{ answer chan int }
        func ask(requests chan *request) {
            one := &request{make(chan int)}
            requests <- one
            <-one.answer
        }
        func serve(requests chan *request) {
            for one := range requests { // next
                time.Sleep(1) // work
                one.answer <- 1
            }
        }
        func main() {
            plain, roomy := make(chan *request), make(chan *request, 8)
            go serve(plain) // serves plainly
            go ask(plain)   // first
            go serve(roomy) // serves a queue
            go ask(roomy)   // second
            select {}
        }";
    let asks = "7 receive main.ask@<-one.answer by main.main@first of 1";
    let answered = "7 waits Receive answer of ask";
    check(
        text,
        &[asks, "8 sleep main.serve@work main.serve@work by main.main@plainly of 1"],
        &format!("{answered}\n8 Send answer of ask"),
    );
    // What comes next is not what was lost.
    check(
        text,
        &[asks, "8 receive main.serve@next by main.main@plainly of 1"],
        "7 waits Receive answer of ask
         8 Receive plain of main
         8 waits Receive plain of main",
    );
    // It may well lie there still.
    check(
        text,
        &[
            "7 receive main.ask@<-one.answer by main.main@second of 1",
            "8 receive main.serve@next by main.main@queue of 1",
        ],
        "7 waits Receive answer of ask
         8 Receive roomy of main
         8 Send answer of ask
         8 waits Receive roomy of main",
    );
}

#[test]
fn the_keys_of_a_map_are_gone_through() {
    let text = "
        type client struct{ send chan int }
        func publish(clients map[*client]bool) {
            time.Sleep(1) // pause
            for one := range clients {
                one.send <- 1
            }
        }
        func main() {
            one, clients := &client{make(chan int)}, map[*client]bool{}
            clients[one] = true
            go publish(clients)
            go func() {
                <-one.send
            }()
        }";
    check(
        text,
        &[
            "7 sleep main.publish@pause by main.main@go_publish of 1",
            "8 receive main.main.func1@<-one by main.main@go_func of 1",
        ],
        "7 Send send of main\n8 waits Receive send of main",
    );
}

#[test]
fn what_is_called_at_any_time_gives_no_lock_back_but_its_own() {
    let text = "
        import (\"sync\"; \"time\")
        type cache struct{ mu, other sync.Mutex }
        func (c *cache) drop() {
            c.mu.Lock() // drops
            time.AfterFunc(time.Hour, func() {
                c.mu.Lock() // later
                c.mu.Unlock()
                c.other.Unlock()
            })
            c.other.Lock() // other
        }
        func main() {
            c := &cache{}
            go c.drop()
            select {}
        }";
    check(text, &["7 lock main.(*cache).drop@drops by main.main@go_c.drop of 1"], "7 waits Lock cache.mu");
    check(
        text,
        &["7 lock main.(*cache).drop@//_other by main.main@go_c.drop of 1"],
        "7 nested cache.mu > cache.other?
         7 waits Lock cache.other?",
    );
}

#[test]
fn who_has_an_end_of_a_pipe_has_nothing_else() {
    let text = "
        import (\"io\"; \"net/http\")
        func handle(stop chan int) http.HandlerFunc {
            return func(http.ResponseWriter, *http.Request) { println(stop) }
        }
        func main() {
            read, write := io.Pipe()
            stop := make(chan int)
            go func() {
                <-stop
            }()
            http.Handle(\"/\", handle(stop))
            http.Post(\"/\", \"\", read)
            go func() {
                write.Write(nil)
            }()
        }";
    check(
        text,
        &[
            "7 receive main.main.func1@<-stop by main.main@go_func of 1",
            "8 writes main.main.func2@write.Write by main.main@go_func of 1",
        ],
        "7 waits Receive stop of main
         8 waits Send read of main?",
    );
}

#[test]
fn a_function_may_be_called_some_func() {
    let text = "
        func runfunc() {
            done := make(chan int)
            go func() {
                <-done
            }()
        }
        func main() {
            runfunc()
            select {}
        }";
    check(
        text,
        &["7 receive main.runfunc.func1@<-done by main.runfunc@go_func of 1"],
        "7 waits Receive done of runfunc",
    );
}

#[test]
fn what_is_written_to_is_called() {
    let text = "
        import (\"fmt\"; \"io\"; \"log\"; \"time\")
        type lines struct{ all chan string }
        func (l *lines) Write(text []byte) (int, error) {
            l.all <- string(text)
            return len(text), nil
        }
        type slow struct{}
        func (slow) Read([]byte) (int, error) {
            time.Sleep(1) // reads
            return 1, nil
        }
        func main() {
            out := &lines{make(chan string)}
            logger := log.New(out, \"\", 0)
            go func() {
                time.Sleep(1) // prints
                fmt.Fprintln(out, 1)
            }()
            go func() {
                time.Sleep(1) // logs
                logger.Println(1)
            }()
            go func() {
                io.Copy(out, slow{})
            }()
            go func() {
                <-out.all
            }()
        }";
    let receives = "8 receive main.main.func4@<-out.all by main.main@go_func of 1";
    let sends = "7 Send all of main\n8 waits Receive all of main";
    check(text, &["7 sleep main.main.func1@prints by main.main@go_func of 1", receives], sends);
    check(text, &["7 sleep main.main.func2@logs by main.main@go_func of 1", receives], sends);
    // It has read something, and is to write that.
    let reads =
        "7 sleep main.slow.Read@reads io.Copy@reads main.main.func3@io.Copy by main.main@go_func of 1";
    check(text, &[reads, receives], sends);
}

#[test]
fn what_is_put_into_a_list_by_its_address_is_there() {
    let text = "
        func add(to *[]chan int, one chan int) { *to = append(*to, one) }
        func main() {
            var all []chan int
            done := make(chan int)
            add(&all, done)
            go func() {
                time.Sleep(1) // pause
                for _, one := range all {
                    close(one)
                }
            }()
            go func() {
                <-done
            }()
        }";
    check(
        text,
        &[
            "7 sleep main.main.func1@pause by main.main@go_func of 1",
            "8 receive main.main.func2@<-done by main.main@go_func of 1",
        ],
        "7 Close done of main\n8 waits Receive done of main",
    );
}

#[test]
fn what_was_deferred_is_done_when_it_panics() {
    let text = "
        func try(done chan int) {
            defer close(done)
            time.Sleep(1) // try
            panic(1)
        }
        func forever(done chan int) {
            defer close(done)
            for {
                time.Sleep(1) // on and on
            }
        }
        func main() {
            done := make(chan int)
            go func() {
                try(done)
            }()
            go forever(done)
            go func() {
                <-done
            }()
        }";
    let receives = "8 receive main.main.func2@<-done by main.main@go_func of 1";
    check(
        text,
        &["7 sleep main.try@//_try main.main.func1@try(done) by main.main@go_func of 1", receives],
        "7 Close done of main\n8 waits Receive done of main",
    );
    check(
        text,
        &["7 sleep main.forever@on_and_on by main.main@go_forever of 1", receives],
        "7 owes Close done of main\n8 waits Receive done of main",
    );
}

#[test]
fn a_type_may_have_two_names() {
    let text = "
        type door struct{ open chan int }
        func (d *door) unlock() { close(d.open) }
        type gate = door
        type opener interface{ unlock() }
        func later(one opener) {
            time.Sleep(1) // pause
            one.unlock()
        }
        func main() {
            one := &gate{make(chan int)}
            go later(one)
            go func() {
                <-one.open
            }()
        }";
    check(
        text,
        &[
            "7 sleep main.later@pause by main.main@go_later of 1",
            "8 receive main.main.func1@<-one by main.main@go_func of 1",
        ],
        "7 Close open of main\n8 waits Receive open of main",
    );
}

#[test]
fn a_struct_is_made_one_of_another_type() {
    let text = "
        type lamp struct{ lit chan int }
        type night lamp
        func (n *night) light() { close(n.lit) }
        func main() {
            one := &lamp{make(chan int)}
            go func(n *night) {
                time.Sleep(1) // pause
                n.light()
            }((*night)(one))
            go func() {
                <-one.lit
            }()
        }";
    check(
        text,
        &[
            "7 sleep main.main.func1@pause by main.main@go_func(n of 1",
            "8 receive main.main.func2@<-one by main.main@go_func() of 1",
        ],
        "7 Close lit of main\n8 waits Receive lit of main",
    );
}
