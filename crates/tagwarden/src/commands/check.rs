//! `tagwarden check`: the configuration and its rules, without network.

use std::path::PathBuf;

use anyhow::Result;

use crate::setup::{RuleChoice, SetupArgs};

#[derive(Clone, clap::Args)]
pub struct Args {
    /// The configuration file
    #[arg(short, long, default_value = "tagwarden.toml")]
    config: PathBuf,
    #[command(flatten)]
    rules: RuleChoice,
    /// What the operator knows, as JSON
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    let Args { config, rules, inventory } = args.clone();
    let setup = SetupArgs { config: Some(config), rules, inventory }.load(&[])?;
    let rules = setup
        .recipe
        .rules
        .as_deref()
        .map_or(Ok(0), |text| tagwarden_detect::Rules::from_version_text(text).map(|rules| rules.len()))?;
    let inventory = if setup.recipe.inventory.is_some() { "with inventory" } else { "no inventory" };
    let destinations = match setup.config.destination.len() {
        0 => "nobody to tell".to_owned(),
        1 => "1 destination".to_owned(),
        n => format!("{n} destinations"),
    };
    println!("{}: in order: {rules} rules, {destinations}, {inventory}", args.config.display());
    Ok(())
}
