//! What is going on, for whoever watches: a bar on a terminal, a line now and then in a log.

use std::convert::Infallible;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::crowd::Crowd;

const BAR_REFRESH: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the state of the crowd until it is dropped.
pub(crate) async fn watch(crowd: &Crowd) -> Infallible {
    if std::io::stderr().is_terminal() {
        draw_bar(crowd).await
    } else {
        write_lines(crowd).await
    }
}

async fn draw_bar(crowd: &Crowd) -> Infallible {
    let visitors = u64::from(crowd.scenario.crowd.visitors.get());
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:24.cyan/dim} {msg}");
    let style = style.expect("the template is written by its rules");
    let bar = ProgressBar::new(visitors).with_style(style);
    let _cleared = ClearOnDrop(&bar);
    loop {
        bar.set_position(crowd.tally.back.get());
        bar.set_message(state(crowd));
        tokio::time::sleep(BAR_REFRESH).await;
    }
}

struct ClearOnDrop<'a>(&'a ProgressBar);

impl Drop for ClearOnDrop<'_> {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

async fn write_lines(crowd: &Crowd) -> Infallible {
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        say(&format!(
            "{:>5} s  {}",
            crowd.clock.now().as_secs(),
            state(crowd)
        ));
    }
}

fn state(crowd: &Crowd) -> String {
    let tally = &crowd.tally;
    let (joined, admitted) = (tally.joined.get(), tally.admitted.get());
    let unexpected = match tally.unexpected.get() {
        0 => String::new(),
        count => format!(" · unexpected {count}"),
    };
    format!(
        "joined {joined} · in line {} · admitted {admitted} · orders {} · seats {} of {} · too late {} · home {}{unexpected}",
        joined.saturating_sub(admitted),
        tally.orders.get(),
        tally.seats.get(),
        crowd.scenario.house.seats(),
        tally.conflicts.get(),
        tally.back.get(),
    )
}

/// One line for a person; a closed stderr is nobody's concern.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
