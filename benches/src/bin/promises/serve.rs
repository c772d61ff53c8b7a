//! The house as a process: scripted model, real journal, HTTP. It ends when its parent does.

use std::{
    collections::HashMap,
    io::{Read, Write},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use playhouse_assembly::House;
use playhouse_benches::{
    figures::Spread,
    house::{self, Moment, Script},
    served::Serve,
};
use playhouse_http::Options;
use playhouse_ports::{Clock, SystemClock};
use tokio::net::TcpListener;

use crate::Run;

/// Serves until the parent is gone.
pub(crate) fn run(serve: &Serve, run: &Run) -> Result<ExitCode> {
    // The parent holds the other end of our stdin; when it is gone, so is the reason to serve.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let holding = Holding { since_ms: serve.since_ms, tell_at: serve.tell_at, tasks: Mutex::default() };
    let hold_after = serve.hold_after.unwrap_or(u32::MAX);
    let seen = move |task, moment| match moment {
        Moment::Asked(results) if results >= hold_after => holding.add(task),
        _ => {}
    };
    let script = Script {
        think: Duration::from_millis(serve.think_ms),
        hold_after: serve.hold_after,
        approve: serve.approve,
        ..Script::new(serve.rounds, Arc::new(seen))
    };
    let config = house::config(serve.data.clone(), serve.cache.clone(), serve.bounds());
    run.tokio()?.block_on(async {
        let running = House::build(&config, script.extras()).await?.start().await?;
        let router = playhouse_http::router(Arc::new(running.runtime.clone()), Options::default());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        say(&format!("listening {}", listener.local_addr()?));
        playhouse_http::serve(listener, router, std::future::pending()).await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Tasks whose model call is held: when each was first asked.
struct Holding {
    since_ms: u64,
    tell_at: usize,
    tasks: Mutex<HashMap<usize, Duration>>,
}

impl Holding {
    fn add(&self, task: usize) {
        let age = Duration::from_millis(SystemClock.now_ms().saturating_sub(self.since_ms));
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = tasks.insert(task, age).is_none();
        if is_new && tasks.len() == self.tell_at {
            let spread = Spread::of(tasks.values().copied().collect());
            say(&format!("holding {} {}", spread.ms(50.0), spread.ms(100.0)));
        }
    }
}

/// Tells the parent.
fn say(line: &str) {
    let mut out = std::io::stdout();
    // A parent that does not listen has gone, and this process follows.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
