//! What is on the screen, and what a key changes of it: a state machine that knows no
//! terminal, clock or process. In: keys, clicks, pictures, judgements. Out: the screen,
//! and [`Act`]s for whoever has the terminal.

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Rect;

use super::canvas::{Canvas, width};
use super::cursor::Step;
use super::desk::{Judged, News, Over, Picture};
use super::detail::{Detail, Subject};
use super::filter::{FilterLine, Typed};
use super::header::{self, Going, Meters};
use super::help;
use super::rows::{Column, Key};
use super::theme::{Role, Theme};
use super::views::findings::Findings;
use super::views::goroutines::Goroutines;
use crate::model::{GoId, SourceKind, Texts};
use crate::report::{Filter, Selection, count, duration};

/// From this width on the pane stands beside the list, else below it.
const BESIDE: u16 = 130;

/// What the terminal is needed for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Quit,
    Suspend,
    /// What is on the screen may be anything.
    Redraw,
    /// Open an editor on this line of this file.
    Edit(Arc<str>, u32),
}

/// A view.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tab {
    Goroutines,
    Findings,
}

impl Tab {
    const ALL: [Tab; 2] = [Tab::Goroutines, Tab::Findings];

    fn name(self) -> &'static str {
        match self {
            Tab::Goroutines => "goroutines",
            Tab::Findings => "findings",
        }
    }

    /// The one so many behind it, round the end.
    fn other(self, by: usize) -> Tab {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0) + by;
        Self::ALL.get(at % Self::ALL.len()).copied().unwrap_or(Tab::Goroutines)
    }
}

/// What is on the screen.
#[derive(Debug)]
pub(super) struct App {
    theme: Theme,
    /// What is shown,
    picture: Option<Arc<Picture>>,
    /// and what came since the user held that.
    newest: Option<Arc<Picture>>,
    held: bool,
    /// What is wrong, once that is known; what came since the user held the picture.
    judged: Option<Arc<Judged>>,
    newly: Option<Arc<Judged>>,
    over: Option<Over>,
    meters: Meters,
    tab: Tab,
    list: Goroutines,
    findings: Findings,
    /// The finding whose goroutines alone are listed.
    only: Option<String>,
    filter: FilterLine,
    /// What the pane shows, where it is open.
    detail: Option<Detail>,
    /// Whether keys go to the pane.
    inside: bool,
    help: bool,
    /// What the user should know, until the next key.
    notice: Option<String>,
    list_area: Rect,
    detail_area: Rect,
    tab_areas: Vec<(Rect, Tab)>,
}

impl App {
    /// Nothing on the screen yet. `filter` is the text of the selection's filter.
    pub(super) fn new(theme: Theme, selection: Selection, filter: &str) -> App {
        App {
            theme,
            picture: None,
            newest: None,
            held: false,
            judged: None,
            newly: None,
            over: None,
            meters: Meters::default(),
            tab: Tab::Goroutines,
            list: Goroutines::new(selection),
            findings: Findings::default(),
            only: None,
            filter: FilterLine::of(filter),
            detail: None,
            inside: false,
            help: false,
            notice: None,
            list_area: Rect::default(),
            detail_area: Rect::default(),
            tab_areas: Vec::new(),
        }
    }

    /// Takes what has come.
    pub(super) fn on_news(&mut self, news: News) {
        if let Some(picture) = news.picture {
            self.meters.note(&picture.view);
            if self.held {
                self.newest = Some(picture);
            } else {
                self.turn_to(picture);
            }
        }
        if let Some(judged) = news.judged {
            if self.held {
                self.newly = Some(judged);
            } else {
                self.judge_by(judged);
            }
        }
        if let Some(over) = news.over {
            self.over = Some(over);
        }
    }

    fn turn_to(&mut self, picture: Arc<Picture>) {
        self.meters.turn_to(&picture.view);
        self.list.arrange(&picture.view);
        self.picture = Some(picture);
        self.follow();
    }

    fn judge_by(&mut self, judged: Arc<Judged>) {
        self.findings.arrange(&judged);
        self.judged = Some(judged);
    }

