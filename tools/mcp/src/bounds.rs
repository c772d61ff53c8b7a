//! Every limit on what a server may make us hold, wait for or do, in one place. A server is a stranger's program.

use std::time::Duration;

/// Bytes of one message over stdio. The largest result we keep is [`RESULT_BYTES_MAX`]; the rest is room for a page of tools.
pub(crate) const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Nesting of one message: the envelope adds a few levels to the 64 that our own JSON may have.
pub(crate) const FRAME_DEPTH_MAX: usize = 80;
/// Lines on stdout that are not messages, in one life. Careless servers print a greeting; a broken one prints a stream.
pub(crate) const GARBAGE_LINES_MAX: u32 = 64;
/// Notifications within [`NOTIFICATIONS_PERIOD`]: far more than progress needs, far less than what costs a core.
pub(crate) const NOTIFICATIONS_MAX: u32 = 5_000;
/// See [`NOTIFICATIONS_MAX`].
pub(crate) const NOTIFICATIONS_PERIOD: Duration = Duration::from_secs(5);
/// Requests of the server within [`NOTIFICATIONS_PERIOD`], answered or not: who asks faster asks nobody in particular.
pub(crate) const QUESTIONS_MAX: u32 = 200;
/// Requests of the server that wait for our answer; each may ask a person or a model.
pub(crate) const REQUESTS_MAX: usize = 16;
/// A server that has not read a message after this long does not read any.
pub(crate) const WRITE_WAIT: Duration = Duration::from_secs(10);
/// Messages to the server that are not written yet. More than calls at once and their cancellations.
pub(crate) const WRITES_MAX: usize = 1_024;

/// Starting, shaking hands and listing its tools: an interpreter on a cold disk takes seconds, a package runner that has to
/// download some 20. Less than a first look may take (45 s, in the assembly), so that it is told what the server last said.
pub(crate) const START_WAIT: Duration = Duration::from_secs(40);
/// A call that finds the server starting waits this long for it, or as long as the call may take.
pub(crate) const START_PATIENCE: Duration = Duration::from_secs(10);
/// Listing tools again also shows whether a server that let a call time out still answers at all.
pub(crate) const LIST_WAIT: Duration = Duration::from_secs(10);
/// Least time between two listings, however often the server says that its list has changed.
pub(crate) const LIST_REST: Duration = Duration::from_secs(1);
/// A listing that took long to judge is followed by a rest this many times as long: at most a twentieth of a core.
pub(crate) const LIST_REST_TIMES: u32 = 20;
/// Bytes of all the tools of a server together, as JSON. More would fill no prompt, and cost time to compile.
pub(crate) const LIST_BYTES_MAX: usize = 1024 * 1024;
/// Pages of one list.
pub(crate) const PAGES_MAX: usize = 32;
/// Entries of one list, of tools, resources or prompts.
pub(crate) const ENTRIES_MAX: usize = 512;
/// Bytes of the cursor between two pages.
pub(crate) const CURSOR_BYTES_MAX: usize = 4 * 1024;

/// Bytes of a tool's description. Every prompt carries it.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 8 * 1024;
/// Bytes of one schema, as JSON.
pub(crate) const SCHEMA_BYTES_MAX: usize = 32 * 1024;
/// Nesting of one schema.
pub(crate) const SCHEMA_DEPTH_MAX: usize = 32;
/// Patterns in one schema: 4 MiB per schema at worst, once they are compiled.
pub(crate) const PATTERNS_MAX: usize = 16;
/// Bytes of a tool's name with its server's: what model providers take.
pub(crate) const TOOL_NAME_BYTES_MAX: usize = 64;

/// Nesting of arguments and results.
pub(crate) const VALUE_DEPTH_MAX: usize = 64;
/// Bytes of the arguments of one call, as JSON.
pub(crate) const ARGUMENTS_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one result, as JSON; the same as for a sandboxed tool.
pub(crate) const RESULT_BYTES_MAX: usize = 256 * 1024;
/// Bytes of one image, sound or file in a result, in base64. A larger one is named and left out.
pub(crate) const BLOB_BYTES_MAX: usize = 128 * 1024;
/// Characters of a server's own words in our messages.
pub(crate) const WORDS_CHARS_MAX: usize = 2_000;
/// Calls that wait for one of the server's `concurrency` places.
pub(crate) const WAITING_MAX: usize = 256;
/// Rounds in which a server may ask for more input before it answers a call.
pub(crate) const INPUT_ROUNDS_MAX: usize = 4;

/// Words of progress of one call within [`PROGRESS_PERIOD`]: more than people read. The rest is dropped.
pub(crate) const PROGRESS_MAX: u32 = 20;
/// See [`PROGRESS_MAX`].
pub(crate) const PROGRESS_PERIOD: Duration = Duration::from_secs(1);
/// Characters of one word of progress: a line.
pub(crate) const PROGRESS_CHARS_MAX: usize = 200;
/// Forms that one call may have filled in: a dialogue of several pages, and not a search for an answer.
pub(crate) const FORMS_MAX: u32 = 16;
/// A person who has not answered so long before the end of the call's time counts as one who declines: the server is to
/// hear the no and end the call itself.
pub(crate) const PERSON_GRACE: Duration = Duration::from_secs(1);
/// Bytes of one question to the model, as JSON, and of the answer to it.
pub(crate) const SAMPLING_BYTES_MAX: usize = 64 * 1024;
/// Messages of one question to the model.
pub(crate) const SAMPLING_MESSAGES_MAX: usize = 64;

/// Bytes of the address of a resource.
pub(crate) const URI_BYTES_MAX: usize = 2 * 1024;
/// Bytes of a template of such addresses.
pub(crate) const TEMPLATE_BYTES_MAX: usize = 1024;
/// Entries of a list that a model is shown at once; the next ones follow when it asks for them.
pub(crate) const SHOWN_MAX: usize = 100;
/// Bytes of them, as JSON: a list is read to choose from it, and leaves room for what is chosen.
pub(crate) const SHOWN_BYTES_MAX: usize = 64 * 1024;
/// Characters of a description in such a list.
pub(crate) const SHOWN_CHARS_MAX: usize = 500;

/// First rest after a life that was short; doubles up to [`REST_MAX`].
pub(crate) const REST: Duration = Duration::from_millis(200);
/// A server that cannot stay up is tried about twice a minute.
pub(crate) const REST_MAX: Duration = Duration::from_secs(30);
/// A server that lived this long died of something new.
pub(crate) const GROWN_UP: Duration = Duration::from_secs(10);
/// A server that is asked to end has this long after its stdin was closed, and again after SIGTERM.
pub(crate) const END_GRACE: Duration = Duration::from_secs(2);
/// A dead process's last lines are in the pipe already.
pub(crate) const LAST_WORDS_WAIT: Duration = Duration::from_millis(500);
/// Lines of stderr that are kept for the reason of an end.
pub(crate) const LAST_WORDS_LINES: usize = 8;
/// Bytes of one line of stderr; longer ones are not for people.
pub(crate) const STDERR_LINE_BYTES_MAX: u64 = 4 * 1024;
/// Bytes of the file of pins: 512 tools of several servers with full descriptions fit.
pub(crate) const PINS_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The beginning of `text`, marked if something is missing.
pub(crate) fn clipped(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
