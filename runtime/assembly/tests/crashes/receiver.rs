//! What stands outside the process that dies, and counts. One line in, one line out.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// `tool effect-id`, and how often it was started.
    pub(crate) started: BTreeMap<String, usize>,
    /// Effects whose result a client has been shown.
    completed: BTreeSet<String>,
    /// Effects that were started after that.
    pub(crate) repeated: Vec<String>,
    /// Tasks whose submission was acknowledged.
    pub(crate) acknowledged: BTreeSet<String>,
    /// Tasks that ended, and how.
    pub(crate) ended: BTreeMap<String, String>,
    /// Effects of unknown outcome.
    pub(crate) unknown: usize,
}

/// The listening half.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: String,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let theirs = seen.clone();
        // Ends with the test process; a round has one of these, and there are some dozens of rounds.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = theirs.clone();
                thread::spawn(move || serve(&stream, &seen));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, seen: &Mutex<Seen>) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        let answer = seen.lock().unwrap().hear(&line);
        if writeln!(stream, "{answer}").is_err() {
            return;
        }
    }
}

impl Seen {
    fn hear(&mut self, line: &str) -> &'static str {
        let (what, about) = line.split_once(' ').unwrap();
        let about = about.to_owned();
        match what {
            "start" => {
                let effect = about.split_once(' ').unwrap().1;
                if self.completed.contains(effect) {
                    self.repeated.push(about.clone());
                }
                *self.started.entry(about).or_default() += 1;
            }
            "did" => return if self.started.contains_key(&about) { "yes" } else { "no" },
            "completed" => drop(self.completed.insert(about)),
            "unknown" => self.unknown += 1,
            "acknowledged" => drop(self.acknowledged.insert(about)),
            "ended" => {
                let (task, how) = about.split_once(' ').unwrap();
                self.ended.insert(task.to_owned(), how.to_owned());
            }
            other => panic!("nobody says `{other}`"),
        }
        "ok"
    }
}

/// The telling half: blocks until it was heard.
pub(crate) fn tell(address: &str, line: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    writeln!(stream, "{line}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer.trim().to_owned()
}
