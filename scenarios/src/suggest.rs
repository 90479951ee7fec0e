//! Suggestions of the word that a person probably meant.

/// Longest word that is compared, because the distance costs the product of the lengths.
const MAX_WORD_BYTES: usize = 80;

/// Returns the candidate nearest to `word`, when it is near enough to be a slip of the
/// keyboard.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    if word.len() > MAX_WORD_BYTES {
        return None;
    }
    // Keys and words of the format are in lower case.
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| Some((edit_distance(&word, candidate)?, candidate)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// Returns the [`nearest`] candidate as a hint.
pub(crate) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// Returns the items in backticks, for messages.
pub(crate) fn quoted_list<'c>(items: impl IntoIterator<Item = &'c str>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    items.join(", ")
}

/// Counts the slips of the keyboard between the two; `None` for too many. Paths with the
/// same number of parts are compared part by part, so that `p99` is never a slip of `due`.
fn edit_distance(word: &str, candidate: &str) -> Option<usize> {
    let parts = |path: &str| path.split('.').count();
    // A part too many or too few is compared over the whole path.
    if parts(word) != parts(candidate) {
        return edit_distance_of_part(word, candidate);
    }
    let pairs = word.split('.').zip(candidate.split('.'));
    pairs
        .map(|(word, candidate)| edit_distance_of_part(word, candidate))
        .sum()
}

/// Counts the slips of one part. An underscore in place of a hyphen is not a slip.
fn edit_distance_of_part(word: &str, candidate: &str) -> Option<usize> {
    let (word, known) = (word.replace('_', "-"), candidate.replace('_', "-"));
    let distance = strsim::osa_distance(&word, &known);
    // A third of the letters: more slips make another word.
    (distance <= (candidate.len() / 3).max(1)).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_no_other_words() {
        let known = [
            "heartbeats.due",
            "heartbeats.response.p99",
            "max_missed",
            "ramp",
        ];
        for (word, meant) in [
            ("heartbeat.response.p99", Some("heartbeats.response.p99")),
            ("heartbeats.reponse.p99", Some("heartbeats.response.p99")),
            ("heartbeats.p99", None),
            ("max-missed", Some("max_missed")),
            ("Ramp", Some("ramp")),
            ("rmap", Some("ramp")),
            ("rate", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
