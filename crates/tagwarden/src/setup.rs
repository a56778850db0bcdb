//! From the command line and the configuration file to what is really in force.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use crate::Usage;
use crate::config::{self, Config, ConfigFault};
use crate::wire::Recipe;

/// The rules, as the command line chooses them.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct RuleChoice {
    /// Sigma rules in place of the shipped ones
    #[arg(long, value_name = "DIR", conflicts_with = "no_rules")]
    pub rules: Option<PathBuf>,
    /// No rules at all
    #[arg(long)]
    pub no_rules: bool,
}

/// Configuration, inventory and rules, as the command line names them.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct SetupArgs {
    /// The configuration file; what is given here goes before it
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the operator knows: accounts, people, teams, networks
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    #[command(flatten)]
    pub rules: RuleChoice,
}

/// A configuration that has been read and checked, with the command line laid over it.
pub struct Setup {
    /// The settings.
    pub config: Config,
    /// What judging is made from.
    pub recipe: Recipe,
    /// The file of the model; it may be missing where a schedule is going to make it.
    pub model: Option<PathBuf>,
    /// The model that scores beside it, as named by hand.
    pub shadow: Option<Arc<[u8]>>,
}

/// The model, as the command line chooses it.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct ModelChoice {
    /// A trained model (`tagwarden train`): its file, or the folder that it lies in
    #[arg(long, value_name = "PATH")]
    pub model: Option<PathBuf>,
}

impl ModelChoice {
    /// The model's file, if one was chosen.
    fn file(&self) -> Option<PathBuf> {
        self.model.as_deref().map(model_file)
    }
}

/// The file of a model that is named by it or by its folder.
pub fn model_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("model.bin") } else { path.to_owned() }
}

impl Setup {
    /// Lays over it what a worker takes: a model, which may be missing where the worker is going to learn one, and
    /// another in its shadow.
    ///
    /// # Errors
    /// As [`with_model`](Self::with_model); a shadow that has no days.
    pub fn with_models(self, choice: &ModelChoice, shadow: Option<&Path>) -> Result<Self> {
        let (file, scheduled) = (choice.file(), self.config.train.schedule.is_some());
        let setup = match file {
            Some(file) if scheduled && !file.exists() => {
                Self { model: Some(file), ..self.with_model(&ModelChoice::default())? }
            }
            _ => self.with_model(choice)?,
        };
        setup.with_shadow(shadow)
    }

    /// Lays the model over it that scores beside the one in force.
    ///
    /// # Errors
    /// A file that can't be read or is no model that can be used; a shadow that has no days.
    pub fn with_shadow(mut self, shadow: Option<&Path>) -> Result<Self> {
        self.shadow = shadow.map(|path| read_model("--shadow", &model_file(path))).transpose()?;
        if self.shadow.is_some() && self.config.baseline.shadow_days == 0 {
            return Err(Usage("baseline.shadow_days: found 0 with --shadow, want 1 or more".into()).into());
        }
        Ok(self)
    }

    /// Lays the chosen model over it.
    ///
    /// # Errors
    /// A file that can't be read or is no model that can be used; no model where the kind of score needs one.
    pub fn with_model(mut self, choice: &ModelChoice) -> Result<Self> {
        self.model = choice.file();
        self.recipe.model = match &self.model {
            Some(file) => Some(read_model("--model", file)?),
            None => None,
        };
        let kind = self.config.baseline.kind;
        if self.recipe.model.is_none() && kind.needs_model() {
            let kind = kind.name();
            return Err(Usage(format!("baseline.kind: found `{kind}` without a model, want one: give --model")).into());
        }
        Ok(self)
    }
}

/// The bytes of the model that `flag` names, known to be one that can be used.
pub fn read_model(flag: &str, file: &Path) -> Result<Arc<[u8]>> {
    let told = |what: String| Usage(format!("{flag} {}: {what}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| told(format!("found no model to read: {error}")))?;
    tagwarden_baseline::Model::from_bytes(&bytes).map_err(|error| told(error.to_string()))?;
    Ok(bytes.into())
}

impl SetupArgs {
    /// Reads the configuration (or the defaults), lays `overrides` and the chosen rules and inventory over it, and checks
    /// all of it.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(&self, overrides: &[(&str, toml::Value)]) -> Result<Setup> {
        let text = match &self.config {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|e| Usage(format!("reading the configuration {}: {e}", path.display())))?,
            None => String::new(),
        };
        read(&text, self, overrides).map_err(|mut faults| {
            faults.sort_by_key(|fault| fault.line);
            let name = self.config.as_ref().map_or("command line".into(), |f| f.display().to_string());
            let lines: Vec<String> = faults.iter().map(|f| format!("{name}: {f}")).collect();
            Usage(lines.join("\n")).into()
        })
    }
}

