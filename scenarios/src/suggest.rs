//! What a person may have meant.

/// Longer words are not compared: the distance costs their product.
const MAX_WORD_BYTES: usize = 80;

/// The candidate nearest to `word`, when it is near enough to be a slip of the
/// keyboard.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    if word.len() > MAX_WORD_BYTES {
        return None;
    }
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| Some((edit_distance(&word, candidate)?, candidate)))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}

/// [`nearest`] as a hint.
pub(crate) fn did_you_mean<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// `a`, `b` and `c`, for messages.
pub(crate) fn quoted_list<'c>(items: impl IntoIterator<Item = &'c str>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    items.join(", ")
}

/// Slips of the keyboard between the two, unless there are too many. Paths of
/// as many parts are compared part by part: `p99` is never a slip of `due`.
fn edit_distance(word: &str, candidate: &str) -> Option<usize> {
    let parts = |path: &str| path.split('.').count();
    if parts(word) != parts(candidate) {
        return edit_distance_of_part(word, candidate);
    }
    let pairs = word.split('.').zip(candidate.split('.'));
    pairs
        .map(|(word, candidate)| edit_distance_of_part(word, candidate))
        .sum()
}

/// Underscores for hyphens, and the other way, count as none.
fn edit_distance_of_part(word: &str, candidate: &str) -> Option<usize> {
    let (word, known) = (word.replace('_', "-"), candidate.replace('_', "-"));
    let distance = strsim::osa_distance(&word, &known);
    (distance <= (candidate.len() / 3).max(1)).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
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
