//! What a query says. Tokens never travel in one, and what is not known is ignored.

/// Whether the page that polls says that nobody sees it: browsers wake hidden pages once a minute.
pub fn is_hidden(query: Option<&str>) -> bool {
    pairs(query).any(|pair| pair == ("hidden", "true"))
}

/// The pairs of a query, as they are written: nothing that we know needs an escape.
pub fn pairs(query: Option<&str>) -> impl Iterator<Item = (&str, &str)> {
    query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_that_says_so_is_hidden() {
        assert!(is_hidden(Some("hidden=true")));
        assert!(is_hidden(Some("a=b&hidden=true&c")));
        for query in [
            None,
            Some(""),
            Some("hidden"),
            Some("hidden=false"),
            Some("xhidden=true"),
        ] {
            assert!(!is_hidden(query), "{query:?}");
        }
    }
}
