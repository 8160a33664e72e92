//! The goroutines: grouped or each, what is stuck first, a line for each that is seen.
//! In: pictures, keys. Out: a list whose selection stays with its goroutine as the order
//! changes, and whose columns stand where they are.

use std::collections::HashMap;
use std::sync::Arc;

use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use super::super::canvas::{Canvas, width};
use super::super::cursor::{Cursor, Step};
use super::super::rows::{Column, Grouping, Key, Line, Order, Places, Rows};
use super::super::theme::{Role, Theme};
use crate::model::{CreatedBy, GoState};
use crate::report::{Detail, Group, Selection, Urgency, count, duration, place_within, waits_on_in};
use crate::session::{Goroutine, Since, View};

/// Columns of the screen from which on there are columns of the list for the state and
/// for who made it.
const ROOM_FOR_STATE: u16 = 110;
const ROOM_FOR_MAKER: u16 = 150;

/// The list.
#[derive(Debug)]
pub(in crate::tui) struct Goroutines {
    pub(in crate::tui) order: Order,
    rows: Rows,
    places: Places,
    cursor: Cursor,
    /// What is selected, wherever it comes to stand.
    key: Option<Key>,
    /// What lines say that were seen of this picture.
    said: HashMap<Line, Said>,
    /// Where the list was drawn: for clicks.
    area: Rect,
    titles: Vec<(Rect, Column)>,
}

/// What a line says.
#[derive(Clone, Debug)]
struct Said {
    urgency: Urgency,
    state: Option<GoState>,
    lasting: String,
    /// How many, or which one.
    number: String,
    group: bool,
    why: String,
    on: String,
    goroutine: Option<Arc<Goroutine>>,
    made_by: String,
    /// Whether all are in one place.
    one_place: bool,
}

