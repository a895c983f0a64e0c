//! The rules alone, against an AWS of a few lines, whose answers come at once.

use super::{NOON, SMALL, settings};
use bedrock_quota_exporter::probe::{
    Answer, Bound, Call, Dimension, End, HardLimits, Next, Outcome, Predicted, Probe, Reached, Refusal, Seen,
    Settings, StepKind, Used, rehearse,
};
use bedrock_quota_exporter::report::probe as report;

fn done(call: Call) -> Answer {
    Answer::of(Outcome::Done(Used { input: call.input, cache_write: 0, output: 1 }))
}

fn refused() -> Answer {
    Answer::of(Outcome::Refused(Refusal::Quota))
}

/// Runs against `aws`; `look` may say something of others whenever time passes.
fn run(
    settings: Settings,
    mut aws: impl FnMut(Call, f64) -> Answer,
    mut look: impl FnMut(&mut Probe, f64),
) -> Probe {
    let mut now = NOON as f64;
    let mut probe = Probe::new(settings, now);
    loop {
        match probe.next(now) {
            Next::Call(call) => probe.answered(call.number, aws(call, now), now),
            Next::Wait(until) => {
                now = until;
                look(&mut probe, now);
            }
            Next::Done => return probe,
        }
    }
}

fn found(probe: &Probe) -> f64 {
    match probe.findings[0].reached {
        Reached::Found { value, .. } => value,
        _ => panic!("{:?}", probe.findings),
    }
}

/// So many calls in each minute of the clock.
fn by_the_minute(limit: u32) -> impl FnMut(Call, f64) -> Answer {
    let (mut minute, mut count) = (0.0, 0);
    move |call, now| {
        if (now / 60.0).floor() != minute {
            (minute, count) = ((now / 60.0).floor(), 0);
        }
        count += 1;
        if count <= limit { done(call) } else { refused() }
    }
}

fn nobody(_: &mut Probe, _: f64) {}

#[test]
fn a_rehearsal_finds_what_it_predicts() {
    let probe = rehearse(&settings(Dimension::ALL));
    assert_eq!(probe.end, Some(End::Complete));
    for finding in &probe.findings {
        let Reached::Found { value, .. } = finding.reached else { panic!("{finding:?}") };
        assert!((value / finding.predicted.unwrap() - 1.0).abs() < 0.05, "{finding:?}");
    }
    let nothing_known = Predicted::default();
    let limits = HardLimits::default();
    let probe = rehearse(&Settings { predicted: nothing_known, limits, ..settings(&[Dimension::Requests]) });
    assert!(
        matches!(probe.findings[0].reached, Reached::OwnPace { .. }),
        "a rehearsal ends: {:?}",
        probe.findings
    );
}

#[test]
fn a_limit_that_is_counted_by_the_minute_is_found_too() {
    let probe = run(settings(&[Dimension::Requests]), by_the_minute(90), nobody);
    assert!((found(&probe) / 90.0 - 1.0).abs() < 0.05, "{:?}", probe.findings);
}

#[test]
fn a_step_is_held_and_followed_by_one_that_is_half_as_large_again() {
    let probe = run(settings(&[Dimension::Requests]), by_the_minute(120), nobody);
    let steps: Vec<_> = probe.book.steps.iter().map(|step| (step.kind, step.level)).collect();
    assert_eq!(
        steps[..4],
        [(StepKind::First, 60.0), (StepKind::Base, 60.0), (StepKind::Up, 90.0), (StepKind::Up, 135.0)]
    );
    // Back to what held, then the refused level again. There it stands between two minutes of the clock, so that the
    // next level is refused first; then the one that had held is refused too, and that is sustained.
    let later = [
        (StepKind::Back, 90.0),
        (StepKind::Again, 135.0),
        (StepKind::Up, 202.5),
        (StepKind::Back, 135.0),
        (StepKind::Sustained, 135.0),
    ];
    assert_eq!(steps[4..], later);
    // Two minutes, since a step back is judged when what was spent by the minute is there again.
    let back = &probe.book.steps[4];
    assert!((119.9..120.9).contains(&(back.until.unwrap() - back.from)), "{back:?}");
    let base = &probe.book.steps[1];
    assert!((59.9..60.1).contains(&(base.until.unwrap() - base.from)) && base.sent >= 60, "{base:?}");
}

#[test]
fn a_refusal_that_passes_does_not_end_a_ramp() {
    let mut calls = 0;
    let mut later = by_the_minute(400);
    let aws = |call: Call, now| {
        calls += 1;
        if calls == 100 { refused() } else { later(call, now) }
    };
    let probe = run(settings(&[Dimension::Requests]), aws, nobody);
    assert!((found(&probe) / 400.0 - 1.0).abs() < 0.05, "{:?}", probe.findings);
}

