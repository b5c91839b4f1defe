//! Ports of the services: those of the documentation where they are free, others where not.

use devstack::ports::{self, NoFreePort};
use serde::{Deserialize, Serialize};

use crate::say::say;

/// Which ports a new site takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    /// Those of the documentation, where they are free.
    Usual,
    /// Any, so that several sites can be started at once.
    Any,
}

/// The port of each service on 127.0.0.1.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Addresses {
    pub(crate) gatekeeper: u16,
    pub(crate) gatekeeper_admin: u16,
    pub(crate) booking: u16,
    pub(crate) booking_admin: u16,
    pub(crate) admitter_admin: u16,
    pub(crate) gateway: u16,
}

impl Addresses {
    /// Chooses the ports, and says which ones are not the usual ones.
    pub(super) fn choose(ports: Ports) -> Result<Self, NoFreePort> {
        Ok(Self {
            gatekeeper: ports.choose("gatekeeper", 8080)?,
            gatekeeper_admin: ports.choose("gatekeeper's admin port", 9080)?,
            booking: ports.choose("booking-api", 8081)?,
            booking_admin: ports.choose("booking-api's admin port", 9081)?,
            admitter_admin: ports.choose("admitter's admin port", 9082)?,
            gateway: ports.choose("payment gateway", 8090)?,
        })
    }

    pub(crate) fn gatekeeper(&self) -> String {
        http(self.gatekeeper)
    }

    pub(crate) fn gatekeeper_admin(&self) -> String {
        http(self.gatekeeper_admin)
    }

    pub(crate) fn booking_api(&self) -> String {
        http(self.booking)
    }

    pub(crate) fn booking_admin(&self) -> String {
        http(self.booking_admin)
    }

    pub(crate) fn admitter_admin(&self) -> String {
        http(self.admitter_admin)
    }

    pub(crate) fn gateway(&self) -> String {
        http(self.gateway)
    }
}

/// What a service is told to listen on.
pub(super) fn listen(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

fn http(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

impl Ports {
    fn choose(self, who: &str, usual: u16) -> Result<u16, NoFreePort> {
        if self == Self::Any {
            return ports::free();
        }
        let port = ports::preferred_or_free(usual)?;
        if port != usual {
            say(&format!(
                "Port {usual} is taken by another program: {who} listens on {port}."
            ));
        }
        Ok(port)
    }
}
