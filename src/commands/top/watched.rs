//! Asks an exporter again and again for what there is to show.

use crate::commands::exporter::Exporter;
use crate::top::answers::{Calls, Listing, Overview};
use crate::top::screen::Subject;
use anyhow::{Result, bail};
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

/// Nobody scrolls further.
const FULLEST: &str = "200";

/// What came of asking.
pub(super) enum Told {
    /// `None`: nothing has changed.
    Overview(Option<Box<Overview>>),
    Minutes(Subject, Vec<Calls>),
    Failed(String),
}

/// An exporter that is watched.
pub(super) struct Watched {
    pub(super) exporter: Exporter,
    /// Which targets are asked for.
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    /// Of the snapshot that was read last.
    pub(super) tag: Option<String>,
}

impl Watched {
    /// Whether anybody answers there at all, and with what is understood; what is not known yet may come.
    pub(super) async fn reach(&self) -> Result<()> {
        match self.exporter.answer("targets", &self.takes(), None).await {
            Ok(answer) if [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status) => {
                Ok(())
            }
            Ok(answer) => bail!("{}", self.exporter.refusal(&answer)),
            Err(why) => bail!("{why}"),
        }
    }

    /// Asks in that interval, and at once for the minutes that somebody begins to look at.
    pub(super) async fn ask_again_and_again(
        mut self,
        every: Duration,
        mut looks_at: watch::Receiver<Option<Subject>>,
        told: mpsc::Sender<Told>,
    ) {
        let mut turn = interval(every);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_turn = tokio::select! {
                _ = turn.tick() => true,
                changed = looks_at.changed() => match changed {
                    Ok(()) => false,
                    Err(_) => return,
                },
            };
            let subject = looks_at.borrow_and_update().clone();
            let mut is_new = !is_turn;
            if is_turn {
                let overview = self.overview().await.map_or_else(Told::Failed, Told::Overview);
                is_new = matches!(overview, Told::Overview(Some(_)));
                if told.send(overview).await.is_err() {
                    return;
                }
            }
            if let Some(subject) = subject.filter(|_| is_new) {
                let minutes = match self.minutes(&subject).await {
                    Ok(calls) => Told::Minutes(subject, calls),
                    Err(why) => Told::Failed(why),
                };
                if told.send(minutes).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Everything of the first screen; `None` while the snapshot is the one that was read last.
    async fn overview(&mut self) -> Result<Option<Box<Overview>>, String> {
        let answer = self.exporter.answer("targets", &self.takes(), self.tag.as_deref()).await?;
        match answer.status {
            StatusCode::NOT_MODIFIED => return Ok(None),
            StatusCode::OK => {}
            _ => return Err(self.exporter.refusal(&answer)),
        }
        let fullest: Vec<_> = self.takes().into_iter().chain([("fullest", FULLEST)]).collect();
        let overview = Overview {
            targets: self.items(&answer.body)?,
            throttled: self.list_if_read("throttled", &self.takes()).await?,
            fullest: self.list_if_read("headroom", &fullest).await?,
            findings: self.list("findings", &self.takes()).await?,
        };
        self.tag = answer.tag;
        Ok(Some(Box::new(overview)))
    }

    async fn minutes(&self, subject: &Subject) -> Result<Vec<Calls>, String> {
        let Subject { place, model, scope, model_id } = subject;
        let named = model_id.as_ref().map(|id| ("model_id", id.as_str()));
        let Some(named) = named.or(model.as_ref().map(|model| ("model", model.as_str()))) else {
            return Ok(Vec::new());
        };
        let mut query = vec![named, ("account", &place.account_id), ("region", &place.region)];
        query.extend(scope.as_ref().map(|scope| ("scope", scope.as_str())));
        self.list("minutes", &query).await
    }

    fn takes(&self) -> Vec<(&str, &str)> {
        let given = [("account", &self.account), ("region", &self.region)];
        given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }

    /// Empty where nothing of it was read yet: the screen says that it shows what is known.
    async fn list_if_read<T: DeserializeOwned>(
        &self,
        name: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, String> {
        let answer = self.exporter.answer(name, query, None).await?;
        match answer.status {
            StatusCode::OK => self.items(&answer.body),
            StatusCode::SERVICE_UNAVAILABLE => Ok(Vec::new()),
            _ => Err(self.exporter.refusal(&answer)),
        }
    }

    async fn list<T: DeserializeOwned>(&self, name: &str, query: &[(&str, &str)]) -> Result<Vec<T>, String> {
        let answer = self.exporter.answer(name, query, None).await?;
        match answer.status {
            StatusCode::OK => self.items(&answer.body),
            _ => Err(self.exporter.refusal(&answer)),
        }
    }

    fn items<T: DeserializeOwned>(&self, body: &str) -> Result<Vec<T>, String> {
        let listing = serde_json::from_str::<Listing<T>>(body);
        listing.map(|listing| listing.items).map_err(|error| self.exporter.not_understood(&error))
    }
}
