//! Which probes may be on: a state machine that keeps what they cost the target
//! within a budget.
//!
//! In: times and counts ([`Measurement`]). Out: which probes should be on, and
//! when to measure again ([`Orders`]). It reads no clock and touches no probe.
//!
//! The budget is a share of the target's own CPU time. The probes stand in an
//! order, from the one that is shed last to the one that is shed first:
//!
//! ```text
//!   exit  create │ park     ready         level 2: two are on for good,
//!   on    on     │ trials   off           the next one is tried in short bursts
//! ```
//!
//! What is spent is booked against what the target's CPU time has earned. A
//! trial begins when nothing is owed, and ends as soon as it costs more than is
//! left over; one that stays within the budget makes its probe stay on. So the
//! long-run share holds whatever the target does, and the rate of a probe that
//! is off is known from its last trial.

use std::collections::VecDeque;
use std::time::Duration;

use bingo_common::Kind;

use crate::model::Time;

/// Kinds that are governed.
pub(super) const KINDS: usize = 4;

/// From the probe that is shed last to the one that is shed first.
pub(super) const ORDER: [Kind; KINDS] = [Kind::Exit, Kind::Create, Kind::Park, Kind::Ready];

/// Time between two measurements.
const STEP: Duration = Duration::from_millis(50);
/// The same during a trial.
const TRIAL_STEP: Duration = Duration::from_millis(10);
/// How long a trial has to stay within the budget.
const TRIAL: Duration = Duration::from_millis(100);
/// Time between two trials, at least.
const TRIAL_PAUSE: Duration = Duration::from_millis(500);
/// A probe is put back when it would take at most this part of what is left.
const COMFORT: f64 = 0.7;
/// A target that uses less than this share of one CPU is taken to use that
/// much: a twentieth.
const IDLE_CPU: f64 = 0.05;
/// How fast an estimate follows what is measured.
const FOLLOW: Duration = Duration::from_millis(200);
/// From when on the achieved overhead is known.
const SECOND: Duration = Duration::from_secs(1);
/// Span over which the achieved overhead is averaged.
const SPAN: Duration = Duration::from_secs(10);

/// What was counted since the probes were attached; every field only grows.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Measurement {
    /// When.
    pub(super) now: Time,
    /// The target's CPU time, ours in it included, in ns.
    pub(super) cpu_ns: u64,
    /// Hits by [`Kind::index`].
    pub(super) hits: [u64; KINDS],
    /// Cost of traps that no program counted (while a probe was taken out), in ns.
    pub(super) uncounted_ns: u64,
}

/// What should be so until the next measurement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Orders {
    /// The probes that should be on, by [`Kind::index`].
    pub(super) on: [bool; KINDS],
    /// When to measure again.
    pub(super) next: Time,
}

/// The state machine.
#[derive(Clone, Debug)]
pub(super) struct Governor {
    /// Allowed cost by own CPU time.
    budget: f64,
    /// What a hit costs, in ns.
    hit_ns: f64,
    /// Probes of [`ORDER`] that are on for good.
    level: usize,
    trial: Option<Trial>,
    /// No trial before this.
    pause_until: Time,
    /// Earned less spent, in ns.
    balance_ns: f64,
    /// Share that each kind costs while it is on, as last known.
    shares: [f64; KINDS],
    began: Option<Time>,
    last: Option<Measurement>,
    spent: VecDeque<Spent>,
}

/// The probe after those that are on for good, for a while.
#[derive(Clone, Copy, Debug)]
struct Trial {
    began: Time,
    cost_ns: f64,
    own_ns: f64,
}

/// A step's cost and the own CPU time of the target in it.
#[derive(Clone, Copy, Debug)]
struct Spent {
    at: Time,
    cost_ns: f64,
    own_ns: f64,
}

impl Governor {
    /// One that allows `budget` (0.02: two in a hundred), where a hit costs
    /// `hit_ns`. At first exits and creations are on.
    pub(super) fn new(budget: f64, hit_ns: f64) -> Governor {
        Governor {
            budget,
            hit_ns,
            level: 2,
            trial: None,
            pause_until: Time(0),
            balance_ns: 0.0,
            shares: [0.0; KINDS],
            began: None,
            last: None,
            spent: VecDeque::new(),
        }
    }

    /// Takes in a measurement and says what should be so until the next one.
    pub(super) fn step(&mut self, measured: Measurement) -> Orders {
        self.began.get_or_insert(measured.now);
        if let Some(last) = self.last.replace(measured) {
            self.book(&last, &measured);
        }
        self.shed(measured.now);
        self.try_next(measured.now);
        Orders { on: self.on(), next: self.next(measured.now) }
    }

