//! What the service manager is told, if there is one that listens (`NOTIFY_SOCKET`).

use std::{
    ffi::OsStr,
    fmt::Write,
    io,
    os::unix::net::{SocketAddr, UnixDatagram},
    time::Duration,
};

use sd_notify::NotifyState;

/// How long to wait for a manager that has much to read, as while a machine starts: what is said once must not be lost then.
const PATIENCE: Duration = Duration::from_secs(1);

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
    // It is said again soon.
    tell_within(None, &[NotifyState::Watchdog]);
}

/// How often it wants to hear that we are, if it does: twice as often as it would lose patience.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|patience| patience / 2).filter(|interval| !interval.is_zero())
}

fn tell(states: &[NotifyState<'_>]) {
    tell_within(Some(PATIENCE), states);
}

fn tell_within(patience: Option<Duration>, states: &[NotifyState<'_>]) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    match send(&socket, patience, states) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            tracing::warn!("the service manager reads nothing, and was not told");
        }
        Err(error) => tracing::warn!(%error, "cannot tell the service manager"),
    }
}

/// One datagram, or none: `sd_notify::notify` would wait without end until somebody has read the ones before, and the
/// supervisor with it. Without patience nothing is waited for.
fn send(socket: &OsStr, patience: Option<Duration>, states: &[NotifyState<'_>]) -> io::Result<()> {
    let mut message = String::new();
    for state in states {
        writeln!(message, "{state}").expect("writing to a string never fails");
    }
    let sender = UnixDatagram::unbound()?;
    sender.set_nonblocking(patience.is_none())?;
    sender.set_write_timeout(patience)?;
    sender.connect_addr(&address(socket)?)?;
    // A datagram goes whole or not at all.
    sender.send(message.as_bytes()).map(drop)
}

fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    // The abstract namespace has no files, and only Linux has one.
    #[cfg(target_os = "linux")]
    if let [b'@', name @ ..] = std::os::unix::ffi::OsStrExt::as_bytes(socket) {
        return <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name);
    }
    SocketAddr::from_pathname(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [NotifyState<'_>; 2] = [NotifyState::Ready, NotifyState::Status("well")];

    /// Says it until the manager's queue is full; how often that was.
    fn fill(socket: &OsStr) -> usize {
        let mut sent = 0;
        // The system bounds what waits to be read, by number and by size.
        let full = loop {
            match send(socket, None, &STATES) {
                Ok(()) => sent += 1,
                Err(error) => break error,
            }
            assert!(sent < 1_000_000, "nothing is ever full");
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        sent
    }

    fn expect_message(manager: &UnixDatagram) {
        let mut message = [0; 64];
        let length = manager.recv(&mut message).unwrap();
        assert_eq!(&message[..length], b"READY=1\nSTATUS=well\n");
    }

    #[test]
    fn who_reads_is_told_and_who_does_not_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let sent = fill(path.as_os_str());
        let soon = Some(Duration::from_millis(1));
        assert_eq!(send(path.as_os_str(), soon, &STATES).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        (0..sent).for_each(|_| expect_message(&manager));
        send(path.as_os_str(), soon, &STATES).unwrap();
    }

    #[test]
    fn who_reads_late_is_told_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let sent = fill(path.as_os_str());
        // Nothing is lost, whether the queue is still full by then or not.
        let reading = std::thread::spawn(move || (0..=sent).for_each(|_| expect_message(&manager)));
        send(path.as_os_str(), Some(Duration::from_mins(1)), &STATES).unwrap();
        reading.join().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_without_a_file_is_told_too() {
        use std::os::{linux::net::SocketAddrExt as _, unix::ffi::OsStrExt as _};

        let folder = tempfile::tempdir().unwrap();
        let name = [b"interlingua", folder.path().as_os_str().as_bytes()].concat();
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(OsStr::from_bytes(&[b"@", &name[..]].concat()), None, &STATES).unwrap();
        expect_message(&manager);
    }
}
