//! Quotas of how many things there may be, counted by the lists of the catalog that are read anyway.

use super::arn::Arn;
use super::catalog::{Catalog, ProfileKind, ProvisionedThroughput};

/// How many there are of what a row limits; `None` where its list could not be read.
type Count = fn(&Catalog) -> Option<f64>;

/// Rows by their whole names.
const COUNTS: [(&str, Count); 8] = [
    ("Imported models per account", |catalog| Some(catalog.imported.as_ref()?.len() as f64)),
    ("(Model customization) Custom models per account", |catalog| {
        Some(catalog.custom_models.as_ref()?.len() as f64)
    }),
    ("Custom models with a creating status per account", |catalog| {
        let models = catalog.custom_models.as_ref()?.iter();
        let is_creating: Option<Vec<bool>> =
            models.map(|model| Some(model.status.as_deref()? == "Creating")).collect();
        Some(is_creating?.into_iter().filter(|creating| *creating).count() as f64)
    }),
    ("(Model customization) Total number of custom model deployments", |catalog| {
        Some(catalog.deployments.as_ref()?.len() as f64)
    }),
    ("(Model customization) In-progress custom model deployments", |catalog| {
        let creating =
            catalog.deployments.as_ref()?.iter().filter(|deployment| deployment.status == "Creating");
        Some(creating.count() as f64)
    }),
    ("Inference profiles per account", |catalog| {
        let own =
            catalog.profiles.as_ref()?.iter().filter(|profile| profile.kind == ProfileKind::Application);
        Some(own.count() as f64)
    }),
    ("Model units no-commitment Provisioned Throughputs across base models", |catalog| {
        units_without_commitment(catalog, "foundation-model")
    }),
    ("Model units no-commitment Provisioned Throughputs across custom models", |catalog| {
        units_without_commitment(catalog, "custom-model")
    }),
];

/// What counts a row, by its name.
pub(crate) fn listed(name: &str) -> Option<Count> {
    COUNTS.iter().find(|(row, _)| *row == name).map(|(_, count)| *count)
}

/// The units that are there or asked for, of throughputs of that kind of model.
fn units_without_commitment(catalog: &Catalog, kind: &str) -> Option<f64> {
    let is_counted = |throughput: &&ProvisionedThroughput| {
        throughput.commitment.is_none()
            && throughput.status != "Failed"
            && Arn::parse(&throughput.model_arn).is_some_and(|arn| arn.kind() == kind)
    };
    let counted = catalog.provisioned.as_ref()?.iter().filter(is_counted);
    Some(counted.map(|throughput| throughput.model_units.max(throughput.desired_model_units)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{CustomModel, CustomModelDeployment};

    fn throughput(model: &str, units: f64, desired: f64, commitment: Option<&str>) -> ProvisionedThroughput {
        ProvisionedThroughput {
            arn: String::new(),
            name: String::new(),
            model_arn: format!("arn:aws:bedrock:us-east-1:111111111111:{model}"),
            foundation_model_arn: String::new(),
            model_units: units,
            desired_model_units: desired,
            status: "InService".into(),
            commitment: commitment.map(String::from),
            commitment_expires: None,
        }
    }

    #[test]
    fn things_are_counted_as_their_row_says_and_unread_lists_count_nothing() {
        let deployment = |status: &str| CustomModelDeployment {
            arn: String::new(),
            name: String::new(),
            model_arn: String::new(),
            status: status.into(),
        };
        let catalog = Catalog {
            provisioned: Some(vec![
                throughput("foundation-model/a.b-v1:0", 1.0, 3.0, None),
                throughput("foundation-model/a.b-v1:0", 5.0, 5.0, Some("OneMonth")),
                throughput("custom-model/a.b-v1:0/x", 2.0, 2.0, None),
                ProvisionedThroughput {
                    status: "Failed".into(),
                    ..throughput("custom-model/a.b-v1:0/y", 9.0, 9.0, None)
                },
            ]),
            deployments: Some(["Active", "Creating", "Failed"].map(deployment).into()),
            ..Catalog::default()
        };
        let counted: Vec<Option<f64>> = COUNTS.iter().map(|(_, count)| count(&catalog)).collect();
        assert_eq!(counted, [None, None, None, Some(3.0), Some(1.0), None, Some(3.0), Some(2.0)]);
        let custom = |statuses: &[Option<&str>]| {
            let model =
                |status: &Option<&str>| CustomModel { arn: String::new(), status: status.map(String::from) };
            let catalog =
                Catalog { custom_models: Some(statuses.iter().map(model).collect()), ..Catalog::default() };
            let count = |name: &str| listed(name).and_then(|count| count(&catalog));
            [
                count("(Model customization) Custom models per account"),
                count("Custom models with a creating status per account"),
            ]
        };
        assert_eq!(custom(&[Some("Active"), Some("Creating"), Some("Failed")]), [Some(3.0), Some(1.0)]);
        assert_eq!(
            custom(&[Some("Active"), None]),
            [Some(2.0), None],
            "a status that is not said may be any"
        );
        assert!(listed("Imported models per account").is_some() && listed("Agents per account").is_none());
    }
}
