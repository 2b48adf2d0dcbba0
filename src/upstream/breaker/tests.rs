//! What is true of a breaker whatever happens to it.

use std::collections::VecDeque;

use proptest::prelude::*;
use tokio::{
    runtime::Builder,
    time::{advance, pause},
};

use super::{machine::PROBE_PATIENCE, *};

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Somebody wants to make a call.
    Ask,
    /// One of the calls under way ends.
    End(usize, Verdict),
    Wait(Duration),
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![3 => Just(Verdict::Failed), 1 => Just(Verdict::Neither), 3 => Just(Verdict::Succeeded)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Ask),
        4 => (any::<prop::sample::Index>(), verdict()).prop_map(|(at, verdict)| Step::End(at.index(1 << 16), verdict)),
        1 => (0_u64..4000).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
    ];
    prop::collection::vec(step, 0..300)
}

fn config() -> impl Strategy<Value = Config> {
    (1..=40_u32, 1..=20_u32, 1..=100_u32, 500_u64..5000, 1_u64..5000, 1..=5_u32).prop_map(
        |(window_calls, calls_min, failure_percent, forget, open, probes)| Config {
            window_calls,
            calls_min,
            failure_percent,
            forget_after: Duration::from_millis(forget),
            open_for: Duration::from_millis(open),
            probes,
        },
    )
}

/// A machine, the calls under way and what somebody who only watches knows of it.
struct Watched {
    machine: Machine,
    now: Instant,
    under_way: Vec<u64>,
    /// How many calls ended since it was last closed, and how many of them failed.
    ended: u32,
    failed: u32,
    /// Which of the last calls failed, while it is closed, and when one last did.
    last: VecDeque<bool>,
    failed_last: Option<Instant>,
    /// Of the probes of this round: how many said something, and when those went through that may, and are not late.
    said: u32,
    in_time: VecDeque<Instant>,
    opened: Option<Instant>,
}

impl Watched {
    fn new(config: &Config) -> Watched {
        let machine = Machine::new(config.clone());
        let now = Instant::now();
        Watched {
            machine,
            now,
            under_way: Vec::new(),
            ended: 0,
            failed: 0,
            last: VecDeque::new(),
            failed_last: None,
            said: 0,
            in_time: VecDeque::new(),
            opened: None,
        }
    }

    fn ask(&mut self, config: &Config) -> bool {
        let before = self.machine.state();
        let refusal = self.machine.refusal(self.now);
        let admitted = self.machine.admit(self.now);
        assert_eq!(admitted.err(), refusal, "it says before what it does");
        let is_over = self.opened.is_some_and(|since| self.now - since >= config.open_for);
        match before {
            State::Closed => assert!(admitted.is_ok(), "a closed one lets everything through"),
            State::Open if !is_over => assert!(admitted.is_err(), "an open one lets nothing through"),
            State::Open => {
                assert!(admitted.is_ok(), "the first probe goes through");
                self.in_time = [self.now].into();
            }
            State::HalfOpen => {
                self.in_time.retain(|begun| self.now - *begun < PROBE_PATIENCE);
                let probes = self.said as usize + self.in_time.len();
                let may = probes < config.probes as usize;
                assert_eq!(admitted.is_ok(), may, "so many probes and no more, but for late ones");
                self.in_time.extend(may.then_some(self.now));
            }
        }
        let is_admitted = admitted.is_ok();
        self.under_way.extend(admitted.ok());
        is_admitted
    }

    fn end(&mut self, at: usize, verdict: Verdict, config: &Config) {
        if self.under_way.is_empty() {
            return;
        }
        let of = self.under_way.swap_remove(at % self.under_way.len());
        let (before, is_present) = (self.machine.state(), of == self.machine.epoch());
        if is_present && verdict != Verdict::Neither {
            self.ended += 1;
            self.failed += u32::from(verdict == Verdict::Failed);
        }
        if is_present && before == State::HalfOpen {
            self.said += u32::from(verdict != Verdict::Neither);
            self.in_time.pop_front();
        }
        self.machine.end(of, verdict, self.now);
        let after = self.machine.state();
        if is_present && before == State::Closed && verdict != Verdict::Neither {
            let must_open = self.looked_at(verdict == Verdict::Failed, config);
            assert_eq!(after == State::Open, must_open, "when so many of so many failed, and only then");
        }
        assert!(is_present || before == after, "what was begun before a change changes nothing");
        match (before, after) {
            (State::Closed, State::Open) => {
                assert!(self.ended >= config.calls_min, "never below the least number of calls");
                assert!(self.failed > 0 && verdict == Verdict::Failed);
            }
            (State::HalfOpen, State::Open) => {
                assert!(self.failed * 100 >= config.failure_percent * config.probes);
                assert_eq!(verdict, Verdict::Failed);
            }
            (State::HalfOpen, State::Closed) => {
                assert_eq!(self.ended, config.probes, "all probes have ended");
                assert!(self.failed * 100 < config.failure_percent * config.probes);
            }
            (before, after) => assert_eq!(before, after, "there is no other way"),
        }
        if before != after {
            (self.ended, self.failed, self.said) = (0, 0, 0);
            self.in_time.clear();
            (self.last, self.failed_last) = (VecDeque::new(), None);
            self.opened = (after == State::Open).then_some(self.now);
        }
    }
}