/// A column, and how wide it is.
type Laid = (Column, &'static str, u16);

impl Goroutines {
    pub(in crate::tui) fn new(selection: Selection) -> Goroutines {
        Goroutines {
            order: Order {
                selection,
                only: None,
                grouping: Grouping::Stack,
                column: Column::Urgency,
                reversed: false,
                open: std::collections::HashSet::new(),
            },
            rows: Rows::default(),
            places: Places::default(),
            cursor: Cursor::default(),
            key: None,
            said: HashMap::new(),
            area: Rect::default(),
            titles: Vec::new(),
        }
    }

    /// Puts the goroutines of a picture in order.
    pub(in crate::tui) fn arrange(&mut self, view: &View) {
        self.rows = Rows::of(view, &self.order, &mut self.places);
        self.folded(view);
    }

    fn folded(&mut self, view: &View) {
        self.said.clear();
        let found = self.key.and_then(|key| self.rows.find(view, key, self.order.grouping));
        match found {
            Some(at) => self.cursor.follow(at),
            None => self.note_key(view),
        }
    }

    /// Looks at other goroutines, or in another order.
    pub(in crate::tui) fn reorder(&mut self, view: &View, change: impl FnOnce(&mut Order)) {
        let all = self.order.selection.all;
        change(&mut self.order);
        if self.order.selection.all != all {
            self.places.forget();
        }
        self.arrange(view);
    }

    /// The line that is selected.
    pub(in crate::tui) fn selected(&self) -> Option<Line> {
        self.rows.lines().get(self.cursor.selected).copied()
    }

    /// What is selected.
    pub(in crate::tui) fn key(&self) -> Option<Key> {
        self.key
    }

    /// The goroutines of the selected line.
    pub(in crate::tui) fn selected_goroutines<'v>(&self, view: &'v View) -> Vec<&'v Arc<Goroutine>> {
        self.selected().map(|line| self.rows.goroutines_of(view, line)).unwrap_or_default()
    }

    /// How many goroutines are in the list, and in how many rows.
    pub(in crate::tui) fn counts(&self) -> (usize, usize) {
        (self.rows.goroutines(), self.rows.lines().len())
    }

    fn note_key(&mut self, view: &View) {
        let last = self.rows.lines().len().saturating_sub(1);
        self.cursor.selected = self.cursor.selected.min(last);
        self.key = self.selected().and_then(|line| self.rows.key(view, line, self.order.grouping));
    }

    /// Goes a step.
    pub(in crate::tui) fn go(&mut self, view: &View, step: Step) {
        self.cursor.go(step, self.rows.lines().len());
        self.note_key(view);
    }

    /// Goes to the next line, or the one before, round the end.
    pub(in crate::tui) fn go_round(&mut self, view: &View, forward: bool) {
        let last = self.rows.lines().len().saturating_sub(1);
        let step = match (forward, self.cursor.selected) {
            (true, at) if at >= last => Step::Begin,
            (true, _) => Step::Down,
            (false, 0) => Step::End,
            (false, _) => Step::Up,
        };
        self.go(view, step);
    }

    /// Opens the selected group, or closes the one that the selected line is in.
    /// `false`: there is none to open or to close.
    pub(in crate::tui) fn open(&mut self, view: &View, open: bool) -> bool {
        let Some(line) = self.selected() else { return false };
        let group = self.rows.group_of(line);
        let Some(group) = group.filter(|_| self.order.grouping != Grouping::Each) else { return false };
        let changed = match (open, line.is_member()) {
            (true, true) => false,
            (true, false) => self.rows.goroutines_of(view, line).len() > 1 && self.order.open.insert(group),
            (false, _) => self.order.open.remove(&group),
        };
        if changed {
            self.key = Some(Key::Group(group));
            self.rows.fold(&self.order);
            self.folded(view);
        }
        changed
    }

    /// Takes a key that changes the order. `false`: it is none.
    pub(in crate::tui) fn on_key(&mut self, view: &View, key: KeyEvent) -> bool {
        let grouping = self.order.grouping;
        match key.code {
            KeyCode::Char('g') => {
                let goroutine = self.selected_goroutines(view).first().map(|goroutine| goroutine.id);
                self.key = goroutine.filter(|_| grouping.next() == Grouping::Each).map(Key::Goroutine);
                self.reorder(view, |order| order.grouping = grouping.next());
            }
            KeyCode::Char('a') => self.reorder(view, |order| order.selection.all = !order.selection.all),
            KeyCode::Char('s') => self.reorder(view, |order| order.reversed = !order.reversed),
            KeyCode::Char('S') => self.reorder(view, |order| {
                (order.column, order.reversed) = (Column::Urgency, false);
            }),
            KeyCode::Char(side @ ('<' | '>')) => {
                let columns: Vec<Column> =
                    columns(self.area.width, grouping).iter().map(|laid| laid.0).collect();
                let at = columns.iter().position(|column| *column == self.order.column).unwrap_or(0);
                let at = if side == '>' { at + 1 } else { at + columns.len().saturating_sub(1) };
                let column = columns.get(at % columns.len().max(1)).copied().unwrap_or(Column::Urgency);
                self.reorder(view, |order| (order.column, order.reversed) = (column, false));
            }
            _ => return false,
        }
        true
    }

    /// Takes a click. `true`: the line that was selected already.
    pub(in crate::tui) fn on_click(&mut self, view: &View, x: u16, y: u16) -> bool {
        let title = self.titles.iter().find(|(area, _)| area.contains((x, y).into()));
        if let Some((_, column)) = title.copied() {
            self.reorder(view, |order| {
                order.reversed = order.column == column && !order.reversed;
                order.column = column;
            });
            return false;
        }
        let Some(line) = y.checked_sub(self.area.y).filter(|_| self.area.contains((x, y).into())) else {
            return false;
        };
        let at = self.cursor.first + usize::from(line);
        let again = at == self.cursor.selected;
        if at < self.rows.lines().len() {
            self.cursor.selected = at;
            self.note_key(view);
        }
        again
    }

    /// Draws titles and lines.
    pub(in crate::tui) fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, view: &View, focused: bool) {
        let columns = columns(area.width, self.order.grouping);
        self.titles(canvas, area, &columns);
        self.area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let lines = self.rows.lines().len();
        let first = self.cursor.fit(lines, usize::from(self.area.height));
        if lines == 0 {
            let what = if self.order.selection.filter.is_some() || self.order.only.is_some() {
                "none of the goroutines matches: Esc shows all"
            } else {
                "no goroutine"
            };
            canvas.put((area.x + 2, area.y + 2), area.width.saturating_sub(2), what, Role::Dim);
        }
        for (y, at) in (self.area.y..self.area.bottom()).zip(first..) {
            let Some(line) = self.rows.lines().get(at).copied() else { break };
            let said = self.said(view, line);
            let open =
                said.group && self.rows.group_of(line).is_some_and(|group| self.order.open.contains(&group));
            draw_line(canvas, Rect { y, height: 1, ..self.area }, &columns, &said, open);
            if at == self.cursor.selected {
                canvas.band(self.area, y, if focused { Role::Selected } else { Role::Resting });
            }
        }
    }

    fn titles(&mut self, canvas: &mut Canvas<'_>, area: Rect, columns: &[Laid]) {
        self.titles.clear();
        let mut x = area.x;
        for (column, title, room) in columns {
            let own = Rect { x, y: area.y, width: *room, height: 1 }.intersection(area);
            let sorted = *column == self.order.column;
            let arrow = if !sorted {
                ""
            } else if self.order.reversed {
                "▴"
            } else {
                "▾"
            };
            let text = format!("{title}{arrow}");
            let role = if sorted { Role::Title } else { Role::Dim };
            if matches!(column, Column::For | Column::Count | Column::Id) {
                canvas.put_right((x, area.y), own.width, &text, role);
            } else {
                canvas.put((x, area.y), own.width, &text, role);
            }
            self.titles.push((own, *column));
            x += room + 1;
        }
    }

    fn said(&mut self, view: &View, line: Line) -> Said {
        if let Some(said) = self.said.get(&line) {
            return said.clone();
        }
        let said = self.say(view, line);
        self.said.insert(line, said.clone());
        said
    }

    fn say(&self, view: &View, line: Line) -> Said {
        let members = self.rows.goroutines_of(view, line);
        let first = members.first().copied();
        let alike = |same: &dyn Fn(&Goroutine, &Goroutine) -> bool| {
            first.is_some_and(|first| members.iter().all(|other| same(first, other)))
        };
        let one_state = alike(&|one, other| one.state == other.state);
        let one_reason = one_state && alike(&|one, other| one.reason == other.reason);
        let one_place = alike(&|one, other| one.stack.is_same(&other.stack) || key(one) == key(other));
        let one_maker = alike(&|one, other| one.created_by == other.created_by);
        let number = members.len();
        let group = self.order.grouping != Grouping::Each && !line.is_member();
        let longest = first.and_then(|first| view.lasting(first));
        let lasting = longest.map_or_else(String::new, |longest| match first.map(|first| first.since) {
            Some(Since::AtLatest(_)) => format!(">{}", duration(longest)),
            Some(Since::About(_)) => format!("~{}", duration(longest)),
            _ => duration(longest),
        });
        let state = first.filter(|_| one_state).map(|first| first.state);
        let why = match first {
            None => String::new(),
            Some(_) if !one_state => "several".to_owned(),
            Some(first) if one_reason => {
                first.reason.map_or_else(|| first.state.to_string(), |it| it.to_string())
            }
            Some(first) => first.state.to_string(),
        };
        let on = match members.as_slice() {
            [one] => one.wait.as_ref().map(|wait| waits_on_in(Detail::Brief, wait, &view.objects, view.time)),
            _ => first.filter(|_| one_reason).and_then(|first| {
                let (state, reason, stack) = (first.state, first.reason, &first.stack);
                let group = Group { state, reason, stack, members: members.clone(), longest, shortest: None };
                group.waits_on(view, Detail::Brief)
            }),
        };
        let made_by = first.and_then(|first| first.created_by.as_ref());
        Said {
            urgency: self.rows.urgency(view, line).unwrap_or(Urgency::Busy),
            state,
            lasting,
            number: match first {
                Some(first) if !group => first.id.to_string(),
                _ => count(number),
            },
            group,
            why,
            on: on.unwrap_or_default(),
            goroutine: first.cloned(),
            made_by: if one_maker { made_by.map(maker).unwrap_or_default() } else { "several".to_owned() },
            one_place,
        }
    }
}