/// As [`SetupArgs::load`], from the file's text; every fault by itself.
fn read(text: &str, args: &SetupArgs, overrides: &[(&str, toml::Value)]) -> Result<Setup, Vec<ConfigFault>> {
    let SetupArgs { config: file, inventory, rules } = args;
    let file = file.as_deref();
    let config = config::parse(text)?;
    let mut faults = Vec::new();
    let mut fault = |path: &str, what: String| {
        let line = line_of_setting(text, path);
        faults.push(ConfigFault { line, path: path.to_owned(), what });
    };
    let folder = rules.rules.clone().or_else(|| config.rules.dir.as_ref().map(|dir| config::beside(file, dir)));
    if config.rules.none && config.rules.dir.is_some() {
        fault("rules", "found both `dir` and `none`, want one of them".into());
    }
    let rules = if rules.no_rules || (config.rules.none && rules.rules.is_none()) {
        None
    } else if let Some(folder) = folder {
        match tagwarden_detect::Rules::load_dir(&folder) {
            Ok(rules) => Some(rules.version_text()),
            Err(found) => {
                for found in found {
                    fault("rules.dir", found.to_string());
                }
                None
            }
        }
    } else {
        match tagwarden_detect::Rules::shipped() {
            Ok(rules) => Some(rules.version_text()),
            Err(error) => {
                fault("rules", error.to_string());
                None
            }
        }
    };
    let known = inventory.clone();
    let known = known.or_else(|| config.inventory.file.as_ref().map(|path| config::beside(file, path)));
    let mut model = None;
    let inventory = known.and_then(|path| match std::fs::read(&path) {
        Ok(bytes) => {
            match tagwarden_enrich::Inventory::from_json(&bytes) {
                Ok(inventory) => model = Some(inventory),
                Err(error) => fault("inventory.file", format!("{}: {error}", path.display())),
            }
            Some(bytes)
        }
        Err(error) => {
            fault("inventory.file", format!("reading {}: {error}", path.display()));
            None
        }
    });
    if let Err(found) = tagwarden_enrich::Directory::build(&config.company, model.as_ref()) {
        for text in found {
            let (path, what) = text.split_once(": ").unwrap_or(("", &text));
            fault(&format!("company.{path}"), what.to_owned());
        }
    }
    for (path, what) in config.baseline.faults() {
        fault(&format!("baseline.{path}"), what);
    }
    if !(4..=366).contains(&config.train.days) {
        fault("train.days", format!("found {}, want 4 to 366", config.train.days));
    }
    let names: Vec<String> = config.destination.iter().map(|d| d.name().to_owned()).collect();
    for text in config.alert.faults(&names) {
        let (path, what) = text.split_once(": ").unwrap_or(("", &text));
        fault(&format!("alert.{path}"), what.to_owned());
    }
    if let Err(found) = tagwarden_detect::Judge::new(tagwarden_detect::Rules::none(), config.policy.clone()) {
        for text in found {
            let (path, what) = text.split_once(": ").unwrap_or(("", &text));
            fault(&format!("policy.{path}"), what.to_owned());
        }
    }
    for (at, destination) in config.destination.iter().enumerate() {
        let path = format!("destination[{at}]");
        if names[..at].contains(&names[at]) {
            fault(&format!("{path}.name"), format!("found `{}` twice, want one of each name", names[at]));
        }
        for text in destination.faults() {
            let (key, what) = text.split_once(": ").unwrap_or(("", &text));
            fault(&format!("{path}.{key}"), what.to_owned());
        }
    }
    if config.epoch.events == 0 {
        fault("epoch.events", "found 0, want at least 1".into());
    }
    if let Some(listen) = &config.metrics.listen
        && listen.parse::<std::net::SocketAddr>().is_err()
    {
        fault("metrics.listen", format!("found `{listen}`, want an address and port such as 127.0.0.1:9464"));
    }
    for (path, what) in unknown_in_company(text) {
        fault(&path, what);
    }
    let version = match config::version_text(text, overrides) {
        Ok(version) => version,
        Err(error) => {
            fault("toml", error.to_string());
            String::new()
        }
    };
    if faults.is_empty() {
        Ok(Setup {
            config,
            recipe: Recipe { config: version, rules, inventory, model: None, shadow: None },
            model: None,
            shadow: None,
        })
    } else {
        Err(faults)
    }
}

