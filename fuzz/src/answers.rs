//! AWS's answers, through the clients that the exporter makes: the SDK decodes them, and what it has made of them goes on
//! to the snapshot and the exposition. No network: the HTTP client answers by itself.

use super::{pause, world};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use bedrock_quota_exporter::aws::{Connection, Environment, Session};
use bedrock_quota_exporter::collect::{Work, collect};
use bedrock_quota_exporter::config;
use bedrock_quota_exporter::exposition;
use bedrock_quota_exporter::model::ids::Target;
use bedrock_quota_exporter::model::organization::Filter;
use bedrock_quota_exporter::model::request::{SeriesRequest, UsageRequest};
use bedrock_quota_exporter::model::snapshot::Snapshot;
use bedrock_quota_exporter::model::usage::{InvocationId, Metric};
use bedrock_quota_exporter::plan::{Credentials, Plan, plan};
use bedrock_quota_exporter::sim::wire::cbor;
use bedrock_quota_exporter::telemetry::{Build, Telemetry};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{self, Runtime};

const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

/// Whose the keys are, while STS is not what is tried.
const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:role/r</Arn>\
    <UserId>r</UserId><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Protocol {
    Json,
    Cbor,
    Xml,
}

/// The answer to every call of that protocol.
#[derive(Clone, Debug)]
struct Answer {
    protocol: Protocol,
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    fn response(&self) -> Option<HttpResponse> {
        let status = self.status.try_into().ok()?;
        let mut response = HttpResponse::new(status, SdkBody::from(self.body.clone()));
        if self.protocol == Protocol::Cbor {
            response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
        }
        Some(response)
    }
}

/// Where AWS would be.
#[derive(Clone, Debug, Default)]
struct Desk(Arc<Mutex<Option<Answer>>>);

impl HttpConnector for Desk {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_sts = request.uri().contains("//sts.");
        let identity = Answer { protocol: Protocol::Xml, status: 200, body: IDENTITY.into() };
        let answer = answer.filter(|answer| is_sts == (answer.protocol == Protocol::Xml)).unwrap_or(identity);
        HttpConnectorFuture::ready(Ok(answer.response().expect("a status of HTTP")))
    }
}

/// An exporter that is connected to one account in one region.
struct Rig {
    runtime: Runtime,
    desk: Desk,
    plan: Plan,
    environment: Environment,
    session: Arc<Session>,
    connection: Connection,
}

thread_local! {
    static RIG: OnceCell<Rig> = const { OnceCell::new() };
}

fn rig() -> Rig {
    let runtime = runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut plan = plan(&config::parse("test", "regions: [us-east-1]")).expect("a config");
    plan.aws.simulated_keys = Some("AKIASIMULATED".to_string());
    plan.aws.max_attempts = 1;
    let desk = Desk::default();
    let telemetry = Telemetry::new(Build { version: "test", revision: "", mode: "test" }, world::NOW);
    let (environment, session, connection) = runtime.block_on(async {
        let connector = SharedHttpConnector::new(desk.clone());
        let http = http_client_fn(move |_, _| connector.clone());
        let environment = Environment::over(http, &plan.aws, Some(REGION), &telemetry).await.expect("keys");
        let session = environment.session(&Credentials::Default).await;
        let connection = session.connect(&Target::new(ACCOUNT, REGION));
        connection.ready(world::NOW).await.expect("keys");
        // Paced lists wait between pages.
        pause();
        (environment, session, connection)
    });
    Rig { runtime, desk, plan, environment, session, connection }
}

/// The first byte says what is asked, the second with which status it is answered, the rest is the answer.
fn tried(protocol: Protocol, bytes: &[u8], call: impl AsyncFnOnce(&Rig, u8)) {
    const STATUSES: [u16; 8] = [200, 400, 403, 404, 429, 500, 503, 301];
    let [call_byte, status, body @ ..] = bytes else { return };
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    RIG.with(|rig| {
        let rig = rig.get_or_init(self::rig);
        *rig.desk.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Answer { protocol, status, body: body.to_vec() });
        rig.runtime.block_on(call(rig, *call_byte));
    });
}

/// One collection, what becomes of its answer, and what a scrape would show of that.
async fn shown(rig: &Rig, work: Work) {
    let Rig { plan, connection, .. } = rig;
    let snapshot = Snapshot::new(vec![connection.target.clone()], world::NOW);
    let Some(state) = snapshot.targets.get(&connection.target) else { return };
    let tags = ["team".to_string()];
    let outcome = collect(connection, state, work, &plan.settings, &tags, world::NOW).await;
    let snapshot = snapshot.advance(&plan.settings, vec![outcome], world::NOW);
    exposition::render(&mut Vec::new(), &snapshot, &world::export()).expect("memory");
}

/// Service Quotas, Bedrock, Organizations, OAM, Account and the runtime. Which of them stands in the first byte,
/// as a digit.
pub fn aws_json(bytes: &[u8]) {
    tried(Protocol::Json, bytes, async |rig, call| match call % 8 {
        0 => shown(rig, Work::Quotas).await,
        1 => shown(rig, Work::Catalog).await,
        2 | 3 => {
            let ous = if call % 8 == 2 { Vec::new() } else { vec!["ou-ab12-34cd56ef".to_string()] };
            let (tags, names, exclude) = (BTreeMap::new(), vec!["*a*".to_string()], Vec::new());
            let filter = Filter { ous, tags, names, states: Vec::new(), exclude };
            let _ = rig.session.members(&filter, REGION, world::NOW).await;
        }
        4 => drop(rig.session.try_links(REGION).await),
        5 => drop(rig.session.enabled_regions(ACCOUNT, REGION, world::NOW).await),
        6 => drop(rig.connection.request_increase("L-00000001", 1.0).await),
        _ => drop(rig.connection.runtime().converse("amazon.nova-lite-v1:0", "a".to_string(), 1).await),
    });
}

/// CloudWatch, and the simulated one's own decoder.
pub fn aws_cbor(bytes: &[u8]) {
    let _ = cbor::decode(bytes.get(2..).unwrap_or_default());
    tried(Protocol::Cbor, bytes, async |rig, call| {
        let now = world::NOW.minute();
        let series = |metric| {
            let id = InvocationId::runtime("amazon.nova-lite-v1:0");
            SeriesRequest { id, metric, from: now - 5, until: now }
        };
        match call % 4 {
            0 => shown(rig, Work::Usage(UsageRequest { discover: true, ..UsageRequest::default() })).await,
            1 => {
                let minutes = vec![series(Metric::Invocations), series(Metric::Throttles)];
                shown(rig, Work::Usage(UsageRequest { minutes, ..UsageRequest::default() })).await;
            }
            2 => drop(rig.connection.part_series().await),
            _ => drop(rig.connection.reserved_ids().await),
        }
    });
}

/// STS: whose keys these are, and keys of a role.
pub fn aws_xml(bytes: &[u8]) {
    tried(Protocol::Xml, bytes, async |rig, call| match call % 2 {
        0 => drop(rig.session.identity(world::NOW).await),
        _ => {
            let arn = "arn:aws:iam::000000000000:role/bedrock-quota-exporter".to_string();
            let session = rig.environment.session(&Credentials::Role { arn, external_id: None }).await;
            let _ = session.account_id(world::NOW).await;
        }
    });
}
