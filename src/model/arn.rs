//! Amazon Resource Names, taken apart: `arn:partition:service:region:account:resource`.

/// The parts of an ARN. Region and account are empty where the resource has none, such as a role's region or
/// a foundation model's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-us-gov`, `aws-cn`.
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    /// All behind the fifth colon; it may hold colons of its own.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// `None` where the text is no ARN.
    pub fn parse(text: &'a str) -> Option<Arn<'a>> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let mut next = || parts.next();
        let (partition, service, region, account, resource) = (next()?, next()?, next()?, next()?, next()?);
        let complete = !partition.is_empty() && !service.is_empty() && !resource.is_empty();
        complete.then_some(Arn { partition, service, region, account, resource })
    }

    /// What the resource is: `foundation-model` of `foundation-model/amazon.nova-lite-v1:0`. Empty where the
    /// resource has no slash.
    pub fn kind(&self) -> &'a str {
        self.resource.split_once('/').map_or("", |(kind, _)| kind)
    }

    /// The resource behind its kind: `amazon.nova-lite-v1:0` of `foundation-model/amazon.nova-lite-v1:0`.
    /// Empty where the resource has no slash.
    pub fn id(&self) -> &'a str {
        self.resource.split_once('/').map_or("", |(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_taken_apart() {
        let deployment = "arn:aws:bedrock:us-east-1:111122223333:custom-model/amazon.nova-lite-v1:0:300k/abc";
        let arn = Arn::parse(deployment).unwrap();
        assert_eq!((arn.partition, arn.service), ("aws", "bedrock"));
        assert_eq!((arn.region, arn.account), ("us-east-1", "111122223333"));
        assert_eq!((arn.kind(), arn.id()), ("custom-model", "amazon.nova-lite-v1:0:300k/abc"));

        let global = Arn::parse("arn:aws-us-gov:bedrock:::foundation-model/amazon.nova-lite-v1:0").unwrap();
        assert_eq!((global.partition, global.region, global.account), ("aws-us-gov", "", ""));
        assert_eq!(Arn::parse("arn:aws:iam::111122223333:root").unwrap().id(), "");
    }

    #[test]
    fn what_is_no_arn() {
        for text in
            ["", "arn", "arn:", "arn:aws:iam::111122223333", "arn:aws:iam::1:", "amazon.nova-lite-v1:0"]
        {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
