//! `explain --coverage`: of how many quotas the usage is known, by what, and why the others have none.

use super::sheet::{Field, Sheet, number, text, word};
use crate::model::coverage::coverage;
use crate::model::evaluate::utilization::is_unmeasurable;
use crate::model::matching::{Family, Index, family};
use crate::model::meter::{MeasuredBy, Unmeasurable};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One family of quotas, or a sum of families.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    pub rows: usize,
    pub measured: BTreeMap<MeasuredBy, usize>,
    pub unmeasurable: BTreeMap<Unmeasurable, usize>,
}

impl Coverage {
    pub fn measured(&self) -> usize {
        self.measured.values().sum()
    }

    fn add(&mut self, other: &Coverage) {
        self.rows += other.rows;
        other.measured.iter().for_each(|(by, count)| *self.measured.entry(*by).or_default() += count);
        other
            .unmeasurable
            .iter()
            .for_each(|(why, count)| *self.unmeasurable.entry(*why).or_default() += count);
    }

    fn counted(&mut self, what: Result<MeasuredBy, Unmeasurable>) {
        self.rows += 1;
        match what {
            Ok(by) => *self.measured.entry(by).or_default() += 1,
            Err(why) => *self.unmeasurable.entry(why).or_default() += 1,
        }
    }
}

/// The families whose quotas limit calls of models; all others are of control planes.
pub fn is_runtime(family: Family) -> bool {
    matches!(
        family,
        Family::OnDemand
            | Family::CrossRegion
            | Family::Global
            | Family::TokensPerDay
            | Family::CrossModelTokensPerDay
            | Family::Mantle
            | Family::CustomDeployment
            | Family::ModelUnits
            | Family::BatchJobs
    )
}

/// Every row of the lists, by family.
pub fn by_family(index: &Index) -> BTreeMap<Family, Coverage> {
    let models: BTreeMap<&str, _> = index.quotas().iter().map(|quota| (&*quota.key.code, quota)).collect();
    let mut families: BTreeMap<Family, Coverage> = BTreeMap::new();
    for row in index.rows() {
        let model =
            models.get(row.code.as_str()).map(|quota| (&quota.key, !is_unmeasurable(&quota.key, &[])));
        families.entry(family(&row.name)).or_default().counted(coverage(row, model));
    }
    families
}

/// The sums of runtime, of control planes, and of all.
pub fn sums(families: &BTreeMap<Family, Coverage>) -> [(&'static str, Coverage); 3] {
    let mut sums = ["runtime", "control planes", "all"].map(|name| (name, Coverage::default()));
    for (family, coverage) in families {
        let of = usize::from(!is_runtime(*family));
        sums[of].1.add(coverage);
        sums[2].1.add(coverage);
    }
    sums
}

/// A table: a line for each family, sums below.
pub fn table(index: &Index) -> Sheet {
    let families = by_family(index);
    let heads = vec![word("FAMILY"), number("ROWS"), number("MEASURED"), text("BY"), text("WHY NOT")];
    let mut sheet = Sheet::new(heads);
    let mut push = |name, coverage| sheet.push(cells(name, coverage).map(Field::text).to_vec());
    families.iter().for_each(|(family, coverage)| push(family.word(), coverage));
    sums(&families).iter().for_each(|(name, coverage)| push(name, coverage));
    sheet
}

fn cells(name: &str, coverage: &Coverage) -> [String; 5] {
    let by = coverage.measured.iter().map(|(by, count)| format!("{by} {count}"));
    let why = coverage.unmeasurable.iter().map(|(why, count)| format!("{why} {count}"));
    let measured =
        format!("{} ({} %)", coverage.measured(), 100 * coverage.measured() / coverage.rows.max(1));
    [
        name.to_string(),
        coverage.rows.to_string(),
        measured,
        by.collect::<Vec<_>>().join(", "),
        why.collect::<Vec<_>>().join(", "),
    ]
}

/// The same as an object by family.
pub fn json(index: &Index) -> String {
    let families = by_family(index);
    let of = |coverage: &Coverage| {
        let by: Map<String, Value> =
            coverage.measured.iter().map(|(by, count)| (by.to_string(), json!(count))).collect();
        let why: Map<String, Value> =
            coverage.unmeasurable.iter().map(|(why, count)| (why.to_string(), json!(count))).collect();
        json!({ "rows": coverage.rows, "measured": by, "unmeasurable": why })
    };
    let families: Map<String, Value> =
        families.iter().map(|(family, coverage)| (family.to_string(), of(coverage))).collect();
    format!("{:#}\n", Value::Object(families))
}