fn key(goroutine: &Goroutine) -> Option<(&str, u32)> {
    goroutine.stack.site().map(|site| (&*site.function, site.line))
}

fn maker(by: &CreatedBy) -> String {
    let file = by.file.rsplit('/').next().unwrap_or_default();
    let function = by.function.rsplit('/').next().unwrap_or_default();
    format!("{function} {file}:{}", by.line)
}

/// The columns that there is room for.
fn columns(width: u16, grouping: Grouping) -> Vec<Laid> {
    let number = if grouping == Grouping::Each { (Column::Id, "ID", 8) } else { (Column::Count, "COUNT", 7) };
    let mut columns = vec![(Column::Urgency, "!", 3), (Column::For, "FOR", 8), number];
    if width >= ROOM_FOR_STATE {
        columns.push((Column::State, "STATE", 8));
    }
    columns.push((Column::Why, "WHY", 15));
    let taken: u16 = columns.iter().map(|(_, _, width)| width + 1).sum();
    let left = width.saturating_sub(taken);
    let maker = if width >= ROOM_FOR_MAKER { left / 4 } else { 0 };
    let on = (left * 2 / 5).min(if maker > 0 { left / 3 } else { left });
    let on = on.min(40);
    columns.push((Column::On, "ON", on));
    let rest = left.saturating_sub(on + 1);
    match (grouping, maker) {
        (Grouping::Creator, 0) => columns.push((Column::MadeBy, "MADE BY", rest)),
        (_, 0) => columns.push((Column::Where, "WHERE", rest)),
        _ => {
            columns.push((Column::Where, "WHERE", rest.saturating_sub(maker + 1)));
            columns.push((Column::MadeBy, "MADE BY", maker));
        }
    }
    columns
}

