//! A picture without account ids: for a snapshot that leaves the house.

use super::{Header, TargetPicture};
use crate::model::catalog::{
    BatchJob, Catalog, CustomModel, CustomModelDeployment, ImportedModel, InferenceProfile,
    ProvisionedThroughput, Tags,
};
use crate::model::ids::Target;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Gives every account another id, always the same within one snapshot: 999900000001 and up, which no account
/// of the picture has.
#[derive(Debug, Default)]
pub struct Mask(BTreeMap<String, String>);

/// How many digits an account id has.
const DIGITS: usize = 12;

impl Mask {
    /// Replaces account ids wherever they stand (targets, ARNs, invocation ids, names, tags, messages), and drops the
    /// accounts' names.
    pub fn apply(&mut self, picture: TargetPicture) -> TargetPicture {
        let TargetPicture {
            target,
            account_name: _,
            mut quotas,
            mut catalog,
            mut usage,
            reserved,
            mut troubles,
        } = picture;
        // First, so that it is known wherever else it stands.
        let target = Target::new(&self.text(&target.account_id), &target.region);
        let reserved = reserved.map(|ids| ids.iter().map(|id| self.text(id)).collect());
        for quota in quotas.iter_mut().flat_map(|list| &mut list.quotas) {
            if let Some(error) = quota.error.as_ref().map(|error| self.text(error)) {
                Arc::make_mut(quota).error = Some(error);
            }
        }
        catalog.iter_mut().for_each(|catalog| self.catalog(catalog));
        for id in usage.iter_mut().flat_map(|usage| &mut usage.ids) {
            id.id.id = self.text(&id.id.id).into();
        }
        usage.iter_mut().for_each(|usage| usage.ids.sort_by(|a, b| a.id.cmp(&b.id)));
        self.each(troubles.iter_mut().map(|trouble| &mut trouble.message));
        TargetPicture { target, account_name: None, quotas, catalog, usage, reserved, troubles }
    }

    /// The header of what is masked.
    pub fn header(&mut self, header: &Header) -> Header {
        let team_tag = header.team_tag.as_ref().map(|tag| self.text(tag));
        Header { masked: true, team_tag, ..header.clone() }
    }

    /// Fields are taken apart by name, so that a new one is not forgotten here.
    fn catalog(&mut self, catalog: &mut Catalog) {
        // What AWS lists of models is the same for everybody.
        let Catalog {
            models: _,
            profiles,
            provisioned,
            deployments,
            custom_models,
            imported,
            batch_jobs,
            tags,
        } = catalog;
        for profile in profiles.iter_mut().flatten().map(Arc::make_mut) {
            let InferenceProfile { id, arn, name, kind: _, model_arns } = profile;
            self.each([id, arn].into_iter().chain(name).chain(model_arns));
        }
        for throughput in provisioned.iter_mut().flatten() {
            let ProvisionedThroughput { arn, name, model_arn, foundation_model_arn, .. } = throughput;
            self.each([arn, name, model_arn, foundation_model_arn]);
        }
        for deployment in deployments.iter_mut().flatten() {
            let CustomModelDeployment { arn, name, model_arn, status: _ } = deployment;
            self.each([arn, name, model_arn]);
        }
        for model in custom_models.iter_mut().flatten() {
            let CustomModel { arn, status: _ } = model;
            self.each([arn]);
        }
        for model in imported.iter_mut().flatten() {
            let ImportedModel { arn, name } = model;
            self.each([arn, name]);
        }
        for job in batch_jobs.iter_mut().flatten() {
            let BatchJob { arn, model_id, status: _ } = job;
            self.each([arn, model_id]);
        }
        if let Some(of_profiles) = tags {
            let masked = |(arn, tags): (String, Tags)| {
                let tags =
                    tags.into_iter().map(|(key, value)| (self.text(&key), self.text(&value))).collect();
                (self.text(&arn), tags)
            };
            *of_profiles = std::mem::take(of_profiles).into_iter().map(masked).collect();
        }
    }

    fn each<'a>(&mut self, texts: impl IntoIterator<Item = &'a mut String>) {
        texts.into_iter().for_each(|text| *text = self.text(text));
    }

    /// The text with every number of exactly twelve digits replaced, and known accounts within longer ones.
    fn text(&mut self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |end| start + end);
            masked += &rest[..start];
            let digits = &rest[start..end];
            masked += &match digits.len() {
                DIGITS => self.account(digits),
                ..DIGITS => digits.to_string(),
                _ => self.0.iter().fold(digits.to_string(), |digits, (id, other)| digits.replace(id, other)),
            };
            rest = &rest[end..];
        }
        masked + rest
    }

    fn account(&mut self, id: &str) -> String {
        let number = self.0.len() + 1;
        self.0.entry(id.to_string()).or_insert_with(|| format!("9999{number:08}")).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_are_replaced_everywhere_and_always_alike() {
        let mut mask = Mask::default();
        let arn = "arn:aws:bedrock:us-west-2:111122223333:provisioned-model/123456789012a";
        let masked = mask.text(arn);
        assert_eq!(masked, "arn:aws:bedrock:us-west-2:999900000001:provisioned-model/999900000002a");
        assert_eq!(mask.text("444455556666 and 111122223333"), "999900000003 and 999900000001");
        assert_eq!(mask.text("claude-haiku-4-5-20251001-v1:0 é1"), "claude-haiku-4-5-20251001-v1:0 é1");
    }
}