    /// The share that probes have cost of late; `None` in the first second, which
    /// one burst would be the most of.
    pub(super) fn achieved(&self) -> Option<f64> {
        if self.last?.now.since(self.began?) < SECOND {
            return None;
        }
        let cost: f64 = self.spent.iter().map(|spent| spent.cost_ns).sum();
        let own: f64 = self.spent.iter().map(|spent| spent.own_ns).sum();
        (own > 0.0).then(|| cost / own)
    }

    /// Probes that are on, by [`Kind::index`].
    fn on(&self) -> [bool; KINDS] {
        let mut on = [false; KINDS];
        let count = self.level + usize::from(self.trial.is_some());
        for kind in ORDER.iter().take(count) {
            if let Some(slot) = on.get_mut(kind.index()) {
                *slot = true;
            }
        }
        on
    }

    fn next(&self, now: Time) -> Time {
        let step = if self.trial.is_some() { TRIAL_STEP } else { STEP };
        later(now, step)
    }

    /// Books what was spent and earned between two measurements.
    fn book(&mut self, last: &Measurement, now: &Measurement) {
        let wall_ns = float(now.now.0.saturating_sub(last.now.0));
        let mut cost_ns = float(now.uncounted_ns.saturating_sub(last.uncounted_ns));
        let mut costs = [0.0; KINDS];
        for ((cost, new), old) in costs.iter_mut().zip(&now.hits).zip(&last.hits) {
            *cost = float(new.saturating_sub(*old)) * self.hit_ns;
            cost_ns += *cost;
        }
        let cpu_ns = float(now.cpu_ns.saturating_sub(last.cpu_ns));
        let own_ns = (cpu_ns - cost_ns).max(wall_ns * IDLE_CPU).max(1.0);
        let earned = self.budget * own_ns;
        // What the target earned in the last second can be saved, not more.
        let most = earned * 1e9 / wall_ns.max(1.0);
        self.balance_ns = (self.balance_ns + earned - cost_ns).min(most);
        self.estimate(&costs, own_ns, wall_ns);
        self.spent.push_back(Spent { at: now.now, cost_ns, own_ns });
        while self.spent.front().is_some_and(|first| now.now.since(first.at) > SPAN) {
            self.spent.pop_front();
        }
    }

    /// Follows the share of each probe that is on.
    fn estimate(&mut self, costs: &[f64; KINDS], own_ns: f64, wall_ns: f64) {
        let follow = 1.0 - (-wall_ns / float_of(FOLLOW)).exp();
        for (position, kind) in ORDER.iter().enumerate() {
            let (Some(cost), Some(share)) = (costs.get(kind.index()), self.shares.get_mut(kind.index()))
            else {
                continue;
            };
            if position < self.level {
                *share += follow * (cost / own_ns - *share);
            } else if position == self.level
                && let Some(trial) = &mut self.trial
            {
                trial.cost_ns += cost;
                trial.own_ns += own_ns;
                *share = trial.cost_ns / trial.own_ns;
            }
        }
    }

    /// Sheds what is over the budget.
    fn shed(&mut self, now: Time) {
        if self.balance_ns >= 0.0 {
            return;
        }
        while self.level > 0 && self.share_of_level() > self.budget {
            self.level -= 1;
            self.trial = None;
            self.pause_until = later(now, TRIAL_PAUSE);
        }
    }

    /// Begins, ends or crowns a trial.
    fn try_next(&mut self, now: Time) {
        let Some(kind) = ORDER.get(self.level) else { return };
        let left = self.budget - self.share_of_level();
        let Some(trial) = &self.trial else {
            if self.balance_ns >= 0.0 && now >= self.pause_until && left > 0.0 {
                self.trial = Some(Trial { began: now, cost_ns: 0.0, own_ns: 0.0 });
            }
            return;
        };
        let share = self.shares.get(kind.index()).copied().unwrap_or_default();
        if self.balance_ns < 0.0 && share > left {
            self.trial = None;
            self.pause_until = later(now, TRIAL_PAUSE);
        } else if now.since(trial.began) >= TRIAL && share <= left * COMFORT {
            self.level += 1;
            self.trial = None;
        }
    }

    /// What the probes that are on for good cost.
    fn share_of_level(&self) -> f64 {
        ORDER.iter().take(self.level).filter_map(|kind| self.shares.get(kind.index())).sum()
    }
}

