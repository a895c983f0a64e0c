//! `report`: everything about accounts in one page, offline and without script.

mod html;
mod section;
mod wrong;

use super::diagnose;
use super::human::{self, exact, percent, rounded};
use super::quotas::tone_of;
use super::sheet::{Field, Sheet, Tone, identifier, number, text, word};
use super::usage::{self, ModelUsage};
use crate::chart;
use crate::findings::case::{Room, Space};
use crate::findings::facts::Facts;
use crate::findings::past::rooms;
use crate::findings::{self, Finding};
use crate::model::ids::State;
use crate::model::time::Timestamp;
use crate::picture::Header;
use crate::picture::survey::Survey;
use section::Section;
use std::collections::BTreeSet;

/// Charts that a page has, at most.
const MOST_CHARTS: usize = 12;
/// A model is drawn from here on, or if it was refused calls.
const DRAWN: f64 = 0.3;

/// A report that grows target by target.
pub struct Report {
    header: Header,
    targets: Vec<String>,
    findings: Vec<Finding>,
    rooms: Vec<Room>,
    charts: Vec<(f64, String, String)>,
    fullest: Section,
    spenders: Section,
    below_default: Section,
    headroom: Section,
    lifecycle: Section,
    requests: Section,
    provisioned: Section,
    unmeasured: Section,
}

impl Report {
    pub fn new(header: &Header) -> Report {
        let section = Section::new;
        Report {
            header: header.clone(),
            targets: Vec::new(),
            findings: Vec::new(),
            rooms: Vec::new(),
            charts: Vec::new(),
            fullest: section(
                "fullest",
                "Fullest quotas",
                vec![
                    text("PLACE"),
                    text("QUOTA"),
                    word("CODE"),
                    number("LIMIT"),
                    number("P50"),
                    number("P90"),
                    number("P99"),
                    number("MAX"),
                ],
            ),
            spenders: section(
                "spenders",
                "Who spends it",
                vec![
                    text("PLACE"),
                    identifier("MODEL"),
                    identifier("INVOCATION ID"),
                    word("TEAM"),
                    number("REQUESTS"),
                    number("THROTTLED"),
                    number("TOKENS IN"),
                    number("TOKENS OUT"),
                ],
            ),
            below_default: section(
                "below-default",
                "Quotas below AWS's default",
                vec![
                    text("PLACE"),
                    text("QUOTA"),
                    word("CODE"),
                    number("LIMIT"),
                    number("DEFAULT"),
                    number("PEAK"),
                ],
            ),
            headroom: section(
                "headroom",
                "Room elsewhere, for models that are near a limit",
                vec![
                    text("PLACE"),
                    identifier("MODEL"),
                    word("SCOPE"),
                    number("LIMIT"),
                    number("PEAK"),
                    number("FREE"),
                ],
            ),
            lifecycle: section(
                "lifecycle",
                "Models that end",
                vec![text("PLACE"), identifier("MODEL"), word("STATE"), word("ENDS"), number("CALLS")],
            ),
            requests: section(
                "requests",
                "Requests for more, open and closed",
                vec![
                    text("PLACE"),
                    text("QUOTA"),
                    word("CODE"),
                    number("ASKED FOR"),
                    word("STATUS"),
                    word("MADE"),
                    word("CLOSED"),
                ],
            ),
            provisioned: section(
                "provisioned",
                "Provisioned throughput",
                vec![
                    text("PLACE"),
                    text("NAME"),
                    identifier("MODEL"),
                    number("UNITS"),
                    number("DESIRED"),
                    word("STATUS"),
                    word("COMMITMENT"),
                    word("ENDS"),
                ],
            ),
            unmeasured: section(
                "unmeasured",
                "What could not be measured, and why",
                vec![text("PLACE"), text("WHAT"), text("WHY")],
            ),
        }
    }

    /// How many findings there are.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Takes one target in. Only what the page shows of it is kept.
    pub fn add(&mut self, survey: &Survey) {
        let place = survey.picture.place();
        self.targets.push(survey.picture.title());
        self.findings.extend(findings::of(&Facts::of_survey(survey, self.header.taken)));
        self.rooms.extend(rooms(survey));
        let models = usage::models(survey, None);
        for usage in &models {
            self.add_model(survey, usage, &place);
        }
        self.add_quotas(survey, &place);
        self.add_catalog(survey, &models, &place);
        for trouble in &survey.picture.troubles {
            let what = trouble.message.split(": ").next().unwrap_or_default();
            let fields = vec![Field::text(&place), Field::text(what), Field::text(&trouble.message)];
            self.unmeasured.push(1.0, fields);
        }
    }

