//! Reloads: the config is read off the runtime's threads, once for all who ask meanwhile.

use super::systemd;
use crate::plan::Plan;
use crate::readings::{PATIENCE, Readings};
use crate::server::ReloadRequest;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Reads the config; the error is every complaint.
pub type Read = Arc<dyn Fn() -> Result<Plan, String> + Send + Sync>;

/// What was read, and who waits to hear what became of it.
pub(super) struct Reading {
    pub(super) plan: Result<Plan, String>,
    pub(super) asked: Vec<ReloadRequest>,
}

/// Reads the config when asked. Requests that wait meanwhile are answered by one reading.
pub(super) async fn run(
    read: Read,
    mut requests: mpsc::Receiver<ReloadRequest>,
    readings: mpsc::Sender<Reading>,
) -> Result<()> {
    let files = Readings::new();
    while let Some(first) = requests.recv().await {
        let mut asked = vec![first];
        while let Ok(another) = requests.try_recv() {
            asked.push(another);
        }
        systemd::reloading();
        let plan = once(&files, &read, PATIENCE).await;
        if readings.send(Reading { plan, asked }).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The first reading.
pub async fn read(read: &Read) -> Result<Plan, String> {
    once(&Readings::new(), read, PATIENCE).await
}

async fn once(readings: &Readings, read: &Read, patience: Duration) -> Result<Plan, String> {
    let read = read.clone();
    readings
        .read(patience, move || read())
        .await
        .unwrap_or_else(|hanging| Err(format!("the config {hanging}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config, plan};
    use std::sync::mpsc as channel;
    use std::sync::{Mutex, PoisonError};
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn who_asks_while_the_config_is_read_is_answered_by_the_next_reading() {
        let (release, held) = channel::channel::<()>();
        let held = Mutex::new(held);
        let read: Read = Arc::new(move || {
            let _ = held.lock().unwrap_or_else(PoisonError::into_inner).recv();
            plan::plan(&config::parse("test", "regions: [us-east-1]")).map_err(|wrong| wrong.to_string())
        });
        let (ask, requests) = mpsc::channel(64);
        let (hand_over, mut readings) = mpsc::channel(1);
        let reader = tokio::spawn(run(read, requests, hand_over));
        let (first, _answer) = oneshot::channel();
        ask.send(first).await.unwrap();
        // Taken: the first reading is under way.
        while ask.capacity() < 64 {
            tokio::task::yield_now().await;
        }
        for _ in 0..60 {
            ask.send(oneshot::channel().0).await.unwrap();
        }
        drop(ask);
        drop(release);
        let answered = [readings.recv().await, readings.recv().await]
            .map(|reading| reading.map_or(0, |r| r.asked.len()));
        assert_eq!(answered, [1, 60]);
        assert!(readings.recv().await.is_none());
        reader.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn after_a_file_system_that_hung_a_reload_reads_anew() {
        // The first reading never ends; the next finds a good file.
        let (release, held) = channel::channel::<()>();
        let held = Mutex::new(Some(held));
        let read: Read = Arc::new(move || {
            let held = held.lock().unwrap_or_else(PoisonError::into_inner).take();
            held.map(|held| held.recv());
            plan::plan(&config::parse("test", "regions: [us-east-1]")).map_err(|wrong| wrong.to_string())
        });
        let readings = Readings::new();
        let hung = once(&readings, &read, Duration::from_millis(20)).await.expect_err("it hangs");
        assert!(hung.starts_with("the config cannot be read within 0 s: expected a file"), "{hung}");
        let plan = once(&readings, &read, PATIENCE).await;
        assert!(plan.is_ok(), "{:?}", plan.err());
        drop(release);
    }
}
