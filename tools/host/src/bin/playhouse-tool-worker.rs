//! A worker and nothing else: for programs that cannot call `worker_entry` in their own `main`, and for tests.

fn main() {
    playhouse_tools_host::worker_entry();
    eprintln!("this program is started by Playhouse to run tools; it does nothing by itself");
    std::process::exit(2);
}
