//! An assessment in JSON, so that a replay finds it as it was: numbers are kept by their bits.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tagwarden_core::{Assessment, Disposition, FAMILIES, Parts, RuleHit, Scores, Severity, Shadow};

#[derive(Serialize, Deserialize)]
#[serde(remote = "RuleHit")]
struct RuleHitDef {
    id: Arc<str>,
    title: Arc<str>,
    severity: Severity,
    reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Hit(#[serde(with = "RuleHitDef")] RuleHit);

fn hits_out<S: Serializer>(hits: &[RuleHit], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(hits.iter().cloned().map(Hit))
}

fn hits_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RuleHit>, D::Error> {
    Ok(Vec::<Hit>::deserialize(deserializer)?.into_iter().map(|hit| hit.0).collect())
}

/// A float by its bits: no decimal detour, and infinities survive.
#[derive(Serialize, Deserialize)]
struct Bits(u64);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn float_out<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Bits(value.to_bits()).serialize(serializer)
}

fn float_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(f64::from_bits(Bits::deserialize(deserializer)?.0))
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn maybe_out<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(|v| Bits(v.to_bits())).serialize(serializer)
}

fn maybe_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Bits>::deserialize(deserializer)?.map(|bits| f64::from_bits(bits.0)))
}

/// Score and percentile.
#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn shadow_out<S: Serializer>(value: &Option<Shadow>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(|v| [v.score, v.percentile].map(|v| Bits(v.to_bits()))).serialize(serializer)
}

fn shadow_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Shadow>, D::Error> {
    let both = Option::<[Bits; 2]>::deserialize(deserializer)?;
    Ok(both.map(|both| both.map(|bits| f64::from_bits(bits.0))).map(|[score, percentile]| Shadow { score, percentile }))
}

fn families_out<S: Serializer>(tails: &[f32; FAMILIES], serializer: S) -> Result<S::Ok, S::Error> {
    tails.map(f32::to_bits).serialize(serializer)
}

fn families_in<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f32; FAMILIES], D::Error> {
    Ok(<[u32; FAMILIES]>::deserialize(deserializer)?.map(f32::from_bits))
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Scores")]
struct ScoresDef {
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_out",
        deserialize_with = "maybe_in"
    )]
    percentile: Option<f64>,
    #[serde(serialize_with = "float_out", deserialize_with = "float_in")]
    score: f64,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_out",
        deserialize_with = "maybe_in"
    )]
    forest: Option<f64>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_out",
        deserialize_with = "maybe_in"
    )]
    tails: Option<f64>,
    // What an earlier release wrote has none of the next three.
    #[serde(default, serialize_with = "families_out", deserialize_with = "families_in")]
    families: [f32; FAMILIES],
    #[serde(default, serialize_with = "float_out", deserialize_with = "float_in")]
    rules: f64,
    #[serde(default, serialize_with = "float_out", deserialize_with = "float_in")]
    rerank: f64,
    // Only a dry run takes scores apart.
    #[serde(skip)]
    parts: Option<Parts>,
    #[serde(serialize_with = "float_out", deserialize_with = "float_in")]
    surprisal_sum: f64,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_out",
        deserialize_with = "maybe_in"
    )]
    peer_distance: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peer_group: Option<String>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "maybe_out",
        deserialize_with = "maybe_in"
    )]
    threshold: Option<f64>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "shadow_out",
        deserialize_with = "shadow_in"
    )]
    shadow: Option<Shadow>,
    // They are among the assessment's reasons.
    #[serde(skip)]
    reasons: Vec<String>,
    #[serde(skip)]
    leading: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Assessment")]
pub(crate) struct AssessmentDef {
    #[serde(serialize_with = "hits_out", deserialize_with = "hits_in")]
    hits: Vec<RuleHit>,
    #[serde(with = "ScoresDef")]
    scores: Scores,
    reasons: Vec<String>,
    severity: Severity,
    disposition: Disposition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suppressed_by: Option<String>,
    production_critical: bool,
    anomalous: bool,
}
