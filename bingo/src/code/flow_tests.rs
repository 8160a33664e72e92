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
