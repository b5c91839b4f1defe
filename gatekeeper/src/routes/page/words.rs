//! What the pages say, in Korean and English.

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Korean,
    English,
}

/// The words of one language. `{n}` stands for a figure.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) sign_in: &'static str,
    pub(crate) position: &'static str,
    pub(crate) wait: &'static str,
    pub(crate) no_estimate: &'static str,
    pub(crate) keep: &'static str,
    pub(crate) admitted: &'static str,
    pub(crate) go: &'static str,
    pub(crate) over: &'static str,
}

impl Language {
    /// By `lang=` of a query; Korean unless English is asked for.
    pub(crate) fn of(query: Option<&str>) -> Self {
        let mut pairs = query
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        if pairs.any(|pair| pair == ("lang", "en")) {
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
    wait: "예상 대기 시간: 약 {n}초",
    no_estimate: "지금은 입장이 멈춰 있습니다. 순서는 그대로 유지됩니다.",
    keep: "이 페이지는 자동으로 새로 고쳐집니다.",
    admitted: "입장할 차례입니다.",
    go: "예매하러 가기",
    over: "이 순서는 끝났습니다. 다시 들어가면 새 번호를 받습니다.",
};

static ENGLISH: Words = Words {
    title: "Waiting room",
    enter: "Enter the line",
    sign_in: "Sign in first, then enter the line.",
    position: "Your position: {n}",
    wait: "Expected wait: about {n} seconds",
    no_estimate: "Nobody is being let in at present. You keep your place.",
    keep: "This page refreshes itself.",
    admitted: "It is your turn.",
    go: "Go to the seats",
    over: "This place is over. Entering again gives a new number.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_korean_unless_english_is_asked_for() {
        assert_eq!(Language::of(None), Language::Korean);
        assert_eq!(Language::of(Some("lang=en")), Language::English);
        assert_eq!(Language::of(Some("a=b&lang=en")), Language::English);
        assert_eq!(Language::of(Some("lang=fr")), Language::Korean);
    }
}
