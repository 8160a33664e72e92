//! A local server that speaks both protocols, and misbehaves as servers do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;
use crate::model::{Addr, Frame, GoId, MemoryAccess, Race, Races, Stack, Texts};
use crate::session::Analysis;

const SOURCE: &str = "package shop\n\nvar n int\n\nfunc order() {\n\tn++\n}\n";
const SILENCE: Duration = Duration::from_millis(300);

struct Shop;

impl Texts for Shop {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        (file == "/src/shop/order.go").then(|| SOURCE.into())
    }

    fn files(&self, _: &str) -> Vec<Arc<str>> {
        Vec::new()
    }
}

fn question() -> Question {
    let access = |kind: &str, id, line| MemoryAccess {
        kind: kind.to_owned(),
        address: Some(Addr(0xc0)),
        who: format!("goroutine {id}"),
        goroutine: Some(GoId(id)),
        stack: Stack::new(vec![Frame {
            function: "shop.order".into(),
            file: "/src/shop/order.go".into(),
            line,
            pc: Addr(0),
            inlined: false,
        }]),
    };
    let mut races = Races::default();
    let accesses = [access("write", 7, 6), access("previous read", 8, 6)];
    races.add(Race { accesses, goroutines: Vec::new(), notes: Vec::new() });
    Question::of(&Analysis::of_races(&races), &Shop, Path::new("/src/shop")).unwrap()
}

/// A server that gives these answers, one a connection; and what it was asked.
fn server(answers: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (asked, heard) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).unwrap();
            }
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            asked.send(format!("{head}{}", String::from_utf8(body).unwrap())).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            if answer.ends_with("wait") {
                std::thread::sleep(SILENCE * 4);
            }
        }
    });
    (address, heard)
}

fn stream(events: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}")
}

fn refusal(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n{body}", body.len())
}

const ANTHROPIC: &str = "event: message_start\ndata: {\"type\":\"message_start\"}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"both \"}}\n\n\
    event: ping\ndata: {\"type\":\"ping\"}\n\n\
    data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"write\"}}\n\n\
    data: {\"type\":\"message_stop\"}\n\n";

fn anthropic(base: &str) -> Model {
    Model::anthropic(base, "secret".to_owned(), "claude-sonnet-4-6".to_owned(), SILENCE)
}

/// What comes of asking a server that answers so.
fn asked(answers: Vec<String>) -> (Result<String, String>, String) {
    let (address, _heard) = server(answers);
    let mut pieces = String::new();
    let answer = anthropic(&address).ask(&question(), |piece| pieces.push_str(piece));
    (answer.map_err(|error| error.to_string()), pieces)
}

#[test]
fn what_is_sent_is_what_a_dry_run_shows() {
    let question = question();
    for shown in
        ["data_race (proven)", "goroutine 7", "shop.order order.go:6", "    6  \tn++", "unified diff"]
    {
        assert!(question.shown().contains(shown), "{shown}: {}", question.shown());
    }
    let (address, heard) = server(vec![stream(ANTHROPIC)]);
    let answer = anthropic(&address).ask(&question, |_| {}).unwrap();
    assert_eq!(answer, "both write");
    let request = heard.recv().unwrap();
    for sent in
        ["POST /v1/messages ", "x-api-key: secret", "anthropic-version: 2023-06-01", "\"stream\":true"]
    {
        assert!(request.contains(sent), "{sent}: {request}");
    }
    let body = request.rsplit_once("\r\n\r\n").unwrap().1;
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["model"], "claude-sonnet-4-6");
    let sent = [&body["system"], &body["messages"][0]["content"]].map(|text| text.as_str().unwrap());
    assert_eq!(sent.join("\n\n"), question.shown());
}

#[test]
fn other_servers_are_asked_as_they_want_it() {
    let events = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}\n\n\
        data: {\"choices\":[{\"delta\":{\"content\":\"both\"}}]}\n\ndata: {\"choices\":[],\"usage\":{}}\n\ndata: [DONE]\n\n";
    let (address, heard) = server(vec![stream(events)]);
    let model = Model::open_ai(&format!("{address}/v1/"), Some("key".to_owned()), "own".to_owned(), SILENCE);
    assert_eq!(model.ask(&question(), |_| {}).unwrap(), "both");
    let request = heard.recv().unwrap();
    assert!(request.contains("POST /v1/chat/completions ") && request.contains("authorization: Bearer key"));
}

#[test]
fn who_is_busy_is_asked_again_and_not_for_ever() {
    let busy =
        || refusal("429 Too Many Requests", "retry-after: 0\r\n", "{\"error\":{\"message\":\"slow down\"}}");
    assert_eq!(asked(vec![busy(), busy(), stream(ANTHROPIC)]).0, Ok("both write".to_owned()));
    let (answer, _) = asked(vec![busy(), busy(), busy()]);
    assert!(answer.is_err_and(|error| error.contains("429") && error.contains("slow down")));
    let patient = refusal("429 Too Many Requests", "retry-after: 3600\r\n", "later");
    assert!(asked(vec![patient]).0.is_err_and(|error| error.contains("later")));
}

#[test]
fn what_goes_wrong_is_said_and_ends() {
    let wrong =
        refusal("401 Unauthorized", "", "{\"error\":{\"type\":\"x\",\"message\":\"invalid x-api-key\"}}");
    assert!(asked(vec![wrong]).0.is_err_and(|error| error.contains("401: invalid x-api-key")));
    let half = ANTHROPIC.split("event: ping").next().unwrap();
    let (answer, pieces) = asked(vec![stream(half)]);
    assert!(answer.is_err_and(|error| error.contains("it has no end")) && pieces == "both ");
    let overloaded =
        format!("{half}data: {{\"type\":\"error\",\"error\":{{\"message\":\"Overloaded\"}}}}\n\n");
    assert!(asked(vec![stream(&overloaded)]).0.is_err_and(|error| error.contains("Overloaded")));
    assert!(asked(vec![stream("data: nonsense\n\n")]).0.is_err_and(|error| error.contains("no JSON")));
    let silent = asked(vec![format!("{}: wait", stream(half))]);
    assert!(silent.0.is_err_and(|error| error.contains("breaks off")) && silent.1 == "both ");
    let nobody = anthropic("http://127.0.0.1:1").ask(&question(), |_| {});
    assert!(matches!(nobody, Err(AskError::Reach { .. })));
}

#[test]
fn an_answer_is_held_against_what_was_shown() {
    let fits = "Goroutine 7 writes at order.go:6.\n```diff\n--- a/order.go\n+++ b/order.go\n@@ -5,3 +5,5 @@\n func order() {\n\
        +\tmu.Lock()\n \tn++\n+\tmu.Unlock()\n }\n```\n";
    assert_eq!(question().check(fits), ["its diff of order.go can be applied"]);
    let wrong = fits
        .replace(" \tn++", " \tm++")
        .replace("order.go:6", "order.go:99 and main.go:3")
        .replace("e 7", "e 77");
    let remarks = question().check(&wrong);
    assert!(remarks[0].contains("can NOT be applied"), "{remarks:?}");
    assert!(remarks[1].ends_with("goroutine 77, main.go:3, order.go:99"), "{remarks:?}");
    let other = fits.replace("/order.go", "/other.go");
    assert!(question().check(&other)[0].contains("shown nothing"), "{:?}", question().check(&other));
}
