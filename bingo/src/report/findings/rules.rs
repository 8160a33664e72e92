//! What is told of each class of finding, whichever they are: the page of
//! `docs/findings`. Out: the page, its first paragraph, and where it is on the web.

use crate::session::Class;

/// The page of `class`, in Markdown.
pub(super) fn page(class: Class) -> &'static str {
    match class {
        Class::Deadlock => include_str!("../../../../docs/findings/deadlock.md"),
        Class::GoroutineLeak => include_str!("../../../../docs/findings/goroutine_leak.md"),
        Class::LongBlock => include_str!("../../../../docs/findings/long_block.md"),
        Class::LockOrder => include_str!("../../../../docs/findings/lock_order.md"),
        Class::Starvation => include_str!("../../../../docs/findings/starvation.md"),
        Class::DataRace => include_str!("../../../../docs/findings/data_race.md"),
        Class::RaceHint => include_str!("../../../../docs/findings/race_hint.md"),
    }
}

/// What a finding of `class` means: the page's first paragraph.
pub(super) fn meaning(class: Class) -> &'static str {
    page(class).split("\n\n").nth(1).unwrap_or_default()
}

/// The first sentence of it.
pub(super) fn summary(class: Class) -> &'static str {
    let meaning = meaning(class);
    let end = meaning.find(". ").map_or(meaning.len(), |at| at + 1);
    meaning.get(..end).unwrap_or(meaning)
}

/// The page's address, for those who read a report in a browser.
pub(super) fn address(class: Class) -> String {
    format!("{}/blob/main/docs/findings/{}.md", env!("CARGO_PKG_REPOSITORY"), class.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Confidence;

    #[test]
    fn each_page_has_the_rules_of_its_confidence() {
        for class in Class::ALL {
            let table = class.rules_table();
            assert!(page(class).ends_with(&format!("\n\n{table}")), "{} lacks:\n{table}", class.as_str());
            let least = class.rules().iter().map(|rule| rule.confidence).min();
            assert!(least < Some(Confidence::Proven) || class == Class::DataRace);
        }
    }

    #[test]
    fn each_page_is_of_its_class_and_says_what_it_means_how_to_fix_it_and_why() {
        for class in Class::ALL {
            let page = page(class);
            assert!(page.starts_with(&format!("# {}\n\n", class.as_str())), "{}", class.as_str());
            for part in ["## Example\n\n```go\n", "## How to fix it\n", "## What it rests on\n"] {
                assert!(page.contains(part), "{}: {part}", class.as_str());
            }
            assert!(summary(class).ends_with('.') || summary(class).ends_with(':'), "{}", summary(class));
            assert!(meaning(class).starts_with(summary(class)));
        }
    }
}
