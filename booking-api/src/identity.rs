//! Who asks: the user of a user token, and the visitor of an admission token.

mod admission;
mod cookies;
mod organiser;
mod same_origin;
mod user;
mod verified;

pub(crate) use self::admission::Admission;
pub(crate) use self::cookies::{Cookies, Sealed};
pub(crate) use self::organiser::Organiser;
pub(crate) use self::user::User;
pub(crate) use self::verified::Verifiers;
