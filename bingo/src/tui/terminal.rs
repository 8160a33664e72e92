//! The terminal: raw, on its other screen, with the mouse, and given back as it was
//! however Bingo ends: by leaving, by a panic, by Ctrl-Z until one comes back, for the
//! time that an editor runs. In: what to draw. Out: keys, clicks, and why one woke.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write, stdin, stdout};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute, queue};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::{SigId, flag, low_level};

use super::desk::Desk;

/// Buttons and the wheel, with places beyond column 223; no mere movement.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// Bytes of a frame that are written at once: the largest screens have as many.
const FRAME: usize = 1 << 17;

/// Whether the other screen is on.
static ON: AtomicBool = AtomicBool::new(false);
static PANICS: Once = Once::new();

/// The terminal while it is ours.
pub(super) struct Screen<'d> {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    keys: Keys,
    desk: &'d Desk,
    suspend: Arc<AtomicBool>,
    resumed: Arc<AtomicBool>,
    signals: Vec<SigId>,
}

/// Where keys come from.
enum Keys {
    Standard(io::Stdin),
    /// Standard input is something else.
    Terminal(File),
}

/// What woke the one who shows.
#[derive(Debug, Default)]
pub(super) struct Woken {
    /// Keys, clicks, another size.
    pub(super) events: Vec<Event>,
    /// The user has stopped Bingo with another program's help.
    pub(super) suspend: bool,
    /// What is on the screen may be anything: it came back.
    pub(super) resumed: bool,
    /// There is no terminal any more.
    pub(super) gone: bool,
}

impl Keys {
    fn open() -> io::Result<Keys> {
        let standard = stdin();
        Ok(if standard.is_terminal() {
            Keys::Standard(standard)
        } else {
            Keys::Terminal(File::open("/dev/tty")?)
        })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Keys::Standard(standard) => standard.as_fd(),
            Keys::Terminal(terminal) => terminal.as_fd(),
        }
    }
}

impl<'d> Screen<'d> {
    /// Takes the terminal.
    pub(super) fn take(desk: &'d Desk) -> io::Result<Screen<'d>> {
        PANICS.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                leave();
                before(panic);
            }));
        });
        let keys = Keys::open()?;
        let (suspend, resumed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let mut signals = vec![
            flag::register(SIGTSTP, Arc::clone(&suspend))?,
            flag::register(SIGCONT, Arc::clone(&resumed))?,
        ];
        for signal in [SIGWINCH, SIGTSTP, SIGCONT, SIGTERM, SIGINT, SIGHUP, SIGQUIT] {
            signals.push(low_level::pipe::register(signal, desk.bell()?)?);
        }
        enter()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME, stdout()));
        Ok(Screen { terminal: Terminal::new(backend)?, keys, desk, suspend, resumed, signals })
    }

    /// Draws a frame: what has changed of it is written, at once.
    pub(super) fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(frame)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Waits for keys, for the desk's bell or a signal.
    pub(super) fn wait(&mut self) -> io::Result<Woken> {
        let mut woken = Woken::default();
        let mut fds = [
            PollFd::new(self.keys.fd(), PollFlags::POLLIN),
            PollFd::new(self.desk.heard().as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let dead = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        woken.gone = fds.iter().take(1).filter_map(PollFd::revents).any(|flags| flags.intersects(dead));
        self.desk.quiet();
        // After a panic of another thread the terminal is what its message is read on.
        woken.gone |= !ON.load(Ordering::Relaxed);
        if woken.gone {
            return Ok(woken);
        }
        while event::poll(Duration::ZERO)? {
            woken.events.push(event::read()?);
        }
        woken.suspend = self.suspend.swap(false, Ordering::Relaxed);
        woken.resumed = self.resumed.swap(false, Ordering::Relaxed);
        Ok(woken)
    }

    /// Stops Bingo as Ctrl-Z does, and comes back when the user does.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        leave();
        low_level::emulate_default_handler(SIGTSTP)?;
        self.again()
    }

    /// Gives the terminal to another program while that runs.
    pub(super) fn lend<T>(&mut self, run: impl FnOnce() -> T) -> io::Result<T> {
        leave();
        let answer = run();
        self.again()?;
        Ok(answer)
    }

    /// Takes the terminal again, whatever is on it.
    pub(super) fn again(&mut self) -> io::Result<()> {
        self.resumed.store(false, Ordering::Relaxed);
        enter()?;
        self.terminal.clear()
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        leave();
        for signal in self.signals.drain(..) {
            low_level::unregister(signal);
        }
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    ON.store(true, Ordering::Relaxed);
    execute!(stdout(), EnterAlternateScreen, cursor::Hide, Print(MOUSE_ON))
}

/// Gives the terminal back, once; as well as it goes where it is gone.
fn leave() {
    if ON.swap(false, Ordering::Relaxed) {
        let _ = execute!(stdout(), Print(MOUSE_OFF), cursor::Show, LeaveAlternateScreen);
        let _ = stdout().flush();
        let _ = disable_raw_mode();
    }
}
