//! `playhouse tool keygen|sign|verify|pack|install|list|remove` on the command line.

use std::path::PathBuf;

use clap::Args;

/// Where tools are installed.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Folder of installed tools [default: ~/.local/share/playhouse/tools].
    #[arg(long, value_name = "DIR", env = "PLAYHOUSE_TOOLS")]
    pub(crate) folder: Option<PathBuf>,
}

/// Whom to trust.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// Whose signatures count [default: trust.toml in the folder of installed tools, if it is there].
    #[arg(long, value_name = "FILE", env = "PLAYHOUSE_TRUST")]
    pub(crate) trust: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

/// Arguments of `tool keygen`.
#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Name of the files: NAME.key stays with you, NAME.pub is for everybody.
    pub(crate) name: PathBuf,
}

/// Arguments of `tool sign`.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The component; the signature is added to FILE.minisig.
    pub(crate) file: PathBuf,
    /// The secret key. A passphrase is taken from PLAYHOUSE_SIGNING_PASSPHRASE.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

/// Arguments of `tool verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The component; its signatures are in FILE.minisig.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Arguments of `tool pack`.
#[derive(Debug, Args)]
pub(crate) struct PackArgs {
    /// The component; signatures in FILE.minisig go with it.
    pub(crate) file: PathBuf,
    /// Where to push it: `oci://registry/repository:tag`.
    pub(crate) to: String,
}

/// Arguments of `tool install`.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    /// A component, the folder of a project, `https://…` or `oci://registry/repository:tag`; pinned with `#sha256=…` behind the address, or `@sha256:…` in
    /// place of the tag.
    pub(crate) source: String,
    /// Agree to whatever it wants, unseen.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Arguments of `tool list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// Arguments of `tool remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// Name of the tool.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}
