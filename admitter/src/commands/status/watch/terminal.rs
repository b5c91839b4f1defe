//! The terminal while it is ours: drawn on, and asked for keys.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;

/// Between two looks at whether anybody still wants to know what is pressed: quitting takes that long at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Presses that nobody has looked at yet.
const MOST_PRESSES: usize = 16;

/// The screen, given back when this is dropped; after a panic by the hook that ratatui sets.
pub(super) struct Terminal(DefaultTerminal);

impl Terminal {
    pub(super) fn open() -> io::Result<Self> {
        // Half-way is not a state to leave somebody's terminal in.
        ratatui::try_init()
            .map(Self)
            .inspect_err(|_failed| ratatui::restore())
    }

    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(render).map(drop)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// What somebody at the terminal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Press {
    /// Has had enough.
    Quit,
    /// Has made the window larger or smaller.
    Redraw,
}

/// What is pressed from now on, read by a thread that ends when the receiver is dropped.
pub(super) fn presses() -> mpsc::Receiver<Press> {
    let (sender, receiver) = mpsc::channel(MOST_PRESSES);
    drop(tokio::task::spawn_blocking(move || {
        // A terminal that can no longer be read is gone: dropping the sender quits.
        while let Ok(is_there) = event::poll(LOOK_EVERY) {
            if sender.is_closed() {
                return;
            }
            if !is_there {
                continue;
            }
            let Ok(event) = event::read() else { return };
            if let Some(press) = meaning(&event)
                && sender.blocking_send(press).is_err()
            {
                return;
            }
        }
    }));
    receiver
}

fn meaning(event: &Event) -> Option<Press> {
    match event {
        Event::Resize(..) => Some(Press::Redraw),
        Event::Key(key) if key.is_press() && quits(key) => Some(Press::Quit),
        _ => None,
    }
}

/// While the terminal is raw, Ctrl-C is a key like any other.
fn quits(key: &KeyEvent) -> bool {
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    matches!(key.code, KeyCode::Char('q' | 'Q') | KeyCode::Esc)
        || (with_control && matches!(key.code, KeyCode::Char('c' | 'd')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_escape_and_control_c_quit_and_other_keys_do_not() {
        let key = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        for code in [KeyCode::Char('q'), KeyCode::Esc] {
            assert_eq!(key(code, KeyModifiers::NONE), Some(Press::Quit));
        }
        assert_eq!(
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Press::Quit)
        );
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), None);
        assert_eq!(meaning(&Event::Resize(80, 24)), Some(Press::Redraw));
    }
}