/// Settings that `[company]` does not know inside what it shares with the inventory. The inventory may carry members of
/// others; a configuration is ours alone, where an unknown name is a slip.
fn unknown_in_company(text: &str) -> Vec<(String, String)> {
    const KNOWN: [(&str, &[&str]); 4] = [
        ("accounts", &["id", "name", "ou", "environment", "team"]),
        ("people", &["email", "names", "team", "time_zone"]),
        ("teams", &["name", "time_zone", "repository", "accounts", "source_identity"]),
        ("roles", &["ci", "operator", "automation", "break_glass_users"]),
    ];
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let company = table.get("company").and_then(toml::Value::as_table);
    let mut found = Vec::new();
    for (section, known) in KNOWN {
        let (many, one) = match company.and_then(|company| company.get(section)) {
            Some(toml::Value::Array(many)) => (many.as_slice(), None),
            Some(toml::Value::Table(one)) => (&[][..], Some(one)),
            _ => continue,
        };
        let tables = many.iter().filter_map(toml::Value::as_table).chain(one);
        for (at, table) in tables.enumerate() {
            let place = if one.is_some() { section.to_owned() } else { format!("{section}[{at}]") };
            for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
                let what = format!("found the unknown setting `{key}`, want one of `{}`", known.join("`, `"));
                found.push((format!("company.{place}.{key}"), what));
            }
        }
    }
    found
}

/// The line where a setting is given, found by its last name under its section.
fn line_of_setting(text: &str, path: &str) -> Option<usize> {
    let (section, key) = path.rsplit_once('.').unwrap_or((path, ""));
    let section = section.split('[').next().unwrap_or(section);
    let mut here = false;
    let mut header = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            here = line.trim_matches(['[', ']']) == section;
            if here && header.is_none() {
                header = Some(at + 1);
            }
        } else if here && !key.is_empty() && line.split('=').next().is_some_and(|name| name.trim() == key) {
            return Some(at + 1);
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::{SetupArgs, read};

    #[test]
    fn a_slip_in_what_the_company_shares_with_the_inventory_is_told() {
        let text = "[company.roles]\nci = [\"ci-*\"]\ncd = [\"x\"]\n[[company.teams]]\nname = \"a\"\nzone = \"UTC\"\n";
        let faults = read(text, &SetupArgs::default(), &[]).map(|_| ()).unwrap_err();
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 2, "{faults:#?}");
        assert!(
            faults.iter().any(|f| f.starts_with("line 3: company.roles.cd: found the unknown setting `cd`")),
            "{faults:#?}"
        );
        assert!(
            faults.iter().any(|f| f.contains("company.teams[0].zone: found the unknown setting `zone`")),
            "{faults:#?}"
        );
    }

    #[test]
    fn a_schedule_says_when_and_a_window_is_long_enough() {
        let text = "[train]\nschedule = \"25:00\"\n";
        let faults = read(text, &SetupArgs::default(), &[]).map(|_| ()).unwrap_err();
        let told = "line 2: train.schedule: found \"25:00\", want a time of day in UTC such as 03:00, or a span such as every 6h";
        assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);
        let faults = read("[train]\ndays = 3\n", &SetupArgs::default(), &[]).map(|_| ()).unwrap_err();
        assert_eq!(faults[0].to_string(), "line 2: train.days: found 3, want 4 to 366");
        let read = read("[train]\nschedule = \"03:00\"\n", &SetupArgs::default(), &[]).ok().unwrap();
        assert_eq!(read.config.train.days, 28);
        assert!(!read.recipe.config.contains("train"), "when a model is learned is no part of how is judged");
    }
}
