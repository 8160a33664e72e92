//! The screens of one fixed picture, at the sizes that people have, and what keys do.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::app::{Act, App};
use super::desk::{Judged, News, Over, Picture};
use super::theme::Theme;
use crate::model::{GoId, GoState, Texts, Time, WaitReason};
use crate::report::{Selection, tests as told, told_analysis};
use crate::session::{Goroutine, History, TimeInStates, Transition, View};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// The source of the shop.
struct Source;

impl Texts for Source {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        let lines = (1..=60).map(|line| format!("\tline{line}()"));
        (file == "/src/shop/order.go").then(|| lines.collect::<Vec<_>>().join("\n").into())
    }

    fn files(&self, _: &str) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// An app that has got the fixed picture.
fn app() -> App {
    let mut app = App::new(Theme::Dark, Selection::default(), "");
    app.on_news(news(told::view(), None));
    app
}

fn news(view: Arc<View>, past: Option<(GoId, History)>) -> News {
    News { picture: Some(Arc::new(Picture { view, past })), ..News::default() }
}

/// What became of goroutine 18.
fn past() -> History {
    let step = |seconds: u64, state, reason, by| Transition {
        time: Time(seconds * 1_000_000_000),
        state,
        reason,
        by,
    };
    History {
        transitions: VecDeque::from([
            step(5, GoState::Runnable, None, Some(GoId(1))),
            step(6, GoState::Running, None, None),
            step(8, GoState::Blocked, Some(WaitReason::ChanSend), None),
        ]),
        in_state: TimeInStates {
            runnable: Duration::from_millis(3),
            running: Duration::from_secs(2),
            ..TimeInStates::default()
        },
        ..History::default()
    }
}

/// What stands on the screen.
fn screen(app: &mut App, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| app.draw(frame.buffer_mut(), &Source)).unwrap();
    let cells = terminal.backend().buffer().content.chunks(usize::from(width).max(1));
    let lines = cells.map(|line| line.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Presses these keys, one after the other; a name in brackets is one key.
fn press(app: &mut App, keys: &str) -> Vec<Act> {
    let mut rest = keys;
    let mut acts = Vec::new();
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('[').and_then(|inside| inside.split_once(']'));
        let code = match named {
            Some((name, behind)) => {
                rest = behind;
                match name {
                    "up" => KeyCode::Up,
                    "down" => KeyCode::Down,
                    "left" => KeyCode::Left,
                    "right" => KeyCode::Right,
                    "enter" => KeyCode::Enter,
                    "esc" => KeyCode::Esc,
                    "end" => KeyCode::End,
                    "tab" => KeyCode::Tab,
                    "pgdn" => KeyCode::PageDown,
                    _ => panic!("no key {name}"),
                }
            }
            None => {
                rest = &rest[c.len_utf8()..];
                KeyCode::Char(c)
            }
        };
        acts.extend(app.on_key(KeyEvent::new(code, KeyModifiers::NONE), &Source));
    }
    acts
}

/// Keeps the screens after these keys at each size.
fn check(name: &str, keys: &str) {
    for size in SIZES {
        let mut app = app();
        screen(&mut app, size);
        press(&mut app, keys);
        app.on_news(news(told::view(), Some((GoId(18), past()))));
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen(&mut app, size));
    }
}

#[test]
fn goroutines_by_stack() {
    check("goroutines_by_stack", "");
}

#[test]
fn each_goroutine() {
    check("each_goroutine", "ga");
}

#[test]
fn an_open_group_and_one_of_it_closely() {
    check("closely", "[right][down][enter]");
}

#[test]
fn keys_are_explained() {
    check("help", "?");
}

#[test]
fn a_filter_that_is_wrong_is_said_and_the_last_one_goes_on() {
    let mut app = app();
    press(&mut app, "/mutex(");
    let shown = screen(&mut app, SIZES[1]);
    assert!(shown.contains("/mutex(") && shown.contains("unclosed group"), "{shown}");
    assert!(shown.contains("main.(*Store).Put") && !shown.contains("main.(*Shop).order"), "{shown}");
    press(&mut app, "[esc]");
    assert!(screen(&mut app, SIZES[1]).contains("main.(*Shop).order"));
}

/// The news that this is wrong.
fn judged() -> News {
    let judged = Judged { findings: told_analysis().findings, took: Duration::from_millis(31) };
    News { judged: Some(Arc::new(judged)), ..News::default() }
}

#[test]
fn findings() {
    for size in SIZES {
        let mut app = app();
        press(&mut app, "2");
        app.on_news(judged());
        press(&mut app, "[down]");
        insta::assert_snapshot!(format!("findings_{}x{}", size.0, size.1), screen(&mut app, size));
    }
}

