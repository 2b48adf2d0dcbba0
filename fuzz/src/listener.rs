//! Where the backend of a target listens: in one place for all inputs that a thread tries.
//!
//! With a listener for each input, the system would soon have no port left. That of a connection that was closed is given to
//! no other listener for a minute, and the fewer are left, the longer one is looked for.

use std::net::TcpListener as Bound;

use http::Uri;
use tokio::net::TcpListener;

thread_local! {
    /// One for each thread, for `cargo test` has several targets at a time.
    static BOUND: Bound = {
        let listener = Bound::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("it is a socket");
        listener
    };
}

/// The listener of this thread, in the runtime that asks for it, and the base address of who answers there. Nobody waits to be
/// accepted: connections that earlier inputs have left are closed.
pub(super) fn of_this_thread() -> (TcpListener, Uri) {
    BOUND.with(|bound| {
        while bound.accept().is_ok() {}
        let base = format!("http://{}", bound.local_addr().expect("it has an address"));
        let listener = bound.try_clone().and_then(TcpListener::from_std).expect("a runtime with sockets");
        (listener, Uri::try_from(base).expect("an address"))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn each_input_has_the_same_address_and_nobody_else_s_connections() {
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        let connect = |base: &Uri| TcpStream::connect(base.authority().unwrap().as_str()).unwrap();
        runtime.block_on(async {
            let (_listener, base) = of_this_thread();
            let _left = connect(&base);
            let (listener, again) = of_this_thread();
            assert_eq!(again, base);
            let own = connect(&again);
            let (_stream, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, own.local_addr().unwrap());
        });
    }
}