    fn add_model(&mut self, survey: &Survey, usage: &ModelUsage, place: &str) {
        for quota in &usage.quotas {
            self.add_fullest(quota, place);
        }
        for id in &usage.activity.ids {
            let totals = usage.activity.totals_of(id);
            let refused = if totals.throttles > 0.0 { Tone::Bad } else { Tone::Faint };
            self.spenders.push(
                totals.input + totals.output + totals.requests,
                vec![
                    Field::text(place),
                    Field::text(&*usage.activity.model),
                    Field::text(&*id.span.id.id),
                    Field::text(id.team.as_deref().unwrap_or("-")),
                    Field::number(Some(totals.requests), rounded),
                    Field::number(totals.throttle_rate(), percent).toned(refused),
                    Field::number(Some(totals.input), rounded),
                    Field::number(Some(totals.output), rounded),
                ],
            );
            if let Some(reason) = id.resolution.unmapped {
                let why = format!("it spends some quota, and nobody knows which: {}", reason.word());
                self.unmeasured
                    .push(2.0, vec![Field::text(place), Field::text(&*id.span.id.id), Field::text(why)]);
            }
        }
        // What was refused comes before what is merely full.
        let full = usage.fullest().unwrap_or(0.0);
        let rank = full + if usage.totals.throttles > 0.0 { 10.0 } else { 0.0 };
        let least = self.charts.last().map_or(0.0, |(rank, ..)| *rank);
        if rank >= DRAWN && (self.charts.len() < MOST_CHARTS || rank > least) {
            let columns = chart::columns(survey);
            let svg = chart::inline(columns, &chart::panel(survey, usage, columns));
            self.charts.push((rank, survey.picture.title(), svg));
            self.charts.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
            self.charts.truncate(MOST_CHARTS);
        }
    }

    fn add_fullest(&mut self, quota: &usage::QuotaUsage, place: &str) {
        let Some(shares) = quota.shares() else { return };
        let share = |share: f64| Field::number(Some(share), percent).toned(tone_of(share));
        self.fullest.push(
            shares.max,
            vec![
                Field::text(place),
                Field::text(&quota.quota.name),
                Field::text(&*quota.quota.key.code),
                Field::number(quota.limit(), exact),
                share(shares.p50),
                share(shares.p90),
                share(shares.p99),
                share(shares.max),
            ],
        );
    }

    fn add_quotas(&mut self, survey: &Survey, place: &str) {
        for quota in survey.quotas.iter().filter(|quota| survey.is_spent(&quota.key)) {
            let why = match survey.state(quota) {
                State::Unmeasurable => "nothing that CloudWatch publishes measures its usage",
                State::Unknown => "its row carries no value",
                State::Error => "Service Quotas could not tell its value",
                State::NotListed => "only AWS's default is listed: nobody knows whether it holds",
                State::NoSuchQuota | State::Zero | State::Ok => continue,
            };
            self.unmeasured.push(0.5, vec![Field::text(place), Field::text(&quota.name), Field::text(why)]);
        }
        for row in
            super::quotas::rows(survey, &super::quotas::Filter { below_default: true, ..Default::default() })
        {
            let (limit, default) = (row.quota.limit(), row.quota.default);
            self.below_default.push(
                row.share().unwrap_or(0.0) + f64::from(u8::from(row.peak > Some(0.0))),
                vec![
                    Field::text(place),
                    Field::text(&row.quota.name),
                    Field::text(&row.quota.code),
                    Field::number(limit, exact).toned(Tone::Warn),
                    Field::number(default, exact),
                    Field::number(row.share(), percent),
                ],
            );
        }
        self.add_requests(survey, place);
    }

