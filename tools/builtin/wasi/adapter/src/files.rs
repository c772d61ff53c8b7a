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

/// Methods of what does not exist.
macro_rules! never {
    ($($name:ident($($taken:ty),*) -> $given:ty;)*) => {
        $(fn $name(&self, $(_: $taken),*) -> Result<$given, ErrorCode> { match *self {} })*
    };
}

impl types::GuestDirectoryEntryStream for Entries {
    never! { read_directory_entry() -> Option<DirectoryEntry>; }
}

impl types::GuestDescriptor for Descriptor {
    never! {
        read_via_stream(u64) -> streams::InputStream;
        write_via_stream(u64) -> streams::OutputStream;
        append_via_stream() -> streams::OutputStream;
        advise(u64, u64, Advice) -> ();
        sync_data() -> ();
        get_flags() -> DescriptorFlags;
        get_type() -> DescriptorType;
        set_size(u64) -> ();
        set_times(NewTimestamp, NewTimestamp) -> ();
        read(u64, u64) -> (Vec<u8>, bool);
        write(Vec<u8>, u64) -> u64;
        read_directory() -> DirectoryEntryStream;
        sync() -> ();
        create_directory_at(String) -> ();
        stat() -> DescriptorStat;
        stat_at(PathFlags, String) -> DescriptorStat;
        set_times_at(PathFlags, String, NewTimestamp, NewTimestamp) -> ();
        link_at(PathFlags, String, DescriptorBorrow<'_>, String) -> ();
        open_at(PathFlags, String, OpenFlags, DescriptorFlags) -> types::Descriptor;
        readlink_at(String) -> String;
        remove_directory_at(String) -> ();
        rename_at(String, DescriptorBorrow<'_>, String) -> ();
        symlink_at(String, String) -> ();
        unlink_file_at(String) -> ();
        metadata_hash() -> MetadataHashValue;
        metadata_hash_at(PathFlags, String) -> MetadataHashValue;
    }

    fn is_same_object(&self, _: DescriptorBorrow<'_>) -> bool {
        match *self {}
    }
}