    /// The pane shows what is selected.
    fn follow(&mut self) {
        let key = self.list.key();
        if let Some(detail) = &mut self.detail {
            detail.turn_to(key);
        }
    }

    /// Why nothing moves any more, where that is to be shown.
    pub(super) fn over(&self) -> Option<&Over> {
        self.over.as_ref()
    }

    /// Whether there is something to show.
    pub(super) fn has_picture(&self) -> bool {
        self.picture.is_some()
    }

    /// The goroutine whose past is shown.
    pub(super) fn wanted(&self) -> Option<GoId> {
        self.detail.as_ref()?;
        match (self.list.key()?, &self.picture) {
            (Key::Goroutine(id), _) => Some(id),
            (Key::Group(_), Some(picture)) => match self.list.selected_goroutines(&picture.view).as_slice() {
                [one] => Some(one.id),
                _ => None,
            },
            (Key::Group(_), None) => None,
        }
    }

    /// Says something at the foot, until the next key.
    pub(super) fn notice(&mut self, what: String) {
        self.notice = Some(what);
    }

    /// Takes what the terminal tells.
    pub(super) fn on_event(&mut self, event: &Event, texts: &dyn Texts) -> Option<Act> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.on_key(*key, texts),
            Event::Mouse(mouse) => {
                self.on_mouse(*mouse);
                None
            }
            _ => None,
        }
    }

    /// Takes a key.
    pub(super) fn on_key(&mut self, key: KeyEvent, texts: &dyn Texts) -> Option<Act> {
        self.notice = None;
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return Some(Act::Quit),
                KeyCode::Char('z') => return Some(Act::Suspend),
                KeyCode::Char('l') => return Some(Act::Redraw),
                _ => {}
            }
        }
        if self.help {
            self.help = false;
            return None;
        }
        if self.filter.open {
            match self.filter.on_key(key) {
                Typed::Another(filter) => self.filter_by(filter),
                Typed::Nothing => {}
                Typed::Elsewhere => self.walk(key, texts),
            }
            return None;
        }
        match key.code {
            KeyCode::Char('q') => return Some(Act::Quit),
            KeyCode::Char('?') => self.help = true,
            KeyCode::Char('t') => self.theme = self.theme.next(),
            KeyCode::Char(' ') => self.hold(),
            KeyCode::Char(number @ '1'..='9') => {
                let at = number.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(1);
                self.tab = Tab::ALL.get(at - 1).copied().unwrap_or(self.tab);
            }
            KeyCode::Tab => self.tab = self.tab.other(1),
            KeyCode::BackTab => self.tab = self.tab.other(Tab::ALL.len() - 1),
            _ if self.tab == Tab::Findings => self.in_findings(key),
            KeyCode::Char('/') => {
                self.inside = false;
                self.filter.open();
            }
            KeyCode::Esc => self.back(),
            KeyCode::Char('e') if self.detail.is_some() => return self.edit(texts),
            KeyCode::Enter | KeyCode::Right => return self.closer(key.code, texts),
            KeyCode::Left if self.inside => self.inside = false,
            KeyCode::Left => {
                let closed = self.with_view(|list, view| list.open(view, false));
                if closed != Some(true) {
                    self.detail = None;
                }
            }
            _ => self.walk(key, texts),
        }
        self.follow();
        None
    }

    /// Takes a key of the findings' view.
    fn in_findings(&mut self, key: KeyEvent) {
        let Some(judged) = self.judged.clone() else { return };
        match (key.code, step_of(key.code)) {
            (_, Some(step)) => self.findings.go(&judged, step),
            (KeyCode::Char('n'), _) => self.findings.go(&judged, Step::Down),
            (KeyCode::Char('N'), _) => self.findings.go(&judged, Step::Up),
            (KeyCode::Enter | KeyCode::Right, _) => {
                if let Some(goroutines) = self.findings.goroutines(&judged) {
                    self.only = self.findings.selected(&judged).map(|finding| finding.id.clone());
                    self.with_view(|list, view| list.reorder(view, |order| order.only = Some(goroutines)));
                    self.tab = Tab::Goroutines;
                }
            }
            (KeyCode::Esc | KeyCode::Left, _) => self.tab = Tab::Goroutines,
            _ => {}
        }
    }

    fn with_view<T>(&mut self, act: impl FnOnce(&mut Goroutines, &crate::session::View) -> T) -> Option<T> {
        let picture = self.picture.clone()?;
        Some(act(&mut self.list, &picture.view))
    }

    fn filter_by(&mut self, filter: Option<Filter>) {
        self.with_view(|list, view| list.reorder(view, |order| order.selection.filter = filter));
        self.follow();
    }

    fn hold(&mut self) {
        self.held = !self.held;
        if self.held {
            return;
        }
        if let Some(newest) = self.newest.take() {
            self.turn_to(newest);
        }
        if let Some(judged) = self.newly.take() {
            self.judge_by(judged);
        }
    }

    fn back(&mut self) {
        if self.inside {
            self.inside = false;
        } else if self.detail.is_some() {
            self.detail = None;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.filter_by(None);
        } else if self.only.take().is_some() {
            self.with_view(|list, view| list.reorder(view, |order| order.only = None));
            self.tab = Tab::Findings;
        }
    }

    fn closer(&mut self, key: KeyCode, texts: &dyn Texts) -> Option<Act> {
        if self.inside {
            return if key == KeyCode::Enter { self.edit(texts) } else { None };
        }
        if key == KeyCode::Right && self.with_view(|list, view| list.open(view, true)) == Some(true) {
            return None;
        }
        if self.detail.is_some() {
            self.inside = true;
        } else {
            self.detail = Some(Detail::default());
        }
        self.follow();
        None
    }

    fn edit(&self, texts: &dyn Texts) -> Option<Act> {
        let (detail, picture) = self.detail.as_ref().zip(self.picture.as_ref())?;
        let goroutines = self.list.selected_goroutines(&picture.view);
        let selection = &self.list.order.selection;
        let (file, line) = detail.place(&Subject { picture, goroutines: &goroutines, selection, texts })?;
        Some(Act::Edit(file, line))
    }

    /// Keys that go through what there is, or change its order.
    fn walk(&mut self, key: KeyEvent, texts: &dyn Texts) {
        match (key.code, step_of(key.code)) {
            (_, Some(step)) => return self.step(step, self.inside, texts),
            (KeyCode::Char(to @ ('n' | 'N')), _) => {
                self.with_view(|list, view| list.go_round(view, to == 'n'));
            }
            _ => {
                self.with_view(|list, view| list.on_key(view, key));
            }
        }
        self.follow();
    }

    fn step(&mut self, step: Step, inside: bool, texts: &dyn Texts) {
        if let (Tab::Findings, Some(judged)) = (self.tab, &self.judged) {
            return self.findings.go(judged, step);
        }
        let Some(picture) = self.picture.clone() else { return };
        match &mut self.detail {
            Some(detail) if inside => {
                let goroutines = self.list.selected_goroutines(&picture.view);
                let selection = &self.list.order.selection;
                detail.go(step, &Subject { picture: &picture, goroutines: &goroutines, selection, texts });
            }
            _ => self.list.go(&picture.view, step),
        }
        self.follow();
    }

    /// Takes a click, or a turn of the wheel.
    fn on_mouse(&mut self, mouse: MouseEvent) {
        let (x, y) = (mouse.column, mouse.row);
        let inside = self.detail.is_some() && self.detail_area.contains((x, y).into());
        self.notice = None;
        match mouse.kind {
            _ if self.help => self.help = mouse.kind != MouseEventKind::Down(MouseButton::Left),
            MouseEventKind::ScrollUp => self.wheel(Step::Up, inside),
            MouseEventKind::ScrollDown => self.wheel(Step::Down, inside),
            MouseEventKind::Down(MouseButton::Left) => {
                let tab = self.tab_areas.iter().find(|(area, _)| area.contains((x, y).into()));
                if let Some((_, tab)) = tab {
                    self.tab = *tab;
                    return;
                }
                if let (Tab::Findings, Some(judged)) = (self.tab, self.judged.clone()) {
                    if self.findings.on_click(&judged, x, y) {
                        self.in_findings(KeyEvent::from(KeyCode::Enter));
                    }
                    return;
                }
                self.inside = inside;
                if !inside && self.with_view(|list, view| list.on_click(view, x, y)) == Some(true) {
                    self.detail.get_or_insert_default();
                }
                self.follow();
            }
            _ => {}
        }
    }

    fn wheel(&mut self, step: Step, inside: bool) {
        for _ in 0..3 {
            self.step(step, inside, &());
        }
    }

    /// Draws all of it.
    pub(super) fn draw(&mut self, buffer: &mut Buffer, texts: &dyn Texts) {
        let area = buffer.area;
        let mut canvas = Canvas { buffer, theme: self.theme };
        let Some(picture) = self.picture.clone() else {
            canvas.put((area.x + 1, area.y), area.width, "looking …", Role::Dim);
            return;
        };
        let view = &picture.view;
        let still = self.over.is_some() || view.header.source != SourceKind::Live;
        let going = match (self.held, still) {
            (true, _) => Going::Paused,
            (false, true) => Going::Still,
            (false, false) => Going::Live,
        };
        self.meters.draw(&mut canvas, Rect { height: header::HEIGHT, ..area }, view, going);
        let tabs = area.y + header::HEIGHT;
        self.tabs(&mut canvas, Rect { y: tabs, height: 1, ..area });
        let middle = Rect { y: tabs + 1, height: area.height.saturating_sub(header::HEIGHT + 2), ..area };
        match self.tab {
            Tab::Goroutines => self.goroutines(&mut canvas, middle, &picture, texts),
            Tab::Findings => match self.judged.clone() {
                Some(judged) => self.findings.draw(&mut canvas, middle, &judged, texts),
                None => {
                    canvas.put(
                        (middle.x + 2, middle.y + 1),
                        middle.width.saturating_sub(2),
                        "looking closely …",
                        Role::Dim,
                    );
                }
            },
        }
        self.foot(&mut canvas, Rect { y: area.bottom().saturating_sub(1), height: 1, ..area });
        if self.help {
            help::draw(&mut canvas, area);
        }
    }

    fn goroutines(&mut self, canvas: &mut Canvas<'_>, area: Rect, picture: &Picture, texts: &dyn Texts) {
        let view = &picture.view;
        self.parts(area);
        self.list.draw(canvas, self.list_area, view, !self.inside);
        if let Some(detail) = &mut self.detail {
            let goroutines = self.list.selected_goroutines(view);
            let selection = &self.list.order.selection;
            let subject = Subject { picture, goroutines: &goroutines, selection, texts };
            let mut area = self.detail_area;
            if area.x > 0 {
                for y in area.y..area.bottom() {
                    canvas.put((area.x, y), 1, "│", Role::Rule);
                }
                area = Rect { x: area.x + 1, width: area.width - 1, ..area };
            }
            detail.draw(canvas, area, &subject, self.inside);
        }
    }

    /// Where the list is, and the pane.
    fn parts(&mut self, area: Rect) {
        (self.list_area, self.detail_area) = match (&self.detail, area.width >= BESIDE) {
            (None, _) => (area, Rect::default()),
            (Some(_), true) => {
                let list = area.width / 2;
                (Rect { width: list, ..area }, Rect { x: area.x + list, width: area.width - list, ..area })
            }
            (Some(_), false) => {
                let list = (area.height * 2 / 5).max(3).min(area.height);
                (Rect { height: list, ..area }, Rect { y: area.y + list, height: area.height - list, ..area })
            }
        };
    }

    fn tabs(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        canvas.rule(area, area.y, &[]);
        self.tab_areas.clear();
        let mut x = area.x + 2;
        for (number, tab) in (1..).zip(Tab::ALL) {
            let many = self.judged.as_ref().map_or(0, |judged| judged.findings.len());
            let many = if tab == Tab::Findings && many > 0 { format!(" {many}") } else { String::new() };
            let (role, key) = if tab == self.tab { (Role::Tab, Role::Tab) } else { (Role::Dim, Role::Key) };
            let from = x;
            let number = format!(" {number} ");
            let room = area.right().saturating_sub(x);
            let worst = self.judged.as_ref().and_then(|judged| judged.findings.first());
            let alarm = worst.map_or(role, |worst| Role::Confidence(worst.confidence));
            x = canvas.line(
                (x, area.y),
                room,
                &[(&number, key), (tab.name(), role), (&many, alarm), (" ", role)],
            );
            self.tab_areas.push((Rect { x: from, width: x - from, height: 1, y: area.y }, tab));
            x += 1;
        }
        let right = match (self.tab, &self.judged) {
            (Tab::Goroutines, _) => self.ordered(),
            (Tab::Findings, Some(judged)) => format!(" looked for {} ", duration(judged.took)),
            (Tab::Findings, None) => return,
        };
        let from = area.right().saturating_sub(width(&right) + 2);
        canvas.put((from.max(x), area.y), area.right().saturating_sub(from.max(x)), &right, Role::Dim);
    }

    /// How the list is ordered, and how long it is.
    fn ordered(&self) -> String {
        let order = &self.list.order;
        let sorted = match order.column {
            Column::Urgency => "stuck first",
            Column::For => "by time",
            Column::Id => "by id",
            Column::Count => "by count",
            Column::State => "by state",
            Column::Why => "by reason",
            Column::On => "by what they wait on",
            Column::Where => "by place",
            Column::MadeBy => "by who made them",
        };
        let reversed = if order.reversed { ", reversed" } else { "" };
        let (goroutines, lines) = self.list.counts();
        let number = if lines == goroutines {
            count(goroutines)
        } else {
            format!("{} in {}", count(goroutines), count(lines))
        };
        let only = self.only.as_ref().map_or_else(String::new, |id| format!("of {id}, "));
        format!(" {only}{}, {sorted}{reversed} · {number} ", order.grouping.words())
    }

    fn foot(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let room = area.width.saturating_sub(2);
        if let Some(notice) = &self.notice {
            canvas.put((area.x + 1, area.y), room, notice, Role::Notice);
        } else if self.filter.open || !self.filter.is_empty() {
            let (goroutines, _) = self.list.counts();
            let matching = format!(
                "{} match{}",
                count(goroutines),
                if self.filter.open { "" } else { " · n N next · esc clear" }
            );
            self.filter.draw(canvas, (area.x + 1, area.y), room, &matching);
        } else if let Some(Over::Stay(why)) = &self.over {
            canvas.line((area.x + 1, area.y), room, &[(why, Role::Notice), ("   q quit", Role::Dim)]);
        } else if self.tab == Tab::Findings {
            let keys =
                [("↑↓", "go"), ("enter", "its goroutines"), ("pgdn", "more"), ("?", "help"), ("q", "quit")];
            help::foot(canvas, area, &keys);
        } else if self.inside {
            let keys = [("↑↓", "call"), ("enter", "edit"), ("←", "back"), ("?", "help"), ("q", "quit")];
            help::foot(canvas, area, &keys);
        } else {
            let keys = [
                ("?", "help"),
                ("q", "quit"),
                ("enter", "closely"),
                ("→", "open"),
                ("/", "filter"),
                ("g", "group"),
                ("<>", "sort"),
                ("space", if self.held { "go on" } else { "hold" }),
            ];
            help::foot(canvas, area, &keys);
        }
    }
}

/// The way that a key goes.
fn step_of(key: KeyCode) -> Option<Step> {
    Some(match key {
        KeyCode::Up | KeyCode::Char('k') => Step::Up,
        KeyCode::Down | KeyCode::Char('j') => Step::Down,
        KeyCode::PageUp => Step::PageUp,
        KeyCode::PageDown => Step::PageDown,
        KeyCode::Home => Step::Begin,
        KeyCode::End => Step::End,
        _ => return None,
    })
}
