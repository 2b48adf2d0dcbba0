//! Listening sockets that the program was started with, as systemd's socket activation hands them over.
//!
//! The service manager binds the sockets, keeps them while one process ends and the next one starts, and says in the
//! environment how many there are (`LISTEN_FDS`), for whom (`LISTEN_PID`) and what they are called
//! (`LISTEN_FDNAMES`). A socket is used by the listener that is configured for its address; one called `admin` by the
//! admin listener, whatever address that has.

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
    process,
};

use listenfd::ListenFd;
use socket2::SockRef;

/// What the admin listener's socket is called.
const ADMIN: &str = "admin";

/// The number of the first one.
const FIRST: usize = 3;

/// The sockets that nobody has taken yet.
#[derive(Debug, Default)]
pub struct Inherited(Vec<Socket>);

#[derive(Debug)]
struct Socket {
    name: String,
    address: SocketAddr,
    listener: TcpListener,
}

/// Why the sockets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// It is no TCP socket, or does not listen.
    #[error("socket {number} that was passed to the program is no listening TCP socket")]
    Kind {
        /// Its number.
        number: usize,
        /// What the system said, if it did.
        source: Option<io::Error>,
    },
    /// It is called `admin`, and there is no admin listener.
    #[error("a socket called `admin` was passed to the program, but the admin listener is switched off")]
    NoAdmin,
    /// Nothing is configured for it.
    #[error(
        "a socket for {address} was passed to the program, but no listener has that address; name it `admin`, or \
         configure a `[[server.listener]]` with it"
    )]
    Unused {
        /// Where it listens.
        address: SocketAddr,
    },
}

impl Inherited {
    /// The sockets that the environment speaks of, if it speaks to this process.
    ///
    /// To be called once, before there is a second thread: it takes the variables out of the environment.
    pub fn from_environment() -> Result<Inherited, InheritedError> {
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let is_ours = env::var("LISTEN_PID").is_ok_and(|pid| pid == process::id().to_string());
        if !is_ours {
            return Ok(Inherited::default());
        }
        let mut given = ListenFd::from_env();
        let mut names = names.split(':');
        let mut sockets = Vec::with_capacity(given.len());
        for at in 0..given.len() {
            let refused = |source| InheritedError::Kind { number: FIRST + at, source };
            let name = names.next().unwrap_or_default().to_owned();
            let listener = given.take_tcp_listener(at).map_err(|error| refused(Some(error)))?;
            let listener = listener.ok_or_else(|| refused(None))?;
            if !SockRef::from(&listener).is_listener().map_err(|error| refused(Some(error)))? {
                return Err(refused(None));
            }
            let address = listener.local_addr().map_err(|error| refused(Some(error)))?;
            sockets.push(Socket { name, address, listener });
        }
        Ok(Inherited(sockets))
    }

    /// The socket for that address.
    pub(super) fn take(&mut self, address: SocketAddr) -> Option<TcpListener> {
        self.take_where(|socket| socket.name != ADMIN && socket.address == address)
    }

    /// The socket called `admin`, or the one for that address, with its own address.
    pub fn take_admin(&mut self, address: SocketAddr) -> Option<(SocketAddr, Inherited)> {
        let found = self.0.iter().position(|socket| socket.name == ADMIN);
        let found = found.or_else(|| self.0.iter().position(|socket| socket.address == address))?;
        let socket = Socket { name: String::new(), ..self.0.remove(found) };
        Some((socket.address, Inherited(vec![socket])))
    }

    /// Whether all were taken: one that is left would have connections that nobody serves.
    pub fn finish(self) -> Result<(), InheritedError> {
        match self.0.first() {
            None => Ok(()),
            Some(socket) if socket.name == ADMIN => Err(InheritedError::NoAdmin),
            Some(socket) => Err(InheritedError::Unused { address: socket.address }),
        }
    }

    fn take_where(&mut self, is_it: impl Fn(&Socket) -> bool) -> Option<TcpListener> {
        let found = self.0.iter().position(is_it)?;
        Some(self.0.remove(found).listener)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inherited(names: &[&str]) -> (Inherited, Vec<SocketAddr>) {
        let sockets = names.iter().map(|name| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            Socket { name: (*name).to_owned(), address: listener.local_addr().unwrap(), listener }
        });
        let sockets: Vec<_> = sockets.collect();
        let addresses = sockets.iter().map(|socket| socket.address).collect();
        (Inherited(sockets), addresses)
    }

    #[test]
    fn a_socket_is_taken_by_its_address_and_only_once() {
        let (mut given, addresses) = inherited(&["a", "", "admin"]);
        assert!(given.take(addresses[1]).is_some());
        assert!(given.take(addresses[1]).is_none());
        assert!(given.take(addresses[2]).is_none(), "that one is not for clients");
        assert!(given.take(addresses[0]).is_some());
        let elsewhere = ([127, 0, 0, 1], 9464).into();
        assert_eq!(given.take_admin(elsewhere).unwrap().0, addresses[2]);
        assert!(given.finish().is_ok());
    }

    #[test]
    fn without_a_name_the_admin_listener_has_the_socket_of_its_address() {
        let (mut given, addresses) = inherited(&["unknown", "unknown"]);
        assert!(given.take_admin(([127, 0, 0, 1], 9464).into()).is_none());
        let (address, mut one) = given.take_admin(addresses[1]).unwrap();
        assert_eq!(address, addresses[1]);
        assert!(one.take(address).is_some());
    }

    #[test]
    fn a_socket_that_nobody_serves_keeps_the_program_from_starting() {
        let (given, addresses) = inherited(&["web"]);
        let error = given.finish().unwrap_err();
        assert!(error.to_string().contains(&addresses[0].to_string()), "{error}");
        let error = inherited(&["admin"]).0.finish().unwrap_err();
        assert!(error.to_string().contains("switched off"), "{error}");
    }

    #[test]
    fn an_environment_for_another_process_is_none_of_ours() {
        // Nothing sets the variables for this process.
        assert!(Inherited::from_environment().unwrap().0.is_empty());
    }
}
