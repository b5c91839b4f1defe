//! What the pages say, in Korean and English.

use crate::estimate::{Reason, Wait};
use crate::http::query;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Korean,
    English,
}

impl Words {
    /// How long somebody will wait; a figure of minutes from two minutes on.
    pub(crate) fn wait(&self, wait: Wait) -> String {
        let (text, figure) = match wait.seconds {
            None => (self.no_estimate, 0),
            Some(seconds) if wait.is_capped => (self.wait_hours, seconds / 3_600),
            Some(seconds) if seconds >= 120 => (self.wait_minutes, seconds.div_ceil(60)),
            Some(seconds) => (self.wait, seconds),
        };
        text.replace("{n}", &figure.to_string())
    }

    /// Why the wait has become longer; nothing where the wait itself says so.
    pub(crate) fn reason(&self, reason: Reason) -> Option<&'static str> {
        match reason {
            Reason::Paused | Reason::Halted => None,
            Reason::NotOpen => Some(self.not_open),
            Reason::Busy => Some(self.busy),
            Reason::RateLowered => Some(self.rate_lowered),
            Reason::Returned => Some(self.returned),
            Reason::Slower => Some(self.slower),
        }
    }
}

/// The words of one language. `{n}` stands for a figure.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) sign_in: &'static str,
    pub(crate) position: &'static str,
    pub(crate) lobby: &'static str,
    pub(crate) wait: &'static str,
    pub(crate) wait_minutes: &'static str,
    pub(crate) wait_hours: &'static str,
    pub(crate) no_estimate: &'static str,
    pub(crate) not_open: &'static str,
    pub(crate) busy: &'static str,
    pub(crate) rate_lowered: &'static str,
    pub(crate) returned: &'static str,
    pub(crate) slower: &'static str,
    pub(crate) sold_out: &'static str,
    pub(crate) keep: &'static str,
    pub(crate) admitted: &'static str,
    pub(crate) go: &'static str,
    pub(crate) over: &'static str,
    pub(crate) too_early: &'static str,
    pub(crate) later: &'static str,
    pub(crate) closed: &'static str,
}

impl Language {
    /// By `lang=` of a query; Korean unless English is asked for.
    pub(crate) fn of(query: Option<&str>) -> Self {
        if query::pairs(query).any(|pair| pair == ("lang", "en")) {
            Self::English
        } else {
            Self::Korean
        }
    }

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::English => "en",
        }
    }

    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::Korean => &KOREAN,
            Self::English => &ENGLISH,
        }
    }
}

static KOREAN: Words = Words {
    title: "대기실",
    enter: "대기열에 들어가기",
    sign_in: "대기열에 들어가려면 먼저 로그인하세요.",
    position: "현재 순서: {n}번째",
    lobby: "순서는 오픈 시각에 추첨으로 정해집니다. 먼저 온 순서와는 상관없습니다.",
    wait: "예상 대기 시간: 약 {n}초",
    wait_minutes: "예상 대기 시간: 약 {n}분",
    wait_hours: "예상 대기 시간: {n}시간 이상",
    no_estimate: "지금은 입장이 멈춰 있습니다. 순서는 그대로 유지됩니다.",
    not_open: "아직 열리지 않았습니다.",
    busy: "예매 서버가 혼잡하여 입장이 잠시 멈췄습니다.",
    rate_lowered: "주최 측이 입장 속도를 낮추어 대기 시간이 길어졌습니다.",
    returned: "앞에 있던 사람들이 돌아와 대기 시간이 길어졌습니다.",
    slower: "입장이 느려져 대기 시간이 길어졌습니다.",
    sold_out: "매진되었습니다. 남은 좌석이 없습니다.",
    keep: "이 페이지는 자동으로 새로 고쳐집니다.",
    admitted: "입장할 차례입니다.",
    go: "예매하러 가기",
    over: "이 순서는 끝났습니다. 다시 들어가면 새 번호를 받습니다.",
    too_early: "너무 자주 새로 고쳤습니다. 순서는 그대로 유지되며, {n}초 후에 다시 확인합니다.",
    later: "지금은 처리할 수 없습니다. 아무도 순서를 잃지 않으며, {n}초 후에 이 페이지로 돌아옵니다.",
    closed: "이 대기실은 더 이상 입장을 받지 않습니다.",
};

static ENGLISH: Words = Words {
    title: "Waiting room",
    enter: "Enter the line",
    sign_in: "Sign in first, then enter the line.",
    position: "Your position: {n}",
    lobby: "Places are drawn by lot at the opening. Who came first does not matter.",
    wait: "Expected wait: about {n} seconds",
    wait_minutes: "Expected wait: about {n} minutes",
    wait_hours: "Expected wait: more than {n} hours",
    no_estimate: "Nobody is being let in at present. You keep your place.",
    not_open: "The room has not opened yet.",
    busy: "The shop is busy; letting people in waits for it.",
    rate_lowered: "The wait has become longer: the organiser lets in fewer people at a time.",
    returned: "The wait has become longer: people who were in front came back.",
    slower: "The wait has become longer: people are being let in more slowly.",
    sold_out: "Everything is sold: no seat is left.",
    keep: "This page refreshes itself.",
    admitted: "It is your turn.",
    go: "Go to the seats",
    over: "This place is over. Entering again gives a new number.",
    too_early: "That was too often. You keep your place; this page looks again in {n} seconds.",
    later: "That cannot be done just now. Nobody loses a place; this page is back in {n} seconds.",
    closed: "This room takes nobody any more.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_figures_that_mean_something() {
        let told = |seconds, is_capped| ENGLISH.wait(Wait { seconds, is_capped });
        assert_eq!(told(Some(90), false), "Expected wait: about 90 seconds");
        assert_eq!(told(Some(3_601), false), "Expected wait: about 61 minutes");
        assert_eq!(told(Some(21_600), true), "Expected wait: more than 6 hours");
        assert_eq!(told(None, false), ENGLISH.no_estimate);
    }

    #[test]
    fn the_language_is_korean_unless_english_is_asked_for() {
        assert_eq!(Language::of(None), Language::Korean);
        assert_eq!(Language::of(Some("lang=en")), Language::English);
        assert_eq!(Language::of(Some("a=b&lang=en")), Language::English);
        assert_eq!(Language::of(Some("lang=fr")), Language::Korean);
    }
}
