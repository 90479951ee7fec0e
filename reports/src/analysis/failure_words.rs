//! Failures in sentences: `40 handshakes were refused with 401 Unauthorized: "token expired"`.

use highwater_types::format;

use super::{
    failure_kinds::{FailureKind, kind_of},
    failures::FailureSummary,
    markup::text_of_markup,
};
use crate::record::{FailureExample, names::counter};

/// Kinds that a cause names; the others are counted.
const MAX_KINDS: usize = 3;

/// Describes a failure of a run with this number of workers.
pub(crate) fn failure_sentence(failure: &FailureSummary, workers: usize) -> String {
    let kind = kind_of(&failure.kind);
    let mut sentence = format!(
        "{} {}",
        format::count(failure.count),
        happened(failure, kind)
    );
    if let ([only], 2..) = (failure.workers.as_slice(), workers) {
        sentence.push_str(&format!(" (only worker {only})"));
    }
    if !kind.hint.is_empty() {
        sentence.push_str(&format!("; {}", kind.hint));
    }
    sentence
}

/// Describes an example alone, where there is no count yet: `a handshake was refused …`.
pub fn example_sentence(counter: &str, example: &FailureExample) -> String {
    let kind = kind_of(counter);
    let phrase = fill_in(kind, counter, example, 1);
    let details = details(counter, example);
    let hint = match kind.hint {
        "" => String::new(),
        hint => format!("; {hint}"),
    };
    format!("1 {phrase}{details}{hint}")
}

/// Returns the place and the texts of an example without its kind; `None` if it has none.
pub(crate) fn example_text(counter: &str, example: &FailureExample) -> Option<String> {
    let details = details(counter, example);
    (!details.is_empty()).then_some(details)
}

/// Returns the cause of what did not happen, from the failures of a family: `: they got
/// 200 OK and no WebSocket`. The most frequent kind stands in words, the next ones by name.
pub(super) fn cause(failures: &[FailureSummary], family: &str) -> String {
    let is_of_family = |failure: &&FailureSummary| {
        let kind = failure.kind.strip_prefix(family);
        kind.is_some_and(|kind| kind.starts_with('.'))
    };
    let mut kinds = failures.iter().filter(is_of_family);
    let Some(first) = kinds.next() else {
        return String::new();
    };
    let others: String = kinds
        .take(MAX_KINDS - 1)
        .map(|failure| format!("; {} × {}", format::count(failure.count), failure.kind))
        .collect();
    format!(": {}{others}", cause_of(first))
}

fn cause_of(failure: &FailureSummary) -> String {
    let code = status_code(&failure.kind);
    let (true, Some(code)) = (failure.kind.starts_with(counter::CONNECT_FAILED), code) else {
        let kind = kind_of(&failure.kind);
        return format!(
            "{} {}",
            format::count(failure.count),
            happened(failure, kind)
        );
    };
    let example = failure.example.clone().unwrap_or_default();
    let no_websocket = match is_no_websocket(code) {
        true => " and no WebSocket",
        false => "",
    };
    let status = status(&failure.kind, &example);
    let details = details(&failure.kind, &example);
    format!("they got {status}{no_websocket}{details}")
}

/// Whether a status says that the server knows no WebSocket at the address, and not that it
/// rejected this client.
fn is_no_websocket(code: &str) -> bool {
    code.starts_with('2') || ["404", "405", "426", "501"].contains(&code)
}

fn happened(failure: &FailureSummary, kind: &FailureKind) -> String {
    let example = failure.example.clone().unwrap_or_default();
    let phrase = fill_in(kind, &failure.kind, &example, failure.count);
    phrase + &details(&failure.kind, &example)
}

fn fill_in(kind: &FailureKind, counter: &str, example: &FailureExample, count: u64) -> String {
    let (s, was, its) = match count {
        1 => ("", "was", "its"),
        _ => ("s", "were", "their"),
    };
    kind.phrase
        .replace("{s}", s)
        .replace("{was}", was)
        .replace("{its}", its)
        .replace("{kind}", kind.rest_of(counter).unwrap_or_default())
        // Last, because it is the system's own text.
        .replace("{status}", &status(counter, example))
}

fn status(counter: &str, example: &FailureExample) -> String {
    let code = status_code(counter).unwrap_or_default();
    example.status.clone().unwrap_or(format!("status {code}"))
}

fn status_code(counter: &str) -> Option<&str> {
    counter.rsplit_once(".status_").map(|(_, code)| code)
}

