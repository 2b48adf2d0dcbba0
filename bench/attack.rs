//! Attacks an address for a while with many connections, those that are shut out coming again. Each takes a step once in the
//! pace that is given, all of them evenly spread over it.
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

use attackers::{Crowd, Kind, PARTS, Request};

/// How many of those that were shut out come again at most at a time, with [`PARTS`] of those in a pace. All at once would be a flood
/// of connections, whatever else they do.
const COME_AGAIN: usize = 2;

/// How many come at a time, and how long it is to those that come next.
const COME: usize = 10;
const MOMENT: Duration = Duration::from_millis(10);

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
    while crowd.opened < count {
        crowd.fill(count.min(crowd.opened + COME))?;
        thread::sleep(MOMENT);
    }
    writeln!(io::stdout(), "ready")?;
    io::stdout().flush()?;
    let (begun, mut moment, mut taken) = (Instant::now(), 0_u32, 0_u32);
    while begun.elapsed() < length {
        // Whoever comes from all over the world does not step at one moment.
        let connected = crowd.step_of_part(moment);
        taken += 1;
        crowd.fill(count.min(connected + COME_AGAIN))?;
        // What was missed is not made up for: it would be a flood at the end, and no attack before.
        moment = (moment + 1).max(u32::try_from(begun.elapsed().as_nanos() / (pace / PARTS).as_nanos())?);
        thread::sleep((pace * moment / PARTS).saturating_sub(begun.elapsed()));
    }
    let figures = json!({ "opened": crowd.opened, "shut_out": crowd.shut_out, "steps": taken / PARTS });
    writeln!(io::stdout(), "figures {figures}")?;
    Ok(())
}
