//! Refusals: errors as AWS words them.

/// An error as AWS words it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    /// The header Retry-After, in seconds.
    pub retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Refusal {
        Refusal { status, code: code.into(), message: message.into(), retry_after: None }
    }
}

/// The error AWS's services each have for calls that come too fast.
pub fn throttled(service: &str) -> Refusal {
    match service {
        "servicequotas" | "organizations" => Refusal::new(400, "TooManyRequestsException", "Rate exceeded"),
        "account" => Refusal::new(429, "TooManyRequestsException", "Rate exceeded"),
        "bedrock" | "bedrock-runtime" => {
            Refusal::new(429, "ThrottlingException", "Too many requests, please wait before trying again.")
        }
        _ => Refusal::new(400, "Throttling", "Rate exceeded"),
    }
}

pub fn unknown_operation(operation: &str) -> Refusal {
    Refusal::new(404, "UnknownOperationException", format!("{operation} is not simulated."))
}
