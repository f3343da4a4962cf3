//! The best of each row, as a table and as bars.

use mesos_benches::Limit;

use crate::measure::Sample;

/// What a competitor is there for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Role {
    /// Shown, and compared with nothing.
    Floor,
    /// What the limits are multiples of.
    Limit,
    Ours,
    /// What ours must be ahead of.
    Crate,
}

/// The figure that a row is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    Wall,
    Cpu,
    /// What 99 of 100 operations take at most; the row shows the median before it.
    P99,
}

impl Figure {
    fn of(self, sample: Sample) -> f64 {
        match self {
            Self::Wall => sample.wall,
            Self::Cpu => sample.cpu,
            Self::P99 => sample.p99,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    figure: Figure,
    /// How many times the figure of the limit ours may be.
    limit: Option<f64>,
}

impl Row {
    pub(crate) const fn new(name: &'static str, figure: Figure, limit: Option<f64>) -> Self {
        Self { name, figure, limit }
    }
}

/// The best samples so far.
pub(crate) struct Results {
    competitors: Vec<(&'static str, Role)>,
    rows: Vec<(Row, Vec<Sample>)>,
}

impl Results {
    pub(crate) fn new(competitors: &[(&'static str, Role)], rows: impl Iterator<Item = Row>) -> Self {
        let empty = vec![Sample::default(); competitors.len()];
        Self { competitors: competitors.to_vec(), rows: rows.map(|row| (row, empty.clone())).collect() }
    }

    pub(crate) fn add(&mut self, row: usize, competitor: usize, sample: Sample) {
        let best = &mut self.rows[row].1[competitor];
        *best = best.best(sample);
    }

    /// Prints the table, and gives back the bars.
    pub(crate) fn print(&self) -> Vec<String> {
        self.print_rows("", |row| row.figure != Figure::P99, |sample| (sample.wall, sample.cpu));
        self.print_rows("p50/p99", |row| row.figure == Figure::P99, |sample| (sample.p50, sample.p99));
        self.rows.iter().flat_map(|(row, samples)| self.bars(row, samples)).collect()
    }

    fn print_rows(&self, title: &str, wanted: impl Fn(&Row) -> bool, pair: impl Fn(&Sample) -> (f64, f64)) {
        let mut rows = self.rows.iter().filter(|(row, _)| wanted(row)).peekable();
        if rows.peek().is_none() {
            return;
        }
        print!("{title:12}");
        self.competitors.iter().for_each(|(name, _)| print!("{name:>14}"));
        println!();
        for (row, samples) in rows {
            print!("{:12}", row.name);
            for sample in samples {
                let (first, second) = pair(sample);
                print!("{:>14}", format!("{}/{}", number(first), number(second)));
            }
            println!();
        }
    }

    fn bars(&self, row: &Row, samples: &[Sample]) -> Vec<String> {
        let best = |role: Role| {
            let of_role = self.competitors.iter().zip(samples).filter(|((_, other), _)| *other == role);
            // `min` prefers a number to what is none.
            of_role.map(|(_, sample)| row.figure.of(*sample)).fold(f64::NAN, f64::min)
        };
        let ours = best(Role::Ours);
        let mut bars = Vec::new();
        if let Some(limit) = row.limit {
            let figure = ours / best(Role::Limit);
            bars.push(Limit::AtMost(limit).bar(&format!("actors/{}", row.name), figure));
        }
        let figure = ours / best(Role::Crate);
        bars.push(Limit::AtMost(1.0).bar(&format!("actors/{}/ahead", row.name), figure));
        bars
    }
}

/// As many digits as can be told apart.
pub(crate) fn number(number: f64) -> String {
    match number {
        n if n.is_nan() => "-".into(),
        n if n < 9.95 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}