fn later(time: Time, by: Duration) -> Time {
    Time(time.0.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}

/// Counts and nanoseconds stay far under 2^53.
#[expect(clippy::cast_precision_loss, reason = "far under 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

fn float_of(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive counts")]
mod tests {
    use super::*;

    const HIT_NS: f64 = 1000.0;

    /// A target: CPUs that it keeps busy, and hits of (park, ready, create) per
    /// second of its own CPU time.
    #[derive(Clone, Copy)]
    struct Phase {
        seconds: f64,
        cpus: f64,
        per_cpu_second: [f64; 3],
    }

    const IDLE: [f64; 3] = [0.0; 3];
    const PINGPONG: [f64; 3] = [1e6, 1e6, 0.0];

    /// Plays the phases and draws them, a sign a quarter of a second: the number
    /// of probes on for good. Checks the picture, and answers what the last
    /// phase's second half cost as a share.
    fn check(budget: f64, phases: &[Phase], expect: &str) -> f64 {
        let mut governor = Governor::new(budget, HIT_NS);
        let (mut now, mut cpu, mut hits) = (0.0_f64, 0.0_f64, [0.0_f64; KINDS]);
        let mut drawn = String::new();
        let (mut cost, mut own) = (0.0, 0.0);
        for (index, phase) in phases.iter().enumerate() {
            let began = now;
            while now - began < phase.seconds {
                let measurement = Measurement {
                    now: Time((now * 1e9) as u64),
                    cpu_ns: (cpu * 1e9) as u64,
                    hits: hits.map(|hits| hits as u64),
                    uncounted_ns: 0,
                };
                let orders = governor.step(measurement);
                let wall = (orders.next.0 - measurement.now.0) as f64 / 1e9;
                // Probes slow the target: its own work gets what they leave.
                let [park, ready, create] = phase.per_cpu_second;
                let rates = [park, ready, create, 0.0];
                let per_own: f64 = (0..KINDS).filter(|&kind| orders.on[kind]).map(|kind| rates[kind]).sum();
                let share = per_own * HIT_NS / 1e9;
                let own_now = wall * phase.cpus / (1.0 + share);
                for kind in 0..KINDS {
                    if orders.on[kind] {
                        hits[kind] += rates[kind] * own_now;
                    }
                }
                cpu += own_now * (1.0 + share);
                if index + 1 == phases.len() && now - began > phase.seconds / 2.0 {
                    cost += own_now * share;
                    own += own_now;
                }
                if (now * 4.0) as u64 != ((now + wall) * 4.0) as u64 {
                    drawn.push_str(&governor.level.to_string());
                }
                now += wall;
            }
        }
        assert_eq!(drawn.get(..expect.len()), Some(expect), "all of it: {drawn}");
        if own > 0.0 { cost / own } else { 0.0 }
    }

    #[test]
    fn an_idle_target_gets_all_probes() {
        check(0.02, &[Phase { seconds: 3.0, cpus: 0.0, per_cpu_second: IDLE }], "3444");
    }

    #[test]
    fn a_few_parks_in_much_work_get_all_probes() {
        let phase = Phase { seconds: 3.0, cpus: 2.0, per_cpu_second: [2000.0, 2000.0, 10.0] };
        let share = check(0.02, &[phase], "3444");
        assert!((0.0039..0.0041).contains(&share), "{share}");
    }

    #[test]
    fn where_both_are_too_much_ready_goes_first() {
        let phase = Phase { seconds: 6.0, cpus: 2.0, per_cpu_second: [12e3, 12e3, 0.0] };
        let share = check(0.02, &[phase], "3333");
        assert!((0.012..0.0205).contains(&share), "{share}");
    }

    #[test]
    fn ping_pong_gets_bursts_within_the_budget() {
        let phase = Phase { seconds: 20.0, cpus: 2.0, per_cpu_second: PINGPONG };
        let share = check(0.02, &[phase], "22222222");
        assert!((0.005..0.021).contains(&share), "{share}");
    }

    #[test]
    fn a_flood_of_goroutines_sheds_all() {
        let phase = Phase { seconds: 20.0, cpus: 2.0, per_cpu_second: [1e6, 1e6, 1e6] };
        let share = check(0.02, &[phase], "1111");
        assert!(share < 0.021, "{share}");
    }

    #[test]
    fn probes_come_back_when_the_rate_falls() {
        check(
            0.02,
            &[
                Phase { seconds: 1.0, cpus: 2.0, per_cpu_second: PINGPONG },
                Phase { seconds: 3.0, cpus: 2.0, per_cpu_second: [100.0, 100.0, 0.0] },
            ],
            "22223444",
        );
    }

    #[test]
    fn probes_go_when_the_rate_rises() {
        check(
            0.02,
            &[
                Phase { seconds: 2.0, cpus: 0.0, per_cpu_second: IDLE },
                Phase { seconds: 2.0, cpus: 2.0, per_cpu_second: PINGPONG },
            ],
            "344444442222",
        );
    }

    #[test]
    fn what_no_program_counted_is_spent_too() {
        let mut governor = Governor::new(0.02, HIT_NS);
        governor.step(Measurement::default());
        let second = Measurement {
            now: Time(1_000_000_000),
            cpu_ns: 1_000_000_000,
            uncounted_ns: 10_000_000,
            ..Measurement::default()
        };
        governor.step(second);
        let achieved = governor.achieved().unwrap();
        assert!((achieved - 0.01 / 0.99).abs() < 1e-9, "{achieved}");
    }
}