#[test]
fn a_finding_leads_to_its_goroutines_and_back() {
    let mut app = app();
    app.on_news(judged());
    press(&mut app, "[tab][down][down][enter]");
    let its = screen(&mut app, SIZES[1]);
    assert!(its.contains("of leak-7f3a9c, by stack") && !its.contains("main.(*Store).Put"), "{its}");
    // What came first stays selected when what is worse comes.
    press(&mut app, "[esc]");
    assert!(selected(&mut app).contains("goroutine_leak"));
    let News { judged: Some(before), .. } = judged() else { return };
    let mut after = (*before).clone();
    after.findings.reverse();
    app.on_news(News { judged: Some(Arc::new(after)), ..News::default() });
    assert!(selected(&mut app).contains("goroutine_leak"));
}

/// The line that is selected, by its band.
fn selected(app: &mut App) -> String {
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    terminal.draw(|frame| app.draw(frame.buffer_mut(), &Source)).unwrap();
    let band = Theme::Dark.style(super::theme::Role::Selected).bg;
    let mut lines = terminal.backend().buffer().content.chunks(120);
    let line = lines.find(|line| line.iter().all(|cell| Some(cell.bg) == band)).unwrap();
    line.iter().map(ratatui::buffer::Cell::symbol).collect()
}

/// The same picture, in which some have changed.
fn changed(change: impl Fn(&mut Goroutine)) -> Arc<View> {
    let mut view = (*told::view()).clone();
    for goroutine in &mut view.goroutines {
        let mut other = (**goroutine).clone();
        change(&mut other);
        *goroutine = Arc::new(other);
    }
    view.goroutines.retain(|goroutine| goroutine.state != GoState::Dead);
    Arc::new(view)
}

#[test]
fn the_selection_stays_with_its_goroutine() {
    let mut app = app();
    press(&mut app, "g[down][down]");
    let before = selected(&mut app);
    assert!(before.contains(" 20 "), "{before}");
    // All others come to stand behind it.
    app.on_news(news(
        changed(|one| {
            if one.id != GoId(20) {
                (one.state, one.reason) = (GoState::Runnable, None);
            }
        }),
        None,
    ));
    assert!(selected(&mut app).contains(" 20 "));
    assert!(screen(&mut app, (120, 40)).lines().nth(5).unwrap().contains(" 20 "));
    // It ends: the line where it was is selected.
    app.on_news(news(
        changed(|one| {
            if one.id == GoId(20) {
                one.state = GoState::Dead;
            }
        }),
        None,
    ));
    assert!(!selected(&mut app).contains(" 20 "));
}

#[test]
fn a_picture_that_is_held_stays_and_the_newest_comes_behind_it() {
    let mut app = app();
    press(&mut app, " ");
    let none = |one: &mut Goroutine| one.state = GoState::Dead;
    app.on_news(news(changed(none), None));
    let held = screen(&mut app, SIZES[1]);
    assert!(held.contains("paused") && held.contains("main.(*Store).Put"), "{held}");
    press(&mut app, " ");
    let on = screen(&mut app, SIZES[1]);
    assert!(on.contains("live") && on.contains("no goroutine"), "{on}");
}

#[test]
fn keys_that_need_the_terminal_are_acts() {
    let mut app = app();
    assert_eq!(press(&mut app, "q"), [Act::Quit]);
    assert_eq!(press(&mut app, "e"), []);
    assert_eq!(press(&mut app, "[enter]e"), [Act::Edit("/src/shop/order.go".into(), 41)]);
    assert_eq!(press(&mut app, "[enter][down][enter]"), [Act::Edit("/src/shop/main.go".into(), 17)]);
    assert_eq!(press(&mut app, "/q[esc]"), []);
    let interrupt = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert_eq!(app.on_key(interrupt, &Source), Some(Act::Suspend));
}

#[test]
fn the_end_is_said_and_the_last_picture_stays() {
    let mut app = app();
    app.on_news(News { over: Some(Over::Stay("the process 4242 has exited".into())), ..News::default() });
    let shown = screen(&mut app, SIZES[1]);
    assert!(shown.contains("the process 4242 has exited") && shown.contains("main.(*Store).Put"), "{shown}");
}

#[test]
fn no_size_is_too_small_and_nothing_hostile_moves_the_cursor() {
    let mut app = app();
    app.on_news(news(
        changed(|one| {
            let mut frames = one.stack.frames().to_vec();
            for frame in &mut frames {
                frame.function = "main.\x1b[2J界界界界界界界界界\u{200b}e\u{301}".into();
            }
            one.stack = crate::model::Stack::new(frames);
        }),
        None,
    ));
    for keys in ["", "g", "[enter]", "[enter]", "/x", "[esc]?"] {
        press(&mut app, keys);
        for size in [(0, 0), (1, 1), (3, 30), (40, 2), (17, 9), (79, 23), (300, 5)] {
            assert!(!screen(&mut app, size).contains('\x1b'), "{size:?}");
        }
    }
}
