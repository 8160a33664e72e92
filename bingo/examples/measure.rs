//! Scratch.
use bingo::{binary::layout::Layout, binary::*, live::*, model::*};
use std::{path::Path, sync::Arc, time::*};
fn now() -> Time {
    Time(Duration::from(nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap()).as_nanos()
        as u64)
}
fn attach(pid: u32, mode: Mode, ring: u32) -> Result<Probes, LiveError> {
    let t = Instant::now();
    let bin = Arc::new(Binary::open(Path::new(&format!("/proc/{pid}/exe"))).unwrap());
    let layout = Arc::new(Layout::of(&bin).unwrap());
    let sym = Arc::new(Symbolizer::new(bin.clone(), LoadBias(0)));
    let header = bingo::model::Header {
        source: SourceKind::Live,
        go_version: None,
        binary: None,
        pid: Some(pid),
        inner_pid: None,
        start: SystemTime::now(),
        start_monotonic: now(),
        notes: vec![],
    };
    let mut a = Attachment::new(pid, header, LoadBias(0), layout, sym, mode);
    a.ring_bytes = ring;
    eprintln!("prepare {:?} notes {:?} sites {:?}", t.elapsed(), a.header.notes, a.sites);
    let t = Instant::now();
    let p = Probes::attach(a);
    eprintln!("attach {:?}", t.elapsed());
    p
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let pid: u32 = a[2].parse().unwrap();
    let secs: f64 = a.get(3).map_or(3.0, |s| s.parse().unwrap());
    let mode = if a[1] == "auto" { Mode::Governed { budget: 0.02 } } else { Mode::Always };
    if a[1] == "rounds" {
        let fds = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let f0 = fds();
        let t = Instant::now();
        for _ in 0..secs as u32 {
            let mut p = attach(pid, Mode::Always, 1 << 20).unwrap();
            let mut o = vec![];
            p.wait(Duration::from_millis(5));
            p.observe(now(), &mut o).unwrap();
            drop(p);
        }
        println!("{} rounds {:?} fds {} -> {}", secs, t.elapsed(), f0, fds());
        return;
    }
    let mut p = match attach(pid, mode, if a[1] == "slow" { 1 << 20 } else { 16 << 20 }) {
        Ok(p) => p,
        Err(e) => {
            println!("ERR {e}");
            std::process::exit(3)
        }
    };
    let t0 = Instant::now();
    let mut n = 0u64;
    let mut lost = 0u64;
    let mut lat = vec![];
    let mut kinds = std::collections::BTreeMap::new();
    let mut tick = Instant::now();
    let mut shown = 0;
    let cpu0 = nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID.now().unwrap();
    let mut out = vec![];
    while t0.elapsed().as_secs_f64() < secs {
        let alive = p.wait(Duration::from_millis(20));
        if a[1] == "slow" {
            std::thread::sleep(Duration::from_millis(200));
        }
        out.clear();
        let tn = now();
        let more = p.observe(tn, &mut out).unwrap();
        let te = now();
        for o in &out {
            if let Observation::Event(e) = o {
                if let EventKind::Lost { count, .. } = e.kind {
                    lost += count;
                } else {
                    n += 1;
                    lat.push(te.0.saturating_sub(e.time.0));
                }
                *kinds.entry(e.kind.as_str()).or_insert(0u64) += 1;
                if shown < 6 {
                    shown += 1;
                    eprintln!(
                        "{:?} {:?} {:?} {:?}",
                        e.goroutine,
                        e.kind,
                        e.thread,
                        e.stack.as_ref().map(|s| s
                            .frames()
                            .iter()
                            .map(|f| format!("{}:{}", f.function, f.line))
                            .collect::<Vec<_>>())
                    );
                }
            }
        }
        if !alive || !more {
            println!("ended");
            break;
        }
        if tick.elapsed() > Duration::from_secs(1) {
            tick = Instant::now();
            let s = p.stats().unwrap();
            println!(
                "{:.1}s achieved {:?} on {:?}",
                t0.elapsed().as_secs_f64(),
                s.achieved,
                s.probes.iter().filter(|p| p.on).map(|p| p.probe.as_str()).collect::<Vec<_>>()
            );
        }
    }
    let cpu = Duration::from(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID.now().unwrap() - cpu0);
    let el = t0.elapsed();
    // stop the target so that the ring runs dry
    let _ = std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status();
    std::thread::sleep(Duration::from_millis(100));
    for _ in 0..5 {
        out.clear();
        p.observe(Time(now().0 + 10_000_000), &mut out).unwrap();
        for o in &out {
            if let Observation::Event(e) = o {
                if let EventKind::Lost { count, .. } = e.kind {
                    lost += count;
                } else {
                    n += 1;
                }
            }
        }
    }
    let s = p.stats().unwrap();
    let _ = std::process::Command::new("kill").args(["-CONT", &pid.to_string()]).status();
    lat.sort();
    let q = |f: f64| {
        lat.get(((lat.len() as f64 * f) as usize).min(lat.len().saturating_sub(1))).copied().unwrap_or(0)
            as f64
            / 1e6
    };
    println!(
        "events {n} ({:.0}/s) lost {lost} kinds {kinds:?} latency ms p50 {:.1} p99 {:.1} max {:.1}; own cpu {:.1}% = {:.2} us/event",
        n as f64 / el.as_secs_f64(),
        q(0.5),
        q(0.99),
        q(1.0),
        cpu.as_secs_f64() / el.as_secs_f64() * 100.0,
        cpu.as_secs_f64() * 1e6 / n.max(1) as f64
    );
    let made: u64 = s.probes.iter().map(|p| p.count.hits - p.count.filtered).sum();
    let rec: u64 = s.probes.iter().map(|p| p.received).sum();
    let l: u64 = s.probes.iter().map(|p| p.count.lost).sum();
    println!(
        "made {made} received {rec} lost {l} equal {} told {lost}; hit {:?} achieved {:?} late {} damaged {}",
        made == rec + l,
        s.hit,
        s.achieved,
        s.late,
        s.damaged
    );
    let t = Instant::now();
    drop(p);
    println!("detach {:?}", t.elapsed());
}
