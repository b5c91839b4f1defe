//! A layout in memory: names to numbers and back. Layouts never change, so one that was read once is kept.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use moka::future::Cache;

use super::document::LayoutDocument;
use super::store;
use crate::database::Primary;
use crate::error::ApiError;
use crate::seats::SeatName;

/// Layouts kept in memory; one of 50,000 seats takes about 10 MB.
const KEPT: u64 = 32;

/// One layout.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The hash of its content.
    pub(crate) hash: String,
    names: Vec<SeatName>,
    tiers: Vec<Arc<str>>,
    numbers: HashMap<SeatName, i32>,
    rows: Vec<Range<usize>>,
}

/// All layouts in use.
#[derive(Debug, Clone)]
pub(crate) struct Layouts {
    primary: Primary,
    by_id: Cache<i64, Arc<Layout>>,
}

impl Layouts {
    pub(crate) fn new(primary: Primary) -> Self {
        Self {
            primary,
            by_id: Cache::new(KEPT),
        }
    }

    /// The layout with this id of the database.
    pub(crate) async fn get(&self, id: i64) -> Result<Arc<Layout>, Arc<ApiError>> {
        let load = async {
            let (hash, document) = store::by_id(&self.primary, id).await?;
            Layout::read(hash, &document)
                .map(Arc::new)
                .map_err(ApiError::Unreadable)
        };
        self.by_id.try_get_with(id, load).await
    }
}

impl Layout {
    fn read(hash: String, document: &str) -> Result<Self, serde_json::Error> {
        let content: LayoutDocument = serde_json::from_str(document)?;
        let mut layout = Self {
            hash,
            names: Vec::new(),
            tiers: Vec::new(),
            numbers: HashMap::new(),
            rows: Vec::new(),
        };
        let mut shared_tiers: HashMap<String, Arc<str>> = HashMap::new();
        for row in content
            .sections
            .into_iter()
            .flat_map(|section| section.rows)
        {
            let first = layout.names.len();
            for seat in row.seats {
                let number =
                    i32::try_from(layout.names.len()).expect("a layout has at most 100,000 seats");
                let tier = shared_tiers
                    .entry(seat.tier)
                    .or_insert_with_key(|tier| Arc::from(tier.as_str()));
                layout.tiers.push(Arc::clone(tier));
                layout.numbers.insert(seat.name.clone(), number);
                layout.names.push(seat.name);
            }
            layout.rows.push(first..layout.names.len());
        }
        Ok(layout)
    }

    /// How many seats it has.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The number of a seat in the database.
    pub(crate) fn number(&self, name: &SeatName) -> Option<i32> {
        self.numbers.get(name).copied()
    }

    /// The name of the seat with a number of the database.
    pub(crate) fn name(&self, number: i32) -> String {
        let name = usize::try_from(number)
            .ok()
            .and_then(|index| self.names.get(index));
        name.map_or_else(|| number.to_string(), SeatName::to_string)
    }

    /// The names of several.
    pub(crate) fn names(&self, numbers: &[i32]) -> Vec<String> {
        numbers.iter().map(|number| self.name(*number)).collect()
    }

    /// Name and tier of every seat, in order.
    pub(crate) fn seats(&self) -> impl Iterator<Item = (&SeatName, &str)> {
        self.names.iter().zip(self.tiers.iter().map(|tier| &**tier))
    }

    /// The rows, as ranges of seats that are neighbours.
    pub(crate) fn rows(&self) -> &[Range<usize>] {
        &self.rows
    }

    /// The tier of the seat at `index`.
    pub(crate) fn tier(&self, index: usize) -> &str {
        &self.tiers[index]
    }
}
