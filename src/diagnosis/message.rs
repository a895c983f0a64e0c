//! What the text of an error of Bedrock means.

use crate::model::evaluation::Cause;

/// One kind of message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// Words that the text must all hold, in lower case.
    words: &'static [&'static str],
    /// As the document shows it.
    pub shown: &'static str,
    /// The error's type and status.
    pub kind: &'static str,
    pub meaning: &'static str,
    /// What it must not be taken for.
    pub not: &'static str,
    /// The causes that it may have; none: no limit refused the call.
    pub causes: &'static [Cause],
}

/// The first whose words are all there is meant: what is longer stands before what it contains.
pub const TABLE: &[Message] = &[
    Message {
        words: &["too many tokens per day"],
        shown: "Too many tokens per day",
        kind: "ThrottlingException, 429",
        meaning: "the tokens of the day are spent: the model's, or the account's Cross-Model Max Tokens Per Day",
        not: "a limit per minute: waiting a minute does not help",
        causes: &[Cause::TokensPerDay],
    },
    Message {
        words: &["too many tokens"],
        shown: "Too many tokens",
        kind: "ThrottlingException, 429",
        meaning: "tokens per minute are short when the call is admitted: settled use, or max_tokens that calls reserve",
        not: "proof that use reached the limit: with a large max_tokens it comes far below",
        causes: &[Cause::TokensPerMinute, Cause::Reservation],
    },
    Message {
        words: &["request rate is too high"],
        shown: "Your request rate is too high",
        kind: "ThrottlingException, 429",
        meaning: "calls grew faster than AWS lets them (a ramp), as far as has been seen; AWS does not document it",
        not: "a quota that could be raised, for all that is known",
        causes: &[Cause::Unknown],
    },
    Message {
        words: &["too many requests"],
        shown: "Too many requests",
        kind: "ThrottlingException, 429",
        meaning: "requests per minute are short",
        not: "a matter of tokens, as far as the text goes",
        causes: &[Cause::RequestsPerMinute],
    },
    Message {
        words: &["modelnotreadyexception"],
        shown: "ModelNotReadyException",
        kind: "429",
        meaning: "the model is being loaded (custom and imported models); the SDK retries",
        not: "a quota, though its status is 429",
        causes: &[],
    },
    Message {
        words: &["servicequotaexceededexception"],
        shown: "ServiceQuotaExceededException",
        kind: "400",
        meaning: "a quota of things, not of calls, is reached: jobs, model units, resources of an account",
        not: "throttling: retrying does not help",
        causes: &[],
    },
    Message {
        words: &["serviceunavailableexception"],
        shown: "ServiceUnavailableException",
        kind: "503",
        meaning: "AWS is short of capacity for the model",
        not: "a quota: no increase helps",
        causes: &[Cause::Capacity],
    },
    Message {
        words: &["overloaded"],
        shown: "overloaded (529)",
        kind: "529",
        meaning: "the model is overloaded; Retry-After, if there is one, says for how long",
        not: "a quota: no increase helps",
        causes: &[Cause::Capacity],
    },
    Message {
        words: &["throttlingexception"],
        shown: "ThrottlingException with another text",
        kind: "429",
        meaning: "a rate, or what max_tokens reserves; the text does not say which",
        not: "more than that",
        causes: &[
            Cause::RequestsPerMinute,
            Cause::TokensPerMinute,
            Cause::TokensPerDay,
            Cause::Reservation,
            Cause::ZeroQuota,
            Cause::Unknown,
        ],
    },
    Message {
        words: &["503"],
        shown: "503",
        kind: "503",
        meaning: "AWS is short of capacity for the model",
        not: "a quota: no increase helps",
        causes: &[Cause::Capacity],
    },
    Message {
        words: &["529"],
        shown: "529",
        kind: "529",
        meaning: "the model is overloaded; Retry-After, if there is one, says for how long",
        not: "a quota: no increase helps",
        causes: &[Cause::Capacity],
    },
];

/// Longer ones are cut: no error says more that matters.
const LONGEST: usize = 16_384;

/// What stands before a status: "HTTP 503", "status code: 503", "An error occurred (503) when calling …".
const BEFORE_A_STATUS: &[&str] =
    &["http", "https", "status", "code", "statuscode", "httpstatuscode", "occurred"];

/// What a message says; `None`: unknown.
pub fn read(text: &str) -> Option<&'static Message> {
    let text: String = text.chars().take(LONGEST).collect::<String>().to_lowercase();
    let holds = |word: &str| {
        if word.chars().all(|c| c.is_ascii_digit()) { is_status(&text, word) } else { text.contains(word) }
    };
    TABLE.iter().find(|message| message.words.iter().all(|word| holds(word)))
}

/// Whether a number stands where a status does: alone, or after a word that says so. Other numbers may be of anything.
fn is_status(text: &str, number: &str) -> bool {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says_so = |at: usize| {
        // "HTTP/1.1 503", "HTTP error 503"
        let told = words[..at]
            .iter()
            .rev()
            .find(|word| **word != "error" && !word.chars().all(|c| c.is_ascii_digit()));
        told.is_some_and(|word| BEFORE_A_STATUS.contains(word))
            || words[at + 1..].starts_with(&["service", "unavailable"])
    };
    words == [number] || words.iter().enumerate().any(|(at, word)| *word == number && says_so(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_mean_what_they_say_and_what_is_not_known_stays_so() {
        fn shown(text: &str) -> Option<&'static str> {
            read(text).map(|message| message.shown)
        }
        let prefix = "An error occurred (ThrottlingException) when calling the Converse operation: ";
        for (text, expected) in [
            ("Too many requests, please wait before trying again.", "Too many requests"),
            ("Too many tokens, please wait before trying again.", "Too many tokens"),
            ("Too many tokens per day, please wait before trying again.", "Too many tokens per day"),
            ("Your request rate is too high. Please reduce the frequency.", "Your request rate is too high"),
            ("Slow down.", "ThrottlingException with another text"),
        ] {
            assert_eq!(shown(&format!("{prefix}{text}")), Some(expected), "{text}");
        }
        assert_eq!(shown("ModelNotReadyException: Model is not ready"), Some("ModelNotReadyException"));
        for text in [
            "HTTP 503",
            "503",
            "HTTP/1.1 503 Service Unavailable",
            "503 Service Unavailable",
            "HTTP error 503",
            "{'HTTPStatusCode': 503}",
            "An error occurred (503) when calling the Converse operation",
        ] {
            assert_eq!(shown(text), Some("503"), "{text}");
        }
        for text in
            ["input is 503 tokens over", "529 tokens are left", "max_tokens: 503", "error: input is 529"]
        {
            assert_eq!(shown(text), None, "{text}: a number of something else");
        }
        assert_eq!(shown("Error code: 529 - {'type': 'overloaded_error'}"), Some("overloaded (529)"));
        assert_eq!(shown("RequestId: 4503a529-1503"), None);
        assert_eq!(shown("ValidationException: The provided model identifier is invalid"), None);
        assert_eq!(shown(""), None);
    }

    #[test]
    fn no_earlier_message_hides_a_later_one() {
        for (at, message) in TABLE.iter().enumerate() {
            let text = message.words.join(" ");
            assert_eq!(read(&text), Some(message), "{at}");
        }
    }
}
