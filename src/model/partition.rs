//! AWS's partitions: regions, ARNs and credentials of one mean nothing in another.

/// A partition: how it is called in ARNs, how its regions begin, and where the services of the whole of it are.
struct Partition {
    name: &'static str,
    prefix: &'static str,
    home: &'static str,
}

/// The first has every region that begins like none of the others.
const PARTITIONS: [Partition; 8] = [
    Partition { name: "aws", prefix: "", home: "us-east-1" },
    Partition { name: "aws-cn", prefix: "cn-", home: "cn-northwest-1" },
    Partition { name: "aws-us-gov", prefix: "us-gov-", home: "us-gov-west-1" },
    Partition { name: "aws-eusc", prefix: "eusc-", home: "eusc-de-east-1" },
    Partition { name: "aws-iso", prefix: "us-iso-", home: "us-iso-east-1" },
    Partition { name: "aws-iso-b", prefix: "us-isob-", home: "us-isob-east-1" },
    Partition { name: "aws-iso-e", prefix: "eu-isoe-", home: "eu-isoe-west-1" },
    Partition { name: "aws-iso-f", prefix: "us-isof-", home: "us-isof-south-1" },
];

/// How regions of each area begin, those of partitions of their own first.
const AREAS: [&str; 16] = [
    "us-gov", "us-isob", "us-isof", "us-iso", "eu-isoe", "eusc-de", "cn", "af", "ap", "ca", "eu", "il", "me",
    "mx", "sa", "us",
];
const DIRECTIONS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// The regions that every account has: AWS opened them before March 2019. All later ones are opted in to, account by
/// account.
const ENABLED_BY_DEFAULT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether an account may lack the region.
pub fn is_opt_in(region: &str) -> bool {
    of_region(region) == "aws" && !ENABLED_BY_DEFAULT.contains(&region)
}

/// The partition of a region.
pub fn of_region(region: &str) -> &'static str {
    let special = PARTITIONS.iter().skip(1).find(|partition| region.starts_with(partition.prefix));
    special.map_or("aws", |partition| partition.name)
}

/// Where the services of a whole partition are; of an unknown one, those of the first.
pub fn home(partition: &str) -> &'static str {
    let known = PARTITIONS.iter().find(|known| known.name == partition);
    known.unwrap_or(&PARTITIONS[0]).home
}

/// The host of the console, where a partition's is publicly known.
pub fn console(region: &str) -> Option<&'static str> {
    match of_region(region) {
        "aws" => Some("console.aws.amazon.com"),
        "aws-us-gov" => Some("console.amazonaws-us-gov.com"),
        "aws-cn" => Some("console.amazonaws.cn"),
        _ => None,
    }
}

/// Where the services of a region's whole partition are.
pub fn home_of_region(region: &str) -> &'static str {
    home(of_region(region))
}

/// Whether a partition is AWS's.
pub fn is_known(partition: &str) -> bool {
    PARTITIONS.iter().any(|known| known.name == partition)
}

/// Whether AWS names its regions like this: an area, a direction and a number of one digit. `us-east-9` may come,
/// `us-east-77` is a slip.
pub fn is_region(text: &str) -> bool {
    let after_area = AREAS.iter().find_map(|area| text.strip_prefix(area)?.strip_prefix('-'));
    let parts = after_area.and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(direction, number)| {
        DIRECTIONS.contains(&direction) && number.len() == 1 && matches!(number.as_bytes(), [b'1'..=b'9'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_without_regions_are_at_home_once_in_each_partition() {
        for (region, at) in [
            ("eu-west-1", "us-east-1"),
            ("us-gov-east-1", "us-gov-west-1"),
            ("cn-north-1", "cn-northwest-1"),
            ("us-iso-west-1", "us-iso-east-1"),
            ("us-isob-east-1", "us-isob-east-1"),
        ] {
            assert_eq!(home(of_region(region)), at, "{region}");
        }
    }

    #[test]
    fn only_the_regions_of_the_first_partition_that_came_late_are_opted_in_to() {
        for region in ["ap-east-1", "eu-south-2", "me-central-1", "mx-central-1"] {
            assert!(is_opt_in(region), "{region}");
        }
        for region in ["us-east-1", "eu-north-1", "ap-northeast-3", "us-gov-west-1", "cn-north-1"] {
            assert!(!is_opt_in(region), "{region}");
        }
    }

    #[test]
    fn a_region_is_an_area_a_direction_and_a_digit() {
        for good in [
            "us-east-1",
            "ap-southeast-2",
            "us-gov-west-1",
            "eu-isoe-west-1",
            "eusc-de-east-1",
            "mx-central-1",
        ] {
            assert!(is_region(good), "{good}");
        }
        for bad in [
            "",
            "us-east",
            "us-east-",
            "us-east-1a",
            "us-1",
            "-east-1",
            "US-EAST-1",
            "us_east_1",
            "us-east-0",
            "us-east-77",
            "us-weast-1",
            "xx-east-1",
            "us-gov-1",
            "us-east-1-",
            "eu-central-٣",
        ] {
            assert!(!is_region(bad), "{bad}");
        }
    }

    #[test]
    fn the_regions_that_have_bedrock_are_regions() {
        let listed =
            include_str!("../../data/bedrock-regions.txt").lines().filter(|line| !line.starts_with('#'));
        let wrong: Vec<&str> = listed.filter(|line| !is_region(line)).collect();
        assert_eq!(wrong, Vec::<&str>::new());
    }
}
