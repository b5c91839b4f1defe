//! What is drawn: for each room a line that says how it is, and its last minutes as four small curves.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Sparkline};

use super::history::{History, RoomHistory, Sample};
use crate::room_status::RoomStatus;

/// Lines that a room needs: its frame, a title and a curve of three.
const ROOM_LINES: u16 = 6;

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, history: &History) {
    let [title, rooms, help] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(history), title);
    let fitting = draw_rooms(frame, rooms, history);
    let hidden = history.rooms().len() - fitting;
    let mut words = "q quits".to_owned();
    if hidden > 0 {
        words = format!("{words}   {hidden} more do not fit: name a room to watch it alone");
    }
    frame.render_widget(Paragraph::new(words).dim(), help);
}

fn headline(history: &History) -> Paragraph<'static> {
    match (&history.interrupted, history.rooms().len()) {
        (Some(error), _) => Paragraph::new(format!("As it was: {error}")).fg(Color::Red),
        (None, 0) => {
            Paragraph::new("There are no rooms; make one with: admitter rooms create <room>")
        }
        (None, 1) => Paragraph::new("Onsale · 1 room").bold(),
        (None, count) => Paragraph::new(format!("Onsale · {count} rooms")).bold(),
    }
}

/// Returns how many rooms fit.
fn draw_rooms(frame: &mut Frame<'_>, area: Rect, history: &History) -> usize {
    let fitting = history
        .rooms()
        .len()
        .min(usize::from(area.height / ROOM_LINES).max(1));
    let areas = Layout::vertical(vec![Constraint::Fill(1); fitting]).split(area);
    for (room, area) in history.rooms().zip(areas.iter()) {
        draw_room(frame, *area, room);
    }
    fitting
}

fn draw_room(frame: &mut Frame<'_>, area: Rect, room: &RoomHistory) {
    let mut block = Block::bordered().title(summary(&room.now));
    if let Some(throttle) = room
        .now
        .throttle
        .as_ref()
        .filter(|throttle| throttle.is_full)
    {
        block = block.title_bottom(Line::from(format!(" {throttle} ")).fg(Color::Yellow));
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [waiting, admitted, active, absent] = Layout::horizontal([Constraint::Fill(1); 4])
        .spacing(1)
        .areas(inner);
    let Some(newest) = room.newest() else { return };
    let curve = |frame: &mut Frame<'_>, area: Rect, title: String, of: fn(&Sample) -> u64| {
        let data: Vec<u64> = room.newest_samples(area.width.into()).map(of).collect();
        let block = Block::new().title(title);
        let curve = Sparkline::default().block(block).data(data);
        frame.render_widget(curve.style(Style::new().fg(Color::Cyan)), area);
    };
    curve(
        frame,
        waiting,
        format!("waiting {}", newest.waiting),
        |sample| sample.waiting,
    );
    let rate = format!("admitted/s {:.1}", newest.admitted_per_second);
    curve(frame, admitted, rate, in_tenths);
    curve(
        frame,
        active,
        format!("active {}", newest.active),
        |sample| sample.active,
    );
    curve(
        frame,
        absent,
        format!("absent {}", newest.absent),
        |sample| sample.absent,
    );
}

/// A curve is of whole numbers; rates below one a second should still be seen.
fn in_tenths(sample: &Sample) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a figure to look at; a conversion of floats saturates"
    )]
    let tenths = (sample.admitted_per_second * 10.0) as u64;
    tenths
}

/// The room in a line.
fn summary(status: &RoomStatus) -> Line<'static> {
    let rate = status
        .rate_per_second
        .map_or_else(|| "no rate".to_owned(), |rate| format!("{rate}/s"));
    let capacity = status.capacity.map_or_else(
        || "no capacity".to_owned(),
        |most| format!("capacity {most}"),
    );
    let gatekeepers = match status.gatekeepers {
        1 => "1 gatekeeper".to_owned(),
        count => format!("{count} gatekeepers"),
    };
    let mut words = vec![
        " ".into(),
        format!("{} · {}", status.room, status.state).bold(),
    ];
    // In front: on a narrow screen the end is cut off.
    if !status.has_admitter {
        words.push(" · no admitter".fg(Color::Red));
    }
    if status.shop_is_busy == Some(true) {
        words.push(" · the shop is busy".fg(Color::Red));
    }
    words.push(format!(" · {rate} · {capacity} · {gatekeepers} ").bold());
    Line::from(words)
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use shared::room::RoomState;

    use super::*;
    use crate::throttle::Throttle;

    fn drawn(width: u16, height: u16, history: &History) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, history)).unwrap();
        terminal.backend().to_string()
    }

    /// Twenty seconds of a room that fills and is let in at 100 a second.
    fn rush(history: &mut History, rooms: &[RoomStatus]) {
        for second in 0_u32..20 {
            let at = |room: &RoomStatus| RoomStatus {
                waiting: u64::from(second * second * 10),
                active: u64::from(second * 15),
                absent: u64::from(second / 5),
                admitted_total: u64::from(second * 100),
                taken_at_ms: i64::from(second) * 1_000,
                ..room.clone()
            };
            history.add(rooms.iter().map(at).collect());
        }
    }

    #[test]
    fn a_room_is_drawn_with_its_figures_and_curves() {
        let mut history = History::default();
        rush(&mut history, &[RoomStatus::example("main")]);
        insta::assert_snapshot!(drawn(100, 12, &history));
    }

    #[test]
    fn what_is_wrong_with_a_room_is_seen() {
        let mut history = History::default();
        let busy = RoomStatus {
            state: RoomState::Paused,
            shop_is_busy: Some(true),
            has_admitter: false,
            throttle: Throttle::of(Some(300), Some(100.0), 300, 5),
            ..RoomStatus::example("main")
        };
        rush(&mut history, &[busy]);
        history.interrupt(&anyhow::anyhow!("redis is not reachable"));
        insta::assert_snapshot!(drawn(130, 10, &history));
    }

    #[test]
    fn rooms_that_do_not_fit_are_counted_and_a_tiny_window_is_no_crash() {
        let mut history = History::default();
        let rooms = ["a", "b", "c", "d"].map(RoomStatus::example);
        rush(&mut history, &rooms);
        insta::assert_snapshot!(drawn(80, 16, &history));
        for (width, height) in [(1, 1), (3, 2), (10, 3), (1, 0)] {
            drawn(width, height, &history);
        }
        assert!(drawn(80, 16, &History::default()).contains("There are no rooms"));
    }
}
