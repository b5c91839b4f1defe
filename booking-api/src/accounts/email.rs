//! E-mail addresses, as far as they can be checked without sending a mail.

use shared::problem::Problem;

use crate::problems;

/// RFC 5321 allows no more.
const LONGEST: usize = 254;

/// An address that a mail could be sent to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Email(String);

impl Email {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let invalid = || problems::invalid_request("email", "An e-mail address is name@domain.");
        let (name, domain) = text.rsplit_once('@').ok_or_else(invalid)?;
        let is_good = !name.is_empty()
            && text.len() <= LONGEST
            && domain.split('.').all(|label| !label.is_empty())
            && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if is_good {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid())
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        for good in ["kim@example.com", " a+b@c.kr ", "\"odd@name\"@example.com"] {
            assert_eq!(
                Email::parse(good).map(|email| email.0),
                Ok(good.trim().to_owned())
            );
        }
        for bad in [
            "",
            "kim",
            "@example.com",
            "kim@",
            "kim@.com",
            "a b@c.d",
            &format!("{}@x.y", "a".repeat(251)),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }
}