/// Returns the place and the texts of an example.
fn details(counter: &str, example: &FailureExample) -> String {
    let mut details = String::new();
    if let Some(address) = &example.address {
        details.push_str(&format!(" at {address}"));
    }
    // A status that the kind does not name, such as that of a rejected command.
    if let (Some(status), None) = (&example.status, status_code(counter)) {
        details.push_str(&format!(" with {status}"));
    }
    if let Some(location) = &example.location {
        details.push_str(&format!(" to \"{location}\", which was not followed"));
    }
    let quoted = |text: &String| format!("\"{text}\"");
    let body = example.body.as_ref();
    let body = body.map(|body| text_of_markup(body).unwrap_or_else(|| body.clone()));
    let text = body.as_ref().or(example.close_reason.as_ref());
    let text = text.map(quoted).or_else(|| example.error.clone());
    if let Some(text) = text {
        details.push_str(&format!(": {text}"));
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::failure_kinds::FailureOrigin;

    fn failure(kind: &str, count: u64, example: FailureExample) -> FailureSummary {
        FailureSummary {
            kind: kind.to_owned(),
            origin: FailureOrigin::Target,
            count,
            first_s: 0.0,
            last_s: 1.0,
            workers: vec!["w2".to_owned()],
            example: Some(example),
            further_examples: Vec::new(),
        }
    }

    fn answer(status: &str, body: &str) -> FailureExample {
        FailureExample {
            status: Some(status.to_owned()),
            body: Some(body.to_owned()),
            ..FailureExample::default()
        }
    }

    #[test]
    fn sentence_has_count_answer_and_the_only_worker() {
        let expired = answer("401 Unauthorized", "token expired");
        let moved = FailureExample {
            status: Some("307 Temporary Redirect".to_owned()),
            location: Some("/login".to_owned()),
            ..FailureExample::default()
        };
        let kicked = FailureExample {
            close_reason: Some("kicked".to_owned()),
            ..FailureExample::default()
        };
        let refused = FailureExample::default().at("127.0.0.1:9");
        let too_large = FailureExample::of_error("pool home takes 1 MiB");
        for (kind, count, example, sentence) in [
            (
                "connect.failed.status_401",
                40,
                expired,
                "40 handshakes were refused with 401 Unauthorized: \"token expired\"",
            ),
            (
                "connect.failed.status_307",
                1,
                moved,
                "1 handshake was redirected with 307 Temporary Redirect to \"/login\", which was \
                 not followed",
            ),
            (
                "disconnect.closed_4008",
                2,
                kicked,
                "2 sockets were closed by the server with code 4008: \"kicked\"",
            ),
            (
                "connect.failed.refused",
                1_200,
                refused,
                "1,200 connections were refused at 127.0.0.1:9",
            ),
            (
                "disconnect.message_too_large",
                1,
                too_large,
                "1 socket was closed by the harness, because a message was larger than \
                 `max_message`: pool home takes 1 MiB",
            ),
            (
                "commands.rejected",
                3,
                answer("503 Service Unavailable", "full"),
                "3 commands were rejected by the system to shed load with 503 Service \
                 Unavailable: \"full\"",
            ),
        ] {
            let failure = failure(kind, count, example);
            let alone = failure_sentence(&failure, 1);
            assert!(alone.starts_with(sentence), "{alone}");
            let of_several = failure_sentence(&failure, 2);
            assert!(of_several.contains(" (only worker w2)"), "{of_several}");
        }
        let hint = failure_sentence(
            &failure("disconnect.message_too_large", 1, FailureExample::default()),
            1,
        );
        assert!(
            hint.ends_with("; raise `max_message` of the pool in [[devices]]"),
            "{hint}"
        );
    }

    #[test]
    fn cause_names_an_answer_that_is_no_websocket() {
        let kinds = [
            failure("connect.failed.status_200", 9, answer("200 OK", "<html>")),
            failure("connect.failed.timeout", 2, FailureExample::default()),
            failure("disconnect.reset", 1, FailureExample::default()),
        ];
        assert_eq!(
            cause(&kinds, counter::CONNECT_FAILED),
            ": they got 200 OK and no WebSocket: \"<html>\"; 2 × connect.failed.timeout"
        );
        let denied = [failure(
            "connect.failed.status_401",
            9,
            answer("401 No", "who?"),
        )];
        assert_eq!(
            cause(&denied, counter::CONNECT_FAILED),
            ": they got 401 No: \"who?\""
        );
        assert_eq!(cause(&denied, counter::DISCONNECT), "");
        let mut old = failure("connect.failed.status_404", 9, FailureExample::default());
        old.example = None;
        assert_eq!(
            cause(&[old], counter::CONNECT_FAILED),
            ": they got status 404 and no WebSocket"
        );
    }
}
