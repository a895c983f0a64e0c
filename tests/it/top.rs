//! The terminal view: what stands on a screen of which size, what is written to it, and when.

use crate::world::{self, NOVA, NOW, SONNET};
use bedrock_quota_exporter::api::{self, Query, Source};
use bedrock_quota_exporter::model::time::Timestamp;
use bedrock_quota_exporter::top::answers::{Calls, Listing, Overview, Quota};
use bedrock_quota_exporter::top::screen::Subject;
use bedrock_quota_exporter::top::{Key, Painter, Screen};
use ratatui::backend::{CrosstermBackend, TestBackend};
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// What the API answers, as the view reads it.
fn read<T: DeserializeOwned>(items: impl Serialize) -> Vec<T> {
    let listing: Listing<T> = serde_json::from_value(json!({"snapshot_at": NOW.0, "items": items})).unwrap();
    listing.items
}

/// The small world, as its exporter's API tells it.
fn whole() -> Overview {
    let (export, snapshot) = (world::export(), world::whole());
    let source = Source { snapshot: &snapshot, export: &export };
    let query = Query::default();
    let of_targets: Vec<_> = source.targets(&query).collect();
    let targets = of_targets.iter().flat_map(|state| api::target(source, state, &query));
    let throttled = of_targets.iter().flat_map(|state| api::throttled(source, state, &query));
    let mut fullest: Vec<Quota> = read(api::fullest(source, &query, 200));
    // As the list of quotas has it.
    fullest[0].limit = Some(5e6);
    Overview {
        targets: read(targets.collect::<Vec<_>>()),
        throttled: read(throttled.collect::<Vec<_>>()),
        fullest,
        findings: read(api::findings(source, &query)),
    }
}

fn screen(overview: Overview) -> Screen {
    let mut screen = Screen::new("http://localhost:10469", false);
    screen.answer(Some(overview), NOW);
    screen
}

/// What stands on a terminal of that size.
fn shown(screen: &Screen, (width, height): (u16, u16), now: Timestamp) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    Painter::new(&mut terminal).paint(screen, now).unwrap();
    let text = terminal.backend().to_string();
    // The backend quotes its lines.
    text.lines().map(|line| line.trim_matches('"').trim_end().to_string() + "\n").collect()
}

/// Twelve minutes of calls, the newest of which may still grow, and one of which is not known.
fn calls() -> Vec<Calls> {
    let minutes: Vec<Value> = (0..12)
        .map(|minute| {
            let known = (minute != 5).then_some(());
            json!({
                "start": NOW.minus(840).0 + 60 * minute, "settled": minute < 10,
                "requests": known.map(|()| 812), "throttled": known.map(|()| 34 * minute),
                "client_errors": 0, "server_errors": 0,
                "input_tokens": known.map(|()| 1_234_567), "output_tokens": known.map(|()| 98_765),
                "cache_write_tokens": 0,
            })
        })
        .collect();
    read(json!([{
        "account_id": "111111111111", "account_name": "production", "region": "us-east-1",
        "model": SONNET, "scope": "cross_region", "model_id": null, "minutes": minutes,
    }]))
}

fn opened() -> Screen {
    let mut screen = screen(whole());
    screen.press(Key::Open);
    let subject: Subject = screen.detail.as_ref().unwrap().subject.clone();
    screen.answer_minutes(&subject, calls());
    screen
}

#[test]
fn a_screen_shows_what_is_throttled_and_what_is_full() {
    let screen = screen(whole());
    insta::assert_snapshot!("a_screen_of_80_by_24", shown(&screen, (80, 24), NOW));
    insta::assert_snapshot!("a_screen_of_200_by_50", shown(&screen, (200, 50), NOW));
}

#[test]
fn a_key_shows_the_minutes_of_a_model_and_another_goes_back() {
    let mut screen = opened();
    insta::assert_snapshot!("minutes_of_80_by_24", shown(&screen, (80, 24), NOW));
    insta::assert_snapshot!("minutes_of_200_by_50", shown(&screen, (200, 50), NOW));
    let newest = NOW.minus(840).0 + 60 * 11;
    let newest = &Timestamp(newest).to_string()[11..16];
    assert!(shown(&screen, (80, 24), NOW).contains(newest));
    screen.press(Key::Down);
    assert!(!shown(&screen, (80, 24), NOW).contains(newest), "older minutes move up");
    screen.press(Key::Back);
    assert!(shown(&screen, (80, 24), NOW).contains("THROTTLED NOW"));
}

#[test]
fn nothing_is_known_before_the_first_answer_and_a_silent_exporter_is_stale_with_its_age() {
    let mut silent = Screen::new("http://localhost:10469", false);
    assert!(shown(&silent, (80, 24), NOW).contains("asking …"));
    silent.fail("the first round is under way: no target is known yet".into());
    assert!(shown(&silent, (80, 24), NOW).contains("no answer yet: the first round is under way"));
    let mut screen = screen(whole());
    screen.fail("no answer from localhost:10469: Connection refused (os error 111)".into());
    let text = shown(&screen, (80, 24), NOW.plus(600));
    assert!(text.contains("STALE: no answer for 10m: no answer from localhost:10469"), "{text}");
    assert!(text.contains(&SONNET[10..20]), "what was known stays: {text}");
    screen.answer(None, NOW.plus(605));
    assert!(
        !shown(&screen, (80, 24), NOW.plus(605)).contains("STALE"),
        "it is back, and nothing has changed"
    );
}