    fn add_requests(&mut self, survey: &Survey, place: &str) {
        let Some(list) = &survey.picture.quotas else { return };
        let open = list.requests.iter().flatten().map(|request| (request, None));
        let closed = list.closed.iter().map(|closed| (&closed.request, Some(closed.changed)));
        for (request, closed) in open.chain(closed) {
            let name = list.quotas.iter().find(|quota| quota.code == request.quota_code);
            let date = |at: Option<Timestamp>| Field::text(at.map_or("-".to_string(), human::date));
            // Open ones first, and then by when they were closed.
            let rank = closed.map_or(f64::MAX, |at| at.map_or(0.0, |at| at.0 as f64));
            self.requests.push(
                rank,
                vec![
                    Field::text(place),
                    Field::text(name.map_or("", |quota| &quota.name)),
                    Field::text(&request.quota_code),
                    Field::number(request.desired, exact),
                    Field::text(&request.status),
                    date(request.created),
                    date(closed.flatten()),
                ],
            );
        }
    }

    fn add_catalog(&mut self, survey: &Survey, models: &[ModelUsage], place: &str) {
        let Some(catalog) = &survey.picture.catalog else { return };
        for model in catalog.models.iter().flatten() {
            let ends = model.end_of_life.is_some() || model.lifecycle.as_deref() == Some("LEGACY");
            let used = models.iter().filter(|usage| *usage.activity.model == *model.id);
            let calls: f64 = used.map(|usage| usage.totals.attempts()).sum();
            if ends && calls > 0.0 {
                self.lifecycle.push(
                    calls,
                    vec![
                        Field::text(place),
                        Field::text(&model.id),
                        Field::text(model.lifecycle.as_deref().unwrap_or("-")),
                        Field::text(model.end_of_life.map_or("-".to_string(), human::date)),
                        Field::number(Some(calls), rounded),
                    ],
                );
            }
        }
        for throughput in catalog.provisioned.iter().flatten() {
            let model = throughput.foundation_model_arn.rsplit('/').next().unwrap_or_default();
            self.provisioned.push(
                throughput.model_units,
                vec![
                    Field::text(place),
                    Field::text(&throughput.name),
                    Field::text(model),
                    Field::number(Some(throughput.model_units), exact),
                    Field::number(Some(throughput.desired_model_units), exact),
                    Field::text(&throughput.status),
                    Field::text(throughput.commitment.as_deref().unwrap_or("none")),
                    Field::text(throughput.commitment_expires.map_or("-".to_string(), human::date)),
                ],
            );
        }
    }

    /// What follows from all targets together.
    pub fn finish(&mut self) {
        self.findings = findings::finish(std::mem::take(&mut self.findings), &self.rooms);
        let cases = self.findings.iter().filter(|finding| finding.case.is_some());
        let models: BTreeSet<_> = cases.filter_map(|finding| finding.subject.model.as_ref()).collect();
        let rooms: Vec<&Room> = self.rooms.iter().filter(|room| models.contains(&room.model)).collect();
        for Room { model, scope, place, tokens: Space { limit, peak }, .. } in rooms {
            self.headroom.push(
                limit - peak,
                vec![
                    Field::text(place),
                    Field::text(&**model),
                    Field::text(scope.word()),
                    Field::number(Some(*limit), exact),
                    Field::number(Some(*peak), rounded),
                    Field::number(Some(limit - peak), rounded),
                ],
            );
        }
        self.sections_mut().into_iter().for_each(Section::sort);
    }

    fn sections_mut(&mut self) -> [&mut Section; 8] {
        [
            &mut self.fullest,
            &mut self.spenders,
            &mut self.below_default,
            &mut self.headroom,
            &mut self.lifecycle,
            &mut self.requests,
            &mut self.provisioned,
            &mut self.unmeasured,
        ]
    }

    fn sections(&self) -> [&Section; 8] {
        [
            &self.fullest,
            &self.spenders,
            &self.below_default,
            &self.headroom,
            &self.lifecycle,
            &self.requests,
            &self.provisioned,
            &self.unmeasured,
        ]
    }

    /// File names and contents for `--csv`.
    pub fn csv(&self) -> Vec<(String, String)> {
        let findings = ("findings.csv".to_string(), diagnose::summary(&self.findings).csv());
        let sections =
            self.sections().into_iter().map(|section| (format!("{}.csv", section.slug), section.all().csv()));
        std::iter::once(findings).chain(sections).collect()
    }

    /// What the numbers of a target's own table would look like: for tests and tools.
    pub fn sheet(&self, slug: &str) -> Option<Sheet> {
        self.sections().into_iter().find(|section| section.slug == slug).map(Section::all)
    }
}
