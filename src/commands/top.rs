//! `top`: the terminal view, fed by a running exporter's API.

mod demo;
mod watched;

use super::exporter::Exporter;
use super::setup::run_async;
use crate::cli;
use crate::clock::now;
use crate::top::{Key, Painter, Screen};
use anyhow::{Context, Result, bail};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{self, EnterAlternateScreen};
use ratatui::layout::{Rect, Size};
use ratatui::{DefaultTerminal, TerminalOptions, Viewport};
use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use watched::{Told, Watched};

/// Ages on the screen go on between two answers.
const TICK: Duration = Duration::from_secs(1);

const NOT_DRAWN_ON: &str = "the terminal cannot be drawn on";

/// Watches an exporter until somebody quits.
pub fn top(args: cli::Top) -> Result<()> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        bail!(
            "top needs a terminal, and standard input or output is none; /api/v1 and `diagnose` print the same"
        );
    }
    if env::var("TERM").is_ok_and(|term| term == "dumb") {
        bail!("top needs a terminal that can move its cursor, and TERM is dumb");
    }
    run_async(async {
        let url = if args.demo { demo::served(args.seed.seed).await? } else { args.url.clone() };
        let exporter = Exporter::new(&url, &args.access)?;
        let (account, region) = (args.account.clone(), args.region.clone());
        let watched = Watched { exporter, account, region, tag: None };
        // Whoever mistypes the address is to hear of it on the terminal that stays.
        watched.reach().await?;
        let shown = if args.demo { "demo: AWS is simulated" } else { &url };
        let ended = match drawn_on() {
            Ok(mut terminal) => {
                watch_it(&mut terminal, watched, shown, Duration::from_secs(args.interval)).await
            }
            Err(error) => Err(error).context(NOT_DRAWN_ON),
        };
        ratatui::restore();
        ended
    })
}

/// The terminal's other screen. Its viewport has no room until the painter fits it to the screen: a terminal may tell any
/// size, and memory for all of it would be taken at once.
fn drawn_on() -> io::Result<DefaultTerminal> {
    let viewport = Viewport::Fixed(Rect::default());
    let terminal = ratatui::try_init_with_options(TerminalOptions { viewport })?;
    execute!(io::stdout(), EnterAlternateScreen)?;
    Ok(terminal)
}

async fn watch_it(
    drawn_on: &mut DefaultTerminal,
    watched: Watched,
    source: &str,
    every: Duration,
) -> Result<()> {
    let mut screen = Screen::new(source, super::tools::terminal().colour);
    let mut painter = Painter::new(drawn_on);
    let (looked_at, looks_at) = watch::channel(None);
    let (tells, mut told) = mpsc::channel(1);
    tokio::spawn(watched.ask_again_and_again(every, looks_at, tells));
    let mut events = events();
    let mut stop = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()].map(signal);
    let [Ok(terminated), Ok(hung_up), Ok(interrupted)] = &mut stop else { bail!("signals cannot be heard") };
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (width, height) = terminal::size().context(NOT_DRAWN_ON)?;
        painter.fit(Size::new(width, height)).context(NOT_DRAWN_ON)?;
        painter.paint(&screen, now()).context(NOT_DRAWN_ON)?;
        tokio::select! {
            event = events.recv() => match event.context("the terminal is gone")?.context("the terminal cannot be read")? {
                Event::Key(key) if key.kind != KeyEventKind::Release => match meaning(key) {
                    Some(Meaning::Quit) => return Ok(()),
                    Some(Meaning::Key(key)) => screen.press(key),
                    None => {}
                },
                // A terminal of another size is painted anew.
                _ => {}
            },
            news = told.recv() => match news.context("the exporter is no longer asked")? {
                Told::Overview(overview) => screen.answer(overview.map(|overview| *overview), now()),
                Told::Minutes(of, calls) => screen.answer_minutes(&of, calls),
                Told::Failed(why) => screen.fail(why),
            },
            _ = tick.tick() => {}
            _ = terminated.recv() => return Ok(()),
            _ = hung_up.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
        }
        let subject = screen.detail.as_ref().map(|detail| detail.subject.clone());
        looked_at.send_if_modified(|looked_at| {
            let is_new = *looked_at != subject;
            *looked_at = subject;
            is_new
        });
    }
}

/// Keys and sizes, read by a thread of their own: it ends with the process.
fn events() -> mpsc::UnboundedReceiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        loop {
            let event = event::read();
            let is_over = event.is_err();
            if sender.send(event).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}

enum Meaning {
    Quit,
    Key(Key),
}

fn meaning(key: KeyEvent) -> Option<Meaning> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let key = match key.code {
        // The terminal is raw: Ctrl-C comes as a key.
        KeyCode::Char('c' | 'd') if control => return Some(Meaning::Quit),
        KeyCode::Char('q') => return Some(Meaning::Quit),
        KeyCode::Up | KeyCode::Char('k') => Key::Up,
        KeyCode::Down | KeyCode::Char('j') => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Enter => Key::Open,
        KeyCode::Esc | KeyCode::Backspace => Key::Back,
        _ => return None,
    };
    Some(Meaning::Key(key))
}