#[test]
fn the_chosen_row_stays_chosen_wherever_newer_answers_put_it() {
    let mut screen = screen(whole());
    screen.press(Key::PageDown);
    let last = |screen: &Screen| {
        shown(screen, (80, 24), NOW).lines().find(|line| line.starts_with('>')).unwrap().to_string()
    };
    let before = last(&screen);
    let mut newer = whole();
    newer.fullest.reverse();
    newer.throttled.clear();
    screen.answer(Some(newer), NOW);
    assert_eq!(last(&screen), before);
}

#[test]
fn what_has_no_answer_is_unknown_and_no_bar() {
    let mut overview = whole();
    overview.throttled[0].refused_share = None;
    overview.throttled[0].cause = None;
    overview.fullest[0].used = None;
    overview.fullest[0].peak = None;
    overview.targets.iter_mut().for_each(|target| target.complete_until = None);
    let text = shown(&screen(overview), (80, 24), NOW);
    let line = |text: &str, at: &str| text.lines().find(|line| line.contains(at)).unwrap().to_string();
    assert!(text.contains("data age unknown"), "{text}");
    assert!(line(&text, ">").contains("unknown unknown"), "{text}");
    let quota = line(&text, "tokens/min");
    assert!(quota.contains("unknown") && !quota.contains(['█', '·']), "{text}");
}

#[test]
fn no_name_moves_the_cursor() {
    let mut overview = whole();
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}evil\r\n模型";
    overview.throttled[0].model = Some(hostile.into());
    overview.throttled[0].place.account_name = hostile.into();
    overview.fullest[0].model = hostile.into();
    overview.findings[0].what = hostile.into();
    let written = written(&screen(overview), 2, (200, 50));
    let text = String::from_utf8(written[0].clone()).unwrap();
    assert!(text.contains("<1b>]0;owned<7><1b>[2J<202e>evil<d><a>"), "{text:?}");
    for bad in ["\u{1b}]0;", "\u{1b}[2J\u{202e}", "\u{202e}", "\r", "\n"] {
        assert!(!text.contains(bad), "{bad:?} in {text:?}");
    }
}

/// A terminal that keeps what is written to it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written when the same screen is painted so many times.
fn written(screen: &Screen, times: usize, (width, height): (u16, u16)) -> Vec<Vec<u8>> {
    let out = Written::default();
    let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, width, height)) };
    let mut terminal = Terminal::with_options(CrosstermBackend::new(out.clone()), options).unwrap();
    let mut painter = Painter::new(&mut terminal);
    let paint = |_| {
        painter.paint(screen, NOW).unwrap();
        std::mem::take(&mut *out.0.lock().unwrap())
    };
    (0..times).map(paint).collect()
}

#[test]
fn nothing_is_written_where_nothing_has_changed() {
    let written = written(&screen(whole()), 3, (80, 24));
    assert!(written[0].len() > 500, "{}", written[0].len());
    assert_eq!((written[1].len(), written[2].len()), (0, 0));
}

#[test]
fn colours_are_shown_only_where_they_are_wanted() {
    let mut screen = screen(whole());
    let is_coloured = |screen: &Screen| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        Painter::new(&mut terminal).paint(screen, NOW).unwrap();
        terminal.backend().buffer().content().iter().any(|cell| cell.fg != Color::Reset)
    };
    assert!(!is_coloured(&screen));
    screen.colour = true;
    assert!(is_coloured(&screen));
}

/// This test within a terminal of its own, which it leaves in a panic.
#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    if std::env::var_os("BQE_PANICS").is_some() {
        let _terminal = ratatui::try_init().unwrap();
        panic!("in the middle of a frame");
    }
    let own = std::env::current_exe().unwrap();
    let command = format!(
        "{} --exact top::a_panic_gives_the_terminal_back_before_it_is_told --nocapture",
        own.display()
    );
    let ran = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env("BQE_PANICS", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("script, of util-linux: {error}"));
    let said = String::from_utf8_lossy(&ran.stdout);
    let [entered, left, told] =
        ["\x1b[?1049h", "\x1b[?1049l", "in the middle of a frame"].map(|text| said.find(text));
    assert!(entered.is_some() && entered < left && left < told, "{said:?}");
}

#[test]
fn a_terminal_of_any_size_is_drawn_on_without_a_panic() {
    let mut all = vec![Screen::new("http://localhost:10469", true), screen(whole()), opened()];
    let mut crowded = whole();
    crowded.throttled = vec![crowded.throttled[0].clone(); 300];
    crowded.fullest = vec![crowded.fullest[0].clone(); 300];
    for at in 0..300 {
        crowded.throttled[at].model_id = Some(at.to_string());
        crowded.fullest[at].quota_code = at.to_string();
    }
    crowded.fullest[299].model = NOVA.into();
    let mut last = screen(crowded);
    (0..70).for_each(|_| last.press(Key::PageDown));
    let text = shown(&last, (80, 24), NOW);
    assert!(
        text.lines().any(|line| line.starts_with("> nova-lite")),
        "the chosen row is on the screen: {text}"
    );
    all.push(last);
    for screen in &all {
        for size in [(1, 1), (10, 3), (39, 24), (40, 8), (41, 9), (80, 8), (500, 200)] {
            assert!(!shown(screen, size, NOW).is_empty());
        }
    }
}
