//! What a person may have meant.

/// Longer words are not compared: the distance costs their product.
const COMPARED: usize = 80;

/// The candidate nearest to `word`, when it is near enough to be a slip of the
/// keyboard.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    if word.len() > COMPARED {
        return None;
    }
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// [`nearest`] as a hint.
pub(crate) fn hint<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

/// `a`, `b` and `c`, for messages.
pub(crate) fn list<'c>(items: impl IntoIterator<Item = &'c str>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| format!("`{item}`")).collect();
    items.join(", ")
}

/// Underscores for hyphens, and the other way, are the same slip.
fn distance(word: &str, candidate: &str) -> usize {
    let (word, candidate) = (word.replace('_', "-"), candidate.replace('_', "-"));
    strsim::osa_distance(&word, &candidate)
}

fn allowed(candidate: &str) -> usize {
    (candidate.len() / 3).max(1)
}
