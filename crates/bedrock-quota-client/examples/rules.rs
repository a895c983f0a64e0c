use bedrock_quota_client::{BadLimits, Limiter, Limits, Usage};

pub fn main() -> Result<(), BadLimits> {
    let limits = Limits { tokens_per_minute: Some(200_000.0), burndown: 5.0, ..Limits::default() };
    let mut limiter = Limiter::new(&limits)?;
    // Input, and max_tokens.
    limiter.ask("a call", 1000.0 + 500.0, None);
    // At a time in seconds: who may begin, and when to look again.
    let step = limiter.step(0.0);
    assert_eq!(step.admitted, ["a call"]);
    let usage = Usage { input: 1000, output: 120, ..Usage::default() };
    limiter.settle(1.5, &"a call", limits.charge(&usage));
    Ok(())
}
