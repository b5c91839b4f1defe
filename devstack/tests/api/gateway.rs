//! The simulated payment gateway, over HTTP.

mod faults;
mod ledger;
mod payments;
mod till;
