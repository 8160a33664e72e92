//! Go servers that nobody here wrote or prepared: caddy, under load from a real
//! client, and `esbuild --serve`. Neither has a symbol table or DWARF.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use bingo_tests::{Child, live_or_skip, skip, target_dir, tools_dir, wait_until};
use serde_json::Value;

use crate::agreement::{PATIENCE, dump};

#[test]
fn caddy() -> anyhow::Result<()> {
    let test = "real_programs::caddy";
    let Some(program) = tool_or_skip(test, "caddy") else { return Ok(()) };
    let (folder, address) = (site()?, free_address()?);
    let mut caddy = Command::new(program);
    caddy.args(["file-server", "--listen", &address.to_string(), "--root"]).arg(&folder);
    // It keeps its settings and certificates in the home folder.
    caddy.env("HOME", &folder).env("XDG_DATA_HOME", &folder).env("XDG_CONFIG_HOME", &folder);
    serves(&mut caddy, address)
}

#[test]
fn esbuild() -> anyhow::Result<()> {
    let test = "real_programs::esbuild";
    let Some(program) = tool_or_skip(test, "esbuild") else { return Ok(()) };
    let (folder, address) = (site()?, free_address()?);
    let mut esbuild = Command::new(program);
    esbuild.arg(format!("--serve={address}")).arg(format!("--servedir={}", folder.display()));
    serves(&mut esbuild, address)
}

/// Dumps the server under load, where nothing may break, and at rest, where
/// nothing may be missing.
fn serves(command: &mut Command, address: SocketAddr) -> anyhow::Result<()> {
    let server = Child::spawn(command)?;
    wait_until(PATIENCE, "the server's port", || TcpStream::connect(address).ok())?;

    let (over, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    let loaded = std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let end = Instant::now() + Duration::from_secs(15);
                while !over.load(Ordering::Relaxed) && Instant::now() < end {
                    answered.fetch_add(u32::from(get(address).is_ok()), Ordering::Relaxed);
                }
            });
        }
        let busy = wait_until(PATIENCE, "answers", || (answered.load(Ordering::Relaxed) > 50).then_some(()));
        let dumps: anyhow::Result<Vec<Value>> = (0..5).map(|_| dump(server.pid())).collect();
        over.store(true, Ordering::Relaxed);
        busy.and(dumps)
    })?;
    for dump in &loaded {
        complete(dump).context("under load")?;
    }
    let rest = wait_until(PATIENCE, "a dump without a problem", || {
        dump(server.pid()).ok().filter(|dump| dump["problems"].as_array().is_none_or(Vec::is_empty))
    })?;
    complete(&rest).context("at rest")?;
    let get_again = get(address)?;
    anyhow::ensure!(get_again.contains("200 OK"), "the server is harmed: {get_again}");
    Ok(())
}

/// Every goroutine that does not run has a stack, and every call a name and a place.
fn complete(dump: &Value) -> anyhow::Result<()> {
    let goroutines = dump["goroutines"].as_array().context("no goroutines")?;
    anyhow::ensure!(goroutines.len() > 2, "too few goroutines: {dump}");
    for goroutine in goroutines {
        let stack = goroutine["stack"].as_array().context("no stack")?;
        for frame in stack {
            let named = frame["function"].as_str().is_some_and(|name| !name.is_empty());
            let placed = frame["line"].as_u64().is_some_and(|line| line > 0);
            anyhow::ensure!(named && placed, "a call without a name or a place: {goroutine}");
        }
        let told = dump["problems"].as_array().into_iter().flatten();
        let mut told = told.filter(|problem| problem["goroutine"] == goroutine["id"]);
        let blocked = goroutine["state"] == "blocked";
        anyhow::ensure!(!blocked || !stack.is_empty() || told.next().is_some(), "no stack: {goroutine}");
    }
    Ok(())
}

fn tool_or_skip(test: &str, program: &str) -> Option<PathBuf> {
    let path = tools_dir().join("bin").join(program);
    if !path.is_file() {
        skip(test, &format!("{program} is not installed (cargo xtask setup)"));
        return None;
    }
    live_or_skip(test).then_some(path)
}

fn site() -> anyhow::Result<PathBuf> {
    let folder = target_dir().join("fixtures/site");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("index.html"), "<p>Hello</p>".repeat(1000))?;
    Ok(folder)
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn get(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /index.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