#[test]
fn others_who_are_refused_end_the_run() {
    let refused_of_others = |probe: &mut Probe, now: f64| {
        let own = probe.book.refused_before(now) as f64;
        let others = if now > NOON as f64 + 90.0 { 1.0 } else { 0.0 };
        probe.others(Seen::Refusals { count: own + others, until: now }, now);
    };
    let probe = run(settings(&[Dimension::Requests]), by_the_minute(120), refused_of_others);
    assert!(matches!(&probe.end, Some(End::Others(why)) if why.contains("1 refused")), "{:?}", probe.end);
    assert!(probe.ended.unwrap() < NOON as f64 + 95.0);

    let own_alone = |probe: &mut Probe, now: f64| {
        let count = probe.book.refused_before(now) as f64;
        probe.others(Seen::Refusals { count, until: now }, now);
        probe.others(Seen::Throttled(count > 0.0), now);
    };
    let probe = run(settings(&[Dimension::Requests]), by_the_minute(120), own_alone);
    assert_eq!(probe.end, Some(End::Complete), "its own refusals are none of others");

    let exporter = |probe: &mut Probe, now: f64| probe.others(Seen::Throttled(true), now);
    let probe = run(settings(&[Dimension::Requests]), by_the_minute(120), exporter);
    assert!(matches!(probe.end, Some(End::Others(_))), "{:?}", probe.end);

    let blind = |probe: &mut Probe, now: f64| probe.others(Seen::Nothing("denied".into()), now);
    let probe = run(settings(&[Dimension::Requests]), by_the_minute(120), blind);
    assert!(matches!(&probe.end, Some(End::Others(why)) if why.ends_with("denied")), "{:?}", probe.end);
}

#[test]
fn no_limit_is_ever_exceeded() {
    let told = settings(Dimension::ALL);
    for (limits, bound) in [
        (HardLimits { requests: Some(77), ..told.limits }, Bound::Requests),
        (HardLimits { tokens: Some(9_000), ..told.limits }, Bound::Tokens),
        (HardLimits { minutes: Some(2.5), ..told.limits }, Bound::Minutes),
    ] {
        let probe = run(Settings { limits, ..told.clone() }, |call, _| done(call), nobody);
        assert_eq!(probe.end, Some(End::Limit(bound)));
        let spending = &probe.book.spending;
        assert!(spending.requests <= limits.requests.unwrap());
        assert!(spending.tokens() <= limits.tokens.unwrap() as f64);
        assert!(probe.ended.unwrap() - probe.began <= limits.minutes.unwrap() * 60.0 + 1e-6);
        let text = report::json(&about(), &probe, &rehearse(&told));
        assert!(text.contains(&format!("at its own limit of {bound}")), "{text}");
    }
}

#[test]
fn a_first_call_that_fails_is_the_last() {
    let denied = |_, _| Answer {
        status: Some(403),
        message: "not allowed".to_string(),
        ..Answer::of(Outcome::Failed)
    };
    let probe = run(settings(Dimension::ALL), denied, nobody);
    assert_eq!(probe.end, Some(End::Failed("not allowed".to_string())));
    assert_eq!(probe.book.calls.len(), 1);
    let probe = run(settings(&[Dimension::Requests]), |_, _| refused(), nobody);
    assert_eq!(probe.findings[0].reached, Reached::FirstRefused);
}

#[test]
fn what_is_interrupted_tells_what_held() {
    let interrupt = |probe: &mut Probe, now: f64| {
        if now > NOON as f64 + 150.0 {
            probe.stop(End::Interrupted, now);
        }
    };
    let probe = run(settings(&[Dimension::Requests]), |call, _| done(call), interrupt);
    assert_eq!(probe.findings[0].reached, Reached::Held { level: Some(90.0) });
    let calls = probe.book.calls.len();
    let mut probe = probe;
    assert_eq!((probe.next(NOON as f64 + 151.0), probe.book.calls.len()), (Next::Done, calls));
}

#[test]
fn a_reservation_that_cannot_be_reached_is_skipped_with_the_reason() {
    let predicted = Predicted { tokens: Some(6e6), ..SMALL };
    let probe = rehearse(&Settings { predicted, ..settings(&[Dimension::Reservation]) });
    let Reached::Skipped(why) = &probe.findings[0].reached else { panic!("{:?}", probe.findings) };
    assert!(why.contains("larger max_tokens"), "{why}");
}

pub fn about() -> report::About {
    report::About {
        model_id: super::SONNET.to_string(),
        account_name: Some("labs".to_string()),
        target: bedrock_quota_exporter::model::ids::Target::new("000000000002", "us-east-1"),
        is_demo: true,
        requests: Err("x".to_string()),
        tokens: Err("x".to_string()),
        burndown: Some(5.0),
    }
}
