//! What the service manager is told, if there is one that listens (`NOTIFY_SOCKET`).

use std::time::Duration;

use sd_notify::NotifyState;

/// Serving, and what there is to say about it.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Reading the files anew; [`ready`] follows, whatever comes of it.
pub(super) fn reloading() {
    // Without the moment, the manager takes the message for one of an older protocol, and waits for ever.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "cannot tell the service manager of a reload"),
    }
}

/// About to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("leaving: finishing what is in flight")]);
}

/// Alive.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often it wants to hear that we are, if it does: twice as often as it would lose patience.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|patience| patience / 2).filter(|interval| !interval.is_zero())
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}
