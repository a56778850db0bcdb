//! `tagwarden drift`: how far a stretch of an archive has moved from what a model learned.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::Result;
use indicatif::ProgressBar;
use serde_json::json;
use tagwarden_baseline::Model;

use crate::Usage;
use crate::setup::{ModelChoice, SetupArgs};
use crate::train::Stretch;
use crate::wire::training::Learner;

#[derive(clap::Args)]
pub struct Args {
    /// The archive's root; it is only read
    #[arg(long, value_name = "DIR")]
    archive: PathBuf,
    /// The first date to compare
    #[arg(long, value_name = "DATE")]
    from: String,
    /// The first date not to compare any more
    #[arg(long, value_name = "DATE")]
    to: String,
    #[command(flatten)]
    setup: SetupArgs,
    #[command(flatten)]
    model: ModelChoice,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Result<()> {
    let setup = args.setup.load(&[])?.with_model(&args.model)?;
    let Some(bytes) = &setup.recipe.model else {
        return Err(Usage("--model: found none, want the model to compare with".into()).into());
    };
    let model = Model::from_bytes(bytes)?;
    let stretch = Stretch::between(&args.archive, &args.from, &args.to)?;
    let mut learner = Learner::new(&setup.recipe, 0, stretch.days())?;
    stretch.pass(&mut learner, &HashSet::new(), &ProgressBar::new(0)).await?;
    let shifts = learner.baseline().shifts(&model);
    if shifts.is_empty() {
        return Err(Usage("--to: found too few days and changes to compare, want four days or more".into()).into());
    }
    let told = learner.told();
    let rate = told.values().sum::<usize>() as f64 / told.len().max(1) as f64;
    if args.json {
        let told: Vec<_> = told.iter().map(|(day, groups)| json!([day, groups])).collect();
        println!("{}", json!({"groups_a_day": rate, "groups_told": told, "shifts": shifts}));
        return Ok(());
    }
    println!("groups a day above the threshold: {rate:.2} over {} days", told.len());
    println!("\nPSI by feature; below 0.1 is little, above 0.25 a lot:");
    let mut shifts = shifts;
    // A stable sort: equal ones stay in the features' own order.
    shifts.sort_by(|a, b| b.psi.total_cmp(&a.psi));
    for shift in shifts {
        println!("{:7.3}  {}", shift.psi, shift.feature);
    }
    Ok(())
}
