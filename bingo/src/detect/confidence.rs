//! How sure a finding is, by what it rests on: the one table of it, which
//! `docs/findings` and the reports print. In: a class. Out: its rules, the surest
//! first; of those that hold, the first counts.

use super::finding::{Class, Confidence};

/// What makes a finding so sure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// What is known.
    pub known: &'static str,
    /// How sure that is.
    pub confidence: Confidence,
}

/// What lowers each of them by one step but `proven`.
pub const DOUBT: &str = "Events that were lost, and an input that breaks off, lower it by one step, but for \
     what is proven; it says so.";

const fn rule(confidence: Confidence, known: &'static str) -> Rule {
    Rule { known, confidence }
}

impl Class {
    /// How sure a finding of this class is.
    #[must_use]
    pub fn rules(self) -> &'static [Rule] {
        use Confidence::{High, Low, Medium, Proven};
        match self {
            Class::Deadlock => {
                const {
                    &[
                        rule(
                            Proven,
                            "by their addresses, nothing outside can get at what they wait on, or that is locks which they surely hold themselves",
                        ),
                        rule(
                            Low,
                            "events of theirs were lost, or one came to wait while the process that runs was read, or by addresses it began less than 10 ms before the end",
                        ),
                        rule(
                            Medium,
                            "by the source nobody can end any of the waits, the last of which is younger than 10 ms",
                        ),
                        rule(High, "nobody who goes on is known to be able to end any of the waits"),
                        rule(Medium, "all who are known to use it are stuck; something else could get at it"),
                    ]
                }
            }
            Class::GoroutineLeak => {
                const {
                    &[
                        rule(
                            Low,
                            "by addresses, it waits in a loop for more, and the function that started it has not returned: a worker without work; or it is main, and waits for a WaitGroup that others who go on have at hand, or to be given what nobody else has while others go on, and the source does not tell that it is stuck; or what it waits for, which is no lock, comes with the end of one who goes on in a loop without one, or of one who waits so himself",
                        ),
                        rule(
                            Proven,
                            "it waits at a nil channel, or by addresses nothing can get at what it waits on, or that is a lock which is surely held by one who is proven to be stuck",
                        ),
                        rule(
                            Low,
                            "its events were lost, or it came to wait while the process that runs was read, or others did there and it has waited no longer than such a wait lasts, or it waits for less than 10 ms or for a small part of what was seen, and the source does not tell who could end that",
                        ),
                        rule(
                            Medium,
                            "by the source nobody who goes on can end the wait, which is younger than 10 ms",
                        ),
                        rule(High, "nobody who goes on is known to be able to end the wait"),
                        rule(Medium, "all who are known to use it are stuck; something else could get at it"),
                        rule(Medium, "of one picture alone: it waits to send or for a lock"),
                        rule(High, "it runs a test that waits long and has not returned"),
                        rule(Low, "others were woken there, though after a much shorter time"),
                        rule(High, "to send, for long or its maker is gone, and nobody was ever woken there"),
                        rule(Medium, "to send or for a lock, and nobody was ever woken there"),
                        rule(Medium, "made at one place by three or more that are gone"),
                        rule(
                            Medium,
                            "ever more are made at one place by those that are gone, and none of them ends, though each goes on",
                        ),
                        rule(
                            Low,
                            "any other: it may idle as it is meant to, or be one of ever more that who made them may yet end",
                        ),
                    ]
                }
            }
            Class::LongBlock => {
                const {
                    &[
                        rule(
                            Low,
                            "one goroutine alone still waits to send, and none of such waits has ended: it may make values for who asks",
                        ),
                        rule(
                            Low,
                            "fewer than one in a hundred of the waits there took that long, and none does now: the machine may have been busy with others, or the program stood still",
                        ),
                        rule(
                            Medium,
                            "a wait for a lock or to send took longer than --min-block, or does by now though who could end it goes on",
                        ),
                        rule(Low, "a wait for a WaitGroup or a Once did: that is what they are for"),
                    ]
                }
            }
            Class::LockOrder => {
                const {
                    &[rule(
                        Medium,
                        "both orders were seen, by goroutines that had to wait for the second lock",
                    )]
                }
            }
            Class::Starvation => {
                const {
                    &[
                        rule(Low, "events of the goroutine were lost"),
                        rule(Medium, "it waited long for its turns while others used up their time slices"),
                    ]
                }
            }
            Class::DataRace => const { &[rule(Proven, "the race detector saw it happen")] },
            Class::RaceHint => {
                const {
                    &[rule(
                        Low,
                        "goroutines that do both lived at once, and nothing in the source orders the two",
                    )]
                }
            }
        }
    }

    /// The same as a table in Markdown.
    #[must_use]
    pub fn rules_table(self) -> String {
        let row = |rule: &Rule| format!("| {} | {} |\n", rule.known, rule.confidence.as_str());
        let rows: String = self.rules().iter().map(row).collect();
        format!("| what is known (the first that holds counts) | confidence |\n|---|---|\n{rows}\n{DOUBT}\n")
    }
}
