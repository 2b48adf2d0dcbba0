//! What the service manager is told, if there is one that listens (`NOTIFY_SOCKET`).

use std::{ffi::OsStr, fmt::Write, io, os::unix::net::UnixDatagram, time::Duration};

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
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    match send(&socket, states) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            tracing::warn!("the service manager reads nothing, and was not told");
        }
        Err(error) => tracing::warn!(%error, "cannot tell the service manager"),
    }
}

/// One datagram, or none: `sd_notify::notify` would wait until somebody has read the ones before, and the supervisor with it.
fn send(socket: &OsStr, states: &[NotifyState<'_>]) -> io::Result<()> {
    let mut message = String::new();
    for state in states {
        writeln!(message, "{state}").expect("writing to a string never fails");
    }
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(true)?;
    sender.connect(socket)?;
    // A datagram goes whole or not at all.
    sender.send(message.as_bytes()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_is_told_and_who_does_not_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let states = [NotifyState::Ready, NotifyState::Status("well")];
        let mut sent = 0;
        // The system bounds what waits to be read, by number and by size.
        let full = loop {
            match send(path.as_os_str(), &states) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
            assert!(sent < 1_000_000, "nothing is ever full");
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        let mut message = [0; 64];
        for _ in 0..sent {
            let length = manager.recv(&mut message).unwrap();
            assert_eq!(&message[..length], b"READY=1\nSTATUS=well\n");
        }
        send(path.as_os_str(), &states).unwrap();
    }
}
