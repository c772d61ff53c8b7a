//! The manifest of a component: a configuration, one layer with the bytes, and a layer for each signature.
//!
//! The layout is that of the CNCF's guidance for WebAssembly in registries, so that other programs can pull our tools
//! and we theirs. Signatures are layers of a type of our own, which others pass over.

use playhouse_core::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    bounds::{COMPONENT_BYTES_MAX, LAYERS_MAX, MANIFEST_BYTES_MAX, SIGNATURE_BYTES_MAX, SIGNATURES_MAX},
    claims::{Claims, is_sha256},
    signature::Signature,
    time::rfc3339,
};

/// Media type of a manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of a component's configuration.
pub const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// Media type of a component.
pub const WASM_TYPE: &str = "application/wasm";
/// Media type of a detached signature.
pub const SIGNATURE_TYPE: &str = "application/vnd.playhouse.signature.v0+minisig";

/// A piece of content: what it is, how long, and which bytes exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What it is.
    pub media_type: String,
    /// `sha256:<hex>`.
    pub digest: String,
    /// How many bytes.
    pub size: u64,
}

/// A manifest whose form was checked: what it points at is bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The component.
    pub wasm: Descriptor,
    /// Its signatures.
    pub signatures: Vec<Descriptor>,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not the manifest of a WebAssembly component: {0}; check the reference, or pack the tool again"
)]
pub struct BadManifest(String);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    schema_version: u32,
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    manifests: Option<Value>,
}

impl Descriptor {
    fn of(media_type: &str, bytes: &[u8]) -> Self {
        let digest = format!("sha256:{}", digest::of_bytes(bytes));
        Self { media_type: media_type.into(), digest, size: bytes.len() as u64 }
    }

    fn check(self, most: u64) -> Result<Self, BadManifest> {
        let is_sha256 = self.digest.strip_prefix("sha256:").is_some_and(is_sha256);
        if !is_sha256 {
            return Err(BadManifest("a digest is not `sha256:` and 64 digits of lower-case hex".into()));
        }
        if most < self.size {
            let (kind, size) = (&self.media_type, self.size);
            return Err(BadManifest(format!("a layer `{kind}` of {size} bytes is over the limit of {most}")));
        }
        Ok(self)
    }
}

impl Manifest {
    /// Reads a manifest. Pure, and safe with any bytes.
    ///
    /// # Errors
    /// [`BadManifest`] says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadManifest> {
        let bad = |why: &str| BadManifest(why.to_owned());
        if bytes.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        let written: Written = serde_json::from_slice(bytes)
            .map_err(|error| BadManifest(format!("it cannot be read as JSON of a manifest ({error})")))?;
        if written.manifests.is_some() {
            return Err(bad("it is a list of manifests; name one of them by its digest"));
        }
        if written.schema_version != 2 || written.media_type.is_some_and(|kind| kind != MANIFEST_TYPE) {
            return Err(bad("it is of another kind or version"));
        }
        match written.config {
            Some(config) if config.media_type == CONFIG_TYPE => {}
            _ => return Err(BadManifest(format!("its configuration is not `{CONFIG_TYPE}`"))),
        }
        if written.layers.len() > LAYERS_MAX {
            return Err(BadManifest(format!("it has more than {LAYERS_MAX} layers")));
        }
        let of_kind = |kind: &str, most: u64| -> Result<Vec<Descriptor>, BadManifest> {
            let layers = written.layers.iter().filter(|layer| layer.media_type == kind);
            layers.cloned().map(|layer| layer.check(most)).collect()
        };
        let signatures = of_kind(SIGNATURE_TYPE, SIGNATURE_BYTES_MAX)?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(BadManifest(format!("it has more than {SIGNATURES_MAX} signatures")));
        }
        let mut wasm = of_kind(WASM_TYPE, COMPONENT_BYTES_MAX)?;
        match (wasm.pop(), wasm.is_empty()) {
            (Some(wasm), true) => Ok(Self { wasm, signatures }),
            (None, _) => Err(BadManifest(format!("it has no layer `{WASM_TYPE}`"))),
            (Some(_), false) => Err(BadManifest(format!("it has more than one layer `{WASM_TYPE}`"))),
        }
    }
}

/// All that is pushed for one tool: made by [`Artifact::pack`], the same for the same input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub(crate) blobs: Vec<(Descriptor, Vec<u8>)>,
    pub(crate) manifest: Vec<u8>,
}

impl Artifact {
    /// Packs a component that is what `claims` say, with its signatures. `now` is in seconds since 1970.
    pub fn pack(bytes: &[u8], claims: &Claims, signatures: &[Signature], now: i64) -> Self {
        let created = rfc3339(now);
        let config = json!({
            "created": created,
            "architecture": "wasm",
            // What the guidance calls a component, whether or not it imports anything of WASI.
            "os": "wasip2",
            "layerDigests": [format!("sha256:{}", digest::of_bytes(bytes))],
            "component": { "imports": claims.imports, "exports": [], "target": null },
        });
        let config = serde_json::to_vec(&config).expect("JSON can be written as JSON");
        let layer = |kind: &str, bytes: &[u8]| (Descriptor::of(kind, bytes), bytes.to_vec());
        let config = layer(CONFIG_TYPE, &config);
        let layers: Vec<_> = std::iter::once(layer(WASM_TYPE, bytes))
            .chain(signatures.iter().map(|signature| layer(SIGNATURE_TYPE, signature.text().as_bytes())))
            .collect();
        let descriptors: Vec<&Descriptor> = layers.iter().map(|(descriptor, _)| descriptor).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.0,
            "layers": descriptors,
            "annotations": {
                "org.opencontainers.image.created": created,
                "org.opencontainers.image.title": claims.name,
                "org.opencontainers.image.version": claims.version,
            },
        });
        let manifest = serde_json::to_vec(&manifest).expect("JSON can be written as JSON");
        Self { blobs: std::iter::once(config).chain(layers).collect(), manifest }
    }

    /// SHA-256 of the manifest, in hex: the name of the artifact that no registry can change.
    pub fn digest(&self) -> String {
        digest::of_bytes(&self.manifest)
    }

    /// The manifest's bytes.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }
}