impl Watched {
    /// Notes how one more call ended; whether too many of the last have failed.
    fn looked_at(&mut self, is_failure: bool, config: &Config) -> bool {
        if is_failure {
            if self.failed_last.is_some_and(|last| self.now - last >= config.forget_after) {
                self.last.clear();
            }
            self.failed_last = Some(self.now);
        }
        self.last.push_back(is_failure);
        let calls = config.window_calls as usize;
        self.last.drain(..self.last.len().saturating_sub(calls));
        let failures = self.last.iter().filter(|is_failure| **is_failure).count();
        is_failure
            && self.last.len() >= config.calls_min as usize
            && failures * 100 >= config.failure_percent as usize * self.last.len()
    }
}

proptest! {
    #[test]
    fn it_opens_probes_and_closes_as_it_says(config in config(), steps in steps()) {
        let mut watched = Watched::new(&config);
        for step in steps {
            match step {
                Step::Ask => drop(watched.ask(&config)),
                Step::End(at, verdict) => watched.end(at, verdict, &config),
                Step::Wait(time) => watched.now += time,
            }
        }
        // Whatever has happened: once its time is over, as many good probes as it wants close it.
        while !watched.under_way.is_empty() {
            watched.end(0, Verdict::Neither, &config);
        }
        watched.now += config.open_for;
        if watched.machine.state() != State::Closed {
            for _ in 0..config.probes {
                if watched.machine.state() == State::Closed {
                    break;
                }
                prop_assert!(watched.ask(&config));
                watched.end(0, Verdict::Succeeded, &config);
            }
        }
        prop_assert_eq!(watched.machine.state(), State::Closed);
    }

    /// What is left out of the lock changes nothing.
    #[test]
    fn the_breaker_of_a_worker_does_what_the_machine_does(config in config(), steps in steps()) {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            pause();
            let (breaker, mut machine) = (Breaker::new(config.clone()), Machine::new(config));
            let mut under_way: Vec<(Pass, u64)> = Vec::new();
            for step in steps {
                let before = machine.state();
                let told = match step {
                    Step::Ask => {
                        assert_eq!(breaker.refusal(), machine.refusal(Instant::now()));
                        let (admitted, told) = breaker.admit();
                        let expected = machine.admit(Instant::now());
                        assert_eq!(admitted.map(|Pass(of)| of), expected);
                        under_way.extend(admitted.ok().zip(expected.ok()));
                        told
                    }
                    Step::End(at, verdict) if !under_way.is_empty() => {
                        let (pass, of) = under_way.swap_remove(at % under_way.len());
                        machine.end(of, verdict, Instant::now());
                        breaker.end(pass, verdict)
                    }
                    Step::End(..) => None,
                    Step::Wait(time) => {
                        advance(time).await;
                        None
                    }
                };
                assert_eq!(breaker.state(), machine.state());
                let to = machine.state();
                assert_eq!(told, (before != to).then_some(Change { from: before, to }));
            }
        });
    }
}

fn failing(config: Config, calls: u32) -> Machine {
    let mut machine = Machine::new(config);
    for _ in 0..calls {
        let now = Instant::now();
        if let Ok(of) = machine.admit(now) {
            machine.end(of, Verdict::Failed, now);
        }
    }
    machine
}

#[test]
fn a_backend_that_is_gone_opens_it_with_the_least_number_of_calls() {
    assert_eq!(failing(Config::default(), 19).state(), State::Closed);
    assert_eq!(failing(Config::default(), 20).state(), State::Open);
}

#[test]
fn half_of_the_last_hundred_have_to_fail() {
    let now = Instant::now();
    let mut machine = Machine::new(Config::default());
    machine.succeeded(1_000_000);
    for _ in 0..49 {
        machine.end(machine.epoch(), Verdict::Failed, now);
    }
    assert_eq!(machine.state(), State::Closed);
    machine.end(machine.epoch(), Verdict::Failed, now);
    assert_eq!(machine.state(), State::Open);
}

#[test]
fn failures_that_are_long_past_are_forgotten() {
    let mut now = Instant::now();
    let mut machine = Machine::new(Config::default());
    for _ in 0..100 {
        machine.end(machine.epoch(), Verdict::Failed, now);
        now += Duration::from_secs(30);
    }
    assert_eq!(machine.state(), State::Closed);
}

#[test]
fn a_probe_that_takes_long_does_not_keep_others_out_and_still_counts() {
    let config = Config::default();
    let mut machine = failing(config.clone(), 20);
    let now = Instant::now() + config.open_for;
    let admit = |machine: &mut Machine, now| machine.admit(now).is_ok();
    assert_eq!([(); 4].map(|()| admit(&mut machine, now)), [true, true, true, false]);
    let later = now + PROBE_PATIENCE;
    assert!(!admit(&mut machine, later - Duration::from_millis(1)));
    assert_eq!([(); 4].map(|()| admit(&mut machine, later)), [true, true, true, false]);
    let epoch = machine.epoch();
    // Whether the late ones or the others: two of three have to be good.
    machine.end(epoch, Verdict::Failed, later);
    machine.end(epoch, Verdict::Succeeded, later);
    assert_eq!(machine.state(), State::HalfOpen);
    machine.end(epoch, Verdict::Succeeded, later);
    assert_eq!(machine.state(), State::Closed);
}
