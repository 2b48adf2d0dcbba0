//! Attacks an address for a while with many connections, those that are shut out coming again.
//!
//! ```sh
//! attack ADDRESS KIND COUNT SECONDS PACE_MS TARGET HEADERS    # HEADERS are lines of `name: value`
//! ```

use std::{
    env,
    error::Error,
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

#[allow(dead_code, reason = "the test of attacks uses the rest")]
mod attackers;

use attackers::{Crowd, Kind, Request};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, kind, count, seconds, pace, target, headers] = arguments.as_slice() else {
        return Err("usage: attack ADDRESS KIND COUNT SECONDS PACE_MS TARGET HEADERS".into());
    };
    let kind = Kind::ALL.iter().find(|(name, _)| name == kind).ok_or("there is no such kind")?.1;
    let count: usize = count.parse()?;
    let (length, pace) = (Duration::from_secs_f64(seconds.parse()?), Duration::from_millis(pace.parse()?));
    let headers = headers.lines().flat_map(|line| [line, "\r\n"]).collect();
    let mut crowd = Crowd::new(address.parse()?, kind, Request { target: target.clone(), headers });
    crowd.fill(count)?;
    writeln!(io::stdout(), "ready")?;
    io::stdout().flush()?;
    let (begun, mut steps) = (Instant::now(), 0_u32);
    while begun.elapsed() < length {
        let connected = crowd.step();
        steps += 1;
        if connected < count {
            crowd.fill(count)?;
        }
        thread::sleep((pace * steps).saturating_sub(begun.elapsed()));
    }
    let figures = json!({ "opened": crowd.opened, "shut_out": crowd.shut_out, "steps": steps });
    writeln!(io::stdout(), "figures {figures}")?;
    Ok(())
}