fn draw_line(canvas: &mut Canvas<'_>, area: Rect, columns: &[Laid], said: &Said, open: bool) {
    // What idles is there if one looks for it.
    let quiet = said.urgency == Urgency::Idle;
    let text = if quiet { Role::Dim } else { Role::Text };
    let mut x = area.x;
    for (column, _, room) in columns {
        let (at, room) = ((x, area.y), (*room).min(area.right().saturating_sub(x)));
        match column {
            Column::Urgency => {
                let mark = mark(said.urgency, canvas.theme);
                let x = canvas.put(at, 1, mark, Role::Urgency(said.urgency));
                let fold = match (said.group, open) {
                    (true, true) => "▾",
                    (true, false) if said.number != "1" => "▸",
                    _ => " ",
                };
                canvas.put((x + 1, area.y), 1, fold, Role::Rule);
            }
            Column::For => {
                let role = if said.urgency == Urgency::Stuck { Role::Alarm } else { text };
                canvas.put_right(at, room, &said.lasting, role);
            }
            Column::Id | Column::Count => {
                let number = if said.group || *column == Column::Id {
                    said.number.clone()
                } else {
                    format!("#{}", said.number)
                };
                canvas.put_right(
                    at,
                    room,
                    &number,
                    if said.group || *column == Column::Id { text } else { Role::Dim },
                );
            }
            Column::State => {
                let word = said.state.map_or("several", GoState::as_str);
                canvas.put(at, room, word, said.state.map_or(text, Role::State));
            }
            Column::Why => {
                let role = if quiet { Role::Dim } else { said.state.map_or(text, Role::State) };
                canvas.put(at, room, &said.why, role);
            }
            Column::On => {
                canvas.put(at, room, &said.on, text);
            }
            Column::Where => {
                let site = said.goroutine.as_ref().and_then(|goroutine| {
                    goroutine.stack.site().or_else(|| goroutine.stack.frames().first())
                });
                let place = match site {
                    Some(site) if said.one_place => place_within(site, usize::from(room)),
                    Some(_) => "several places".to_owned(),
                    None => String::new(),
                };
                canvas.put(at, room, &place, text);
            }
            Column::MadeBy => {
                // Its end says more than its beginning.
                let spare = width(&said.made_by).saturating_sub(room);
                let cut: String = said.made_by.chars().skip(usize::from(spare)).collect();
                canvas.put(at, room, &cut, Role::Dim);
            }
        }
        x += room + 1;
    }
}

fn mark(urgency: Urgency, theme: Theme) -> &'static str {
    match (urgency, theme == Theme::Plain) {
        (Urgency::Stuck, false) => "●",
        (Urgency::Waiting, false) => "◐",
        (Urgency::Idle, false) => "○",
        (Urgency::Busy, false) => "·",
        (Urgency::Stuck, true) => "!",
        (Urgency::Waiting, true) => "?",
        (Urgency::Idle, true) => "-",
        (Urgency::Busy, true) => ".",
    }
}
