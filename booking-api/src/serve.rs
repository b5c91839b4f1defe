//! `booking-api serve`: the public port and the admin port, from start to drained end.

use hyper_util::service::TowerToHyperService;
use metrics::gauge;
use shared::readiness::Readiness;
use shared::server::{self, Limits};
use shared::shutdown::Shutdown;
use tokio::net::TcpListener;
use tracing::info;

use crate::app::SharedApp;
use crate::http::router;

/// Serves until the soft shutdown, then finishes what has begun.
pub fn serve(app: &SharedApp, listener: TcpListener, readiness: &Readiness, shutdown: &Shutdown) {
    let limits = Limits::from(&app.settings.server);
    let router = router(app.clone());
    let make_service = move |_peer| TowerToHyperService::new(router.clone());
    let on_count = |connections: usize| {
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        gauge!("onsale_booking_connections").set(connections);
    };
    if let Ok(address) = listener.local_addr() {
        info!(%address, "serving");
    }
    readiness.latch("serving").set(true);
    shutdown.spawn(
        "booking port",
        server::serve(listener, limits, shutdown.clone(), make_service, on_count),
    );
}
