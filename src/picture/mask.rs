//! A picture without account ids: for a snapshot that leaves the house.

use super::TargetPicture;
use crate::model::catalog::Catalog;
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
    /// Replaces account ids wherever they stand (targets, ARNs, invocation ids, messages), and drops names.
    pub fn apply(&mut self, picture: TargetPicture) -> TargetPicture {
        let TargetPicture { target, quotas, catalog, usage, reserved, troubles, .. } = picture;
        let target = Target::new(&self.text(&target.account_id), &target.region);
        let reserved = reserved.map(|ids| ids.iter().map(|id| self.text(id)).collect());
        let mut masked =
            TargetPicture { target, account_name: None, quotas, catalog, usage, reserved, troubles };
        for quota in masked.quotas.iter_mut().flat_map(|list| &mut list.quotas) {
            if let Some(error) = quota.error.as_ref().map(|error| self.text(error)) {
                Arc::make_mut(quota).error = Some(error);
            }
        }
        masked.catalog.iter_mut().for_each(|catalog| self.catalog(catalog));
        for id in masked.usage.iter_mut().flat_map(|usage| &mut usage.ids) {
            id.id.id = self.text(&id.id.id).into();
        }
        masked.usage.iter_mut().for_each(|usage| usage.ids.sort_by(|a, b| a.id.cmp(&b.id)));
        masked.troubles.iter_mut().for_each(|trouble| trouble.message = self.text(&trouble.message));
        masked
    }

    fn catalog(&mut self, catalog: &mut Catalog) {
        for profile in catalog.profiles.iter_mut().flatten().map(Arc::make_mut) {
            profile.id = self.text(&profile.id);
            profile.arn = self.text(&profile.arn);
            profile.model_arns.iter_mut().for_each(|arn| *arn = self.text(arn));
        }
        for provisioned in catalog.provisioned.iter_mut().flatten() {
            provisioned.arn = self.text(&provisioned.arn);
            provisioned.model_arn = self.text(&provisioned.model_arn);
            provisioned.foundation_model_arn = self.text(&provisioned.foundation_model_arn);
        }
        for deployment in catalog.deployments.iter_mut().flatten() {
            deployment.arn = self.text(&deployment.arn);
            deployment.model_arn = self.text(&deployment.model_arn);
        }
        catalog.custom_models.iter_mut().flatten().for_each(|model| model.arn = self.text(&model.arn));
        catalog.imported.iter_mut().flatten().for_each(|model| model.arn = self.text(&model.arn));
        for job in catalog.batch_jobs.iter_mut().flatten() {
            job.arn = self.text(&job.arn);
            job.model_id = self.text(&job.model_id);
        }
        if let Some(tags) = catalog.tags.take() {
            catalog.tags = Some(tags.into_iter().map(|(arn, tags)| (self.text(&arn), tags)).collect());
        }
    }

    /// The text with every number of exactly twelve digits replaced.
    fn text(&mut self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |end| start + end);
            masked += &rest[..start];
            let digits = &rest[start..end];
            masked += &if digits.len() == DIGITS { self.account(digits) } else { digits.to_string() };
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
