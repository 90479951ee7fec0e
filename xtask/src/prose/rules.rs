//! The rules. Each holds one sentence of docs/CONTRIBUTING.md, "How sentences read".

use super::passage::{Passage, PassageKind};

/// Most words of a sentence in a doc comment or a page.
const SENTENCE_WORDS: usize = 34;

/// Longest line of a page, in characters.
const LINE_CHARS: usize = 900;

/// Words that a doc comment must not begin with: a question or a fragment makes the
/// reader look for the subject in the next line.
const OPENINGS: &str = "what, who, whom, whoever, whose, where, why, how, which, that, those, \
    these, the same, of, nothing, nobody, somebody, something, everybody, as, with, without, \
    for, by, in, at, from, to, on, until, between, after, before, not, only, or, and, but, so, \
    also, it, they, its, their, there, than, up to, past, else, more, too";

/// Openings that introduce a list of modules, which is not a fragment to complete.
const PLAIN_OPENINGS: &[&str] = &["in reading order"];

/// Phrases, and the plain form to write.
const PHRASES: &[(&str, &str)] = &[
    ("whoever", "name the actor"),
    ("somebody", "name the actor"),
    ("nobody", "name the actor, or `no` with a noun"),
    ("everybody", "name the actors"),
    ("else", "`otherwise`"),
    ("is no", "`is not a`"),
    ("is none", "`is not a` with the noun"),
    ("are none", "`are not` with the noun"),
    ("but for", "`except`"),
    ("by and by", "`gradually`"),
    ("for ever", "`forever`"),
    ("in vain", "say what does not happen"),
    ("in a hurry", "say what is fast"),
    ("sent astray", "`misrouted`"),
    ("turned away", "`rejected`"),
    ("turns away", "`rejects`"),
    ("is told", "`receives` or `is notified`"),
    ("are told", "`receive` or `are notified`"),
    ("was told", "`received`"),
    ("be told", "`be notified`"),
    ("is heard", "`arrives` or `is received`"),
    ("are heard", "`arrive` or `are received`"),
    ("was heard", "`arrived`"),
    ("be heard", "`arrive`"),
    ("gives way to", "say what gets the CPU first"),
    ("to no avail", "say what does not happen"),
];

/// A word before one of [`PHRASES`], or behind it, with which the phrase is plain English.
const PLAIN_AFTER: &[(&str, &str)] = &[("is no", "longer"), ("is no", "more"), ("is no", "less")];
const PLAIN_BEFORE: &[(&str, &str)] = &[("is no", "there"), ("else", "if")];

/// Returns the findings for a passage.
pub(crate) fn check(passage: &Passage) -> Vec<String> {
    let words = words(&passage.text);
    let mut findings = phrases(&words);
    match passage.kind {
        PassageKind::DocComment => {
            findings.extend(opening(&words));
            findings.extend(long_sentences(&passage.text));
        }
        // A row of a table holds fragments: only its whole length is limited.
        PassageKind::Paragraph if passage.text.starts_with('|') => {
            findings.extend(long_row(&passage.text));
        }
        PassageKind::Paragraph => findings.extend(long_sentences(&passage.text)),
        PassageKind::Comment | PassageKind::ErrorMessage => {}
    }
    findings
}

/// Returns the words in lower case, without the marks around them.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| {
            word.trim_matches(|c: char| !c.is_alphanumeric() && c != '`')
                .to_lowercase()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

fn opening(words: &[String]) -> Option<String> {
    if PLAIN_OPENINGS.iter().any(|plain| starts_with(words, plain)) {
        return None;
    }
    let found = OPENINGS
        .split(", ")
        .find(|opening| starts_with(words, opening))?;
    Some(format!(
        "a doc comment that begins with `{found}`: begin with a noun phrase or a verb"
    ))
}

fn phrases(words: &[String]) -> Vec<String> {
    let at = |index: usize| words.get(index).map_or("", String::as_str);
    let mut findings = Vec::new();
    for (phrase, plain) in PHRASES {
        let length = phrase.split(' ').count();
        for start in 0..words.len() {
            let before = start.checked_sub(1).map_or("", at);
            let is_plain = PLAIN_AFTER.contains(&(phrase, at(start + length)))
                || PLAIN_BEFORE.contains(&(phrase, before));
            if starts_with(&words[start..], phrase) && !is_plain {
                // Four words on each side are enough to find the place.
                let from = start.saturating_sub(4);
                let to = (start + length + 4).min(words.len());
                let place = words[from..to].join(" ");
                findings.push(format!("`{phrase}` in \"{place}\": write {plain}"));
            }
        }
    }
    findings
}

fn starts_with(words: &[String], phrase: &str) -> bool {
    let mut words = words.iter();
    phrase
        .split(' ')
        .all(|part| words.next().is_some_and(|word| word == part))
}

fn long_sentences(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        // A colon or a semicolon ends a sentence, too: what follows is read on its own.
        .split_inclusive(|word| word.ends_with(['.', ':', ';', '?', '!']))
        .filter(|sentence| sentence.len() > SENTENCE_WORDS)
        .map(|sentence| {
            let (count, text) = (sentence.len(), sentence.join(" "));
            let start: String = text.chars().take(60).collect();
            format!("a sentence of {count} words, most are {SENTENCE_WORDS}: \"{start}…\"")
        })
        .collect()
}

fn long_row(text: &str) -> Option<String> {
    let chars = text.chars().count();
    (chars > LINE_CHARS).then(|| format!("a row of {chars} characters, most are {LINE_CHARS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_doc(text: &str) -> Vec<String> {
        check(&Passage::new(PassageKind::DocComment, 1, &[text]).unwrap())
    }

    #[test]
    fn plain_sentence_has_no_finding() {
        for text in [
            "A token bucket that refills at a fixed rate.",
            "Whether the node is ready.",
            "The socket is no longer open, and there is no limit.",
            "Returns `else` if nothing matches.",
        ] {
            assert_eq!(check_doc(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn question_fragment_or_riddle_is_found() {
        for (text, findings) in [
            ("What a node does.", 1),
            ("The same in bytes.", 1),
            ("A socket that whoever opened is told of.", 2),
            ("This is no directory, or else it fails.", 2),
        ] {
            assert_eq!(check_doc(text).len(), findings, "{text}");
        }
    }

    #[test]
    fn long_sentence_is_found() {
        let long = "word ".repeat(SENTENCE_WORDS + 1);
        assert_eq!(check_doc(&format!("A sentence. {long}")).len(), 1);
    }
}
