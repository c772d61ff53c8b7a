//! `wasi:filesystem`: no folder is opened beforehand, so that there never is a descriptor to call anything on.

use crate::Adapter;
use crate::bindings::exports::wasi::filesystem::types::{
    Advice, DescriptorBorrow, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use crate::bindings::exports::wasi::filesystem::{preopens, types};
use crate::bindings::exports::wasi::io::{error, streams};

impl preopens::Guest for Adapter {
    fn get_directories() -> Vec<(types::Descriptor, String)> {
        Vec::new()
    }
}

impl types::Guest for Adapter {
    type Descriptor = Descriptor;
    type DirectoryEntryStream = Entries;

    fn filesystem_error_code(_: error::ErrorBorrow<'_>) -> Option<ErrorCode> {
        None
    }
}

/// There are none.
pub(crate) enum Descriptor {}
/// There are none of these either.
pub(crate) enum Entries {}

/// What a method of one gives.
type Given<T> = Result<T, ErrorCode>;

impl types::GuestDirectoryEntryStream for Entries {
    never! { read_directory_entry() -> Given<Option<DirectoryEntry>>; }
}

impl types::GuestDescriptor for Descriptor {
    never! {
        read_via_stream(u64) -> Given<streams::InputStream>;
        write_via_stream(u64) -> Given<streams::OutputStream>;
        append_via_stream() -> Given<streams::OutputStream>;
        advise(u64, u64, Advice) -> Given<()>;
        sync_data() -> Given<()>;
        get_flags() -> Given<DescriptorFlags>;
        get_type() -> Given<DescriptorType>;
        set_size(u64) -> Given<()>;
        set_times(NewTimestamp, NewTimestamp) -> Given<()>;
        read(u64, u64) -> Given<(Vec<u8>, bool)>;
        write(Vec<u8>, u64) -> Given<u64>;
        read_directory() -> Given<DirectoryEntryStream>;
        sync() -> Given<()>;
        create_directory_at(String) -> Given<()>;
        stat() -> Given<DescriptorStat>;
        stat_at(PathFlags, String) -> Given<DescriptorStat>;
        set_times_at(PathFlags, String, NewTimestamp, NewTimestamp) -> Given<()>;
        link_at(PathFlags, String, DescriptorBorrow<'_>, String) -> Given<()>;
        open_at(PathFlags, String, OpenFlags, DescriptorFlags) -> Given<types::Descriptor>;
        readlink_at(String) -> Given<String>;
        remove_directory_at(String) -> Given<()>;
        rename_at(String, DescriptorBorrow<'_>, String) -> Given<()>;
        symlink_at(String, String) -> Given<()>;
        unlink_file_at(String) -> Given<()>;
        metadata_hash() -> Given<MetadataHashValue>;
        metadata_hash_at(PathFlags, String) -> Given<MetadataHashValue>;
        is_same_object(DescriptorBorrow<'_>) -> bool;
    }
}
